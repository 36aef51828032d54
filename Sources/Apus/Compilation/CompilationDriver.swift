// Produces: a LinkedImage, the machine code of a whole module in its final place.
// Consumes: a DecodedModule that ModuleValidator has accepted.

internal import ApusABI
internal import ApusAssembler
internal import ApusBaseline
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// Validates and compiles all functions of a module, on several threads where that pays.
///
/// Functions go in batches of consecutive ones whose borders depend on the module alone, and
/// batches enter the image in order: the image is the same whatever the number of threads.
struct CompilationDriver {
    let module: DecodedModule
    let configuration: Engine.Configuration
    /// What it may take, and when it is to end.
    let budget: CompilationBudget
    /// What is known of functions from how they have run, if they have.
    var profiles: ModuleProfile?

    private var features: FeatureSet { configuration.features }

    /// Whose code it is.
    private var tier: CodeTier { configuration.compiler == .baseline ? .baseline : .optimizing }

    /// A batch is closed when its bodies have this many bytes, so that its code stays in cache
    /// until it is copied to its place.
    private static var batchBytes: Int { 32 << 10 }

    /// The module's code, and what each phase took if the configuration asks for that.
    func compile() throws -> CompilationResult {
        switch configuration.compiler {
        case .baseline: try compile(BaselineCompiler.self)
        case .optimizing, .tiered: try compile(OptimizingModuleCompiler.self)
        }
    }

    /// Validates all functions and makes no code. Says whether one of them stores to elements of
    /// tables without calling the runtime.
    @discardableResult
    func validate() throws -> Bool {
        let batches = batches()
        let threads = threadCount(batches)
        let shared = SharedValidation(batches)
        WorkerThreads.run(threads) { [module, features, budget] in
            shared.work(FunctionValidator(module, features: features), budget)
        }
        return try shared.finish()
    }

    /// Asking for the processors takes as long as compiling a small module.
    private func threadCount(_ batches: [Range<Int>]) -> Int {
        guard batches.count > 1 else { return 1 }
        return min(
            configuration.compilationThreads ?? WorkerThreads.processorCount, batches.count)
    }

    private func compile<Compiler: ModuleCompiler & SendableMetatype & ~Copyable>(
        _: Compiler.Type
    ) throws -> CompilationResult {
        let batches = batches()
        // SAFETY: the driver keeps the budget until all threads are done.
        var environment = environment
        environment.watch = unsafe CompilationWatch(budget)
        environment.profile = profiles
        defer { withExtendedLifetime(budget) {} }
        let threads = threadCount(batches)
        if threads > 1 {
            let shared = try SharedCompilation(
                module, batches, measuresPhases: configuration.measuresPhases)
            WorkerThreads.run(threads) { [environment] in
                shared.work(CompilationWorker<Compiler>(environment, features, budget))
            }
            return try shared.finish(tier)
        }
        return try compile(
            batches, with: CompilationWorker<Compiler>(environment, features, budget))
    }

    /// What compilers are told.
    var environment: ModuleEnvironment {
        var environment = ModuleEnvironment(
            module: module, processor: configuration.processorFeatures.intersection(.host),
            hasStopPoints: configuration.isDebuggable)
        environment.isRelaxedSIMDDeterministic = configuration.isRelaxedSIMDDeterministic
        environment.alwaysChecksBounds = configuration.alwaysChecksBounds
        environment.masksCheckedAccesses = configuration.masksCheckedAccesses
        environment.isFuelMetered = configuration.isFuelMetered
        environment.pollsInterruption = configuration.interruption == .polling
        environment.measuresPhases = configuration.measuresPhases
        if configuration.nativeTools.contains(.debugger) { environment.isDebuggable = true }
        environment.countsBlocks = configuration.countsCoverage
        environment.allocationSeed = configuration.allocationSeed
        environment.verifiesCompilation = configuration.verifiesCompilation
        return environment
    }

    private func compile<Compiler: ModuleCompiler & ~Copyable>(
        _ batches: [Range<Int>], with worker: consuming CompilationWorker<Compiler>
    ) throws -> CompilationResult {
        var linking = CompilationPhases(isMeasuring: configuration.measuresPhases)
        var image = try ImageBuilder(module)
        var code = CodeBatch()
        for batch in batches {
            code.removeAll()
            try worker.compile(batch, into: &code)
            linking.begin()
            try image.append(code)
            linking.end(.link)
        }
        linking.begin()
        let linked = try image.finish(tier)
        linking.end(.link)
        linking.add(worker.phases)
        return CompilationResult(image: linked, phases: linking)
    }

    /// Ranges of indices of functions (imports counted) that are compiled in one go.
    private func batches() -> [Range<Int>] {
        var batches: [Range<Int>] = []
        let imported = module.importedFunctionCount
        var first = 0
        var bytes = 0
        for (index, body) in module.bodies.enumerated() {
            bytes += Int(body.end) - Int(body.start)
            if bytes >= Self.batchBytes || index == module.bodies.count - 1 {
                batches.append(imported + first..<imported + index + 1)
                first = index + 1
                bytes = 0
            }
        }
        return batches
    }
}

/// A module's code, and what making it took.
struct CompilationResult: ~Copyable {
    var image: LinkedImage
    var phases: CompilationPhases
}

/// What one thread needs to compile functions.
struct CompilationWorker<Compiler: ModuleCompiler & ~Copyable>: ~Copyable {
    private var validator: FunctionValidator
    private var compiler: Compiler
    private var measured: CompilationPhases
    private let budget: CompilationBudget

    init(
        _ environment: ModuleEnvironment, _ features: FeatureSet, _ budget: CompilationBudget
    ) {
        self.budget = budget
        validator = FunctionValidator(environment.module, features: features)
        compiler = Compiler(environment)
        measured = CompilationPhases(isMeasuring: environment.measuresPhases)
    }

    /// Appends the functions' code to `batch`.
    mutating func compile(_ functions: Range<Int>, into batch: inout CodeBatch) throws {
        for index in functions {
            try budget.check(unfinishedBytes: batch.code.count)
            if budget.isStopped { throw CompilationStoppedError() }
            measured.begin()
            try validator.validate(index)
            measured.end(.validate)
            if validator.analysis.flags.contains(.writesTables) { batch.writesTables = true }
            do throws(CompilationError) {
                try compiler.compile(index, validator.analysis, into: &batch)
            } catch {
                if error.reason == .stopped {
                    try budget.check(unfinishedBytes: batch.code.count)
                    throw CompilationStoppedError()
                }
                throw ModuleError(error)
            }
            measured.end(.baseline)
        }
        budget.finish(batch.code.count + batch.counterCount * BlockCounters.counterBytes)
        try budget.check(unfinishedBytes: 0)
    }

    /// What this thread has spent on each phase. What the compiler does not claim for one of its
    /// own is the baseline compiler's.
    var phases: CompilationPhases {
        let own = compiler.phases
        var phases = measured
        phases[.baseline] -= own.total
        phases.add(own)
        return phases
    }
}

extension ModuleError {
    /// What a compiler's refusal is to who brought the module.
    init(_ error: CompilationError) {
        switch error.reason {
        case .tooLarge, .stopped:
            self.init(.limit, at: error.offset, "function \(error.function) is too large")
        case .inconsistent(let fault):
            self.init(.miscompiled, at: error.offset, "function \(error.function), \(fault)")
        }
    }
}
