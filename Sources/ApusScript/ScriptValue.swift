public import ApusFormat
public import ApusText

/// A value that a script hands to an engine or gets from it.
public enum ScriptValue: Hashable, Sendable {
    case i32(UInt32)
    case i64(UInt64)
    case f32(bits: UInt32)
    case f64(bits: UInt64)
    case v128(low: UInt64, high: UInt64)
    /// A null reference of some type to which the heap type belongs.
    case null(HeapType)
    /// A reference to the script's object of this number, or to an object that is none of the
    /// script's.
    case external(UInt32?)
    /// The same, as a reference of the type `any`.
    case host(UInt32?)
    /// Any other reference, to something of the heap type.
    case reference(HeapType)

    /// The value that a script writes as `constant`.
    public init(_ constant: Script.Constant) {
        switch constant {
        case .i32(let bits): self = .i32(bits)
        case .i64(let bits): self = .i64(bits)
        case .f32(let bits): self = .f32(bits: bits)
        case .f64(let bits): self = .f64(bits: bits)
        case .v128(let bytes):
            func word(_ range: Range<Int>) -> UInt64 {
                bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            self = .v128(low: word(0..<8), high: word(8..<16))
        case .null(let heap): self = .null(heap)
        case .external(let number): self = .external(number)
        case .host(let number): self = .host(number)
        }
    }
}

extension ScriptValue: CustomStringConvertible {
    /// The type and the value; floats with their bits.
    public var description: String {
        switch self {
        case .i32(let bits): "i32(\(Int32(bitPattern: bits)))"
        case .i64(let bits): "i64(\(Int64(bitPattern: bits)))"
        case .f32(let bits): "f32(\(Float(bitPattern: bits)), \(Self.hexadecimal(bits)))"
        case .f64(let bits): "f64(\(Double(bitPattern: bits)), \(Self.hexadecimal(bits)))"
        case .v128(let low, let high):
            "v128(\(Self.hexadecimal(low)), \(Self.hexadecimal(high)))"
        case .null(let heap): "null(\(heap))"
        case .external(let number): "extern(\(number.map { "\($0)" } ?? "another object"))"
        case .host(let number): "host(\(number.map { "\($0)" } ?? "another object"))"
        case .reference(let heap): "ref(\(heap))"
        }
    }

    static func hexadecimal(_ bits: some BinaryInteger) -> String {
        "0x" + String(bits, radix: 16)
    }
}

extension Script.FloatPattern {
    /// What a float of `byteCount` bytes is to be, as a message says it; integers by their bits.
    func text(byteCount: Int? = nil) -> String {
        switch self {
        case .bits(let bits):
            let hexadecimal = ScriptValue.hexadecimal(bits)
            return switch byteCount {
            case 4: "\(Float(bitPattern: UInt32(truncatingIfNeeded: bits))), \(hexadecimal)"
            case 8: "\(Double(bitPattern: bits)), \(hexadecimal)"
            default: hexadecimal
            }
        case .canonicalNaN: return "nan:canonical"
        case .arithmeticNaN: return "nan:arithmetic"
        }
    }
}

extension Script.Pattern {
    /// What a script expects, as values are written.
    var text: String {
        switch self {
        case .i32(let bits): return ScriptValue.i32(bits).description
        case .i64(let bits): return ScriptValue.i64(bits).description
        case .f32(let pattern): return "f32(\(pattern.text(byteCount: 4)))"
        case .f64(let pattern): return "f64(\(pattern.text(byteCount: 8)))"
        case .v128(let lanes):
            return "v128(\(lanes.map { $0.text() }.joined(separator: ", ")))"
        case .null(let heap): return heap.map { ScriptValue.null($0).description } ?? "null"
        case .external(let number): return "extern(\(number.map { "\($0)" } ?? "any object"))"
        case .host(let number): return "host(\(number.map { "\($0)" } ?? "any object"))"
        case .reference(let heap): return ScriptValue.reference(heap).description
        case .either(let patterns): return patterns.map(\.text).joined(separator: " or ")
        }
    }

    /// Whether `value` is what a script expects.
    func matches(_ value: ScriptValue) -> Bool {
        switch (self, value) {
        case (.i32(let expected), .i32(let bits)): expected == bits
        case (.i64(let expected), .i64(let bits)): expected == bits
        case (.f32(let pattern), .f32(let bits)): pattern.matches(UInt64(bits), byteCount: 4)
        case (.f64(let pattern), .f64(let bits)): pattern.matches(bits, byteCount: 8)
        case (.v128(let lanes), .v128(let low, let high)): Self.match(lanes, low, high)
        case (.null(nil), .null): true
        case (.null(let expected?), .null(let heap)): Self.family(expected) == Self.family(heap)
        case (.external(nil), .external): true
        case (.external(let expected?), .external(let number)): expected == number
        case (.host(nil), .host): true
        case (.host(let expected?), .host(let number)): expected == number
        case (.reference(let expected), .reference(let heap)): Self.admits(expected, heap)
        case (.reference(.any), .host), (.reference(.extern), .external): true
        case (.either(let patterns), _): patterns.contains { $0.matches(value) }
        default: false
        }
    }

    /// The top of the hierarchy that `heap` belongs to.
    private static func family(_ heap: HeapType) -> HeapType {
        switch heap {
        case .func, .nofunc: .func
        case .extern, .noextern: .extern
        case .exn, .noexn: .exn
        // Scripts have no types of their own: such a null was asked for by index.
        default: heap.typeIndex == nil ? .any : .func
        }
    }

    /// Whether each `heap` is an `expected` too.
    private static func admits(_ expected: HeapType, _ heap: HeapType) -> Bool {
        switch expected {
        case heap: true
        case .any: [.eq, .i31, .struct, .array].contains(heap)
        case .eq: [.i31, .struct, .array].contains(heap)
        default: false
        }
    }

    private static func match(
        _ lanes: [Script.FloatPattern], _ low: UInt64, _ high: UInt64
    ) -> Bool {
        let byteCount = 16 / max(lanes.count, 1)
        let lanesPerWord = max(8 / byteCount, 1)
        return lanes.enumerated().allSatisfy { index, lane in
            let word = index < lanesPerWord ? low : high
            let shifted = word >> UInt64(8 * byteCount * (index % lanesPerWord))
            let mask = byteCount == 8 ? UInt64.max : 1 << UInt64(8 * byteCount) - 1
            return lane.matches(shifted & mask, byteCount: byteCount)
        }
    }
}
