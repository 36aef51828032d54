internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

/// Atomic accesses: loads are like all others, stores are exchanges.
extension Selector {
    /// An instruction on as many bits as the access has, with its place in the module; nil if there
    /// is none.
    private mutating func atomic(
        _ opcode: MachineOpcode, _ instruction: ApusIR.Instruction
    ) -> MachineInstruction? {
        guard let width = Self.storeWidth(instruction.access.width, instruction.type) else {
            isRefused = true
            return nil
        }
        var made = MachineInstruction(opcode)
        made.trap = instruction.access.trapCode
        made.width = width
        return made
    }

    mutating func lowerAtomicUpdate(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard var made = atomic(.atomicExchange, instruction) else { return }
        let op = Self.storedOp(instruction.operator)
        let isUsed = !names[value.index].isNone
        if let op, !isUsed {
            made.opcode = .atomicAluStore
            made.detail = op.rawValue
        } else if let op, op != .add {
            made.opcode = .atomicAlu
            made.detail = op.rawValue
            made.clobbers = RegisterSet([.rax])
        } else if op == .add {
            made.opcode = .atomicAdd
        }
        let operand = register(function.stored(instruction), function)
        let memory = address(instruction, function)
        let result = isUsed ? resultRegister(value, function) : makeRegister(instruction.type)
        begin(made, memory)
        switch made.opcode {
        case .atomicAluStore: break
        case .atomicAlu: define(result, .fixed(PhysicalRegister(.rax)))
        default: define(result, .tied)
        }
        use(operand)
        useMemory(memory)
    }

    mutating func lowerAtomicCompareExchange(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard var made = atomic(.atomicCompareExchange, instruction) else { return }
        made.detail = made.width == instruction.type.width ? 0 : 1
        made.clobbers = RegisterSet([.rax])
        let result = resultRegister(value, function)
        let expected = register(function.expected(instruction), function)
        let replacement = register(function.stored(instruction), function)
        let memory = address(instruction, function)
        begin(made, memory)
        define(result, .fixed(PhysicalRegister(.rax)))
        use(expected, .fixed(PhysicalRegister(.rax)))
        use(replacement)
        useMemory(memory)
    }
}
