internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// How functions begin and end; rbp is the frame pointer.
extension BaselineCompiler {
    @inline(__always)
    mutating func localAddress(_ index: Int) -> Address { Address(.rbp, localSlots[index]) }

    @inline(__always)
    mutating func slotAddress(_ position: Int) -> Address {
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
        saved.forEach { place, offset in
            code.store(.w64, Address(.rbp, offset), CallingConvention.keptRegister(place))
        }
        emitParameterMoves(analysis)
        emitLocalInitialization(analysis)
        if !memoryBaseHome.isNone { loadMemoryBaseHome() }
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

    /// Brings parameters from where they arrive to where they live.
    private mutating func emitParameterMoves(_ analysis: borrowing BodyAnalysis) {
        let signature = signatures.ofFunction(functionIndex)
        var general = 0
        var float = 0
        moves.removeAll()
        // Until then no home holds its local: what arrives on the stack is read from there.
        homeState.valid = []
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
            .w64, memoryBaseHome.general,
            Address(CallingConvention.context, ContextField.memoryBase))
    }

    mutating func restoreSavedRegisters() {
        saved.forEach { place, offset in
            code.load(.w64, CallingConvention.keptRegister(place), Address(.rbp, offset))
        }
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
}
