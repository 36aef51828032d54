internal import ApusCollections

/// Writes numbers and texts as debugging information has them.
struct DebugWriter {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func number(_ value: UInt64, bytes count: Int) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }

    mutating func half(_ value: UInt16) { number(UInt64(value), bytes: 2) }
    mutating func word(_ value: UInt32) { number(UInt64(value), bytes: 4) }
    mutating func word(_ value: Int) { word(UInt32(truncatingIfNeeded: value)) }
    mutating func long(_ value: UInt64) { number(value, bytes: 8) }

    mutating func leb(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func signedLeb(_ value: Int64) {
        var rest = value
        while rest < -64 || rest > 63 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest) & 0x7F)
    }

    /// A text that a zero ends.
    mutating func text(_ text: String) {
        bytes += text.utf8.filter { $0 != 0 }
        bytes.append(0)
    }

    mutating func append(_ other: some Sequence<UInt8>) { bytes += other }

    mutating func pad(to alignment: Int, with byte: UInt8 = 0) {
        while bytes.count % alignment != 0 { bytes.append(byte) }
    }

    /// Writes `value` over the four bytes at `place`.
    mutating func setWord(_ value: Int, at place: Int) {
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }
}
