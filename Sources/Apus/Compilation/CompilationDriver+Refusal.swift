internal import ApusFormat

/// What is valid and has no code yet: here for modules, and in `BaselineCompiler.translate` for
/// instructions, whatever the compiler.
extension CompilationDriver {
    /// Throws if the module has a constant that the runtime cannot make.
    func checkConstants() throws(ModuleError) {
        let offsets = module.offsets
        try check(module.globalInitializers, offsets.globals)
        try check(module.tableInitializers.map { $0 ?? ConstantExpression([]) }, offsets.tables)
        for (index, segment) in module.elements.enumerated() {
            guard case .expressions(let expressions) = segment.initializers,
                expressions.contains(where: \.usesAggregates)
            else { continue }
            throw refusal(offsets.elements, index)
        }
    }

    private func check(
        _ expressions: [ConstantExpression], _ offsets: [UInt32]
    ) throws(ModuleError) {
        guard let index = expressions.firstIndex(where: \.usesAggregates) else { return }
        throw refusal(offsets, index)
    }

    private func refusal(_ offsets: [UInt32], _ index: Int) -> ModuleError {
        ModuleError(
            .unsupported(.garbageCollection), at: Int(offsets[index]),
            "constants of structures and arrays cannot be made yet")
    }
}
