internal import ApusCollections

/// Names of functions as they stand in the sources of C++ and Rust, from those that compilers make
/// of them.
///
/// The names are a guest's: whatever they hold, work and result are bounded. What cannot be read
/// is left as it is.
enum DemangledName {
    /// Longer names are not looked at.
    private static var bytesRead: Int { 8192 }

    /// Whether `name` looks like one that a compiler made. Most names do not, which their first
    /// bytes tell.
    static func isMangled(_ name: String) -> Bool {
        let bytes = name.utf8
        return bytes.starts(with: "_Z".utf8) || bytes.starts(with: "_R".utf8)
    }

    /// `name` as it stands in its source; nil if it is not a name that a compiler made, or one of
    /// a kind that is not known here.
    static func of(_ name: String) -> String? {
        guard name.utf8.count <= bytesRead, isMangled(name) else { return nil }
        let bytes = Array(name.utf8)
        if bytes.starts(with: "_R".utf8) { return RustName.demangled(bytes) }
        return RustLegacyName.demangled(bytes) ?? ItaniumName.demangled(bytes)
    }
}

/// Why a name cannot be read.
enum DemanglingFailure: Error {
    /// It is not what it looks like, or of a kind that is not known here.
    case unknown
    /// It says more than anybody would read.
    case tooLong
}

/// Reads a mangled name, and counts what that costs.
struct MangledReader {
    let bytes: [UInt8]
    var position: Int
    private var depth = 0
    private var steps = 0

    init(_ bytes: [UInt8], at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    /// How deep names may be nested: real ones are by far not.
    private static var depthLimit: Int { 128 }
    /// How many pieces may be read, repeated ones each time: names refer back to what came before.
    private static var stepLimit: Int { 20_000 }

    /// Notes that a piece within the present one begins; `leave` ends it.
    mutating func enter() throws(DemanglingFailure) {
        depth += 1
        steps += 1
        if depth > Self.depthLimit { throw .unknown }
        if steps > Self.stepLimit { throw .tooLong }
    }

    mutating func leave() { depth -= 1 }

    /// The next byte; nil at the end.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func peek(_ distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    mutating func take() throws(DemanglingFailure) -> UInt8 {
        guard let byte = next else { throw .unknown }
        position += 1
        return byte
    }

    /// Whether `text` comes next, which is read then.
    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        let matches = text.description.utf8.elementsEqual(bytes[position..<position + count])
        if matches { position += count }
        return matches
    }

    /// Larger numbers mean nothing in a name.
    private static var numberLimit: Int { 1 << 30 }

    /// A decimal number, which has no zeros before it.
    mutating func number() throws(DemanglingFailure) -> Int {
        guard let first = next, Self.isDigit(first) else { throw .unknown }
        if skip("0") { return 0 }
        var value = 0
        while let byte = next, Self.isDigit(byte) {
            value = value * 10 + Int(byte - 0x30)
            if value > Self.numberLimit { throw .unknown }
            position += 1
        }
        return value
    }

    /// The next `count` bytes.
    mutating func piece(_ count: Int) throws(DemanglingFailure) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw .unknown }
        defer { position += count }
        return bytes[position..<position + count]
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
