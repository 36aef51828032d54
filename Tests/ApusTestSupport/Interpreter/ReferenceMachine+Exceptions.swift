internal import ApusCollections
internal import ApusFormat

/// Specification: 4.6.12 “Exception Handling”.
extension ReferenceMachine {
    /// Throws an exception of the module's tag `index`, with the values on the stack.
    func throwNew(_ index: Int) throws {
        let tag = frames[frames.count - 1].instance.tags[index]
        let start = stack.count - store.tags[tag].types.count
        store.exceptions.append(
            ReferenceStore.Exception(tag: tag, values: Array(stack[start...])))
        stack.removeSubrange(start...)
        try throwException(store.exceptions.count - 1)
    }

    func throwReferred() throws {
        let reference = pop()
        guard reference != 0 else { throw ReferenceTrap.nullExceptionReference }
        try throwException(Int(reference - 1))
    }

    /// Goes on at the innermost clause that catches exception `number`.
    private func throwException(_ number: Int) throws {
        let exception = store.exceptions[number]
        while let frame = frames.last {
            while labels.count > frame.labelBase {
                let label = labels.removeLast()
                for clause in label.clauses {
                    let tag = clause.tag.map { frame.instance.tags[$0] }
                    if let tag, tag != exception.tag { continue }
                    stack.removeSubrange(label.height...)
                    if tag != nil { stack += exception.values }
                    if clause.wantsReference { push(UInt64(number) + 1) }
                    return branch(clause.label)
                }
            }
            stack.removeSubrange(frame.base...)
            frames.removeLast()
        }
        let types = store.tags[exception.tag].types
        let values = zip(exception.values, types).map(Self.describe)
        throw ReferenceException(
            description: "uncaught exception (\(values.joined(separator: ", ")))")
    }

    private static func describe(_ cell: ModelVector, _ type: ValueType) -> String {
        if type.isReference { return "reference" }
        return switch ReferenceValue(cell: cell, type: type) {
        case .i32(let bits): "i32(\(Int32(bitPattern: bits)))"
        case .i64(let bits): "i64(\(Int64(bitPattern: bits)))"
        case .f32(let bits): "f32(\(Float(bitPattern: bits)))"
        case .f64(let bits): "f64(\(Double(bitPattern: bits)))"
        case .v128: "v128"
        case .function, .extern, .exception, .any, .externalized: "reference"
        }
    }
}
