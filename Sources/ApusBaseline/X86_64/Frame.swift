internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// The frame of a compiled function, from rbp down: the context (if the function can leave its
/// instance), saved registers, slots of locals, slots of the operand stack.
extension BaselineCompiler {
    mutating func layOutFrame(_ analysis: borrowing BodyAnalysis) throws(CompilationError) {
        var next = -Int(FrameLayout.context) + 8 * savedRegisters.rawValue.nonzeroBitCount
        // A function that may hold vectors has room for one in each slot.
        slotBytes = analysis.flags.contains(.usesVectors) || signatures.hasVectors ? 16 : 8
        let signature = signatures.ofFunction(functionIndex)
        var general = 0
        var float = 0
        var incoming = FrameLayout.stackArguments
        for index in 0..<min(Int(signature.parameterCount), analysis.locals.usedEnd) {
            let type = parameterClass(signature, index)
            let isUsed = analysis.locals.weight(index) != 0
            if arrivesOnStack(type, &general, &float) {
                if isUsed { localSlots[index] = incoming }
                incoming &+= type.stackBytes
            } else if isUsed {
                next += Int(slotBytes)
                localSlots[index] = Int32(truncatingIfNeeded: -next)
            }
        }
        var index = analysis.locals.nextUsed(Int(signature.parameterCount))
        while index < analysis.locals.count {
            next += Int(slotBytes)
            localSlots[index] = Int32(truncatingIfNeeded: -next)
            index = analysis.locals.nextUsed(index &+ 1)
        }
        stackBase = Int32(truncatingIfNeeded: -next) &- slotBytes
        next += Int(slotBytes) * (analysis.maxStackHeight + 1)
        next = (next + 15) & ~15
        guard next < FrameLayout.bytesLimit else { throw failure(.tooLarge) }
        frameBytes = Int32(next)
    }

    private func parameterClass(_ signature: Signature, _ index: Int) -> ValueClass {
        ValueClass(signatures.type(Int(signature.parameterStart) &+ index))
    }

    private func arrivesOnStack(_ type: ValueClass, _ general: inout Int, _ float: inout Int)
        -> Bool
    {
        if type.isInVector {
            float &+= 1
            return float > CallingConvention.floatArgumentCount
        }
        general &+= 1
        return general > CallingConvention.generalArgumentCount
    }

    @inline(__always)
    func localAddress(_ index: Int) -> Address { Address(.rbp, localSlots[index]) }

    @inline(__always)
    func slotAddress(_ position: Int) -> Address {
        Address(.rbp, stackBase &- Int32(truncatingIfNeeded: position) &* slotBytes)
    }

    mutating func emitPrologue(_ analysis: borrowing BodyAnalysis) {
        instructionOffset = analysis.codeStart
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        emitStackCheck(analysis)
        code.alu(.sub, .w64, .rsp, immediate: frameBytes)
        if isDebuggable || !analysis.flags.isDisjoint(with: [.leavesInstance, .catches]) {
            code.store(.w64, FrameLayout.contextSlot, CallingConvention.context)
        }
        forEachSavedRegister { code, register, place in code.store(.w64, place, register) }
        emitParameterMoves(analysis)
        emitLocalInitialization(analysis)
        if memoryBaseHome != LocalHome.none { loadMemoryBaseHome() }
        // Who calls nobody is soon back where it is looked.
        if !analysis.flags.isDisjoint(with: .calls) { poll() }
        countEntry(analysis)
    }

    private mutating func emitStackCheck(_ analysis: borrowing BodyAnalysis) {
        let isLeaf = analysis.flags.isDisjoint(with: [.calls, .callsRuntime])
        guard FrameLayout.needsStackCheck(isLeaf: isLeaf, frameBytes: frameBytes) else { return }
        let isExhausted = code.compareStack(frameBytes: frameBytes)
        trap(.stackExhausted, if: isExhausted)
    }

    private mutating func forEachSavedRegister(
        _ body: (inout CodeBuffer, GPR, Address) -> Void
    ) {
        var remaining = savedRegisters
        var displacement = FrameLayout.context &- 8
        while !remaining.isEmpty {
            let register = remaining.first
            remaining.remove(GeneralSet(register))
            body(&code, register, Address(.rbp, displacement))
            displacement &-= 8
        }
    }

    /// Brings parameters from where they arrive to where they live.
    private mutating func emitParameterMoves(_ analysis: borrowing BodyAnalysis) {
        let signature = signatures.ofFunction(functionIndex)
        var general = 0
        var float = 0
        moves.removeAll()
        // Until then no home holds its local: what arrives on the stack is read from there.
        homeState.valid = 0
        defer { homeState.valid = homes }
        for index in 0..<min(Int(signature.parameterCount), analysis.locals.usedEnd) {
            let isUsed = analysis.locals.weight(index) != 0
            if parameterClass(signature, index).isInVector {
                if isUsed { arriveFloat(index, float) }
                float &+= 1
            } else {
                if isUsed { arriveGeneral(index, general) }
                general &+= 1
            }
        }
        resolveMoves()
    }

    /// A parameter that is number `place` of those that travel as it does.
    private mutating func arriveGeneral(_ index: Int, _ place: Int) {
        let home = locals[index]
        if place < CallingConvention.generalArgumentCount {
            let source = CallingConvention.generalArgument(place)
            if home.inRegister {
                moves.append(Move(to: home.register, .register(home.type, source)))
            } else {
                code.store(home.type.width, localAddress(index), source)
            }
        } else if home.inRegister {
            moves.append(
                Move(
                    to: home.register, .local(home.type, UInt32(truncatingIfNeeded: index)),
                    fromFrame: true))
        }
    }

    private mutating func arriveFloat(_ index: Int, _ place: Int) {
        let home = locals[index]
        if place < CallingConvention.floatArgumentCount {
            let source = CallingConvention.floatArgument(place)
            if home.inRegister {
                moves.append(Move(to: home.register, .register(home.type, source)))
            } else {
                storeVectorRegister(home.type, localAddress(index), source)
            }
        } else if home.inRegister {
            moves.append(
                Move(
                    to: home.register, .local(home.type, UInt32(truncatingIfNeeded: index)),
                    fromFrame: true))
        }
    }

    /// Declared locals start as zero.
    private mutating func emitLocalInitialization(_ analysis: borrowing BodyAnalysis) {
        let first = analysis.locals.nextUsed(analysis.parameterCount)
        var count = 0
        var inMemory = 0
        var index = first
        while index < analysis.locals.count {
            count &+= 1
            if !locals[index].inRegister { inMemory &+= 1 }
            index = analysis.locals.nextUsed(index &+ 1)
        }
        if inMemory > 16 {
            clearSlots(from: analysis.locals.usedEnd &- 1, words: count &* Int(slotBytes / 8))
        }
        index = first
        while index < analysis.locals.count {
            let home = locals[index]
            if !home.inRegister {
                if inMemory <= 16 { clear(localAddress(index), home.type) }
            } else if home.type.isInVector {
                code.floatXor(home.float, home.float, home.float)
            } else {
                code.zero(home.general)
            }
            index = analysis.locals.nextUsed(index &+ 1)
        }
    }

    private mutating func clear(_ slot: Address, _ type: ValueClass) {
        if type == .v128 {
            let scratch = CallingConvention.floatScratch
            code.floatXor(scratch, scratch, scratch)
            code.storeVector(slot, scratch)
        } else {
            code.store(.w64, slot, immediate: 0)
        }
    }

    /// Zeroes a run of slots, `lowest` being the one at the lowest address. Registers hold only
    /// homes of parameters at this point, and those that `rep stosq` needs are kept.
    private mutating func clearSlots(from lowest: Int, words: Int) {
        code.move(.w64, CallingConvention.scratch, .rdi)
        code.lea(.w64, .rdi, localAddress(lowest))
        code.moveImmediate(.rcx, UInt64(words))
        code.zero(.rax)
        code.repeatStore64()
        code.move(.w64, .rdi, CallingConvention.scratch)
    }

    mutating func loadMemoryBaseHome() {
        code.load(
            .w64, GPR(lowBits: memoryBaseHome),
            Address(CallingConvention.context, ContextField.memoryBase))
    }

    mutating func restoreSavedRegisters() {
        forEachSavedRegister { code, register, place in code.load(.w64, register, place) }
    }

    /// Leaves the function; results are in place.
    mutating func emitEpilogue() {
        restoreSavedRegisters()
        code.leave()
        let stackBytes = signatures.ofFunction(functionIndex).parameterStackBytes
        if stackBytes > 0 {
            code.ret(pop: UInt16(truncatingIfNeeded: stackBytes))
        } else {
            code.ret()
        }
    }

    // MARK: Sites

    @inline(__always)
    var bodyOffset: UInt32 { UInt32(truncatingIfNeeded: instructionOffset &- bodyStart) }

    /// Offset of the present position from the function's start.
    @inline(__always)
    var codeOffset: UInt32 { UInt32(truncatingIfNeeded: code.count &- functionStart) }

    /// Records that the code at the present position can stop with `trap`.
    @inline(__always)
    mutating func markSite(_ trap: TrapCode) {
        sites.traps.append(
            TrapSite(codeOffset: codeOffset, bodyOffset: bodyOffset, code: trap))
    }

    /// Records that the call before the present position returns to it, with the number of the list
    /// of its handlers, or -1. All calls are recorded here.
    @inline(__always)
    mutating func markReturn(handlers: Int32 = -1) {
        sites.calls.append(
            CallSite(
                codeOffset: codeOffset, bodyOffset: bodyOffset,
                handlers: handlers < 0 ? nil : UInt32(bitPattern: handlers)))
    }

    /// Traps when the flags fulfil `condition`.
    mutating func trap(_ trap: TrapCode, if condition: Condition) {
        let label = code.makeLabel()
        code.jump(condition, label)
        coldTraps.append(ColdTrap(label: label, bodyOffset: bodyOffset, code: trap))
    }

    mutating func emitColdTraps() {
        for index in 0..<coldTraps.count {
            let cold = coldTraps[index]
            code.bind(cold.label)
            sites.traps.append(
                TrapSite(codeOffset: codeOffset, bodyOffset: cold.bodyOffset, code: cold.code))
            code.ud2()
        }
    }
}
