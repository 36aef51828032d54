internal import ApusCollections

/// Tests and casts of references (3.4.6), and branches on them (3.4.10).
extension FunctionValidator {
    mutating func validateRefTest(nullable: Bool) throws(ModuleError) {
        _ = try popForCast(nullable: nullable)
        push(.i32)
    }

    mutating func validateRefCast(nullable: Bool) throws(ModuleError) {
        push(try popForCast(nullable: nullable))
    }

    /// Reads the type that is asked for and pops a reference, which may be any of its hierarchy.
    private mutating func popForCast(nullable: Bool) throws(ModuleError) -> ValueType {
        let target = try readHeapType()
        try pop(.reference(target.top(in: signatures) ?? target, nullable: true))
        return .reference(target, nullable: nullable)
    }

    /// What `br_on_cast` and `br_on_cast_fail` are written with.
    private struct CastBranch {
        var label: ControlFrame
        var source: ValueType
        var target: ValueType
        /// What is left of the source where the reference is not of the target.
        var difference: ValueType {
            target.isNullable ? source.nonNullable : source
        }
    }

    private mutating func readCastBranch() throws(ModuleError) -> CastBranch {
        let flags = reader.readByte()
        guard flags < 4 else { throw malformed("malformed br_on_cast flags") }
        let label = try readReferenceLabel()
        let source = ValueType.reference(try readHeapType(), nullable: flags & 1 != 0)
        let target = ValueType.reference(try readHeapType(), nullable: flags & 2 != 0)
        guard matches(target, source) else {
            throw invalid(
                "type mismatch: cast from \(module.describe(source)) to "
                    + "\(module.describe(target))")
        }
        return CastBranch(label: label, source: source, target: target)
    }

    mutating func validateBrOnCast() throws(ModuleError) {
        let branch = try readCastBranch()
        try validate(branch, taken: branch.target, other: branch.difference)
    }

    mutating func validateBrOnCastFail() throws(ModuleError) {
        let branch = try readCastBranch()
        try validate(branch, taken: branch.difference, other: branch.target)
    }

    /// The label takes the reference as `taken`; what comes next finds it as `other`.
    private mutating func validate(
        _ branch: CastBranch, taken: ValueType, other: ValueType
    ) throws(ModuleError) {
        try pop(branch.source)
        push(taken)
        try checkBranch(branch.label.labelCount, from: branch.label.labelStart)
        _ = try popAny()
        push(other)
    }

    // MARK: Between hierarchies

    mutating func validateAnyConvertExtern() throws(ModuleError) {
        try convert(.extern, to: .any)
    }

    mutating func validateExternConvertAny() throws(ModuleError) {
        try convert(.any, to: .extern)
    }

    /// Null stays null.
    private mutating func convert(_ source: HeapType, to target: HeapType) throws(ModuleError) {
        let reference = try popReference()
        push(reference)
        try pop(.reference(source, nullable: true))
        push(.reference(target, nullable: reference.isNullable))
    }
}
