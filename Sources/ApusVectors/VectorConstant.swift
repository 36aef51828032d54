internal import ApusCollections

/// 16 bytes known while compiling.
public struct VectorConstant: Hashable, BitwiseCopyable, Sendable {
    public var low: UInt64
    public var high: UInt64

    /// The same 64 bits twice.
    public init(_ both: UInt64) {
        low = both
        high = both
    }

    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Sixteen times `byte`.
    public static func bytes(_ byte: UInt8) -> VectorConstant {
        VectorConstant(UInt64(byte) &* 0x0101_0101_0101_0101)
    }

    /// Eight times `word`.
    public static func words(_ word: UInt16) -> VectorConstant {
        VectorConstant(UInt64(word) &* 0x0001_0001_0001_0001)
    }

    /// Four times `word`.
    public static func doublewords(_ word: UInt32) -> VectorConstant {
        VectorConstant(UInt64(word) &* 0x0000_0001_0000_0001)
    }

    /// Byte `index` is `byte(index)`.
    public init(bytes byte: (Int) -> UInt8) {
        self.init(0)
        for index in 0..<8 {
            low |= UInt64(byte(index)) << UInt64(8 * index)
            high |= UInt64(byte(index + 8)) << UInt64(8 * index)
        }
    }

    public var isZero: Bool { low | high == 0 }
    public var isAllOnes: Bool { low & high == .max }
}
