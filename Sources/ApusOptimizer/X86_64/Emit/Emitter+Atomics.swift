internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// Atomic accesses.
extension Emitter {
    mutating func emitAtomic(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = Operands(instruction)
        let width = instruction.width.width
        let address = memory(instruction, function)
        let first = general(operands.useStart, function)
        if instruction.opcode == .atomicAlu {
            return emitUpdateLoop(instruction, address, first)
        }
        markMemory(instruction)
        switch instruction.opcode {
        case .atomicExchange:
            code.exchange(width, address, first)
            extend(width, first)
        case .atomicAdd:
            code.lockedExchangeAdd(width, address, first)
            extend(width, first)
        case .atomicAluStore: code.lockedAlu(instruction.aluOp, width, address, first)
        default:
            code.lockedCompareExchange(width, address, general(operands.useStart &+ 1, function))
            if instruction.detail == 1 { code.moveZeroExtended(from: width, .rax, .rax) }
        }
    }

    /// What was written to part of a register gets zeroes above.
    private mutating func extend(_ width: Width, _ register: GPR) {
        if width == .w8 || width == .w16 { code.moveZeroExtended(from: width, register, register) }
    }

    /// Tries to replace what was read until nobody else has changed it.
    private mutating func emitUpdateLoop(
        _ instruction: MachineInstruction, _ address: Address, _ operand: GPR
    ) {
        let width = instruction.width.width
        let wide: Width = width == .w64 ? .w64 : .w32
        let new = CallingConvention.scratch
        let again = code.makeLabel()
        markMemory(instruction)
        code.loadZeroExtended(from: width, .rax, address)
        code.bind(again)
        code.move(wide, new, .rax)
        code.alu(instruction.aluOp, wide, new, operand)
        code.lockedCompareExchange(width, address, new)
        code.jump(.ne, again, near: true)
    }
}
