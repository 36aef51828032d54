internal import ApusCollections

/// References, and branches on null (3.4.6, 3.4.10).
extension FunctionValidator {
    /// Pops any reference. Unreachable code has one to anything.
    mutating func popReference() throws(ModuleError) -> ValueType {
        let type = try popAny()
        if type == .bottom { return .reference(.bottom, nullable: false) }
        guard type.isReference else {
            throw invalid("type mismatch: expected a reference, found \(type)")
        }
        return type
    }

    mutating func validateRefIsNull() throws(ModuleError) {
        _ = try popReference()
        push(.i32)
    }

    mutating func validateBrOnNull() throws(ModuleError) {
        let frame = try readLabel()
        let type = try popReference()
        try checkBranch(frame.labelCount, from: frame.labelStart)
        push(type.nonNullable)
    }

    mutating func validateBrOnNonNull() throws(ModuleError) {
        let frame = try readReferenceLabel()
        push(try popReference().nonNullable)
        try checkBranch(frame.labelCount, from: frame.labelStart)
        _ = try popAny()
    }

    /// Reads a label that takes one value at least.
    mutating func readReferenceLabel() throws(ModuleError) -> ControlFrame {
        let frame = try readLabel()
        guard frame.labelCount > 0 else {
            throw invalid("type mismatch: the label takes no reference")
        }
        return frame
    }

    // MARK: References that can be compared, and small integers

    mutating func validateRefEq() throws(ModuleError) {
        let comparable = ValueType.reference(.eq, nullable: true)
        try pop(comparable)
        try pop(comparable)
        push(.i32)
    }

    mutating func validateRefI31() throws(ModuleError) {
        try pop(.i32)
        push(.reference(.i31, nullable: false))
    }

    mutating func validateI31Get() throws(ModuleError) {
        try pop(.reference(.i31, nullable: true))
        push(.i32)
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

    private mutating func isDeclared(_ function: UInt32) -> Bool {
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
}
