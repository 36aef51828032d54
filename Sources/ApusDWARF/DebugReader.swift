internal import ApusCollections

/// Reads numbers and texts of debugging information, which is little-endian. Whatever the bytes
/// are, it stays within its range.
struct DebugReader {
    let bytes: ByteStorage
    /// In the module's bytes.
    private(set) var position: Int
    private(set) var end: Int

    init(_ bytes: ByteStorage, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }
    var remaining: Int { end - position }

    func malformed() -> MalformedDebugInformation { MalformedDebugInformation(offset: position) }

    mutating func skip(_ count: Int) throws(MalformedDebugInformation) {
        guard count >= 0, count <= remaining else { throw malformed() }
        position += count
    }

    /// What is left ends `count` bytes further on.
    mutating func limit(to count: Int) throws(MalformedDebugInformation) {
        guard count >= 0, count <= remaining else { throw malformed() }
        end = position + count
    }

    // MARK: Numbers

    mutating func byte() throws(MalformedDebugInformation) -> UInt8 {
        guard position < end else { throw malformed() }
        defer { position += 1 }
        return bytes.span[position]
    }

    mutating func unsigned(_ count: Int) throws(MalformedDebugInformation) -> UInt64 {
        guard count <= remaining, count <= 8 else { throw malformed() }
        var value: UInt64 = 0
        for place in 0..<count { value |= UInt64(bytes.span[position + place]) << (8 * place) }
        position += count
        return value
    }

    mutating func half() throws(MalformedDebugInformation) -> UInt16 {
        UInt16(truncatingIfNeeded: try unsigned(2))
    }

    mutating func word() throws(MalformedDebugInformation) -> UInt32 {
        UInt32(truncatingIfNeeded: try unsigned(4))
    }

    mutating func signedByte() throws(MalformedDebugInformation) -> Int {
        Int(Int8(bitPattern: try byte()))
    }

    /// An unsigned number of any length; bits beyond the 64th are lost.
    mutating func leb() throws(MalformedDebugInformation) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift < 64 { value |= UInt64(next & 0x7F) << shift }
            shift += 7
            if next < 0x80 { return value }
        }
    }

    /// A signed number of any length; bits beyond the 64th are lost.
    mutating func signedLeb() throws(MalformedDebugInformation) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift < 64 { value |= UInt64(next & 0x7F) << shift }
            shift += 7
            if next >= 0x80 { continue }
            if shift < 64, next & 0x40 != 0 { value |= ~0 << shift }
            return Int64(bitPattern: value)
        }
    }

    /// A number that counts or names something.
    mutating func count() throws(MalformedDebugInformation) -> Int {
        let value = try leb()
        guard value <= UInt64(UInt32.max) else { throw malformed() }
        return Int(value)
    }

    // MARK: Lengths

    /// The length that begins units and tables, and how many bytes their offsets have.
    mutating func unitLength() throws(MalformedDebugInformation) -> (length: Int, offset: Int) {
        let short = try word()
        if short < 0xFFFF_FFF0 { return (Int(short), 4) }
        guard short == 0xFFFF_FFFF else { throw malformed() }
        return (try offset(8), 8)
    }

    /// An offset into a section.
    mutating func offset(_ bytes: Int) throws(MalformedDebugInformation) -> Int {
        let value = try unsigned(bytes)
        guard value <= UInt64(Int32.max) else { throw malformed() }
        return Int(value)
    }

    // MARK: Texts

    /// Longer texts are of no use to anybody.
    private static var textBytesLimit: Int { 4096 }

    /// Skips a text that ends with a zero; where it begins.
    mutating func skipText() throws(MalformedDebugInformation) -> Int {
        let start = position
        while try byte() != 0 {}
        return start
    }

    /// The text here, which ends with a zero or with what is to be read.
    func text() -> String {
        var text: [UInt8] = []
        var place = position
        while place < end, text.count < Self.textBytesLimit, bytes.span[place] != 0 {
            text.append(bytes.span[place])
            place += 1
        }
        return String(decoding: text, as: UTF8.self)
    }
}
