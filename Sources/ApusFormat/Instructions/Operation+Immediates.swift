/// What follows an opcode in the binary format. Specification: 5.4.
public enum ImmediateForm: UInt8, Hashable, Sendable {
    case none
    case blockType
    case label
    /// A vector of labels, then one more.
    case labelTable
    case function
    case type
    /// A function type, then a table.
    case typeAndTable
    /// A vector of value types.
    case valueTypes
    case local
    case global
    case table
    case tableAndTable
    case elementAndTable
    case element
    case memory
    case memoryAndMemory
    case dataAndMemory
    case data
    case memoryArgument
    case memoryArgumentAndLane
    case lane
    /// Sixteen bytes: a constant, or the lanes of a shuffle.
    case bytes16
    case i32
    case i64
    case f32
    case f64
    case heapType
    case typeAndField
    case typeAndCount
    case typeAndData
    case typeAndElement
    case typeAndType
    /// Flags, a label and two heap types.
    case castBranch
    case tag
    /// A block type and a vector of catch clauses.
    case catchTable
    /// A byte that is zero.
    case zeroByte
}

extension Operation {
    public var immediates: ImmediateForm {
        switch self {
        case .block, .loop, .if: .blockType
        case .br, .brIf, .brOnNull, .brOnNonNull: .label
        case .brTable: .labelTable
        case .brOnCast, .brOnCastFail: .castBranch
        case .call, .returnCall, .refFunc: .function
        case .callRef, .returnCallRef, .structNew, .arrayNew, .arrayGet, .arraySet, .arrayFill:
            .type
        case .callIndirect, .returnCallIndirect: .typeAndTable
        case .throw: .tag
        case .tryTable: .catchTable
        case .selectTyped: .valueTypes
        case .localGet, .localSet, .localTee: .local
        case .globalGet, .globalSet: .global
        case .tableGet, .tableSet, .tableSize, .tableGrow, .tableFill: .table
        case .tableCopy: .tableAndTable
        case .tableInit: .elementAndTable
        case .elementDrop: .element
        case .memorySize, .memoryGrow, .memoryFill: .memory
        case .memoryCopy: .memoryAndMemory
        case .memoryInit: .dataAndMemory
        case .dataDrop: .data
        case .load, .store, .vectorLoad, .vectorStore, .atomicNotify, .atomicWait, .atomicLoad,
            .atomicStore, .atomicReadModifyWrite, .atomicCompareExchange:
            .memoryArgument
        case .vectorLoadLane, .vectorStoreLane: .memoryArgumentAndLane
        case .vectorExtractLane, .vectorReplaceLane: .lane
        case .vectorConst, .vectorShuffle: .bytes16
        case .i32Const: .i32
        case .i64Const: .i64
        case .f32Const: .f32
        case .f64Const: .f64
        case .refNull, .refTest, .refCast: .heapType
        case .structGet, .structSet: .typeAndField
        case .arrayNewFixed: .typeAndCount
        case .arrayNewData, .arrayInitData: .typeAndData
        case .arrayNewElement, .arrayInitElement: .typeAndElement
        case .arrayCopy: .typeAndType
        case .atomicFence: .zeroByte
        case .unreachable, .nop, .else, .end, .return, .throwRef, .drop, .select, .refIsNull,
            .refAsNonNull, .refEq, .arrayLength, .refI31, .i31Get, .anyConvertExtern,
            .externConvertAny, .unary, .binary, .test, .compare, .convert, .wide, .vectorSplat,
            .vectorNot, .vectorAnyTrue, .vectorBitwise, .vectorBitselect, .vectorAllTrue,
            .vectorBitmask, .vectorCompare, .vectorShift, .vectorUnary, .vectorBinary,
            .vectorTernary, .vectorConvert:
            .none
        }
    }

    /// Binary logarithm of the bytes a memory access touches: its natural alignment. 0 for others.
    public var naturalAlignment: UInt8 {
        switch self {
        case .load(let type, let width):
            switch width {
            case .full: type.is64 ? 3 : 2
            case .signed8, .unsigned8: 0
            case .signed16, .unsigned16: 1
            case .signed32, .unsigned32: 2
            }
        case .store(let type, let width):
            switch width {
            case .full: type.is64 ? 3 : 2
            case .low8: 0
            case .low16: 1
            case .low32: 2
            }
        case .vectorLoad(let load):
            switch load {
            case .full: 4
            case .splat8: 0
            case .splat16: 1
            case .splat32, .zero32: 2
            case .extend8x8Signed, .extend8x8Unsigned, .extend16x4Signed, .extend16x4Unsigned,
                .extend32x2Signed, .extend32x2Unsigned, .splat64, .zero64:
                3
            }
        case .vectorStore: 4
        case .vectorLoadLane(let width), .vectorStoreLane(let width): width.rawValue
        case .atomicNotify: 2
        case .atomicWait(let type): type.is64 ? 3 : 2
        case .atomicLoad(let type, let width), .atomicStore(let type, let width),
            .atomicReadModifyWrite(let type, let width, _),
            .atomicCompareExchange(let type, let width):
            switch width {
            case .full: type.is64 ? 3 : 2
            case .bits8: 0
            case .bits16: 1
            case .bits32: 2
            }
        default: 0
        }
    }

    /// How many lanes a lane index may choose from, for operations that have one.
    public var laneCount: UInt8 {
        switch self {
        case .vectorExtractLane(let shape, _), .vectorReplaceLane(let shape): shape.laneCount
        case .vectorLoadLane(let width), .vectorStoreLane(let width): 16 &>> width.rawValue
        default: 0
        }
    }
}

extension VectorShape {
    public var laneCount: UInt8 {
        switch self {
        case .i8x16: 16
        case .i16x8: 8
        case .i32x4, .f32x4: 4
        case .i64x2, .f64x2: 2
        }
    }
}
