/// What an instruction does, by shape: the third column of the instruction table.
///
/// Signature, immediates, effects and lowering follow from the operation, so they are written
/// once per shape and not once per opcode. Specification: 2.4 “Instructions”.
public enum Operation: Hashable, BitwiseCopyable, Sendable {
    // Control (2.4.10)
    case unreachable
    case nop
    case block
    case loop
    case `if`
    case `else`
    case end
    case br
    case brIf
    case brTable
    case brOnNull
    case brOnNonNull
    case brOnCast
    case brOnCastFail
    case `return`
    case call
    case callRef
    case callIndirect
    case returnCall
    case returnCallRef
    case returnCallIndirect
    case `throw`
    case throwRef
    case tryTable

    // Parametric (2.4.2)
    case drop
    case select
    case selectTyped

    // Variables (2.4.3)
    case localGet
    case localSet
    case localTee
    case globalGet
    case globalSet

    // Tables (2.4.5)
    case tableGet
    case tableSet
    case tableSize
    case tableGrow
    case tableFill
    case tableCopy
    case tableInit
    case elementDrop

    // Memory (2.4.4)
    case load(NumberType, LoadWidth)
    case store(NumberType, StoreWidth)
    case memorySize
    case memoryGrow
    case memoryFill
    case memoryCopy
    case memoryInit
    case dataDrop

    // References (2.4.6)
    case refNull
    case refFunc
    case refIsNull
    case refAsNonNull
    case refEq
    case refTest(nullable: Bool)
    case refCast(nullable: Bool)

    // Aggregates (2.4.7)
    case structNew(AggregateInitializer)
    case structGet(FieldExtension)
    case structSet
    case arrayNew(AggregateInitializer)
    case arrayNewFixed
    case arrayNewData
    case arrayNewElement
    case arrayGet(FieldExtension)
    case arraySet
    case arrayLength
    case arrayFill
    case arrayCopy
    case arrayInitData
    case arrayInitElement
    case refI31
    case i31Get(FieldExtension)
    case anyConvertExtern
    case externConvertAny

    // Numbers (2.4.1)
    case i32Const
    case i64Const
    case f32Const
    case f64Const
    case unary(NumberType, UnaryOperator)
    case binary(NumberType, BinaryOperator)
    /// `eqz`
    case test(NumberType)
    case compare(NumberType, Comparison)
    case convert(Conversion)
    case wide(WideOperator)

    // Vectors (2.4.8)
    case vectorConst
    case vectorLoad(VectorLoad)
    case vectorStore
    case vectorLoadLane(LaneWidth)
    case vectorStoreLane(LaneWidth)
    case vectorShuffle
    case vectorSplat(VectorShape)
    case vectorExtractLane(VectorShape, FieldExtension)
    case vectorReplaceLane(VectorShape)
    /// `not`, `any_true`
    case vectorNot
    case vectorAnyTrue
    case vectorBitwise(VectorBitwise)
    case vectorBitselect
    case vectorAllTrue(VectorShape)
    case vectorBitmask(VectorShape)
    case vectorCompare(VectorShape, Comparison)
    case vectorShift(VectorShape, VectorShift)
    case vectorUnary(VectorShape, VectorUnary)
    case vectorBinary(VectorShape, VectorBinary)
    case vectorTernary(VectorShape, VectorTernary)
    case vectorConvert(VectorConversion)

    // Atomics (threads proposal)
    case atomicNotify
    case atomicWait(NumberType)
    case atomicFence
    case atomicLoad(NumberType, AtomicWidth)
    case atomicStore(NumberType, AtomicWidth)
    case atomicReadModifyWrite(NumberType, AtomicWidth, AtomicOperator)
    case atomicCompareExchange(NumberType, AtomicWidth)
}

/// A type of numbers.
public enum NumberType: UInt8, Hashable, BitwiseCopyable, Sendable {
    case i32, i64, f32, f64

    @inline(__always)
    public var isInteger: Bool { rawValue < 2 }
    @inline(__always)
    public var is64: Bool { rawValue & 1 != 0 }

    /// The same as a type of values.
    public var valueType: ValueType {
        switch self {
        case .i32: .i32
        case .i64: .i64
        case .f32: .f32
        case .f64: .f64
        }
    }
}

/// How many bytes a load reads and how it widens them.
public enum LoadWidth: UInt8, Hashable, BitwiseCopyable, Sendable {
    case full, signed8, unsigned8, signed16, unsigned16, signed32, unsigned32
}

/// How many bytes a store writes.
public enum StoreWidth: UInt8, Hashable, BitwiseCopyable, Sendable {
    case full, low8, low16, low32
}

/// What takes one number and gives one of the same type.
public enum UnaryOperator: UInt8, Hashable, BitwiseCopyable, Sendable {
    // integers
    case countLeadingZeros, countTrailingZeros, populationCount
    case extend8Signed, extend16Signed, extend32Signed
    // floats
    case absolute, negate, squareRoot, ceiling, floor, truncate, nearest
}

/// What takes two numbers and gives one of the same type.
public enum BinaryOperator: UInt8, Hashable, BitwiseCopyable, Sendable {
    // both
    case add, subtract, multiply
    // integers
    case divideSigned, divideUnsigned, remainderSigned, remainderUnsigned
    case and, or, xor, shiftLeft, shiftRightSigned, shiftRightUnsigned, rotateLeft, rotateRight
    // floats
    case divide, minimum, maximum, copySign
}

/// What takes two values and says whether they are so.
public enum Comparison: UInt8, Hashable, BitwiseCopyable, Sendable {
    case equal, notEqual
    // integers
    case lessSigned, lessUnsigned, greaterSigned, greaterUnsigned
    case lessOrEqualSigned, lessOrEqualUnsigned, greaterOrEqualSigned, greaterOrEqualUnsigned
    // floats
    case less, greater, lessOrEqual, greaterOrEqual
}

/// Conversions between number types, named as in the specification: result, then source.
public enum Conversion: UInt8, Hashable, BitwiseCopyable, Sendable {
    case i32WrapI64
    case i32TruncF32Signed, i32TruncF32Unsigned, i32TruncF64Signed, i32TruncF64Unsigned
    case i64ExtendI32Signed, i64ExtendI32Unsigned
    case i64TruncF32Signed, i64TruncF32Unsigned, i64TruncF64Signed, i64TruncF64Unsigned
    case f32ConvertI32Signed, f32ConvertI32Unsigned, f32ConvertI64Signed, f32ConvertI64Unsigned
    case f32DemoteF64
    case f64ConvertI32Signed, f64ConvertI32Unsigned, f64ConvertI64Signed, f64ConvertI64Unsigned
    case f64PromoteF32
    case i32ReinterpretF32, i64ReinterpretF64, f32ReinterpretI32, f64ReinterpretI64
    case i32TruncSatF32Signed, i32TruncSatF32Unsigned, i32TruncSatF64Signed, i32TruncSatF64Unsigned
    case i64TruncSatF32Signed, i64TruncSatF32Unsigned, i64TruncSatF64Signed, i64TruncSatF64Unsigned
}

/// Arithmetic on 128 bits, which are two numbers of 64.
public enum WideOperator: UInt8, Hashable, BitwiseCopyable, Sendable {
    case add128, subtract128, multiplySigned, multiplyUnsigned
}

/// Where the values of a new aggregate come from.
public enum AggregateInitializer: UInt8, Hashable, BitwiseCopyable, Sendable {
    case values, defaults
}

/// How a packed field or lane becomes an i32.
public enum FieldExtension: UInt8, Hashable, BitwiseCopyable, Sendable {
    case none, signed, unsigned
}

/// The width of a lane.
public enum LaneWidth: UInt8, Hashable, BitwiseCopyable, Sendable {
    case bits8, bits16, bits32, bits64
}

/// How a vector is divided into lanes.
public enum VectorShape: UInt8, Hashable, BitwiseCopyable, Sendable {
    case i8x16, i16x8, i32x4, i64x2, f32x4, f64x2
}

/// How many bytes a vector load reads and where it puts them.
public enum VectorLoad: UInt8, Hashable, BitwiseCopyable, Sendable {
    case full
    case extend8x8Signed, extend8x8Unsigned, extend16x4Signed, extend16x4Unsigned
    case extend32x2Signed, extend32x2Unsigned
    case splat8, splat16, splat32, splat64
    case zero32, zero64
}

/// What works on the bits of two vectors.
public enum VectorBitwise: UInt8, Hashable, BitwiseCopyable, Sendable { case and, andNot, or, xor }

/// Shifts of each lane by one number.
public enum VectorShift: UInt8, Hashable, BitwiseCopyable, Sendable {
    case left, rightSigned, rightUnsigned
}

/// What takes each lane of one vector.
public enum VectorUnary: UInt8, Hashable, BitwiseCopyable, Sendable {
    case absolute, negate, populationCount
    case squareRoot, ceiling, floor, truncate, nearest
}

/// What takes two vectors and gives one.
public enum VectorBinary: UInt8, Hashable, BitwiseCopyable, Sendable {
    case add, subtract, multiply, divide
    case addSaturatingSigned, addSaturatingUnsigned
    case subtractSaturatingSigned, subtractSaturatingUnsigned
    case minimumSigned, minimumUnsigned, maximumSigned, maximumUnsigned
    case minimum, maximum, pseudoMinimum, pseudoMaximum
    case averageUnsigned, q15MultiplyRoundSaturating, swizzle, dotSigned
    case extendMultiplyLowSigned, extendMultiplyHighSigned
    case extendMultiplyLowUnsigned, extendMultiplyHighUnsigned
    case narrowSigned, narrowUnsigned
    // relaxed
    case relaxedSwizzle, relaxedMinimum, relaxedMaximum, relaxedQ15MultiplyRound, relaxedDot
}

/// What takes three vectors and gives one.
public enum VectorTernary: UInt8, Hashable, BitwiseCopyable, Sendable {
    case relaxedMultiplyAdd, relaxedNegativeMultiplyAdd, relaxedLaneSelect, relaxedDotAdd
}

/// Lane conversions; the result's shape comes first.
public enum VectorConversion: UInt8, Hashable, BitwiseCopyable, Sendable {
    case i16x8ExtendAddPairwiseSigned, i16x8ExtendAddPairwiseUnsigned
    case i32x4ExtendAddPairwiseSigned, i32x4ExtendAddPairwiseUnsigned
    case i16x8ExtendLowSigned, i16x8ExtendHighSigned, i16x8ExtendLowUnsigned,
        i16x8ExtendHighUnsigned
    case i32x4ExtendLowSigned, i32x4ExtendHighSigned, i32x4ExtendLowUnsigned,
        i32x4ExtendHighUnsigned
    case i64x2ExtendLowSigned, i64x2ExtendHighSigned, i64x2ExtendLowUnsigned,
        i64x2ExtendHighUnsigned
    case i32x4TruncSatF32x4Signed, i32x4TruncSatF32x4Unsigned
    case i32x4TruncSatF64x2SignedZero, i32x4TruncSatF64x2UnsignedZero
    case f32x4ConvertI32x4Signed, f32x4ConvertI32x4Unsigned
    case f64x2ConvertLowI32x4Signed, f64x2ConvertLowI32x4Unsigned
    case f32x4DemoteF64x2Zero, f64x2PromoteLowF32x4
    case i32x4RelaxedTruncF32x4Signed, i32x4RelaxedTruncF32x4Unsigned
    case i32x4RelaxedTruncF64x2SignedZero, i32x4RelaxedTruncF64x2UnsignedZero
}

/// Bytes an atomic access touches; narrower ones zero-extend.
public enum AtomicWidth: UInt8, Hashable, BitwiseCopyable, Sendable {
    case full, bits8, bits16, bits32

    /// How many bytes are touched of a number of `type`.
    public func byteCount(_ type: NumberType) -> UInt64 {
        switch self {
        case .full: type.is64 ? 8 : 4
        case .bits8: 1
        case .bits16: 2
        case .bits32: 4
        }
    }
}

/// What an atomic access makes of the old value and its operand.
public enum AtomicOperator: UInt8, Hashable, BitwiseCopyable, Sendable {
    case add, subtract, and, or, xor, exchange
}
