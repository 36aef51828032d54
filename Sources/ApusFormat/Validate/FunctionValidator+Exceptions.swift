internal import ApusCollections

/// Exceptions: `throw`, `throw_ref`, `try_table` (3.4.11).
extension FunctionValidator {
    mutating func validateThrow() throws(ModuleError) {
        let signature = try readTag()
        note(.callsRuntime)
        try pop(signature.parameterCount, from: signature.parameterStart)
        setUnreachable()
    }

    mutating func validateThrowRef() throws(ModuleError) {
        note(.callsRuntime)
        try pop(.exnref)
        setUnreachable()
    }

    mutating func validateTryTable() throws(ModuleError) {
        let signature = try readBlockSignature()
        try pop(signature.parameterCount, from: signature.parameterStart)
        let count = try reader.readUnsigned32()
        guard Int(count) <= reader.end &- reader.position else { throw reader.unexpectedEnd() }
        guard count <= Self.clauseLimit else {
            throw ModuleError(
                .limit, at: instruction,
                "try_table of \(count) clauses, the limit is \(Self.clauseLimit)")
        }
        if count > 0 { note(.catches) }
        for _ in 0..<count { try validateClause() }
        open(.block, signature)
    }

    /// As many as a `br_table` may have labels.
    private static var clauseLimit: UInt32 { 65_520 }

    /// A clause branches to a label around the instruction, with what the exception carries, and
    /// then the exception itself if it is wanted.
    private mutating func validateClause() throws(ModuleError) {
        let offset = reader.position
        let kind = reader.readByte()
        guard kind < 4 else {
            throw ModuleError(.malformed, at: offset, "malformed catch clause")
        }
        let carried = kind < 2 ? try readTag() : FlatSignature()
        let wantsReference = kind & 1 != 0
        let frame = try readLabel()
        let count = carried.parameterCount &+ (wantsReference ? 1 : 0)
        guard count == frame.labelCount else {
            throw invalid(
                "type mismatch: a catch clause gives \(count) values, its label takes "
                    + "\(frame.labelCount)")
        }
        for place in 0..<count {
            let given =
                place < carried.parameterCount
                ? signatures.types[Int(carried.parameterStart &+ place)]
                : .reference(.exn, nullable: false)
            let expected = signatures.types[Int(frame.labelStart &+ place)]
            guard matches(given, expected) else {
                throw invalid(
                    "type mismatch: a catch clause gives \(module.describe(given)), "
                        + "its label takes \(module.describe(expected))")
            }
        }
        // What lands there is put where the label's values are.
        analysis.maxStackHeight = max(
            analysis.maxStackHeight, Int(frame.height) &+ Int(count))
    }

    private mutating func readTag() throws(ModuleError) -> FlatSignature {
        let tag = try readIndex(below: module.tags.count, "tag")
        return signatures[Int(module.tags[tag])]
    }
}
