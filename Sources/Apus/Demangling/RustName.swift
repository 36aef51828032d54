internal import ApusCollections

/// Rust's names of version 0 (RFC 2603): `_RNvNtCs1234_7mycrate3foo3bar` is `mycrate::foo::bar`.
///
/// Hashes of crates are left out.
struct RustName {
    var reader: MangledReader
    var text = ""
    /// Whether pieces are only read, not written.
    private var isSilent = false
    /// How many lifetimes the binders around the present type have named.
    var boundLifetimes = 0

    /// More than this of a name is not shown.
    private static var lengthLimit: Int { 1000 }

    /// What `bytes` stand for; nil if they are no such name.
    static func demangled(_ bytes: [UInt8]) -> String? {
        var name = RustName(reader: MangledReader(bytes, at: 2))
        do throws(DemanglingFailure) {
            // Backward references count from here, and names of other versions have a number.
            guard let first = name.reader.next, first >= 0x41, first <= 0x5A else { return nil }
            try name.path(isValue: true)
            // The crate that instantiated it is of no interest.
            if let next = name.reader.next, next != 0x2E, next != 0x24 {
                name.isSilent = true
                try name.path(isValue: false)
            }
            guard name.reader.next == nil || name.reader.next == 0x2E || name.reader.next == 0x24
            else { return nil }
            return name.text
        } catch .tooLong {
            return name.text + "…"
        } catch {
            return nil
        }
    }

    private init(reader: MangledReader) { self.reader = reader }

    mutating func write(_ piece: some StringProtocol) throws(DemanglingFailure) {
        if isSilent { return }
        if text.utf8.count + piece.utf8.count > Self.lengthLimit { throw .tooLong }
        text += piece
    }

    mutating func silently(
        _ work: (inout RustName) throws(DemanglingFailure) -> Void
    ) throws(DemanglingFailure) {
        let outer = isSilent
        isSilent = true
        try work(&self)
        isSilent = outer
    }

    /// A path; in a value's its arguments stand behind `::`.
    mutating func path(isValue: Bool) throws(DemanglingFailure) {
        try reader.enter()
        switch try reader.take() {
        case UInt8(ascii: "C"):
            _ = try disambiguator()
            try write(identifier())
        case UInt8(ascii: "N"): try nestedPath(isValue)
        case UInt8(ascii: "M"):
            try implementationPath()
            try write("<")
            try type()
            try write(">")
        case UInt8(ascii: "X"):
            try implementationPath()
            try qualifiedType()
        case UInt8(ascii: "Y"): try qualifiedType()
        case UInt8(ascii: "I"):
            try path(isValue: isValue)
            try write(isValue ? "::<" : "<")
            try list { name throws(DemanglingFailure) in try name.genericArgument() }
            try write(">")
        case UInt8(ascii: "B"):
            try backReference { name throws(DemanglingFailure) in try name.path(isValue: isValue) }
        default: throw .unknown
        }
        reader.leave()
    }

    private mutating func nestedPath(_ isValue: Bool) throws(DemanglingFailure) {
        let space = try reader.take()
        try path(isValue: isValue)
        let number = try disambiguator()
        let name = try identifier()
        // Capital letters stand for what has no name of its own.
        if space >= 0x41, space <= 0x5A {
            let kind =
                space == 0x43 ? "closure" : space == 0x53 ? "shim" : "\(Character(.init(space)))"
            try write("::{\(kind)\(name.isEmpty ? "" : ":\(name)")#\(number)}")
        } else {
            guard space >= 0x61, space <= 0x7A else { throw .unknown }
            if !name.isEmpty { try write("::\(name)") }
        }
    }

    /// Where an implementation stands, which is not shown.
    private mutating func implementationPath() throws(DemanglingFailure) {
        _ = try disambiguator()
        try silently { name throws(DemanglingFailure) in try name.path(isValue: false) }
    }

    private mutating func qualifiedType() throws(DemanglingFailure) {
        try write("<")
        try type()
        try write(" as ")
        try path(isValue: false)
        try write(">")
    }

    private mutating func genericArgument() throws(DemanglingFailure) {
        if reader.skip("L") { return try lifetime(base62()) }
        if reader.skip("K") { return try constant() }
        try type()
    }

    /// Items up to `E`, separated by commas. Returns how many there are.
    @discardableResult
    mutating func list(
        _ item: (inout RustName) throws(DemanglingFailure) -> Void
    ) throws(DemanglingFailure) -> Int {
        var count = 0
        while !reader.skip("E") {
            if count > 0 { try write(", ") }
            try item(&self)
            count += 1
        }
        return count
    }

    /// What stands at an earlier place is read again.
    mutating func backReference(
        _ work: (inout RustName) throws(DemanglingFailure) -> Void
    ) throws(DemanglingFailure) {
        let start = reader.position - 1
        let target = try base62() + 2
        guard target < start else { throw .unknown }
        if isSilent { return }
        let end = reader.position
        reader.position = target
        try work(&self)
        reader.position = end
    }

    // MARK: Small pieces

    /// Digits up to an underscore; none are 0, and each other number is one more than it says.
    mutating func base62() throws(DemanglingFailure) -> Int {
        if reader.skip("_") { return 0 }
        var value = 0
        while true {
            let byte = try reader.take()
            let digit: UInt8
            switch byte {
            case 0x5F: return value + 1
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x7A: digit = byte - 0x61 + 10
            case 0x41...0x5A: digit = byte - 0x41 + 36
            default: throw .unknown
            }
            // Hashes of crates are larger than this, and nobody asks for their value.
            value = min(value, 1 << 55) * 62 + Int(digit)
        }
    }

    /// The number that tells names apart which are otherwise equal.
    private mutating func disambiguator() throws(DemanglingFailure) -> Int {
        reader.skip("s") ? try base62() + 1 : 0
    }

    mutating func identifier() throws(DemanglingFailure) -> String {
        let isPunycode = reader.skip("u")
        let count = try reader.number()
        // It parts the count from names that begin with a digit or an underscore.
        _ = reader.skip("_")
        let bytes = try reader.piece(count)
        if !isPunycode { return String(decoding: bytes, as: UTF8.self) }
        guard let name = Punycode.decoded(bytes) else { throw .unknown }
        return name
    }
}
