internal import ApusCollections

/// Writes instructions in the binary format. Specification: 5.4 “Instructions”.
///
/// An instruction is its operation and its immediates. Which immediates an operation has is
/// `Operation.immediates`; giving others is a mistake of the caller and stops the process.
public struct InstructionEncoder {
    private var writer = ByteWriter()

    public init() {}

    /// What has been written so far.
    public var bytes: [UInt8] { writer.bytes }

    /// Prefix and code of each operation.
    private static let codes: [Operation: (prefix: UInt8, code: UInt16)] = {
        var codes: [Operation: (prefix: UInt8, code: UInt16)] = [:]
        for prefix in Opcodes.prefixes {
            for code in 0..<Opcodes.count(prefix: prefix) {
                guard let row = Opcodes.opcode(prefix: prefix, code: code) else { continue }
                codes[row.operation] = (prefix, row.code)
            }
        }
        return codes
    }()

    private mutating func writeOpcode(_ operation: Operation, _ forms: ImmediateForm...) {
        precondition(forms.contains(operation.immediates), "wrong immediates for \(operation)")
        guard let code = Self.codes[operation] else {
            preconditionFailure("\(operation) is not in the instruction table")
        }
        if code.prefix == 0 {
            writer.write(UInt8(truncatingIfNeeded: code.code))
        } else {
            writer.write(code.prefix)
            writer.write(unsigned: UInt64(code.code))
        }
    }

    /// An instruction without immediates.
    public mutating func emit(_ operation: Operation) {
        writeOpcode(operation, .none, .zeroByte)
        if operation.immediates == .zeroByte { writer.write(0) }
    }

    /// An instruction with one index: of a label, local, global, function, type, table, segment or
    /// memory.
    public mutating func emit(_ operation: Operation, _ index: UInt32) {
        writeOpcode(
            operation, .label, .local, .global, .function, .type, .table, .element, .data, .memory,
            .tag)
        writer.write(unsigned: index)
    }

    /// An instruction with two indices, in the order of the binary format: type and table,
    /// destination and source, segment and table or memory.
    public mutating func emit(_ operation: Operation, _ first: UInt32, _ second: UInt32) {
        writeOpcode(
            operation, .typeAndTable, .tableAndTable, .elementAndTable, .memoryAndMemory,
            .dataAndMemory, .typeAndField, .typeAndCount, .typeAndData, .typeAndElement,
            .typeAndType)
        writer.write(unsigned: first)
        writer.write(unsigned: second)
    }

    /// A structured instruction; `else` and `end` are emitted like any other.
    public mutating func emit(_ operation: Operation, _ type: BlockType) {
        writeOpcode(operation, .blockType)
        write(type)
    }

    private mutating func write(_ type: BlockType) {
        if let index = type.typeIndex {
            writer.write(signed: Int64(index))
        } else if let result = type.singleResult {
            writer.write(result)
        } else {
            writer.write(0x40)
        }
    }

    /// A memory access.
    public mutating func emit(_ operation: Operation, _ argument: MemoryArgument) {
        writeOpcode(operation, .memoryArgument)
        write(argument)
    }

    /// A memory access of one lane.
    public mutating func emit(_ operation: Operation, _ argument: MemoryArgument, lane: UInt8) {
        writeOpcode(operation, .memoryArgumentAndLane)
        write(argument)
        writer.write(lane)
    }

    /// An access to one lane of a vector.
    public mutating func emit(_ operation: Operation, lane: UInt8) {
        writeOpcode(operation, .lane)
        writer.write(lane)
    }

    /// An instruction with a heap type, like `ref.null`.
    public mutating func emit(_ operation: Operation, _ type: HeapType) {
        writeOpcode(operation, .heapType)
        writer.write(type)
    }

    private mutating func write(_ argument: MemoryArgument) {
        if argument.memory == 0 {
            writer.write(unsigned: argument.alignment)
        } else {
            writer.write(unsigned: argument.alignment | 0x40)
            writer.write(unsigned: argument.memory)
        }
        writer.write(unsigned: argument.offset)
    }

    // MARK: Instructions of their own kind

    /// A `br_table` with its labels and the one for all other operands.
    public mutating func branchTable(_ labels: [UInt32], default last: UInt32) {
        writeOpcode(.brTable, .labelTable)
        writer.write(count: labels.count)
        for label in labels { writer.write(unsigned: label) }
        writer.write(unsigned: last)
    }

    /// A `try_table` with its clauses, each with its tag, if it is not for all exceptions.
    public mutating func tryTable(
        _ type: BlockType, _ clauses: [(tag: UInt32?, wantsReference: Bool, label: UInt32)]
    ) {
        writeOpcode(.tryTable, .catchTable)
        write(type)
        writer.write(count: clauses.count)
        for clause in clauses {
            writer.write((clause.tag == nil ? 2 : 0) + (clause.wantsReference ? 1 : 0))
            if let tag = clause.tag { writer.write(unsigned: tag) }
            writer.write(unsigned: clause.label)
        }
    }

    /// A `select` with the type of its operands.
    public mutating func select(_ type: ValueType) {
        writeOpcode(.selectTyped, .valueTypes)
        writer.write(count: 1)
        writer.write(type)
    }

    /// A `br_on_cast` or `br_on_cast_fail` from the reference type `source` to `target`.
    public mutating func castBranch(
        _ operation: Operation, _ label: UInt32, from source: ValueType, to target: ValueType
    ) {
        writeOpcode(operation, .castBranch)
        writer.write((source.isNullable ? 1 : 0) | (target.isNullable ? 2 : 0))
        writer.write(unsigned: label)
        writer.write(source.heapType)
        writer.write(target.heapType)
    }

    /// An `i32.const`.
    public mutating func i32(_ value: Int32) {
        writeOpcode(.i32Const, .i32)
        writer.write(signed: Int64(value))
    }

    /// An `i64.const`.
    public mutating func i64(_ value: Int64) {
        writeOpcode(.i64Const, .i64)
        writer.write(signed: value)
    }

    /// An `f32.const` of these bits.
    public mutating func f32(bits: UInt32) {
        writeOpcode(.f32Const, .f32)
        writer.write(word32: bits)
    }

    /// An `f64.const` of these bits.
    public mutating func f64(bits: UInt64) {
        writeOpcode(.f64Const, .f64)
        writer.write(word64: bits)
    }

    /// A `v128.const`, the lower eight bytes first.
    public mutating func v128(low: UInt64, high: UInt64) {
        writeOpcode(.vectorConst, .bytes16)
        writer.write(word64: low)
        writer.write(word64: high)
    }

    /// A shuffle that takes the 16 `lanes`, each below 32.
    public mutating func shuffle(_ lanes: [UInt8]) {
        precondition(lanes.count == 16, "a shuffle has 16 lanes")
        writeOpcode(.vectorShuffle, .bytes16)
        writer.write(lanes)
    }

    /// The instructions of a constant expression, without `end`.
    mutating func emit(_ expression: ConstantExpression) {
        for instruction in expression.instructions {
            switch instruction {
            case .i32Const(let value): i32(value)
            case .i64Const(let value): i64(value)
            case .f32Const(let bits): f32(bits: bits)
            case .f64Const(let bits): f64(bits: bits)
            case .v128Const(let low, let high): v128(low: low, high: high)
            case .globalGet(let index): emit(.globalGet, index)
            case .refNull(let type): emit(.refNull, type)
            case .refFunc(let index): emit(.refFunc, index)
            case .i32Add: emit(.binary(.i32, .add))
            case .i32Sub: emit(.binary(.i32, .subtract))
            case .i32Mul: emit(.binary(.i32, .multiply))
            case .i64Add: emit(.binary(.i64, .add))
            case .i64Sub: emit(.binary(.i64, .subtract))
            case .i64Mul: emit(.binary(.i64, .multiply))
            case .structNew(let type, let values): emit(.structNew(values), type)
            case .arrayNew(let type, let values): emit(.arrayNew(values), type)
            case .arrayNewFixed(let type, let count): emit(.arrayNewFixed, type, count)
            case .refI31: emit(.refI31)
            case .anyConvertExtern: emit(.anyConvertExtern)
            case .externConvertAny: emit(.externConvertAny)
            }
        }
    }
}
