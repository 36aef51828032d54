internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// Frames, traps and what lies behind the code. The rules are those of baseline code.
extension Emitter {
    mutating func layOutFrame(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ frameSlots: borrowing FrameSlots
    ) {
        saved = SavedRegisters(
            allocation.used.intersection(calleeSaved), behindContext: keepsContext)
        let start = 8 &* (saved.count &+ (keepsContext ? 1 : 0))
        let wideStart = start &+ 8 &* frameSlots.narrowCount
        var bytes = wideStart &+ 16 &* frameSlots.wideCount
        slots.removeAll()
        for value in 0..<function.registers.count {
            guard allocation.isSpilled[value] else {
                slots.append(0)
                continue
            }
            let slot = Int(frameSlots.slots[value]) &+ 1
            let end =
                function.registers[value].bytes == 16
                ? wideStart &+ 16 &* slot : start &+ 8 &* slot
            slots.append(Int32(truncatingIfNeeded: 0 &- end))
        }
        bytes = (bytes &+ 15) & ~15
        isTooLarge = bytes >= FrameLayout.bytesLimit
        frameBytes = Int32(truncatingIfNeeded: bytes)
    }

    mutating func isLeaf(_ function: borrowing MachineFunction) -> Bool {
        for index in 0..<function.instructions.count
        where function.instructions[index].flags.contains(.calls)
            || function.instructions[index].opcode == .allocate
            || function.instructions[index].opcode == .reserveStack
        {
            return false
        }
        return true
    }

    mutating func emitPrologue(isLeaf: Bool) {
        offset = 0
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        if FrameLayout.needsStackCheck(isLeaf: isLeaf, frameBytes: frameBytes) {
            let isExhausted = code.compareStack(frameBytes: frameBytes)
            trap(.stackExhausted, if: isExhausted)
        }
        if frameBytes > 0 { code.alu(.sub, .w64, .rsp, immediate: frameBytes) }
        if keepsContext { code.store(.w64, FrameLayout.contextSlot, CallingConvention.context) }
        saved.forEach { place, offset in
            code.store(.w64, Address(.rbp, offset), CallingConvention.keptRegister(place))
        }
    }

    /// Brings back what the caller had in the registers that the function changes, and its frame.
    /// `isAtFrame`: the stack pointer is where the frame pointer is.
    mutating func emitLeave(isAtFrame: Bool) {
        restoreSaved()
        if isAtFrame { code.pop(.rbp) } else { code.leave() }
    }

    /// Brings back what the caller had in the registers that the function changes.
    mutating func restoreSaved() {
        saved.forEach { place, offset in
            code.load(.w64, CallingConvention.keptRegister(place), Address(.rbp, offset))
        }
    }

    mutating func emitReturn() {
        emitLeave(isAtFrame: frameBytes == 0)
        if parameterBytes > 0 {
            code.ret(pop: UInt16(truncatingIfNeeded: parameterBytes))
        } else {
            code.ret()
        }
    }

    // MARK: Traps

    /// Offset of the present position from the function's start.
    @inline(__always)
    var codeOffset: UInt32 {
        mutating get { UInt32(truncatingIfNeeded: code.count &- functionStart) }
    }

    /// Records that the code at the present position can stop with `trap`.
    @inline(__always)
    mutating func markSite(_ trap: TrapCode) {
        sites.traps.append(TrapSite(codeOffset: codeOffset, bodyOffset: offset, code: trap))
    }

    /// Records that the memory operand of the instruction to come may fault.
    @inline(__always)
    mutating func markMemory(_ instruction: MachineInstruction) {
        if instruction.trap != 0 {
            markSite(TrapCode(stored: instruction.trap, or: .memoryOutOfBounds))
        }
    }

    /// Traps when the flags fulfil `condition`.
    mutating func trap(_ trap: TrapCode, if condition: Condition) {
        let cold = coldTrap(trap)
        jump(condition, cold)
    }

    /// Where a `ud2` for `trap` will be.
    mutating func coldTrap(_ trap: TrapCode) -> Label {
        let label = code.makeLabel()
        coldTraps.append(ColdTrap(label: label, offset: offset, code: trap.rawValue))
        return label
    }

    mutating func emitColdTraps() {
        for index in 0..<coldTraps.count {
            let cold = coldTraps[index]
            code.bind(cold.label)
            offset = cold.offset
            markSite(TrapCode(stored: cold.code, or: .unreachable))
            code.ud2()
        }
    }

    mutating func emitTables(_ function: borrowing MachineFunction) {
        for index in 0..<tables.count {
            code.align(to: 4)
            let start = code.count
            code.bind(tables[index].label)
            let block = function.blocks[Int(tables[index].block)]
            for successor in 0..<Int(block.successorCount) {
                let target = target(block, successor, function)
                code.append32(label: labels[Int(target)], relativeTo: start)
            }
        }
    }
}
