internal import ApusCollections
internal import ApusFormat

/// A function body as a list of instructions, with the ends of its blocks looked up.
///
/// Made from a module's bytes by this type's initialiser, consumed by `ReferenceMachine`.
struct ReferenceCode {
    /// Types of the locals that are not parameters.
    private(set) var locals: [ValueType] = []
    private(set) var instructions: [Instruction] = []
    private(set) var branchTables: [[UInt32]] = []
    /// The clauses of each `try_table`.
    private(set) var clauses: [[Clause]] = []

    struct Clause {
        /// Nil: all.
        var tag: Int?
        var wantsReference: Bool
        var label: Int
    }

    struct Instruction {
        var operation: Operation
        /// Where it is in the module.
        var offset = 0
        /// Immediates: an index, an offset or the bits of a constant, and a second index.
        var first: UInt64 = 0
        var second: UInt64 = 0
        /// A lane, or the flags of a branch on a cast.
        var third: UInt8 = 0
        /// Of a structured instruction: how many parameters and results, and the positions after
        /// its `else` (0: none) and after its `end`.
        var parameterCount = 0
        var resultCount = 0
        var afterElse = 0
        var afterEnd = 0
    }

    init(_ body: FunctionBody, in module: DecodedModule) {
        var reader = InstructionReader(module.bytes, from: Int(body.start), to: Int(body.end))
        for _ in 0..<reader.readIndex() {
            let count = Int(reader.readIndex())
            locals.append(contentsOf: repeatElement(reader.readValueType(), count: count))
        }
        /// Positions of the structured instructions that are open.
        var open: [Int] = []
        while reader.position < Int(body.end) {
            let offset = reader.position
            var instruction = Instruction(operation: reader.next(), offset: offset)
            readImmediates(of: &instruction, from: &reader, in: module)
            let position = instructions.count
            switch instruction.operation {
            case .block, .loop, .if, .tryTable:
                open.append(position)
            case .else:
                if let opener = open.last { instructions[opener].afterElse = position + 1 }
            case .end:
                if let opener = open.popLast() { close(opener, at: position) }
            default:
                break
            }
            instructions.append(instruction)
        }
    }

    /// The `else` needs to know the end too: the first branch of an `if` runs into it.
    private mutating func close(_ opener: Int, at position: Int) {
        instructions[opener].afterEnd = position + 1
        let afterElse = instructions[opener].afterElse
        if afterElse > 0 { instructions[afterElse - 1].afterEnd = position + 1 }
    }

    private mutating func readBlock(
        _ instruction: inout Instruction, from reader: inout InstructionReader,
        in module: DecodedModule
    ) {
        let type = reader.readBlockType()
        if let index = type.typeIndex {
            let type = module.types.function(index)
            instruction.parameterCount = type.parameters.count
            instruction.resultCount = type.results.count
        } else {
            instruction.resultCount = type.singleResult == nil ? 0 : 1
        }
        guard instruction.operation == .tryTable else { return }
        instruction.first = UInt64(clauses.count)
        clauses.append(
            (0..<reader.readIndex()).map { _ in
                let kind = reader.readByte()
                return Clause(
                    tag: kind < 2 ? Int(reader.readIndex()) : nil,
                    wantsReference: kind & 1 != 0, label: Int(reader.readIndex()))
            })
    }

    private static func readMemoryArgument(
        of instruction: inout Instruction, from reader: inout InstructionReader
    ) {
        let argument = reader.readMemoryArgument()
        instruction.first = argument.offset
        instruction.second = UInt64(argument.memory)
        if instruction.operation.laneCount > 0 { instruction.third = reader.readByte() }
    }

    private mutating func readImmediates(
        of instruction: inout Instruction, from reader: inout InstructionReader,
        in module: DecodedModule
    ) {
        switch instruction.operation {
        case .unreachable, .nop, .else, .end, .return, .throwRef, .drop, .select, .refIsNull,
            .refAsNonNull, .unary, .binary, .test, .compare, .convert, .wide, .vectorSplat,
            .vectorNot, .vectorAnyTrue, .vectorBitwise, .vectorBitselect, .vectorAllTrue,
            .vectorBitmask, .vectorCompare, .vectorShift, .vectorUnary, .vectorBinary,
            .vectorTernary, .vectorConvert, .refEq, .refI31, .i31Get, .arrayLength,
            .anyConvertExtern, .externConvertAny:
            break
        case .block, .loop, .if, .tryTable: readBlock(&instruction, from: &reader, in: module)
        case .brTable:
            let count = reader.readIndex()
            instruction.first = UInt64(branchTables.count)
            branchTables.append((0...count).map { _ in reader.readIndex() })
        case .selectTyped:
            for _ in 0..<reader.readIndex() { _ = reader.readValueType() }
        case .br, .brIf, .brOnNull, .brOnNonNull, .call, .callRef, .returnCall, .returnCallRef,
            .localGet, .localSet, .localTee, .globalGet, .globalSet, .tableGet, .tableSet,
            .tableSize, .tableGrow, .tableFill, .elementDrop,
            .memorySize, .memoryGrow, .memoryFill, .dataDrop, .refFunc, .throw, .structNew,
            .arrayNew,
            .arrayGet, .arraySet, .arrayFill:
            instruction.first = UInt64(reader.readIndex())
        case .callIndirect, .returnCallIndirect, .tableCopy, .tableInit, .memoryCopy, .memoryInit,
            .structGet, .structSet, .arrayNewFixed, .arrayNewData, .arrayNewElement, .arrayCopy,
            .arrayInitData, .arrayInitElement:
            instruction.first = UInt64(reader.readIndex())
            instruction.second = UInt64(reader.readIndex())
        case .load, .store, .vectorLoad, .vectorStore, .vectorLoadLane, .vectorStoreLane,
            .atomicNotify, .atomicWait, .atomicLoad, .atomicStore, .atomicReadModifyWrite,
            .atomicCompareExchange:
            Self.readMemoryArgument(of: &instruction, from: &reader)
        case .vectorExtractLane, .vectorReplaceLane, .atomicFence:
            instruction.third = reader.readByte()
        case .vectorConst, .vectorShuffle:
            let bytes = (0..<16).map { _ in UInt64(reader.readByte()) }
            let vector = ModelVector(8) { bytes[$0] }
            instruction.first = vector.low
            instruction.second = vector.high
        case .refNull, .refTest, .refCast: instruction.first = UInt64(reader.readHeapType().bits)
        case .brOnCast, .brOnCastFail:
            instruction.third = reader.readByte()
            instruction.first = UInt64(reader.readIndex())
            _ = reader.readHeapType()
            instruction.second = UInt64(reader.readHeapType().bits)
        case .i32Const: instruction.first = UInt64(UInt32(bitPattern: reader.readSigned32()))
        case .i64Const: instruction.first = UInt64(bitPattern: reader.readSigned64())
        case .f32Const: instruction.first = UInt64(reader.readFloat32Bits())
        case .f64Const: instruction.first = reader.readFloat64Bits()
        }
    }
}
