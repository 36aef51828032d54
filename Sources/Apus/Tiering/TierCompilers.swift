internal import ApusABI
internal import ApusBaseline
internal import ApusFormat
internal import ApusOptimizer
internal import ApusRuntime

/// What makes a function's first code.
struct BaselineTier: ~Copyable {
    private var worker: CompilationWorker<BaselineCompiler>
    private var batch = CodeBatch()

    init(_ environment: ModuleEnvironment, _ features: FeatureSet, _ budget: CompilationBudget) {
        worker = CompilationWorker(environment, features, budget)
    }

    /// Has an image of the code of function `index` made by `loaded`.
    mutating func makeImage(_ index: Int, of loaded: LoadedModule) throws -> CodeImage {
        batch.removeAll()
        try worker.compile(index..<index + 1, into: &batch)
        return try loaded.makeImage(batch)
    }
}

/// What makes the code of functions that are hot.
struct OptimizingTier: ~Copyable {
    private var validator: FunctionValidator
    private var compiler: OptimizingCompiler
    /// Knows what frames of the first tier are like.
    private var frames: BaselineCompiler
    private var batch = CodeBatch()

    init(_ environment: ModuleEnvironment, _ features: FeatureSet) {
        var environment = environment
        frames = BaselineCompiler(environment)
        environment.linkage = .table(nil)
        validator = FunctionValidator(environment.module, features: features)
        compiler = OptimizingCompiler(environment)
    }

    /// The code of function `index`; nil if the compiler leaves it out.
    mutating func optimize(_ index: Int, of loaded: LoadedModule) throws -> CodeImage? {
        batch.removeAll()
        try validator.validate(index)
        batch.tier = .optimizing
        if validator.analysis.flags.contains(.writesTables) { batch.writesTables = true }
        guard try compiler.compile(index, validator.analysis, into: &batch) else { return nil }
        return try loaded.makeImage(batch)
    }

    /// Code of function `index` that begins at a loop, with a frame of the first tier; nil if the
    /// compiler leaves it out.
    mutating func optimize(
        _ index: Int, from loop: Int, of loaded: LoadedModule
    ) throws -> LoopEntry? {
        batch.removeAll()
        try validator.validate(index)
        batch.tier = .optimizing
        if validator.analysis.flags.contains(.writesTables) { batch.writesTables = true }
        let frame = try frames.frameMap(index, validator.analysis)
        guard frame.imageBytes <= Self.frameLimit,
            try compiler.compile(index, validator.analysis, from: loop, frame, into: &batch)
        else { return nil }
        return LoopEntry(try loaded.makeImage(batch), frame)
    }

    /// Larger frames stay: copying them is not worth it.
    private static var frameLimit: Int { 64 << 10 }
}
