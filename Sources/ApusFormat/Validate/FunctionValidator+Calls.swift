internal import ApusCollections

/// Calls, those in tail position too (3.4.10).
extension FunctionValidator {
    private mutating func noteCall(_ flags: BodyFlags) {
        note(flags)
        analysis.callWeight = analysis.callWeight.saturatingAdd(weight)
    }

    mutating func validateCall() throws(ModuleError) {
        let function = try readIndex(below: signatures.functionCount, "function")
        let leaves = function < module.importedFunctionCount
        noteCall(leaves ? [.calls, .leavesInstance] : .calls)
        try call(signatures.ofFunction(function))
    }

    mutating func validateCallIndirect() throws(ModuleError) {
        let (address, signature) = try readIndirectCallee()
        noteCall(BodyFlags.calls.union(.leavesInstance))
        try pop(address)
        try call(signature)
    }

    mutating func validateCallRef() throws(ModuleError) {
        let signature = try readReferenceCallee()
        noteCall(BodyFlags.calls.union(.leavesInstance))
        try call(signature)
    }

    private mutating func call(_ signature: FlatSignature) throws(ModuleError) {
        try pop(signature.parameterCount, from: signature.parameterStart)
        push(signature.resultCount, from: signature.resultStart)
    }

    mutating func validateReturnCall() throws(ModuleError) {
        let function = try readIndex(below: signatures.functionCount, "function")
        let leaves = function < module.importedFunctionCount
        try validateTailCall(signatures.ofFunction(function), leaves: leaves)
    }

    mutating func validateReturnCallIndirect() throws(ModuleError) {
        let (address, signature) = try readIndirectCallee()
        try pop(address)
        try validateTailCall(signature, leaves: true)
    }

    mutating func validateReturnCallRef() throws(ModuleError) {
        try validateTailCall(try readReferenceCallee(), leaves: true)
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
                throw invalid(
                    "type mismatch: a tail call returns \(module.describe(given)), "
                        + "not \(module.describe(expected))")
            }
        }
        note(leaves ? [.calls, .leavesInstance, .tailEscapes] : .calls)
        try pop(callee.parameterCount, from: callee.parameterStart)
        setUnreachable()
    }

    // MARK: Callees

    /// Reads the immediates of a call through a table: the type of its index, and the signature.
    private mutating func readIndirectCallee() throws(ModuleError) -> (ValueType, FlatSignature) {
        let type = try reader.readUnsigned32()
        let table = try readTableIndex()
        let index = try checkType(type, is: .function)
        guard matches(tables[table], .funcref) else {
            throw invalid("type mismatch: table \(table) does not hold functions")
        }
        return (tableAddresses[table], signatures[index])
    }

    /// Reads the type of a call by reference and pops the reference.
    private mutating func readReferenceCallee() throws(ModuleError) -> FlatSignature {
        let type = try checkType(try reader.readUnsigned32(), is: .function)
        try pop(.reference(HeapType(typeIndex: signatures.place(type).canonical), nullable: true))
        return signatures[type]
    }

    /// `index`, if it is that of a type of `kind` that the module has itself.
    mutating func checkType(_ index: UInt32, is kind: CompositeKind) throws(ModuleError) -> Int {
        try checkType(index, below: module.ownTypeCount, is: kind)
    }

    /// `index`, if it is that of one of the first `count` types, and that is of `kind`.
    mutating func checkType(
        _ index: UInt32, below count: Int, is kind: CompositeKind
    ) throws(ModuleError) -> Int {
        guard Int(index) < count, let found = signatures.kind(index) else {
            throw invalid("unknown type \(index)")
        }
        guard found == kind else {
            throw invalid(
                "type mismatch: \(module.describe(type: Int(index))) is \(found.name), "
                    + "not \(kind.name)")
        }
        return Int(index)
    }
}
