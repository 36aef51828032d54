internal import Apus
internal import ApusFormat
internal import ApusText

extension Value {
    /// The value that a script writes as `constant`; nil if the API has no such values.
    init?(_ constant: Script.Constant) {
        switch constant {
        case .i32(let bits): self = .i32(Int32(bitPattern: bits))
        case .i64(let bits): self = .i64(Int64(bitPattern: bits))
        case .f32(let bits): self = .f32(Float(bitPattern: bits))
        case .f64(let bits): self = .f64(Double(bitPattern: bits))
        case .null(.func): self = .function(nil)
        case .null(.extern): self = .external(nil)
        case .external(let number): self = .external(ExternReference(number))
        case .v128(let bytes):
            func word(_ range: Range<Int>) -> UInt64 {
                bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            self = .v128(Vector128(low: word(0..<8), high: word(8..<16)))
        case .null, .host: return nil
        }
    }

    /// The value with its bits, for reports.
    var scriptDescription: String {
        switch self {
        case .f32(let value): "f32(\(value), 0x\(String(value.bitPattern, radix: 16)))"
        case .f64(let value): "f64(\(value), 0x\(String(value.bitPattern, radix: 16)))"
        case .external(let value?): "externref(\(value.value))"
        default: description
        }
    }
}

extension Script.Pattern {
    /// Whether `value` is what a script expects.
    func matches(_ value: Value) -> Bool {
        switch (self, value) {
        case (.i32(let bits), .i32(let value)): Int32(bitPattern: bits) == value
        case (.i64(let bits), .i64(let value)): Int64(bitPattern: bits) == value
        case (.f32(let pattern), .f32(let value)):
            pattern.matches(UInt64(value.bitPattern), byteCount: 4)
        case (.f64(let pattern), .f64(let value)):
            pattern.matches(value.bitPattern, byteCount: 8)
        case (.v128(let lanes), .v128(let value)): Self.match(lanes, value)
        case (.null(let heap), .function(nil)):
            heap == nil || heap == .func || heap == .nofunc || heap?.typeIndex != nil
        case (.null(let heap), .external(nil)):
            heap == nil || heap == .extern || heap == .noextern
        case (.external(nil), .external(_?)): true
        case (.external(let number?), .external(let value?)): value.value as? UInt32 == number
        case (.reference(.func), .function(_?)): true
        case (.either(let patterns), _): patterns.contains { $0.matches(value) }
        default: false
        }
    }

    private static func match(_ lanes: [Script.FloatPattern], _ value: Vector128) -> Bool {
        let byteCount = 16 / max(lanes.count, 1)
        let lanesPerWord = max(8 / byteCount, 1)
        return lanes.enumerated().allSatisfy { index, lane in
            let word = index < lanesPerWord ? value.low : value.high
            let shifted = word >> UInt64(8 * byteCount * (index % lanesPerWord))
            let mask = byteCount == 8 ? UInt64.max : 1 << UInt64(8 * byteCount) - 1
            return lane.matches(shifted & mask, byteCount: byteCount)
        }
    }
}
