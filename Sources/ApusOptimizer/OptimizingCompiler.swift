public import ApusABI
internal import ApusCollections
public import ApusFormat
internal import ApusIR

// Produced: machine code of one function at a time, appended to a CodeBatch.
// Consumes: bodies that FunctionValidator has accepted, with their BodyAnalysis.

/// The compiler that takes its time: a function is made of a body, improved, and turned into
/// instructions of the machine with registers given out over all of it.
public struct OptimizingCompiler: ~Copyable {
    var translator: FunctionTranslator
    private var passes: Passes
    var generator: CodeGenerator

    /// What it has spent on its phases, if the environment asked for that.
    public var phases: CompilationPhases { generator.phases }

    /// Whether this compiler can write code for `processor`.
    public static func supports(_ processor: ProcessorFeatures) -> Bool {
        HostTarget.supports(processor)
    }

    public init(_ environment: ModuleEnvironment) {
        translator = FunctionTranslator(environment)
        passes = Passes(isVerified: environment.verifiesCompilation)
        if environment.verifiesCompilation { translator.builder.recordKnownUses() }
        generator = CodeGenerator(
            processor: environment.processor,
            isRelaxedSIMDDeterministic: environment.isRelaxedSIMDDeterministic,
            isFuelMetered: environment.isFuelMetered,
            usesTable: environment.linkage.usesTable, allocationSeed: environment.allocationSeed,
            notesInstructions: environment.notesInstructions, watch: environment.watch)
        generator.phases = CompilationPhases(isMeasuring: environment.measuresPhases)
    }

    /// Appends the code of function `index` to `batch`; false if its body has something that this
    /// compiler does not do. Throws only if compilation is verified, and is wrong.
    public mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, into batch: inout CodeBatch
    ) throws(CompilationError) -> Bool {
        try compile(index, analysis, isWhole: true, into: &batch)
    }

    /// As the other one, but the code begins at the loop whose first instruction is at
    /// `loop` in the body, with the image of a frame of the baseline compiler, whose address comes
    /// as the only parameter. False, too, if that loop cannot be begun at.
    public mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, from loop: Int,
        _ frame: borrowing FrameMap, into batch: inout CodeBatch
    ) throws(CompilationError) -> Bool {
        translator.start(at: loop, frame)
        defer { translator.loopStart = nil }
        return try compile(index, analysis, isWhole: false, into: &batch)
    }

    private mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, isWhole: Bool,
        into batch: inout CodeBatch
    ) throws(CompilationError) -> Bool {
        guard improve(index, analysis) else { return false }
        try checkVerification(index, analysis)
        let isDone = generator.generate(
            translator.builder.function, as: index, isWhole: isWhole, into: &batch)
        if isDone {
            batch.sites.noteInlined(translator.inlinedCalls, in: &batch.functions)
        }
        if isDone, passes.verification.isActive {
            passes.verification.add(generator.allocationFaults())
            try checkVerification(index, analysis)
        }
        return isDone
    }

    private func checkVerification(
        _ index: Int, _ analysis: borrowing BodyAnalysis
    ) throws(CompilationError) {
        guard let fault = passes.verification.faults.first else { return }
        throw CompilationError(
            .inconsistent(fault), function: index, offset: analysis.codeStart)
    }

    /// Makes `translator.builder.function` of a body and improves it; false as `compile`.
    mutating func improve(_ index: Int, _ analysis: borrowing BodyAnalysis) -> Bool {
        generator.phases.begin()
        guard translator.translate(index, analysis) else { return false }
        generator.phases.end(.build)
        passes.verification.verify(madeBy: translator.builder)
        passes.run(&translator.builder.function)
        generator.phases.end(.clean)
        return true
    }
}
