public import ApusFormat

/// What a compiler may know besides a function's body: the module, where its instances keep
/// things, and the processor it compiles for.
public struct ModuleEnvironment: Sendable {
    public let module: DecodedModule
    public let layout: ContextLayout
    /// Where fields of structures and elements of arrays are.
    public let aggregates: AggregateLayouts
    public let processor: ProcessorFeatures
    /// Relaxed vector instructions give the same results on every processor, at some cost.
    public var isRelaxedSIMDDeterministic = false
    /// No memory relies on the processor to notice what is out of bounds (`MemoryPlan`).
    public var alwaysChecksBounds = false
    /// Addresses of memories that are compared are masked against speculation (`MemoryTraits`).
    public var masksCheckedAccesses = true
    /// The code counts fuel (`FuelSegment`).
    public var isFuelMetered = false
    /// The code looks where functions and loops start whether it is to stop (`docs/abi.md`).
    public var pollsInterruption = false
    /// How functions of the module call each other.
    public var linkage = FunctionLinkage.direct
    /// What is known of functions of the module from how they have run; nil if nothing is. Nothing
    /// that it says is relied on without looking.
    public var profile: ModuleProfile?
    /// Baseline code that counts how often it runs counts where its calls through tables and
    /// references go, too (`CallCounts`).
    public var countsCallees = false
    /// For debuggers: baseline code keeps locals and its context in its frames at all times, and it
    /// is noted where each instruction is (`CodeSites.instructions`).
    public var isDebuggable = false
    /// Baseline code counts how often its blocks are run (`BlockCounters`). Needs a table of
    /// functions (`linkage`).
    public var countsBlocks = false
    /// It is noted where the code of each instruction is (`CodeSites.instructions`): to show code,
    /// never of code that runs.
    public var notesInstructions = false
    /// Baseline code looks before each instruction whether to stop there (`docs/abi.md`, “Stop
    /// points”). Then it is debuggable, too.
    public let hasStopPoints: Bool
    /// Compilers measure their phases (`CompilationPhases`).
    public var measuresPhases = false
    /// The optimizing compiler verifies what it does, function by function.
    package var verifiesCompilation = Self.isDebugBuild
    /// Whether compilers are to go on.
    public var watch = CompilationWatch()
    /// For tests: the optimizing compiler gives out registers at random.
    package var allocationSeed: UInt64?

    public init(
        module: DecodedModule, processor: ProcessorFeatures = .host, hasStopPoints: Bool = false
    ) {
        self.module = module
        layout = ContextLayout(module, hasStopPoints: hasStopPoints)
        self.hasStopPoints = hasStopPoints
        isDebuggable = hasStopPoints
        aggregates = AggregateLayouts(module.types)
        self.processor = processor
    }

    /// Whether this is a build for debugging: then compilation is verified.
    package static var isDebugBuild: Bool {
        #if DEBUG
            true
        #else
            false
        #endif
    }
}
