internal import ApusABI
internal import ApusBaseline
internal import ApusFormat
internal import ApusOptimizer

/// The optimizing compiler, and the baseline compiler for the functions that it leaves out. Code
/// of both calls each other as code of one does.
struct OptimizingModuleCompiler: ModuleCompiler, ~Copyable {
    private var optimizing: OptimizingCompiler
    private var baseline: BaselineCompiler
    private let isFuelMetered: Bool

    init(_ environment: ModuleEnvironment) {
        optimizing = OptimizingCompiler(environment)
        baseline = BaselineCompiler(environment)
        isFuelMetered = environment.isFuelMetered
    }

    mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, into batch: inout CodeBatch
    ) throws(CompilationError) {
        // Only baseline code counts fuel.
        if !isFuelMetered, optimizing.compile(index, analysis, into: &batch) { return }
        try baseline.compile(index, analysis, into: &batch)
    }
}
