/// The operands and the result of an operation whose types do not depend on where it stands.
///
/// All are number or vector types, so one byte, their binary code, says which. 0 stands for none.
public struct FixedSignature: Hashable, Sendable, BitwiseCopyable {
    /// Operands in the order they were pushed; `count` of them count.
    public let first: UInt8
    public let second: UInt8
    public let third: UInt8
    public let count: UInt8
    public let result: UInt8

    init(
        _ first: Code = .none, _ second: Code = .none, _ third: Code = .none,
        to result: Code = .none
    ) {
        self.first = first.rawValue
        self.second = second.rawValue
        self.third = third.rawValue
        count = third != .none ? 3 : second != .none ? 2 : first != .none ? 1 : 0
        self.result = result.rawValue
    }

    enum Code: UInt8 {
        case none = 0, v128 = 0x7B, f64, f32, i64, i32

        init(_ type: NumberType) {
            self =
                switch type {
                case .i32: .i32
                case .i64: .i64
                case .f32: .f32
                case .f64: .f64
                }
        }

        /// What a lane of a vector is outside of it.
        init(_ shape: VectorShape) {
            self =
                switch shape {
                case .i8x16, .i16x8, .i32x4: .i32
                case .i64x2: .i64
                case .f32x4: .f32
                case .f64x2: .f64
                }
        }
    }
}

extension Operation {
    /// The operation's signature, nil if it depends on the context or has several results.
    /// Addresses and sizes are those of 32-bit memories and tables.
    public var fixedSignature: FixedSignature? {
        switch self {
        case .nop, .dataDrop, .elementDrop, .atomicFence: FixedSignature()
        case .load(let type, _), .atomicLoad(let type, _): FixedSignature(.i32, to: .init(type))
        case .store(let type, _), .atomicStore(let type, _): FixedSignature(.i32, .init(type))
        case .memorySize, .tableSize: FixedSignature(to: .i32)
        case .memoryGrow: FixedSignature(.i32, to: .i32)
        case .memoryFill, .memoryCopy, .memoryInit, .tableCopy, .tableInit:
            FixedSignature(.i32, .i32, .i32)
        case .i32Const: FixedSignature(to: .i32)
        case .i64Const: FixedSignature(to: .i64)
        case .f32Const: FixedSignature(to: .f32)
        case .f64Const: FixedSignature(to: .f64)
        case .unary(let type, _): FixedSignature(.init(type), to: .init(type))
        case .binary(let type, _): FixedSignature(.init(type), .init(type), to: .init(type))
        case .test(let type): FixedSignature(.init(type), to: .i32)
        case .compare(let type, _): FixedSignature(.init(type), .init(type), to: .i32)
        case .convert(let conversion):
            FixedSignature(.init(conversion.source), to: .init(conversion.result))
        case .atomicNotify: FixedSignature(.i32, .i32, to: .i32)
        case .atomicWait(let type): FixedSignature(.i32, .init(type), .i64, to: .i32)
        case .atomicReadModifyWrite(let type, _, _):
            FixedSignature(.i32, .init(type), to: .init(type))
        case .atomicCompareExchange(let type, _):
            FixedSignature(.i32, .init(type), .init(type), to: .init(type))
        case .vectorConst, .vectorLoad, .vectorStore, .vectorLoadLane, .vectorStoreLane,
            .vectorShuffle, .vectorSplat, .vectorExtractLane, .vectorReplaceLane, .vectorNot,
            .vectorAnyTrue, .vectorBitwise, .vectorBitselect, .vectorAllTrue, .vectorBitmask,
            .vectorCompare, .vectorShift, .vectorUnary, .vectorBinary, .vectorTernary,
            .vectorConvert:
            vectorSignature
        case .unreachable, .block, .loop, .if, .else, .end, .br, .brIf, .brTable, .brOnNull,
            .brOnNonNull, .brOnCast, .brOnCastFail, .return, .call, .callRef, .callIndirect,
            .returnCall, .returnCallRef, .returnCallIndirect, .throw, .throwRef, .tryTable,
            .drop, .select, .selectTyped, .localGet, .localSet, .localTee, .globalGet, .globalSet,
            .tableGet, .tableSet, .tableGrow, .tableFill, .refNull, .refFunc, .refIsNull,
            .refAsNonNull, .refEq, .refTest, .refCast, .structNew, .structGet, .structSet,
            .arrayNew, .arrayNewFixed, .arrayNewData, .arrayNewElement, .arrayGet, .arraySet,
            .arrayLength, .arrayFill, .arrayCopy, .arrayInitData, .arrayInitElement, .refI31,
            .i31Get, .anyConvertExtern, .externConvertAny, .wide:
            nil
        }
    }

    private var vectorSignature: FixedSignature? {
        switch self {
        case .vectorConst: FixedSignature(to: .v128)
        case .vectorLoad: FixedSignature(.i32, to: .v128)
        case .vectorStore, .vectorStoreLane: FixedSignature(.i32, .v128)
        case .vectorLoadLane: FixedSignature(.i32, .v128, to: .v128)
        case .vectorSplat(let shape): FixedSignature(.init(shape), to: .v128)
        case .vectorExtractLane(let shape, _): FixedSignature(.v128, to: .init(shape))
        case .vectorReplaceLane(let shape): FixedSignature(.v128, .init(shape), to: .v128)
        case .vectorNot, .vectorUnary, .vectorConvert: FixedSignature(.v128, to: .v128)
        case .vectorAnyTrue, .vectorAllTrue, .vectorBitmask: FixedSignature(.v128, to: .i32)
        case .vectorShuffle, .vectorBitwise, .vectorCompare, .vectorBinary:
            FixedSignature(.v128, .v128, to: .v128)
        case .vectorShift: FixedSignature(.v128, .i32, to: .v128)
        case .vectorBitselect, .vectorTernary: FixedSignature(.v128, .v128, .v128, to: .v128)
        default: nil
        }
    }
}

extension Conversion {
    /// The type that is converted.
    public var source: NumberType {
        switch self {
        case .i32WrapI64, .f32ConvertI64Signed, .f32ConvertI64Unsigned, .f64ConvertI64Signed,
            .f64ConvertI64Unsigned, .f64ReinterpretI64:
            .i64
        case .i64ExtendI32Signed, .i64ExtendI32Unsigned, .f32ConvertI32Signed,
            .f32ConvertI32Unsigned, .f64ConvertI32Signed, .f64ConvertI32Unsigned,
            .f32ReinterpretI32:
            .i32
        case .i32TruncF32Signed, .i32TruncF32Unsigned, .i64TruncF32Signed, .i64TruncF32Unsigned,
            .f64PromoteF32, .i32ReinterpretF32, .i32TruncSatF32Signed, .i32TruncSatF32Unsigned,
            .i64TruncSatF32Signed, .i64TruncSatF32Unsigned:
            .f32
        case .i32TruncF64Signed, .i32TruncF64Unsigned, .i64TruncF64Signed, .i64TruncF64Unsigned,
            .f32DemoteF64, .i64ReinterpretF64, .i32TruncSatF64Signed, .i32TruncSatF64Unsigned,
            .i64TruncSatF64Signed, .i64TruncSatF64Unsigned:
            .f64
        }
    }

    /// The type it becomes.
    public var result: NumberType {
        switch self {
        case .i32WrapI64, .i32TruncF32Signed, .i32TruncF32Unsigned, .i32TruncF64Signed,
            .i32TruncF64Unsigned, .i32ReinterpretF32, .i32TruncSatF32Signed,
            .i32TruncSatF32Unsigned, .i32TruncSatF64Signed, .i32TruncSatF64Unsigned:
            .i32
        case .i64ExtendI32Signed, .i64ExtendI32Unsigned, .i64TruncF32Signed,
            .i64TruncF32Unsigned, .i64TruncF64Signed, .i64TruncF64Unsigned, .i64ReinterpretF64,
            .i64TruncSatF32Signed, .i64TruncSatF32Unsigned, .i64TruncSatF64Signed,
            .i64TruncSatF64Unsigned:
            .i64
        case .f32ConvertI32Signed, .f32ConvertI32Unsigned, .f32ConvertI64Signed,
            .f32ConvertI64Unsigned, .f32DemoteF64, .f32ReinterpretI32:
            .f32
        case .f64ConvertI32Signed, .f64ConvertI32Unsigned, .f64ConvertI64Signed,
            .f64ConvertI64Unsigned, .f64PromoteF32, .f64ReinterpretI64:
            .f64
        }
    }
}
