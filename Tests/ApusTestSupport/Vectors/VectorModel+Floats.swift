internal import ApusCollections
import ApusFormat

/// Lanes that are floats, and conversions.
extension VectorModel {
    func floatUnary(_ shape: VectorShape, _ unary: VectorUnary, _ a: ModelVector) -> Result {
        let bits = shape.bits
        let sign = UInt64(1) << UInt64(bits - 1)
        switch unary {
        case .absolute: return Result(ModelVector(bits) { a[bits, $0] & ~sign })
        case .negate: return Result(ModelVector(bits) { a[bits, $0] ^ sign })
        default:
            return shape == .f32x4
                ? Result(ModelVector(singles: { Self.unary(unary, a.single($0)) }), floats: shape)
                : Result(ModelVector(doubles: { Self.unary(unary, a.double($0)) }), floats: shape)
        }
    }

    private static func unary<Number: BinaryFloatingPoint>(
        _ unary: VectorUnary, _ a: Number
    ) -> Number {
        switch unary {
        case .squareRoot: a.squareRoot()
        case .ceiling: a.rounded(.up)
        case .floor: a.rounded(.down)
        case .truncate: a.rounded(.towardZero)
        default: a.rounded(.toNearestOrEven)
        }
    }

    // MARK: Two operands

    func compareFloats(
        _ shape: VectorShape, _ comparison: Comparison, _ a: ModelVector, _ b: ModelVector
    ) -> ModelVector {
        ModelVector(shape.bits) { index in
            let holds =
                shape == .f32x4
                ? Self.holds(comparison, a.single(index), b.single(index))
                : Self.holds(comparison, a.double(index), b.double(index))
            return holds ? .max : 0
        }
    }

    private static func holds<Number: BinaryFloatingPoint>(
        _ comparison: Comparison, _ a: Number, _ b: Number
    ) -> Bool {
        switch comparison {
        case .equal: a == b
        case .notEqual: a != b
        case .less: a < b
        case .greater: a > b
        case .lessOrEqual: a <= b
        default: a >= b
        }
    }

    func floatBinary(
        _ shape: VectorShape, _ binary: VectorBinary, _ a: ModelVector, _ b: ModelVector
    ) -> Result {
        let vector =
            shape == .f32x4
            ? ModelVector(singles: { binaryLane(binary, a.single($0), b.single($0)) })
            : ModelVector(doubles: { binaryLane(binary, a.double($0), b.double($0)) })
        switch binary {
        // One of the operands, as it is.
        case .pseudoMinimum, .pseudoMaximum: return Result(vector)
        case .relaxedMinimum, .relaxedMaximum:
            return Result(vector, floats: isDeterministic ? shape : nil)
        default: return Result(vector, floats: shape)
        }
    }

    private func binaryLane<Number: BinaryFloatingPoint>(
        _ binary: VectorBinary, _ a: Number, _ b: Number
    ) -> Number {
        switch binary {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .pseudoMinimum: b < a ? b : a
        case .pseudoMaximum: a < b ? b : a
        case .relaxedMinimum where !isDeterministic: a < b ? a : b
        case .relaxedMaximum where !isDeterministic: a > b ? a : b
        case .minimum, .relaxedMinimum: Self.extremum(a, b, isMinimum: true)
        default: Self.extremum(a, b, isMinimum: false)
        }
    }

    private static func extremum<Number: BinaryFloatingPoint>(
        _ a: Number, _ b: Number, isMinimum: Bool
    ) -> Number {
        if a.isNaN || b.isNaN { return .nan }
        if a == b { return (a.sign == .minus) == isMinimum ? a : b }
        return (a < b) == isMinimum ? a : b
    }

    func multiplyAdd(
        _ shape: VectorShape, _ a: ModelVector, _ b: ModelVector, _ c: ModelVector,
        isNegated: Bool
    ) -> Result {
        let vector =
            shape == .f32x4
            ? ModelVector(singles: {
                multiplyAdd(isNegated ? -a.single($0) : a.single($0), b.single($0), c.single($0))
            })
            : ModelVector(doubles: {
                multiplyAdd(isNegated ? -a.double($0) : a.double($0), b.double($0), c.double($0))
            })
        return Result(vector, floats: shape)
    }

    private func multiplyAdd<Number: BinaryFloatingPoint>(
        _ a: Number, _ b: Number, _ c: Number
    ) -> Number {
        isFused ? c.addingProduct(a, b) : a * b + c
    }

    // MARK: Conversions

    func result(_ conversion: VectorConversion, _ a: ModelVector) -> Result {
        switch conversion {
        case .f32x4ConvertI32x4Signed:
            Result(ModelVector(singles: { Float(a.signed(32, $0)) }))
        case .f32x4ConvertI32x4Unsigned: Result(ModelVector(singles: { Float(a[32, $0]) }))
        case .f64x2ConvertLowI32x4Signed:
            Result(ModelVector(doubles: { Double(a.signed(32, $0)) }))
        case .f64x2ConvertLowI32x4Unsigned: Result(ModelVector(doubles: { Double(a[32, $0]) }))
        case .f32x4DemoteF64x2Zero:
            Result(
                ModelVector(singles: { $0 < 2 ? Float(a.double($0)) : 0 }), floats: .f32x4)
        case .f64x2PromoteLowF32x4:
            Result(ModelVector(doubles: { Double(a.single($0)) }), floats: .f64x2)
        default: Result(integers(conversion, a))
        }
    }

    private func integers(_ conversion: VectorConversion, _ a: ModelVector) -> ModelVector {
        switch conversion {
        case .i16x8ExtendAddPairwiseSigned: Self.pairs(16, a, isSigned: true)
        case .i16x8ExtendAddPairwiseUnsigned: Self.pairs(16, a, isSigned: false)
        case .i32x4ExtendAddPairwiseSigned: Self.pairs(32, a, isSigned: true)
        case .i32x4ExtendAddPairwiseUnsigned: Self.pairs(32, a, isSigned: false)
        case .i16x8ExtendLowSigned: Self.extended(16, a, from: 0, isSigned: true)
        case .i16x8ExtendHighSigned: Self.extended(16, a, from: 8, isSigned: true)
        case .i16x8ExtendLowUnsigned: Self.extended(16, a, from: 0, isSigned: false)
        case .i16x8ExtendHighUnsigned: Self.extended(16, a, from: 8, isSigned: false)
        case .i32x4ExtendLowSigned: Self.extended(32, a, from: 0, isSigned: true)
        case .i32x4ExtendHighSigned: Self.extended(32, a, from: 4, isSigned: true)
        case .i32x4ExtendLowUnsigned: Self.extended(32, a, from: 0, isSigned: false)
        case .i32x4ExtendHighUnsigned: Self.extended(32, a, from: 4, isSigned: false)
        case .i64x2ExtendLowSigned: Self.extended(64, a, from: 0, isSigned: true)
        case .i64x2ExtendHighSigned: Self.extended(64, a, from: 2, isSigned: true)
        case .i64x2ExtendLowUnsigned: Self.extended(64, a, from: 0, isSigned: false)
        case .i64x2ExtendHighUnsigned: Self.extended(64, a, from: 2, isSigned: false)
        default: truncated(conversion, a)
        }
    }

    /// Sums of neighbours, of `bits` bits.
    private static func pairs(_ bits: Int, _ a: ModelVector, isSigned: Bool) -> ModelVector {
        ModelVector(bits) { index in
            let (first, second) = (2 * index, 2 * index + 1)
            return isSigned
                ? UInt64(bitPattern: a.signed(bits / 2, first) + a.signed(bits / 2, second))
                : a[bits / 2, first] + a[bits / 2, second]
        }
    }

    private static func extended(
        _ bits: Int, _ a: ModelVector, from start: Int, isSigned: Bool
    ) -> ModelVector {
        ModelVector(bits) { index in
            isSigned
                ? UInt64(bitPattern: a.signed(bits / 2, start + index))
                : a[bits / 2, start + index]
        }
    }

    private func truncated(_ conversion: VectorConversion, _ a: ModelVector) -> ModelVector {
        let isRelaxed =
            !isDeterministic
            && (conversion == .i32x4RelaxedTruncF32x4Signed
                || conversion == .i32x4RelaxedTruncF64x2SignedZero)
        switch conversion {
        case .i32x4TruncSatF32x4Signed, .i32x4RelaxedTruncF32x4Signed:
            return ModelVector(32) { Self.signed(Double(a.single($0)), isRelaxed: isRelaxed) }
        case .i32x4TruncSatF64x2SignedZero, .i32x4RelaxedTruncF64x2SignedZero:
            return ModelVector(32) {
                $0 < 2 ? Self.signed(a.double($0), isRelaxed: isRelaxed) : 0
            }
        case .i32x4TruncSatF32x4Unsigned, .i32x4RelaxedTruncF32x4Unsigned:
            return ModelVector(32) { Self.unsigned(Double(a.single($0))) }
        default: return ModelVector(32) { $0 < 2 ? Self.unsigned(a.double($0)) : 0 }
        }
    }

    /// The nearest integer towards zero; where there is none, relaxed, what the processor gives.
    private static func signed(_ number: Double, isRelaxed: Bool) -> UInt64 {
        let rounded = number.rounded(.towardZero)
        if rounded >= -2_147_483_648, rounded <= 2_147_483_647 {
            return UInt64(bitPattern: Int64(rounded))
        }
        if isRelaxed { return 0x8000_0000 }
        return number.isNaN ? 0 : number < 0 ? 0x8000_0000 : 0x7FFF_FFFF
    }

    private static func unsigned(_ number: Double) -> UInt64 {
        if number.isNaN || number <= 0 { return 0 }
        return number >= 4_294_967_295 ? 0xFFFF_FFFF : UInt64(number)
    }
}
