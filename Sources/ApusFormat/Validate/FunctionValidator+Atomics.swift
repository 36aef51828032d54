internal import ApusCollections

/// Atomic memory accesses: the prefix 0xFE (threads proposal).
extension FunctionValidator {
    mutating func validateAtomic() throws(ModuleError) {
        let code = try reader.readUnsigned32()
        guard features.has(.threads), let row = Opcodes.opcode(prefix: 0xFE, code: Int(code)) else {
            throw refusal(ofPrefix: 0xFE, code: code)
        }
        note(.synchronizes)
        switch row.operation {
        case .atomicLoad(let type, _):
            try pop(try readAtomicArgument(row.operation))
            push(type.valueType)
        case .atomicStore(let type, _):
            let address = try readAtomicArgument(row.operation)
            try pop(type.valueType)
            try pop(address)
        case .atomicReadModifyWrite(let type, _, _):
            try validateAtomicUpdate(row.operation, type.valueType, operandCount: 1)
        case .atomicCompareExchange(let type, _):
            try validateAtomicUpdate(row.operation, type.valueType, operandCount: 2)
        case .atomicWait(let type):
            note(.callsRuntime)
            let address = try readAtomicArgument(row.operation)
            try pop(.i64)
            try pop(type.valueType)
            try pop(address)
            push(.i32)
        case .atomicNotify:
            note(.callsRuntime)
            let address = try readAtomicArgument(row.operation)
            try pop(.i32)
            try pop(address)
            push(.i32)
        default: try validateFence()
        }
    }

    /// What gives the old value for `operandCount` operands.
    private mutating func validateAtomicUpdate(
        _ operation: Operation, _ type: ValueType, operandCount: Int
    ) throws(ModuleError) {
        let address = try readAtomicArgument(operation)
        for _ in 0..<operandCount { try pop(type) }
        try pop(address)
        push(type)
    }

    /// Reads a memory argument, whose alignment has no choice. Returns the type of the memory's
    /// addresses.
    private mutating func readAtomicArgument(
        _ operation: Operation
    ) throws(ModuleError) -> ValueType {
        let natural = UInt32(operation.naturalAlignment)
        var flags = reader
        let address = try readMemoryArgument(natural: natural)
        guard try flags.readUnsigned32() & 0x3F == natural else {
            throw invalid("atomic alignment must be natural")
        }
        return address
    }

    /// A byte follows that may come to mean something.
    private mutating func validateFence() throws(ModuleError) {
        guard reader.readByte() == 0 else { throw malformed("zero byte expected") }
    }
}
