internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Calls (4.6.10). Temporaries are spilled to their slots, locals in volatile registers written
/// back; after the call a local returns to its register when it is next read.
extension BaselineCompiler {
    enum Callee {
        /// A function of this module.
        case own(UInt32)
        case imported(Int)
        /// Of type `typeIndex`, element of `table`; its index is the register given.
        case element(table: Int, typeIndex: Int, index: GeneralValue)
        /// What a reference, which is off the stack, refers to.
        case reference(Operand)
    }

    mutating func translateCall() {
        let function = reader.readIndex()
        let signature = signatures.ofFunction(Int(function))
        if Int(function) < module.importedFunctionCount {
            emitCall(signature, .imported(Int(function)))
        } else {
            emitCall(signature, .own(function))
        }
    }

    mutating func translateCallIndirect() {
        let typeIndex = Int(reader.readIndex())
        let table = Int(reader.readIndex())
        let index = take(pop())
        emitCall(
            signatures[typeIndex], .element(table: table, typeIndex: typeIndex, index: index))
    }

    /// Null is not tested for: reading its record faults.
    mutating func translateCallRef() {
        let typeIndex = Int(reader.readIndex())
        let reference = pop()
        emitCall(signatures[typeIndex], .reference(reference))
    }

    mutating func emitCall(_ signature: Signature, _ callee: Callee) {
        let first = stack.count &- Int(signature.parameterCount)
        spillTemporaries(upTo: first)
        saveHomes(isCaught ? homes : volatileHomes)
        let parameterBytes = signature.parameterStackBytes
        let outgoing = (parameterBytes &+ signature.resultStackBytes &+ 15) & ~15
        if outgoing > 0 { code.alu(.sub, .w64, .rsp, immediate: outgoing) }
        if signature.resultStackBytes > 0 { passResultArea(above: parameterBytes) }
        storeStackArguments(signature, from: first)
        loadCallee(callee)
        moveRegisterArguments(signature, from: first)
        count(callee, signature, from: first)
        emitCallInstruction(callee)
        truncateStack(to: first)
        forgetVolatileHomes()
        takeResults(signature)
        if outgoing > parameterBytes {
            code.alu(.add, .w64, .rsp, immediate: outgoing &- parameterBytes)
        }
    }

    /// Tells the callee where the results that do not fit into registers go.
    private mutating func passResultArea(above parameterBytes: Int32) {
        let scratch = CallingConvention.scratch
        code.lea(.w64, scratch, Address(.rsp, parameterBytes))
        code.store(
            .w64, Address(.rsp, CallingConvention.resultPointerOffset(in: parameterBytes)),
            scratch)
    }

    mutating func storeStackArguments(_ signature: Signature, from first: Int) {
        guard signature.parameterStackBytes > 0 else { return }
        forEachArgument(signature, from: first) { compiler, operand, register, offset in
            if register == nil { compiler.store(operand, Address(.rsp, offset)) }
        }
    }

    mutating func moveRegisterArguments(_ signature: Signature, from first: Int) {
        moves.removeAll()
        forEachArgument(signature, from: first) { compiler, operand, register, _ in
            if let register { compiler.appendMove(to: register, operand) }
        }
        resolveMoves()
    }

    /// Each argument with the number of its register, or nil and its offset on the stack.
    @inline(__always)
    private mutating func forEachArgument(
        _ signature: Signature, from first: Int,
        _ body: (inout Self, Operand, PhysicalRegister?, Int32) -> Void
    ) {
        var general = 0
        var float = 0
        var offset: Int32 = 0
        for argument in 0..<Int(signature.parameterCount) {
            let operand = stack[first &+ argument]
            var register: PhysicalRegister?
            if operand.type.isInVector {
                if float < CallingConvention.floatArgumentCount {
                    register = PhysicalRegister(CallingConvention.floatArgument(float))
                }
                float &+= 1
            } else {
                if general < CallingConvention.generalArgumentCount {
                    register = PhysicalRegister(CallingConvention.generalArgument(general))
                }
                general &+= 1
            }
            body(&self, operand, register, offset)
            if register == nil { offset &+= operand.type.stackBytes }
        }
    }

    /// Puts the funcref of a callee that is found by one into the scratch.
    mutating func loadCallee(_ callee: Callee) {
        switch callee {
        case .own, .imported: break
        case .element(let table, let typeIndex, let index):
            loadElement(table, typeIndex, index)
        case .reference(let reference):
            load(reference, into: CallingConvention.scratch)
            discard(reference)
        }
    }

    /// Puts the funcref of a table's element into the scratch, checked.
    private mutating func loadElement(_ table: Int, _ typeIndex: Int, _ index: GeneralValue) {
        let scratch = CallingConvention.scratch
        let expected = loadElements(table, index.register, trap: .undefinedElement)
        code.load(.w64, scratch, Address(scratch, index: expected, scale: 8))
        if index.isOwned { free(index.register) }
        if signatures.table.place(typeIndex).isFinal {
            code.load(
                .w32, expected, Address(CallingConvention.context, layout.signature(typeIndex)))
            markSite(.uninitializedElement)
            code.alu(.cmp, .w32, expected, Address(scratch, FuncrefField.signature))
        } else {
            compareSupertype(typeIndex, expected)
        }
        trap(.indirectCallTypeMismatch, if: .ne)
        free(expected)
    }

    /// Compares a type with the supertype that the funcref in the scratch has at that type's depth.
    /// `found` is free for it.
    private mutating func compareSupertype(_ typeIndex: Int, _ found: GPR) {
        let context = CallingConvention.context
        let types = allocateGeneral()
        code.load(.w64, types, Address(context, ContextField.storeContext))
        code.load(.w64, types, Address(types, StoreField.types))
        markSite(.uninitializedElement)
        code.load(.w32, found, Address(CallingConvention.scratch, FuncrefField.signature))
        code.alu(.and, .w32, found, immediate: Int32(TypeField.slotMask))
        code.shift(.shl, .w64, found, immediate: UInt8(TypeField.recordSizeLog2))
        code.alu(.add, .w64, found, types)
        free(types)
        let place = TypeField.supertype(atDepth: Int(signatures.table.place(typeIndex).depth))
        if place.isFar { code.load(.w64, found, Address(found, TypeField.far)) }
        code.load(.w32, found, Address(found, place.offset))
        code.alu(.cmp, .w32, found, Address(context, layout.signature(typeIndex)))
    }

    private mutating func emitCallInstruction(_ callee: Callee) {
        switch callee {
        case .own(let function):
            if usesTable {
                relocate(.pointer, code.callThroughRelative(), to: function)
            } else {
                relocate(.code, code.callRelative(), to: function)
            }
            markReturn(handlers: frames.last.handlers)
            return
        case .imported(let function): code.callImport(at: layout.functionImport(function))
        case .element, .reference:
            if case .reference = callee { markSite(.nullFunctionReference) }
            code.callReferenced()
        }
        markReturn(handlers: frames.last.handlers)
        code.restoreContext()
    }

    /// The displacement at `place` leads to what `function` has.
    @inline(__always)
    mutating func relocate(_ kind: CodeRelocation.Kind, _ place: Int, to function: UInt32) {
        relocations.append(
            CodeRelocation(kind, codeOffset: place &- functionStart, function: function))
    }

    // MARK: Runtime functions

    /// Calls a function of the runtime with constants, then the `operands` on top of the stack.
    /// The list `handlers` is for exceptions that it throws.
    mutating func callRuntime(
        _ function: RuntimeFunction, leading: [UInt32], operands: Int, result: ValueClass?,
        handlers: Int32 = -1
    ) {
        let first = stack.count &- operands
        spillTemporaries(upTo: first)
        saveHomes(handlers >= 0 ? homes : volatileHomes)
        moves.removeAll()
        for (place, constant) in leading.enumerated() {
            appendMove(
                to: PhysicalRegister(RuntimeCall.argument(place)),
                .constant(.i32, UInt64(constant)))
        }
        for place in 0..<operands {
            let register = RuntimeCall.argument(leading.count + place)
            appendMove(to: PhysicalRegister(register), stack[first &+ place])
        }
        resolveMoves()
        code.callRuntime(UInt64(function.rawValue))
        markReturn(handlers: handlers)
        truncateStack(to: first)
        forgetVolatileHomes()
        if let result {
            occupy(RuntimeCall.result)
            push(result, RuntimeCall.result)
        }
    }
}
