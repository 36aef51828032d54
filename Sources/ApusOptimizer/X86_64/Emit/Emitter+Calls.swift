internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

/// Calls, and where exceptions land that leave them.
extension Emitter {
    mutating func emitCall(
        _ instruction: MachineInstruction, _ block: MachineBlock,
        _ function: borrowing MachineFunction
    ) {
        let bytes = Int32(truncatingIfNeeded: instruction.immediate)
        switch instruction.opcode {
        case .reserveStack: code.alu(.sub, .w64, .rsp, immediate: bytes)
        case .releaseStack: code.alu(.add, .w64, .rsp, immediate: bytes)
        case .tailCall, .tailCallFar: emitTailCall(instruction)
        default: emitReturningCall(instruction, block, function)
        }
    }

    /// A call that comes back. If it ends its block it goes on from there.
    private mutating func emitReturningCall(
        _ instruction: MachineInstruction, _ block: MachineBlock,
        _ function: borrowing MachineFunction
    ) {
        switch instruction.opcode {
        case .callImport: code.callImport(at: instruction.displacement)
        case .callFar:
            markMemory(instruction)
            code.callReferenced()
        case .callRuntime: code.callRuntime(instruction.immediate)
        default:
            if callsByPointer(instruction) {
                relocate(.pointer, code.callThroughRelative(), instruction)
            } else {
                relocate(.code, code.callRelative(), instruction)
            }
        }
        let catches = instruction.flags.contains(.catches)
        let handlers = catches ? addHandlers(block, function) : nil
        sites.calls.append(
            CallSite(
                codeOffset: codeOffset, bodyOffset: offset, handlers: handlers, saved: saved))
        if instruction.opcode == .callImport || instruction.opcode == .callFar {
            code.restoreContext()
        }
        guard catches else { return }
        let next = target(block, 0, function)
        if next != nextBlock { jump(labels[Int(next)]) }
    }

    // MARK: Exceptions

    /// Records the handlers of the call that ends `block`: the number of their list. Where they
    /// are is filled in when all code is written.
    private mutating func addHandlers(
        _ block: MachineBlock, _ function: borrowing MachineFunction
    ) -> UInt32 {
        let number = UInt32(truncatingIfNeeded: sites.handlerLists.count &- firstHandlerList)
        if number > CallSite.numberLimit { hasTooManyHandlers = true }
        sites.handlerLists.append(
            HandlerList(
                start: UInt32(truncatingIfNeeded: sites.handlers.count),
                count: block.successorCount &- 1))
        for index in 1..<Int(block.successorCount) {
            let clause = block.clause(index, function)
            landings.append(target(block, index, function))
            sites.handlers.append(
                ExceptionHandler(
                    tag: clause.tag, wantsReference: clause.wantsReference, landingOffset: 0))
        }
        return min(number, CallSite.numberLimit)
    }

    /// Fills in where handlers are.
    mutating func placeHandlers() {
        let first = sites.handlers.count &- landings.count
        for index in 0..<landings.count {
            let position = code.offset(of: labels[Int(landings[index])])
            sites.handlers[first &+ index].landingOffset = UInt32(
                truncatingIfNeeded: position &- functionStart)
        }
    }

    /// The stack pointer is still that of who has thrown.
    mutating func emitLanding() { code.lea(.w64, .rsp, Address(.rbp, -frameBytes)) }

    /// Whether the function that is called may get other code. This one itself will not, unless it
    /// begins in the middle.
    mutating func callsByPointer(_ instruction: MachineInstruction) -> Bool {
        usesTable && UInt32(truncatingIfNeeded: instruction.immediate) != ownIndex
    }

    mutating func relocate(
        _ kind: CodeRelocation.Kind, _ place: Int, _ instruction: MachineInstruction
    ) {
        relocations.append(
            CodeRelocation(
                kind, codeOffset: place &- functionStart,
                function: UInt32(truncatingIfNeeded: instruction.immediate)))
    }
}
