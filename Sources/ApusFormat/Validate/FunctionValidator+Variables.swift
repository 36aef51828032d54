internal import ApusCollections

/// Locals and globals (3.4.3).
extension FunctionValidator {
    @inline(__always)
    mutating func validateLocalGet() throws(ModuleError) {
        let (index, type) = try readLocal()
        if !type.isDefaultable { try checkInitialized(index) }
        push(type)
    }

    /// Returns the local's type.
    @inline(__always)
    mutating func validateLocalSet() throws(ModuleError) -> ValueType {
        let (index, type) = try readLocal()
        noteAssignment(index)
        if !type.isDefaultable { noteInitialization(index) }
        try pop(type)
        return type
    }

    @inline(__always)
    private mutating func readLocal() throws(ModuleError) -> (index: Int, type: ValueType) {
        let index = try readIndex(below: analysis.locals.count, "local")
        return (
            index, analysis.locals.use(index, weight: weight, parameters: signatures.types)
        )
    }

    // MARK: Locals without a default

    /// Parameters have values; other such locals must have been set in this frame or one around.
    private mutating func checkInitialized(_ local: Int) throws(ModuleError) {
        guard local < analysis.parameterCount || isLocalInitialized[local] != 0 else {
            throw invalid("uninitialized local \(local)")
        }
    }

    private mutating func noteInitialization(_ local: Int) {
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

    // MARK: Globals

    mutating func validateGlobalGet() throws(ModuleError) {
        let global = globals[try readIndex(below: globals.count, "global")]
        push(ValueType(bits: UInt32(truncatingIfNeeded: global >> 1)))
    }

    mutating func validateGlobalSet() throws(ModuleError) {
        let index = try readIndex(below: globals.count, "global")
        let global = globals[index]
        guard global & 1 != 0 else { throw invalid("global is immutable: \(index)") }
        note(.writesGlobals)
        try pop(ValueType(bits: UInt32(truncatingIfNeeded: global >> 1)))
    }
}
