public import ApusAssembler
public import ApusFormat

/// How the processor makes a vector of vectors: with one of its instructions if it can, else with
/// a sequence.
public enum VectorPlan: BitwiseCopyable, Sendable {
    /// `a op b`, or `b op a` if swapped.
    case operation(VectorOp, isSwapped: Bool = false)
    case immediate(VectorImmediateOp, UInt8, isSwapped: Bool = false)
    case unary(VectorUnaryOp)
    case unaryImmediate(VectorUnaryImmediateOp, UInt8)
    case shift(VectorShiftOp, UInt8)
    /// The sum of `c` and the product of `a` and `b`, or of the negative product.
    case fused(FusedProduct)
    /// Lanes of `a` where the highest bit of `c` is set, else of `b`.
    case blend(VectorBlendOp)
    case sequence(VectorSequence, isSwapped: Bool = false)
    /// `a` as it is.
    case identity

    /// The plan for an instruction whose operands and result are vectors, and that is no shift and
    /// no shuffle; nil for all others.
    public init?(_ instruction: Operation, _ options: VectorOptions) {
        switch instruction {
        case .vectorNot: self = .sequence(VectorSequence(.complement, .i32x4))
        case .vectorBitwise(let bitwise): self = Self.plan(bitwise)
        case .vectorBitselect: self = .sequence(VectorSequence(.bitselect, .i32x4))
        case .vectorCompare(let shape, let comparison):
            self = Self.plan(shape, comparison, options)
        case .vectorUnary(let shape, let unary): self = Self.plan(shape, unary)
        case .vectorBinary(let shape, let binary): self = Self.plan(shape, binary, options)
        case .vectorTernary(let shape, let ternary): self = Self.plan(shape, ternary, options)
        case .vectorConvert(let conversion): self = Self.plan(conversion, options)
        default: return nil
        }
    }

    private static func plan(_ bitwise: VectorBitwise) -> VectorPlan {
        switch bitwise {
        case .and: .operation(.pand)
        case .or: .operation(.por)
        case .xor: .operation(.pxor)
        case .andNot: .operation(.pandn, isSwapped: true)
        }
    }

    // MARK: Comparisons

    private static func plan(
        _ shape: VectorShape, _ comparison: Comparison, _ options: VectorOptions
    ) -> VectorPlan {
        if shape.isFloat { return planFloats(shape, comparison) }
        let sequence: VectorSequence.Kind
        switch comparison {
        case .equal: return .operation(shape.equalOp)
        case .greaterSigned, .greater: return planGreater(shape, options, isSwapped: false)
        case .lessSigned, .less: return planGreater(shape, options, isSwapped: true)
        case .notEqual: sequence = .notEqual
        case .greaterUnsigned: sequence = .greaterUnsigned
        case .lessUnsigned: sequence = .lessUnsigned
        case .lessOrEqualSigned, .lessOrEqual: sequence = .lessOrEqualSigned
        case .lessOrEqualUnsigned: sequence = .lessOrEqualUnsigned
        case .greaterOrEqualSigned, .greaterOrEqual: sequence = .greaterOrEqualSigned
        case .greaterOrEqualUnsigned: sequence = .greaterOrEqualUnsigned
        }
        return .sequence(VectorSequence(sequence, shape))
    }

    private static func planGreater(
        _ shape: VectorShape, _ options: VectorOptions, isSwapped: Bool
    ) -> VectorPlan {
        if shape == .i64x2, !options.contains(.avx) {
            return .sequence(VectorSequence(.greaterSigned, shape), isSwapped: isSwapped)
        }
        return .operation(shape.greaterOp, isSwapped: isSwapped)
    }

    private static func planFloats(
        _ shape: VectorShape, _ comparison: Comparison
    ) -> VectorPlan {
        let op: VectorImmediateOp = shape == .f32x4 ? .cmpps : .cmppd
        return switch comparison {
        case .equal: .immediate(op, 0)
        case .notEqual: .immediate(op, 4)
        case .lessOrEqual: .immediate(op, 2)
        case .greaterOrEqual: .immediate(op, 2, isSwapped: true)
        case .greater: .immediate(op, 1, isSwapped: true)
        default: .immediate(op, 1)
        }
    }

    // MARK: Arithmetic

    private static func plan(_ shape: VectorShape, _ unary: VectorUnary) -> VectorPlan {
        let isSingle = shape == .f32x4
        let round: VectorUnaryImmediateOp = isSingle ? .roundps : .roundpd
        switch unary {
        case .absolute:
            return switch shape {
            case .i8x16: .unary(.pabsb)
            case .i16x8: .unary(.pabsw)
            case .i32x4: .unary(.pabsd)
            case .i64x2, .f32x4, .f64x2: .sequence(VectorSequence(.absolute, shape))
            }
        case .negate: return .sequence(VectorSequence(.negate, shape))
        case .populationCount: return .sequence(VectorSequence(.populationCount, shape))
        case .squareRoot: return .unary(isSingle ? .sqrtps : .sqrtpd)
        case .nearest: return .unaryImmediate(round, 8)
        case .floor: return .unaryImmediate(round, 9)
        case .ceiling: return .unaryImmediate(round, 10)
        case .truncate: return .unaryImmediate(round, 11)
        }
    }

    private static func plan(
        _ shape: VectorShape, _ binary: VectorBinary, _ options: VectorOptions
    ) -> VectorPlan {
        if let op = VectorOp(shape, binary) { return .operation(op) }
        let isSingle = shape == .f32x4
        if !options.contains(.isDeterministic) {
            // The processor takes the second factor's bytes as signed ones.
            if binary == .relaxedDot { return .operation(.pmaddubsw, isSwapped: true) }
            if let op = VectorOp(relaxed: binary, shape) { return .operation(op) }
        }
        let sequence: VectorSequence.Kind
        switch binary {
        case .pseudoMinimum: return .operation(isSingle ? .minps : .minpd, isSwapped: true)
        case .pseudoMaximum: return .operation(isSingle ? .maxps : .maxpd, isSwapped: true)
        case .minimum, .relaxedMinimum: sequence = .minimum
        case .maximum, .relaxedMaximum: sequence = .maximum
        case .q15MultiplyRoundSaturating, .relaxedQ15MultiplyRound: sequence = .multiplyQ15
        case .swizzle, .relaxedSwizzle: sequence = .swizzle
        case .extendMultiplyLowSigned: sequence = .extendMultiplyLowSigned
        case .extendMultiplyHighSigned: sequence = .extendMultiplyHighSigned
        case .extendMultiplyLowUnsigned: sequence = .extendMultiplyLowUnsigned
        case .extendMultiplyHighUnsigned: sequence = .extendMultiplyHighUnsigned
        case .relaxedDot: sequence = .dot
        // All others are one instruction, save the product of 64 bits.
        default: sequence = .multiply
        }
        return .sequence(VectorSequence(sequence, shape))
    }

    private static func plan(
        _ shape: VectorShape, _ ternary: VectorTernary, _ options: VectorOptions
    ) -> VectorPlan {
        let isDeterministic = options.contains(.isDeterministic)
        switch ternary {
        case .relaxedLaneSelect:
            let select = VectorPlan.sequence(VectorSequence(.bitselect, shape))
            // A lane of 16 bits would be torn apart where its mask is neither all nor nothing.
            if isDeterministic || !options.contains(.avx) || shape == .i16x8 { return select }
            return .blend(
                shape == .i8x16 ? .pblendvb : shape == .i32x4 ? .blendvps : .blendvpd)
        case .relaxedMultiplyAdd, .relaxedNegativeMultiplyAdd:
            let isNegated = ternary == .relaxedNegativeMultiplyAdd
            if options.contains(.fma) {
                return .fused(FusedProduct(shape: shape, isNegated: isNegated))
            }
            return .sequence(
                VectorSequence(isNegated ? .negativeMultiplyAdd : .multiplyAdd, shape))
        case .relaxedDotAdd:
            return .sequence(
                VectorSequence(isDeterministic ? .dotAddDeterministic : .dotAdd, shape))
        }
    }

    // MARK: Conversions

    private static func plan(
        _ conversion: VectorConversion, _ options: VectorOptions
    ) -> VectorPlan {
        let isDeterministic = options.contains(.isDeterministic)
        let kind: VectorSequence.Kind
        let shape: VectorShape
        switch conversion {
        case .i16x8ExtendLowSigned: return .unary(.pmovsxbw)
        case .i16x8ExtendLowUnsigned: return .unary(.pmovzxbw)
        case .i32x4ExtendLowSigned: return .unary(.pmovsxwd)
        case .i32x4ExtendLowUnsigned: return .unary(.pmovzxwd)
        case .i64x2ExtendLowSigned: return .unary(.pmovsxdq)
        case .i64x2ExtendLowUnsigned: return .unary(.pmovzxdq)
        case .f32x4ConvertI32x4Signed: return .unary(.cvtdq2ps)
        case .f64x2ConvertLowI32x4Signed: return .unary(.cvtdq2pd)
        case .f32x4DemoteF64x2Zero: return .unary(.cvtpd2ps)
        case .f64x2PromoteLowF32x4: return .unary(.cvtps2pd)
        case .i32x4RelaxedTruncF32x4Signed where !isDeterministic: return .unary(.cvttps2dq)
        case .i32x4RelaxedTruncF64x2SignedZero where !isDeterministic: return .unary(.cvttpd2dq)

        case .i16x8ExtendHighSigned: (kind, shape) = (.extendHighSigned, .i16x8)
        case .i16x8ExtendHighUnsigned: (kind, shape) = (.extendHighUnsigned, .i16x8)
        case .i32x4ExtendHighSigned: (kind, shape) = (.extendHighSigned, .i32x4)
        case .i32x4ExtendHighUnsigned: (kind, shape) = (.extendHighUnsigned, .i32x4)
        case .i64x2ExtendHighSigned: (kind, shape) = (.extendHighSigned, .i64x2)
        case .i64x2ExtendHighUnsigned: (kind, shape) = (.extendHighUnsigned, .i64x2)
        case .i16x8ExtendAddPairwiseSigned: (kind, shape) = (.extendAddPairwiseSigned, .i16x8)
        case .i16x8ExtendAddPairwiseUnsigned: (kind, shape) = (.extendAddPairwiseUnsigned, .i16x8)
        case .i32x4ExtendAddPairwiseSigned: (kind, shape) = (.extendAddPairwiseSigned, .i32x4)
        case .i32x4ExtendAddPairwiseUnsigned: (kind, shape) = (.extendAddPairwiseUnsigned, .i32x4)
        case .f32x4ConvertI32x4Unsigned: (kind, shape) = (.convertUnsigned, .f32x4)
        case .f64x2ConvertLowI32x4Unsigned: (kind, shape) = (.convertUnsigned, .f64x2)
        case .i32x4TruncSatF32x4Signed, .i32x4RelaxedTruncF32x4Signed:
            (kind, shape) = (.truncateSigned, .f32x4)
        case .i32x4TruncSatF32x4Unsigned, .i32x4RelaxedTruncF32x4Unsigned:
            (kind, shape) = (.truncateUnsigned, .f32x4)
        case .i32x4TruncSatF64x2SignedZero, .i32x4RelaxedTruncF64x2SignedZero:
            (kind, shape) = (.truncateSigned, .f64x2)
        case .i32x4TruncSatF64x2UnsignedZero, .i32x4RelaxedTruncF64x2UnsignedZero:
            (kind, shape) = (.truncateUnsigned, .f64x2)
        }
        return .sequence(VectorSequence(kind, shape))
    }

    /// How many vectors it takes.
    public var operandCount: Int {
        switch self {
        case .unary, .unaryImmediate, .shift, .identity: 1
        case .operation, .immediate: 2
        case .fused, .blend: 3
        case .sequence(let sequence, _): sequence.operandCount
        }
    }

    // MARK: Shifts

    /// The plan for a shift by `count`, taken modulo the bits of a lane.
    public init(_ shape: VectorShape, _ shift: VectorShift, by count: UInt8) {
        let count = count & (shape.laneWidth.bits &- 1)
        let kind: VectorSequence.Kind
        switch (shape, shift) {
        case _ where count == 0:
            self = .identity
            return
        case (.i8x16, .left): kind = .shiftLeftByConstant
        case (.i8x16, .rightUnsigned): kind = .shiftRightUnsignedByConstant
        case (.i8x16, .rightSigned), (.i64x2, .rightSigned): kind = .shiftRightSignedByConstant
        default:
            self = .shift(shape.immediateShift(shift), count)
            return
        }
        self = .sequence(VectorSequence(kind, shape, count: count))
    }

    /// Whether a shift by a variable count wants it larger by 8.
    public static func takesEightMore(_ shape: VectorShape, _ shift: VectorShift) -> Bool {
        shape == .i8x16 && shift == .rightSigned
    }

    /// The plan for a shift by the number in the low half of `b`, which is less than the bits of a
    /// lane, or is larger by 8 if `takesEightMore` says so.
    public init(variable shift: VectorShift, _ shape: VectorShape) {
        switch (shape, shift) {
        case (.i8x16, .left): self = .sequence(VectorSequence(.shiftLeft, shape))
        case (.i8x16, .rightUnsigned): self = .sequence(VectorSequence(.shiftRightUnsigned, shape))
        case (.i8x16, .rightSigned), (.i64x2, .rightSigned):
            self = .sequence(VectorSequence(.shiftRightSigned, shape))
        default: self = .operation(shape.variableShift(shift))
        }
    }
}

/// A product that is added or subtracted without being rounded.
public struct FusedProduct: BitwiseCopyable, Sendable {
    public var shape: VectorShape
    public var isNegated: Bool

    /// The result replaces the first factor; the sum is the third operand.
    public var replacingFactor: VectorOp {
        shape == .f32x4
            ? (isNegated ? .vfnmadd213ps : .vfmadd213ps)
            : (isNegated ? .vfnmadd213pd : .vfmadd213pd)
    }

    /// The result replaces the sum; the factors are the other operands.
    public var replacingSum: VectorOp {
        shape == .f32x4
            ? (isNegated ? .vfnmadd231ps : .vfmadd231ps)
            : (isNegated ? .vfnmadd231pd : .vfmadd231pd)
    }
}
