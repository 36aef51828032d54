internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Tail calls (4.6.10): the caller's frame goes before the callee's comes.
extension BaselineCompiler {
    // What must outlive the frame while arguments take its place; no arguments travel in these.
    private static var returnAddress: XMM { .xmm14 }
    private static var callerFrame: XMM { .xmm13 }
    private static var calleeCode: XMM { .xmm12 }
    private static var calleeContext: XMM { .xmm11 }

    mutating func translateReturnCall() {
        let function = reader.readIndex()
        let signature = signatures.ofFunction(Int(function))
        if Int(function) < module.importedFunctionCount {
            emitTailCall(signature, .imported(Int(function)))
        } else {
            emitTailCall(signature, .own(function))
        }
        skip()
    }

    mutating func translateReturnCallIndirect() {
        let typeIndex = Int(reader.readIndex())
        let table = Int(reader.readIndex())
        let index = take(pop())
        emitTailCall(
            signatures[typeIndex], .element(table: table, typeIndex: typeIndex, index: index))
        skip()
    }

    mutating func translateReturnCallRef() {
        let typeIndex = Int(reader.readIndex())
        let reference = pop()
        emitTailCall(signatures[typeIndex], .reference(reference))
        skip()
    }

    private mutating func emitTailCall(_ signature: Signature, _ callee: Callee) {
        let first = stack.count &- Int(signature.parameterCount)
        let bytes = signature.parameterStackBytes
        if bytes > 0 { code.alu(.sub, .w64, .rsp, immediate: bytes) }
        if signature.resultStackBytes > 0 { passResultAreaOn(in: bytes) }
        storeStackArguments(signature, from: first)
        loadCallee(callee)
        moveRegisterArguments(signature, from: first)
        count(callee, signature, from: first)
        loadTailCallee(callee)
        restoreSavedRegisters()
        code.loadFloat(.f64, Self.returnAddress, Address(.rbp, FrameLayout.returnAddress))
        code.loadFloat(.f64, Self.callerFrame, Address(.rbp, FrameLayout.callerFrame))
        if case .own(let function) = callee {
            replaceFrame(signature)
            if usesTable {
                relocate(.pointer, code.jumpThroughRelative(), to: function)
            } else {
                relocate(.code, code.jumpRelative(), to: function)
            }
        } else {
            leaveInstance(signature)
        }
        truncateStack(to: first)
    }

    /// The callee's results that do not fit into registers go where those of this function would.
    private mutating func passResultAreaOn(in bytes: Int32) {
        loadResultArea(CallingConvention.scratch)
        code.store(
            .w64, Address(.rsp, CallingConvention.resultPointerOffset(in: bytes)),
            CallingConvention.scratch)
    }

    /// Puts the address of the code into a vector register and the context into the scratch and a
    /// vector register.
    private mutating func loadTailCallee(_ callee: Callee) {
        let scratch = CallingConvention.scratch
        switch callee {
        case .own: return
        case .imported(let function):
            let record = layout.functionImport(function)
            let context = CallingConvention.context
            code.loadFloat(
                .f64, Self.calleeCode, Address(context, record &+ FunctionImportField.code))
            code.load(.w64, scratch, Address(context, record &+ FunctionImportField.context))
        case .element, .reference:
            if case .reference = callee { markSite(.nullFunctionReference) }
            code.loadFloat(.f64, Self.calleeCode, Address(scratch, FuncrefField.code))
            code.load(.w64, scratch, Address(scratch, FuncrefField.context))
        }
        code.moveToFloat(.w64, Self.calleeContext, scratch)
    }

    /// Goes on in a function that may belong to another instance.
    private mutating func leaveInstance(_ signature: Signature) {
        let scratch = CallingConvention.scratch
        let context = CallingConvention.context
        let own = signatures.ofFunction(functionIndex).parameterStackBytes
        let plain = code.makeLabel()
        let leave = code.makeLabel()
        let enter = code.makeLabel()
        code.alu(.cmp, .w64, scratch, context)
        code.jump(.e, plain)
        code.load(.w64, scratch, Address(context, ContextField.tailReturn))
        code.alu(.cmp, .w64, scratch, Address(.rbp, FrameLayout.returnAddress))
        code.jump(.ne, leave)
        // The caller is such a frame already: it only learns who called last.
        code.load(.w64, scratch, Address(.rbp, FrameLayout.callerFrame))
        code.store(.w64, Address(scratch, TailFrame.caller), context)
        code.bind(plain)
        replaceFrame(signature)
        code.jump(enter)
        code.bind(leave)
        let frame = own  // From the present rbp to the new frame's.
        code.storeFloat(.f64, Address(.rbp, frame &+ 8), Self.returnAddress)
        code.storeFloat(.f64, Address(.rbp, frame), Self.callerFrame)
        code.store(.w64, Address(.rbp, frame &+ TailFrame.caller), context)
        code.store(.w64, Address(.rbp, frame &+ TailFrame.restored), context)
        let place = frame &+ 8 &- TailFrame.bytes &- signature.parameterStackBytes
        moveArguments(signature, to: place &+ 8)
        code.store(.w64, Address(.rbp, place), scratch)
        code.lea(.w64, .rsp, Address(.rbp, place))
        if frame > 0 { code.alu(.add, .w64, .rbp, immediate: frame) }
        code.bind(enter)
        code.moveFromFloat(.w64, context, Self.calleeContext)
        code.moveFromFloat(.w64, scratch, Self.calleeCode)
        code.jump(scratch)
    }

    /// Leaves the stack as the caller's call had left it, but with the arguments of `signature`.
    private mutating func replaceFrame(_ signature: Signature) {
        let own = signatures.ofFunction(functionIndex).parameterStackBytes
        let place = own &+ 8 &- signature.parameterStackBytes
        moveArguments(signature, to: place &+ 8)
        code.storeFloat(.f64, Address(.rbp, place), Self.returnAddress)
        code.lea(.w64, .rsp, Address(.rbp, place))
        code.moveFromFloat(.w64, .rbp, Self.callerFrame)
    }

    /// Moves stack arguments from the top of the stack up to `place` from rbp, the last one first,
    /// since both areas may overlap.
    private mutating func moveArguments(_ signature: Signature, to place: Int32) {
        let scratch = CallingConvention.floatScratch
        var offset = signature.parameterStackBytes
        while offset > 0 {
            offset &-= 8
            code.loadFloat(.f64, scratch, Address(.rsp, offset))
            code.storeFloat(.f64, Address(.rbp, place &+ offset), scratch)
        }
    }
}
