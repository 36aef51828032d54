internal import ApusCollections
public import ApusFormat

/// What vector instructions give, lane by lane, as the specification (4.3.6) or, of relaxed ones,
/// the processor says.
public struct VectorModel: Sendable {
    /// Relaxed instructions do what the specification calls deterministic.
    public var isDeterministic: Bool
    /// Relaxed multiplication and addition rounds once.
    public var isFused: Bool
    /// Relaxed lane selection asks the highest bit of a lane, save of lanes of 16 bits.
    public var selectsByHighestBit: Bool

    public init(isDeterministic: Bool, isFused: Bool, selectsByHighestBit: Bool) {
        self.isDeterministic = isDeterministic
        self.isFused = isFused
        self.selectsByHighestBit = selectsByHighestBit
    }

    /// A result; where lanes are floats that were computed, any NaN stands for all.
    public struct Result: Sendable {
        public var vector: ModelVector
        public var floats: VectorShape?

        init(_ vector: ModelVector, floats: VectorShape? = nil) {
            self.vector = vector
            self.floats = floats
        }

        public func agrees(with other: ModelVector) -> Bool {
            guard let floats else { return vector == other }
            let bits = floats.bits
            return (0..<(128 / bits)).allSatisfy { index in
                let expected = vector[bits, index]
                let found = other[bits, index]
                return expected == found
                    || isNaN(expected, bits) && isNaN(found, bits) && isQuiet(found, bits)
            }
        }

        private func isNaN(_ lane: UInt64, _ bits: Int) -> Bool {
            bits == 32
                ? Float(bitPattern: UInt32(lane)).isNaN : Double(bitPattern: lane).isNaN
        }

        private func isQuiet(_ lane: UInt64, _ bits: Int) -> Bool {
            lane >> (bits == 32 ? 22 : 51) & 1 != 0
        }
    }

    // MARK: One operand

    /// What an instruction gives that makes a vector of one; nil if `instruction` does not.
    public func result(_ instruction: Operation, _ a: ModelVector) -> Result? {
        switch instruction {
        case .vectorNot: Result(ModelVector(64) { ~a[64, $0] })
        case .vectorUnary(let shape, let unary):
            shape.isFloat ? floatUnary(shape, unary, a) : Result(integerUnary(shape, unary, a))
        case .vectorConvert(let conversion): result(conversion, a)
        default: nil
        }
    }

    private func integerUnary(
        _ shape: VectorShape, _ unary: VectorUnary, _ a: ModelVector
    ) -> ModelVector {
        let bits = shape.bits
        return ModelVector(bits) { index in
            switch unary {
            case .absolute: a.signed(bits, index).magnitude
            case .negate: 0 &- a[bits, index]
            default: UInt64(a[bits, index].nonzeroBitCount)
            }
        }
    }

    // MARK: Two operands

    /// What an instruction gives that makes a vector of two.
    public func result(
        _ instruction: Operation, _ a: ModelVector, _ b: ModelVector
    ) -> Result? {
        switch instruction {
        case .vectorBitwise(let bitwise):
            Result(
                ModelVector(64) { index in
                    let (a, b) = (a[64, index], b[64, index])
                    return switch bitwise {
                    case .and: a & b
                    case .andNot: a & ~b
                    case .or: a | b
                    case .xor: a ^ b
                    }
                })
        case .vectorCompare(let shape, let comparison):
            Result(
                shape.isFloat
                    ? compareFloats(shape, comparison, a, b) : compare(shape, comparison, a, b))
        case .vectorBinary(let shape, let binary):
            shape.isFloat
                ? floatBinary(shape, binary, a, b) : Result(integerBinary(shape, binary, a, b))
        default: nil
        }
    }

    private func compare(
        _ shape: VectorShape, _ comparison: Comparison, _ a: ModelVector, _ b: ModelVector
    ) -> ModelVector {
        let bits = shape.bits
        return ModelVector(bits) { index in
            let (x, y) = (a.signed(bits, index), b.signed(bits, index))
            let (u, v) = (a[bits, index], b[bits, index])
            let holds =
                switch comparison {
                case .equal: x == y
                case .notEqual: x != y
                case .lessSigned, .less: x < y
                case .lessUnsigned: u < v
                case .greaterSigned, .greater: x > y
                case .greaterUnsigned: u > v
                case .lessOrEqualSigned, .lessOrEqual: x <= y
                case .lessOrEqualUnsigned: u <= v
                case .greaterOrEqualSigned, .greaterOrEqual: x >= y
                case .greaterOrEqualUnsigned: u >= v
                }
            return holds ? .max : 0
        }
    }

    private func integerBinary(
        _ shape: VectorShape, _ binary: VectorBinary, _ a: ModelVector, _ b: ModelVector
    ) -> ModelVector {
        let bits = shape.bits
        switch binary {
        case .swizzle: return swizzle(a, b, isRelaxed: false)
        case .relaxedSwizzle: return swizzle(a, b, isRelaxed: !isDeterministic)
        case .dotSigned: return dot(a, b)
        case .relaxedDot: return relaxedDot(a, b)
        case .narrowSigned, .narrowUnsigned:
            let range = Self.range(bits, isSigned: binary == .narrowSigned)
            let half = 128 / bits / 2
            return ModelVector(bits) { index in
                let wide = (index < half ? a : b).signed(2 * bits, index % half)
                return Self.clamp(wide, range)
            }
        case .extendMultiplyLowSigned, .extendMultiplyHighSigned, .extendMultiplyLowUnsigned,
            .extendMultiplyHighUnsigned:
            return extendMultiply(shape, binary, a, b)
        default:
            return ModelVector(bits) { index in
                lane(
                    binary, bits, a.signed(bits, index), b.signed(bits, index), a[bits, index],
                    b[bits, index])
            }
        }
    }

    /// Of what takes lanes one by one: signed, and unsigned.
    private func lane(
        _ binary: VectorBinary, _ bits: Int, _ x: Int64, _ y: Int64, _ u: UInt64, _ v: UInt64
    ) -> UInt64 {
        let signed = Self.range(bits, isSigned: true)
        let unsigned = Self.range(bits, isSigned: false)
        switch binary {
        case .add: return u &+ v
        case .subtract: return u &- v
        case .multiply: return u &* v
        case .addSaturatingSigned: return Self.clamp(x + y, signed)
        case .addSaturatingUnsigned: return Self.clamp(Int64(u + v), unsigned)
        case .subtractSaturatingSigned: return Self.clamp(x - y, signed)
        case .subtractSaturatingUnsigned: return Self.clamp(Int64(u) - Int64(v), unsigned)
        case .minimumSigned: return UInt64(bitPattern: min(x, y))
        case .minimumUnsigned: return min(u, v)
        case .maximumSigned: return UInt64(bitPattern: max(x, y))
        case .maximumUnsigned: return max(u, v)
        case .averageUnsigned: return (u + v + 1) / 2
        default:
            // The rounded product of fixed-point numbers of 15 bits.
            let product = (x * y + 0x4000) >> 15
            let wraps = binary == .relaxedQ15MultiplyRound && !isDeterministic
            return wraps ? UInt64(bitPattern: product) : Self.clamp(product, signed)
        }
    }

    private static func range(_ bits: Int, isSigned: Bool) -> ClosedRange<Int64> {
        if bits == 64 { return .min ... .max }
        let half = Int64(1) << Int64(bits - 1)
        return isSigned ? -half...half - 1 : 0...2 * half - 1
    }

    private static func clamp(_ number: Int64, _ range: ClosedRange<Int64>) -> UInt64 {
        UInt64(bitPattern: min(max(number, range.lowerBound), range.upperBound))
    }

    private func swizzle(_ a: ModelVector, _ b: ModelVector, isRelaxed: Bool) -> ModelVector {
        ModelVector(8) { index in
            let place = Int(b[8, index])
            if isRelaxed { return place < 128 ? a[8, place % 16] : 0 }
            return place < 16 ? a[8, place] : 0
        }
    }

    private func dot(_ a: ModelVector, _ b: ModelVector) -> ModelVector {
        ModelVector(32) { index in
            let products = (0..<2).map {
                a.signed(16, 2 * index + $0) * b.signed(16, 2 * index + $0)
            }
            return UInt64(bitPattern: products[0] + products[1])
        }
    }

    private func relaxedDot(_ a: ModelVector, _ b: ModelVector) -> ModelVector {
        ModelVector(16) { index in
            let products = (2 * index...2 * index + 1).map { place in
                a.signed(8, place)
                    * (isDeterministic ? b.signed(8, place) : Int64(b[8, place]))
            }
            return Self.clamp(products[0] + products[1], Self.range(16, isSigned: true))
        }
    }

    private func extendMultiply(
        _ shape: VectorShape, _ binary: VectorBinary, _ a: ModelVector, _ b: ModelVector
    ) -> ModelVector {
        let narrow = shape.bits / 2
        let isHigh =
            binary == .extendMultiplyHighSigned || binary == .extendMultiplyHighUnsigned
        let isSigned =
            binary == .extendMultiplyLowSigned || binary == .extendMultiplyHighSigned
        return ModelVector(shape.bits) { index in
            let place = index + (isHigh ? 128 / shape.bits : 0)
            return isSigned
                ? UInt64(bitPattern: a.signed(narrow, place) * b.signed(narrow, place))
                : a[narrow, place] * b[narrow, place]
        }
    }

    // MARK: Shifts, three operands

    /// `a` shifted by `count`.
    public static func shifted(
        _ shape: VectorShape, _ shift: VectorShift, _ a: ModelVector, by count: UInt32
    ) -> ModelVector {
        let bits = shape.bits
        let count = UInt64(count) % UInt64(bits)
        return ModelVector(bits) { index in
            switch shift {
            case .left: a[bits, index] << count
            case .rightUnsigned: a[bits, index] >> count
            case .rightSigned: UInt64(bitPattern: a.signed(bits, index) >> Int64(count))
            }
        }
    }

    /// What an instruction gives that makes a vector of three.
    public func result(
        _ instruction: Operation, _ a: ModelVector, _ b: ModelVector, _ c: ModelVector
    ) -> Result? {
        switch instruction {
        case .vectorBitselect: Result(select(1, a, b, c))
        case .vectorTernary(let shape, let ternary):
            switch ternary {
            case .relaxedLaneSelect:
                Result(
                    selectsByHighestBit && !isDeterministic && shape != .i16x8
                        ? select(shape.bits, a, b, c) : select(1, a, b, c))
            case .relaxedMultiplyAdd: multiplyAdd(shape, a, b, c, isNegated: false)
            case .relaxedNegativeMultiplyAdd: multiplyAdd(shape, a, b, c, isNegated: true)
            case .relaxedDotAdd:
                Result(
                    ModelVector(32) { index in
                        let pairs = relaxedDot(a, b)
                        let sum = pairs.signed(16, 2 * index) + pairs.signed(16, 2 * index + 1)
                        return UInt64(bitPattern: sum + c.signed(32, index))
                    })
            }
        default: nil
        }
    }

    /// Groups of `bits` bits, chosen by the highest one of the mask's.
    private func select(
        _ bits: Int, _ a: ModelVector, _ b: ModelVector, _ mask: ModelVector
    ) -> ModelVector {
        if bits == 1 {
            return ModelVector(64) {
                a[64, $0] & mask[64, $0] | b[64, $0] & ~mask[64, $0]
            }
        }
        return ModelVector(bits) { mask.signed(bits, $0) < 0 ? a[bits, $0] : b[bits, $0] }
    }
}

extension VectorShape {
    /// Bits of a lane.
    public var bits: Int {
        switch self {
        case .i8x16: 8
        case .i16x8: 16
        case .i32x4, .f32x4: 32
        case .i64x2, .f64x2: 64
        }
    }

    var isFloat: Bool { self == .f32x4 || self == .f64x2 }
}
