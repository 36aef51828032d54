internal import ApusCollections

/// A vector of 128 bits, whose lanes are whatever an instruction takes them for.
///
/// Lane 0 is in the lowest bits. Specification: 2.3.2 “Vector Types”.
public struct Vector128: Hashable, Sendable {
    /// The lower 64 bits.
    public var low: UInt64
    /// The upper 64 bits.
    public var high: UInt64

    /// A vector of two 64-bit halves.
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The vector with these bytes, lane 0 first.
    public init(_ bytes: SIMD16<UInt8>) {
        low = 0
        high = 0
        for index in 0..<8 {
            low |= UInt64(bytes[index]) << UInt64(8 * index)
            high |= UInt64(bytes[index + 8]) << UInt64(8 * index)
        }
    }

    /// The bytes, lane 0 first.
    public var bytes: SIMD16<UInt8> {
        var bytes = SIMD16<UInt8>()
        for index in 0..<8 {
            bytes[index] = UInt8(truncatingIfNeeded: low >> UInt64(8 * index))
            bytes[index + 8] = UInt8(truncatingIfNeeded: high >> UInt64(8 * index))
        }
        return bytes
    }
}

extension Vector128: CustomStringConvertible {
    /// The 128 bits as one hexadecimal number.
    public var description: String {
        func digits(_ half: UInt64) -> String {
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return "0x" + digits(high) + digits(low)
    }
}
