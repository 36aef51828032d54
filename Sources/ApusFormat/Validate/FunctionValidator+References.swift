internal import ApusCollections

/// Tail calls, and references to functions (3.4.6, 3.4.10).
extension FunctionValidator {
    // MARK: Calls

    /// `return_call`, `return_call_indirect`, `call_ref`, `return_call_ref`.
    mutating func validateLaterCall(_ opcode: UInt8) throws(ModuleError) {
        let feature: Feature = opcode < 0x14 ? .tailCalls : .functionReferences
        guard features.has(feature) else { throw refusal(of: opcode) }
        switch opcode {
        case 0x12:
            let function = try readIndex(below: signatures.functionCount, "function")
            let leaves = function < module.importedFunctionCount
            try validateTailCall(signatures.ofFunction(function), leaves: leaves)
        case 0x13:
            let (address, signature) = try readIndirectCallee()
            try pop(address)
            try validateTailCall(signature, leaves: true)
        case 0x14:
            let signature = try readReferenceCallee()
            noteCall([.calls, .leavesInstance])
            try pop(signature.parameterCount, from: signature.parameterStart)
            push(signature.resultCount, from: signature.resultStart)
        default:
            guard features.has(.tailCalls) else { throw unsupported(.tailCalls, "return_call_ref") }
            try validateTailCall(try readReferenceCallee(), leaves: true)
        }
    }

    /// Reads the type of a call by reference and pops the reference.
    private mutating func readReferenceCallee() throws(ModuleError) -> FlatSignature {
        let type = try readFunctionTypeIndex()
        try pop(.reference(HeapType(typeIndex: signatures.place(type).canonical), nullable: true))
        return signatures[type]
    }

    /// Reads the index of a type that must be a function type.
    private mutating func readFunctionTypeIndex() throws(ModuleError) -> Int {
        try checkFunctionType(try reader.readUnsigned32())
    }

    /// `index`, if it is that of a function type.
    func checkFunctionType(_ index: UInt32) throws(ModuleError) -> Int {
        guard let kind = signatures.kind(index) else { throw invalid("unknown type \(index)") }
        guard kind == .function else {
            throw invalid("type mismatch: type \(index) is a \(kind.name), not a function type")
        }
        return Int(index)
    }

    /// The callee's results become the caller's. Nothing lives beyond the call, so it does not
    /// count among the weighted ones.
    private mutating func validateTailCall(
        _ callee: FlatSignature, leaves: Bool
    ) throws(ModuleError) {
        let body = frames[0].signature
        guard callee.resultCount == body.resultCount else {
            throw invalid("type mismatch: a tail call must return what its caller returns")
        }
        for place in 0..<callee.resultCount {
            let given = signatures.types[Int(callee.resultStart &+ place)]
            let expected = signatures.types[Int(body.resultStart &+ place)]
            guard matches(given, expected) else {
                throw invalid("type mismatch: a tail call returns \(given), not \(expected)")
            }
        }
        note(leaves ? [.calls, .leavesInstance, .tailEscapes] : .calls)
        try pop(callee.parameterCount, from: callee.parameterStart)
        setUnreachable()
    }

    // MARK: Null

    /// Pops any reference. Unreachable code has one to anything.
    mutating func popReference() throws(ModuleError) -> ValueType {
        let type = try popAny()
        if type == .bottom { return .reference(.bottom, nullable: false) }
        guard type.isReference else {
            throw invalid("type mismatch: expected a reference, found \(type)")
        }
        return type
    }

    /// `ref.as_non_null`, `br_on_null`, `br_on_non_null`.
    mutating func validateNullCheck(_ opcode: UInt8) throws(ModuleError) {
        guard features.has(.functionReferences) else { throw refusal(of: opcode) }
        switch opcode {
        case 0xD4: push(try popReference().nonNullable)
        case 0xD5:
            let frame = try readLabel()
            let type = try popReference()
            try checkBranch(frame.labelCount, from: frame.labelStart)
            push(type.nonNullable)
        default:
            let frame = try readLabel()
            guard frame.labelCount > 0 else {
                throw invalid("type mismatch: the label takes no reference")
            }
            push(try popReference().nonNullable)
            try checkBranch(frame.labelCount, from: frame.labelStart)
            _ = try popAny()
        }
    }

    // MARK: Functions

    mutating func validateRefFunc() throws(ModuleError) {
        let function = try readIndex(below: signatures.functionCount, "function")
        guard isDeclared(UInt32(truncatingIfNeeded: function)) else {
            throw invalid("undeclared function reference \(function)")
        }
        guard features.has(.functionReferences) else { return push(.funcref) }
        let index = signatures.place(signatures.typeIndex(ofFunction: function)).canonical
        push(.reference(HeapType(typeIndex: index), nullable: false))
    }

    private func isDeclared(_ function: UInt32) -> Bool {
        var low = 0
        var high = module.escapingFunctions.count
        while low < high {
            let middle = (low &+ high) / 2
            let candidate = module.escapingFunctions[middle]
            if candidate == function { return true }
            if candidate < function { low = middle &+ 1 } else { high = middle }
        }
        return false
    }

    // MARK: Locals without a default (3.4.3)

    /// Parameters have values; other such locals must have been set in this frame or one around.
    func checkInitialized(_ local: Int) throws(ModuleError) {
        guard local < analysis.parameterCount || isLocalInitialized[local] != 0 else {
            throw invalid("uninitialized local \(local)")
        }
    }

    mutating func noteInitialization(_ local: Int) {
        if local < analysis.parameterCount || isLocalInitialized[local] != 0 { return }
        isLocalInitialized[local] = 1
        initializedLocals.append(UInt32(truncatingIfNeeded: local))
    }

    /// What was set since then was set in a frame that has been left.
    @inline(__always)
    mutating func forgetInitializations(since count: Int32) {
        while initializedLocals.count > Int(count) {
            isLocalInitialized[Int(initializedLocals.removeLast())] = 0
        }
    }
}
