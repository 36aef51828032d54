internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusVectors

/// Flags and their users, and ends of blocks.
extension Emitter {
    // MARK: Flags

    /// A register whose value the flags are of, as if it were compared with 0, as far as being
    /// equal goes; if the code still ends where it did then.
    struct ResultFlags: BitwiseCopyable {
        var register: GPR
        var width: Width
        var position: Int
    }

    /// Notes that the instruction before has set the flags by `register`, its result.
    @inline(__always)
    mutating func noteFlags(of register: GPR, _ width: Width) {
        resultFlags = ResultFlags(register: register, width: width, position: code.count)
    }

    /// Whether the flags say already what a comparison of `register` with 0 would.
    private mutating func hasFlags(
        of register: GPR, _ instruction: MachineInstruction
    ) -> Bool {
        let flag = FlagCondition(number: instruction.condition)
        return resultFlags.position == code.count && resultFlags.register == register
            && resultFlags.width == instruction.width.width && flag.isSimple
            && (flag.code == .e || flag.code == .ne)
    }

    private mutating func emitTest(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let test = instruction.flagTest
        let width = instruction.width.width
        let number = Int32(truncatingIfNeeded: instruction.immediate)
        let first =
            instruction.uses.upperBound &- instruction.memory.registerCount
            &- test.registerCount
        switch test {
        case .compare, .compareImmediate: emitComparison(instruction, test, first, function)
        case .compareMemory:
            let address = memory(instruction, function)
            markMemory(instruction)
            code.alu(.cmp, width, general(first, function), address)
        case .compareMemoryImmediate:
            let address = memory(instruction, function)
            markMemory(instruction)
            code.alu(.cmp, width, address, immediate: number)
        case .test:
            let a = general(first, function)
            let b = general(first &+ 1, function)
            if a != b || !hasFlags(of: a, instruction) { code.test(width, a, b) }
        case .testImmediate:
            let a = general(first, function)
            // What the low bits say, a shorter instruction says as well; not of the sign.
            if number > 0, number < 0x80 {
                code.test(.w8, a, immediate: number)
            } else {
                code.test(width, a, immediate: number)
            }
        case .float:
            code.compareFloat(
                instruction.floatWidth, vector(first, function), vector(first &+ 1, function))
        case .floatMemory:
            let address = memory(instruction, function)
            markMemory(instruction)
            code.compareFloat(instruction.floatWidth, vector(first, function), address)
        case .vectorAnyTrue:
            code.vector(.ptest, vector(first, function), vector(first, function))
        case .vectorAllTrue:
            let shape = VectorShape(rawValue: UInt8(truncatingIfNeeded: instruction.immediate))
            code.testAllTrue(
                shape ?? .i8x16, vector(first, function), scratch: CallingConvention.floatScratch)
        }
    }

    /// Of two operands, one of which may be in the frame, or of one with a constant.
    private mutating func emitComparison(
        _ instruction: MachineInstruction, _ test: FlagTest, _ first: Int,
        _ function: borrowing MachineFunction
    ) {
        let width = instruction.width.width
        let slot = frameOperand(first, function)
        guard test == .compare else {
            let number = Int32(truncatingIfNeeded: instruction.immediate)
            if let slot { return code.alu(.cmp, width, slot, immediate: number) }
            let a = general(first, function)
            if number != 0 {
                code.alu(.cmp, width, a, immediate: number)
            } else if !hasFlags(of: a, instruction) {
                code.test(width, a, a)
            }
            return
        }
        if let slot {
            code.alu(.cmp, width, slot, general(first &+ 1, function))
        } else if let slot = frameOperand(first &+ 1, function) {
            code.alu(.cmp, width, general(first, function), slot)
        } else {
            code.alu(.cmp, width, general(first, function), general(first &+ 1, function))
        }
    }

    mutating func emitFlagUser(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        emitTest(instruction, function)
        let flag = FlagCondition(number: instruction.condition)
        let result = Int(instruction.operands)
        switch instruction.opcode {
        case .set: emitSet(flag, general(result, function))
        case .select:
            code.cmov(
                flag.code, .w64, general(result, function),
                general(instruction.uses.lowerBound &+ 1, function))
        case .selectVector:
            let end = code.makeLabel()
            jump(unless: flag, end)
            code.move(
                vector(result, function), vector(instruction.uses.lowerBound &+ 1, function))
            code.bind(end)
        default:
            let trap = TrapCode(stored: instruction.raised, or: .unreachable)
            let cold = coldTrap(trap)
            jump(if: flag, cold)
        }
    }

    mutating func emitPayment(_ instruction: MachineInstruction) {
        let cost = Int32(truncatingIfNeeded: instruction.immediate)
        let isTooLittle = code.payFuel(cost)
        if instruction.detail == 1 { trap(.outOfFuel, if: isTooLittle) }
    }

    mutating func emitPoll() {
        let isAsked = code.compareRequests()
        trap(.interrupted, if: isAsked)
    }

    private mutating func emitSet(_ flag: FlagCondition, _ result: GPR) {
        if flag.isSimple {
            code.set(flag.code, result)
        } else {
            let scratch = CallingConvention.scratch
            let isEqual = flag == .floatsEqual
            code.set(isEqual ? .np : .p, scratch)
            code.set(isEqual ? .e : .ne, result)
            code.alu(isEqual ? .and : .or, .w32, result, scratch)
        }
        code.moveZeroExtended(from: .w8, result, result)
    }

    /// Jumps to `label` if the flags fulfil `flag`.
    private mutating func jump(if flag: FlagCondition, _ label: Label) {
        if flag.isSimple {
            jump(flag.code, label)
        } else if flag == .floatsDiffer {
            jump(.ne, label)
            jump(.p, label)
        } else {
            let end = code.makeLabel()
            code.jump(.p, end, near: true)
            jump(.e, label)
            code.bind(end)
        }
    }

    /// Jumps to `label`, which is near, unless the flags fulfil `flag`.
    private mutating func jump(unless flag: FlagCondition, _ label: Label) {
        if flag.isSimple {
            code.jump(flag.inverted.code, label, near: true)
        } else if flag == .floatsEqual {
            code.jump(.ne, label, near: true)
            code.jump(.p, label, near: true)
        } else {
            let move = code.makeLabel()
            code.jump(.p, move, near: true)
            code.jump(.e, label, near: true)
            code.bind(move)
        }
    }

    // MARK: Ends of blocks

    mutating func emitBranch(
        _ instruction: MachineInstruction, _ block: MachineBlock,
        _ function: borrowing MachineFunction
    ) {
        let ifSo = target(block, 0, function)
        let ifNot = target(block, 1, function)
        if ifSo == ifNot {
            // The test may have taken in a load, which must still trap.
            if instruction.trap != 0 { emitTest(instruction, function) }
            if ifSo != nextBlock { jump(labels[Int(ifSo)]) }
            return
        }
        emitTest(instruction, function)
        let flag = FlagCondition(number: instruction.condition)
        if ifSo == nextBlock {
            jump(if: flag.inverted, labels[Int(ifNot)])
        } else {
            jump(if: flag, labels[Int(ifSo)])
            if ifNot != nextBlock { jump(labels[Int(ifNot)]) }
        }
    }

    mutating func emitEnd(
        _ instruction: MachineInstruction, _ block: MachineBlock,
        _ function: borrowing MachineFunction
    ) {
        switch instruction.opcode {
        case .jump:
            let target = target(block, 0, function)
            if target != nextBlock { jump(labels[Int(target)]) }
        case .branchTable: emitBranchTable(instruction, block, function)
        case .return: emitReturn()
        default:
            markSite(TrapCode(stored: instruction.raised, or: .unreachable))
            code.ud2()
        }
    }

    private mutating func emitBranchTable(
        _ instruction: MachineInstruction, _ block: MachineBlock,
        _ function: borrowing MachineFunction
    ) {
        let last = Int(block.successorCount) &- 1
        let index = general(instruction.uses.lowerBound, function)
        let distance = general(Int(instruction.operands), function)
        let scratch = CallingConvention.scratch
        // No branch decides whether the index is within the table: none can be foreseen wrongly.
        code.moveImmediate(scratch, UInt64(last))
        code.alu(.cmp, .w32, index, scratch)
        code.cmov(.b, .w32, scratch, index)
        let table = code.makeLabel()
        tables.append(JumpTable(label: table, block: currentBlock))
        code.lea(.w64, distance, label: table)
        code.loadSignExtended(
            from: .w32, to: .w64, scratch, Address(distance, index: scratch, scale: 4))
        code.alu(.add, .w64, scratch, distance)
        code.jump(scratch)
    }
}

extension FlagCondition {
    /// As the assembler says it; only of simple ones.
    @inline(__always) var code: Condition { Condition(stored: number, or: .e) }
}
