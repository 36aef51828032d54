internal import ApusABI
internal import ApusBaseline
internal import ApusFormat
internal import ApusOptimizer

/// The optimizing compiler, and the baseline compiler for the functions that it leaves out. Code
/// of both calls each other as code of one does.
struct OptimizingModuleCompiler: ModuleCompiler, ~Copyable {
    private var optimizing: OptimizingCompiler
    private var baseline: BaselineCompiler
    /// Only baseline code runs on processors of any age.
    private let isBaselineOnly: Bool

    init(_ environment: ModuleEnvironment) {
        optimizing = OptimizingCompiler(environment)
        baseline = BaselineCompiler(environment)
        isBaselineOnly = !OptimizingCompiler.supports(environment.processor)
    }

    var phases: CompilationPhases { optimizing.phases }

    mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, into batch: inout CodeBatch
    ) throws(CompilationError) {
        if !isBaselineOnly, try optimizing.compile(index, analysis, into: &batch) { return }
        try baseline.compile(index, analysis, into: &batch)
    }
}
