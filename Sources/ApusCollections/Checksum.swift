/// 128 bits that stand for bytes: other bytes give others.
///
/// Bytes of which any eight in a row were changed always give others. That many changes should
/// cancel each other does not happen by accident; that somebody finds some that do is not ruled
/// out, so who may be deceived compares the bytes, too.
public struct Checksum: Hashable, BitwiseCopyable, Sendable {
    public var low: UInt64
    public var high: UInt64

    /// A checksum that was noted down.
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The checksum of `bytes`.
    public init(of bytes: Span<UInt8>) {
        var lanes = Lanes()
        let count = bytes.count
        // SAFETY: the bytes are lent for the call; each read begins at least as many bytes before
        // the end as it takes.
        unsafe bytes.withUnsafeBufferPointer { buffer in
            let start = unsafe UnsafeRawPointer(buffer.baseAddress)
            var offset = 0
            if let start = unsafe start {
                while offset &+ 32 <= count {
                    unsafe lanes.add(
                        start.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
                        start.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self),
                        start.loadUnaligned(fromByteOffset: offset &+ 16, as: UInt64.self),
                        start.loadUnaligned(fromByteOffset: offset &+ 24, as: UInt64.self))
                    offset &+= 32
                }
            }
            while offset < count {
                var word: UInt64 = 0
                for place in 0..<Swift.min(8, count &- offset) {
                    word |= unsafe UInt64(buffer[offset &+ place]) << UInt64(place &* 8)
                }
                lanes.add(word, 0, 0, 0)
                offset &+= 8
            }
        }
        lanes.add(UInt64(count), 0, 0, 0)
        low = Lanes.mixed(lanes.first ^ Lanes.mixed(lanes.second))
        high = Lanes.mixed(lanes.third ^ Lanes.mixed(lanes.fourth ^ low))
    }

    /// 32 digits.
    public var hexadecimal: String {
        func digits(_ word: UInt64) -> String {
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(high) + digits(low)
    }
}

/// Four words that are worked on side by side, since each step waits for the one before it. A step
/// can be undone, so that no change of a word is lost again.
private struct Lanes {
    var first: UInt64 = 0x9E37_79B9_7F4A_7C15
    var second: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    var third: UInt64 = 0x1656_67B1_9E37_79F9
    var fourth: UInt64 = 0x27D4_EB2F_1656_67C5

    @inline(__always)
    mutating func add(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = Self.step(self.first, first)
        self.second = Self.step(self.second, second)
        self.third = Self.step(self.third, third)
        self.fourth = Self.step(self.fourth, fourth)
    }

    @inline(__always)
    private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let product = (lane ^ word) &* 0x9FB2_1C65_1E98_DF25
        return product << 29 | product >> 35
    }

    @inline(__always)
    static func mixed(_ word: UInt64) -> UInt64 {
        var word = word
        word ^= word >> 32
        word = word &* 0xD6E8_FEB8_6659_FD93
        word ^= word >> 29
        word = word &* 0x9FB2_1C65_1E98_DF25
        return word ^ word >> 32
    }
}
