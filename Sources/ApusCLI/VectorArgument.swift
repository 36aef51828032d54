internal import Apus

/// Vectors of 128 bits as text: one number, `0x…` or decimal, or lanes, `i32x4:1,2,3,4`.
enum VectorArgument {
    static func vector(_ text: String) -> Vector128? {
        guard let colon = text.firstIndex(of: ":") else {
            return FunctionArguments.magnitude(text).map(vector)
        }
        let lanes = text[text.index(after: colon)...]
            .split(separator: ",", omittingEmptySubsequences: false)
            .map { String($0.drop { $0 == " " }) }
        switch text[..<colon] {
        case "i8x16": return vector(lanes, bits: 8)
        case "i16x8": return vector(lanes, bits: 16)
        case "i32x4": return vector(lanes, bits: 32)
        case "i64x2": return vector(lanes, bits: 64)
        case "f32x4": return vector(lanes, bits: 32) { Float($0).map { UInt64($0.bitPattern) } }
        case "f64x2": return vector(lanes, bits: 64) { Double($0)?.bitPattern }
        default: return nil
        }
    }

    private static func vector(_ number: UInt128) -> Vector128 {
        Vector128(
            low: UInt64(truncatingIfNeeded: number), high: UInt64(truncatingIfNeeded: number >> 64))
    }

    private static func vector(_ lanes: [String], bits: Int) -> Vector128? {
        vector(lanes, bits: bits) { FunctionArguments.integer($0, bits: bits) }
    }

    /// The vector of `lanes`, the first in the lowest bits, each of which `lane` reads.
    private static func vector(
        _ lanes: [String], bits: Int, _ lane: (String) -> UInt64?
    ) -> Vector128? {
        guard lanes.count == 128 / bits else { return nil }
        var number: UInt128 = 0
        for text in lanes.reversed() {
            guard let value = lane(text) else { return nil }
            number = number << UInt128(bits) | UInt128(value)
        }
        return vector(number)
    }
}
