public import ApusAssembler
public import ApusFormat

/// A vector operation that takes several instructions of the processor, or a constant of its own.
/// `CodeBuffer` has the instructions.
public struct VectorSequence: Hashable, BitwiseCopyable, Sendable {
    public var kind: Kind
    /// Of the result's lanes; of a test's or a conversion's operand.
    public var shape: VectorShape
    /// Of a shift by a constant: its count, from 1 to the bits of a lane less one.
    public var count: UInt8

    @inline(__always)
    public init(_ kind: Kind, _ shape: VectorShape, count: UInt8 = 0) {
        self.kind = kind
        self.shape = shape
        self.count = count
    }

    /// What is done.
    public enum Kind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
        // Of a
        case complement, absolute, negate, populationCount
        case extendHighSigned, extendHighUnsigned
        case extendAddPairwiseSigned, extendAddPairwiseUnsigned
        /// Unsigned integers to floats of `shape`.
        case convertUnsigned
        /// Floats of `shape` to integers of 32 bits, saturating.
        case truncateSigned, truncateUnsigned
        case shiftLeftByConstant, shiftRightSignedByConstant, shiftRightUnsignedByConstant

        // Of a and b
        case notEqual
        case greaterSigned, greaterUnsigned, lessUnsigned
        case lessOrEqualSigned, lessOrEqualUnsigned
        case greaterOrEqualSigned, greaterOrEqualUnsigned
        case multiply, multiplyQ15
        case extendMultiplyLowSigned, extendMultiplyHighSigned
        case extendMultiplyLowUnsigned, extendMultiplyHighUnsigned
        case minimum, maximum, swizzle, dot
        /// The count is the low half of `b`, less than the bits of a lane, and 8 more for
        /// `shiftRightSigned` of bytes.
        case shiftLeft, shiftRightSigned, shiftRightUnsigned

        // Of a, b and c
        case bitselect, multiplyAdd, negativeMultiplyAdd, dotAdd, dotAddDeterministic
    }

    /// How many vectors it takes.
    public var operandCount: Int {
        if kind.rawValue < Kind.notEqual.rawValue { return 1 }
        return kind.rawValue < Kind.bitselect.rawValue ? 2 : 3
    }

    /// Whether AVX-512 has an instruction for it.
    public func isOneInstruction(_ options: VectorOptions) -> Bool {
        guard options.contains(.avx512) else { return false }
        return switch (kind, shape) {
        case (.populationCount, _), (.absolute, .i64x2), (.convertUnsigned, .f32x4),
            (.shiftRightSignedByConstant, .i64x2), (.shiftRightSigned, .i64x2):
            true
        default: false
        }
    }

    /// Whether a register is wanted besides the scratch register.
    public func needsTemporary(_ options: VectorOptions) -> Bool {
        if isOneInstruction(options) { return false }
        return switch kind {
        case .populationCount, .minimum, .maximum, .dot, .dotAddDeterministic, .shiftLeft,
            .shiftRightSigned, .shiftRightUnsigned:
            true
        case .truncateUnsigned: shape == .f32x4
        default: false
        }
    }

    /// Whether the target and the temporary must be other registers than the operands.
    public func writesEarly(_ options: VectorOptions) -> Bool {
        if isOneInstruction(options) { return false }
        if needsTemporary(options) { return true }
        return switch kind {
        case .complement, .absolute, .extendHighSigned, .extendHighUnsigned, .convertUnsigned,
            .truncateSigned, .truncateUnsigned, .shiftLeftByConstant,
            .shiftRightUnsignedByConstant:
            false
        case .negate: !shape.isFloat
        case .extendAddPairwiseUnsigned: false
        case .extendAddPairwiseSigned: shape == .i16x8
        // With two operands, what goes before may come to lie in the scratch register.
        case .extendMultiplyHighUnsigned where shape == .i16x8: true
        case .notEqual, .multiplyQ15, .swizzle, .bitselect,
            .extendMultiplyLowSigned, .extendMultiplyHighSigned, .extendMultiplyLowUnsigned,
            .extendMultiplyHighUnsigned:
            !options.contains(.avx)
        default: true
        }
    }
}

/// The registers of a sequence. The scratch register is another one than all others.
public struct VectorRegisters: BitwiseCopyable, Sendable {
    public var target: XMM
    public var a: XMM
    public var b: XMM
    public var c: XMM
    public var temporary: XMM
    public var scratch: XMM

    /// Operands that a sequence does not have may be any.
    public init(
        target: XMM, a: XMM, b: XMM = .xmm0, c: XMM = .xmm0, temporary: XMM = .xmm0, scratch: XMM
    ) {
        self.target = target
        self.a = a
        self.b = b
        self.c = c
        self.temporary = temporary
        self.scratch = scratch
    }
}
