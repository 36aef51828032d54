public import ApusABI
public import ApusFormat
internal import ApusLocks
internal import ApusRuntime
internal import CApusHost
internal import Synchronization

/// Compiles modules and holds what all of them share. One per process is enough; any number of
/// threads may use it.
public final class Engine: Sendable {
    /// How the engine was set up.
    public let configuration: Configuration
    private let shared: Result<RuntimeEnvironment, ResourceError>
    /// Functions that are to be compiled anew.
    let tierQueue = TierQueue()
    /// Who looks at the guests of new stores.
    private let profiler = SystemMutex<Profiler?>(nil)
    private let isProfiled = Atomic(false)

    /// What may be set about an engine. The defaults suit most programs.
    public struct Configuration: Hashable, Sendable {
        /// The compiler that makes machine code.
        public var compiler = Compiler.tiered
        /// How functions get from one tier to the next, if the compiler is `tiered`.
        public var tiering = Tiering()
        /// Which parts of WebAssembly modules may use.
        public var features = FeatureSet.standard
        /// Whether relaxed vector instructions give the same results on every processor. If not,
        /// they do what this one does fastest.
        public var isRelaxedSIMDDeterministic = false
        /// Whether guests use up fuel while they run, so that a store's `fuel` bounds them. The
        /// same program uses the same amount each time, on every machine.
        public var isFuelMetered = false
        /// How guests that run are told to stop.
        public var interruption = Interruption.standard
        /// Where instances come from.
        public var allocator = Allocator.onDemand(OnDemand())
        /// The stacks that guests of asynchronous calls run on.
        public var guestStacks = GuestStacks()
        /// What compiled code may use of the processor; what this one lacks is left out.
        public var processorFeatures = ProcessorFeatures.host
        /// How many threads compile one module; nil: as many as there are processors.
        public var compilationThreads: Int?
        /// What modules and stores may use, unless a store has its own limits.
        public var limits = Limits()
        /// How many bytes any one linear memory may have.
        public var memoryBytesLimit: UInt64 = 1 << 32
        /// Whether compiled code compares every address with its memory's size, instead of leaving
        /// that to the processor where it can. For hosts that cannot reserve 6 GiB of address
        /// space for each memory: these reserve what they may grow to, so `memoryBytesLimit`, and
        /// loads and stores take longer.
        public var alwaysChecksBounds = false
        /// Whether an address that compiled code compares with its memory's size is masked, too, as
        /// indices of tables are: then a processor that goes on with a wrong one before it knows
        /// better finds the memory's beginning, and nothing of the host's. That costs those
        /// accesses some of their time; what is left to the processor needs no mask, and most
        /// memories leave it all.
        public var masksCheckedAccesses = true
        /// How many elements any one table may have.
        public var tableElementsLimit: UInt64 = 10_000_000

        /// Where modules are looked for that were compiled before; nil: nowhere. Where they come
        /// from makes no difference but the time it takes.
        public var cache: Cache?

        /// Whether backtraces say which lines of their sources guests were at, if their modules
        /// have DWARF sections or a source map. These are read when somebody asks (`Trap.Frame`,
        /// descriptions of traps), which takes time and memory that grow with their size.
        public var readsDebugInformation = true

        /// Whether modules count how often their code runs (`Module.coverage(named:)`).
        ///
        /// All of it is then made by the baseline compiler, function by function when they are
        /// first called, whatever `compiler` says; nothing is taken from a cache, and no code is
        /// kept. It takes more time to run, and for each byte of the functions that are called at
        /// most 8 bytes of counters, which `Limits.codeBytes` includes.
        public var countsCoverage = false

        /// Tools that know native code only, and that are told of guests' code.
        public var nativeTools: NativeTools = []

        /// Whether a `Debugger` can stop guests and look at them. Then code is the baseline
        /// compiler's, whatever `compiler` says, looks before each instruction whether to stop, and
        /// keeps all values in memory, which makes it several times as slow; and there is no cache.
        public var isDebuggable = false

        /// Whether compiling a module measures its phases (`Module.Statistics.phases`).
        @_spi(ApusCLI)
        public var measuresPhases = false

        /// Whether the optimizing compiler verifies each function after each pass, and the
        /// registers that it gives out: where this finds a fault, compiling the module throws. On
        /// in builds for debugging.
        package var verifiesCompilation = ModuleEnvironment.isDebugBuild

        /// Whether frames of a trap's backtrace say in which instance they ran.
        package var tracesInstances = false

        /// For tests: the optimizing compiler gives out registers at random, as this decides
        /// (`AllocationChaos`).
        package var allocationSeed: UInt64?

        /// For tests: each object that is made is preceded by a collection, and what is free holds
        /// nothing that looks like an object.
        package var collectsAtEachAllocation = false

        /// The defaults.
        public init() {}

        /// The defaults, except for the allocator.
        public init(allocator: Allocator) { self.allocator = allocator }
    }

    /// How guests that run are told to stop.
    public enum Interruption: String, CaseIterable, Hashable, Sendable {
        /// By signals; in a build with the thread sanitizer, which keeps them back, by polling.
        public static var standard: Interruption {
            apus_library_sanitizes_threads() != 0 ? .polling : .signals
        }

        /// By a signal, SIGURG, which finds compiled code wherever it is: stopping costs nothing
        /// until it happens.
        ///
        /// The signal is taken when a store is first given a deadline or asked for a handle; other
        /// programs' are handed on to whoever had it. It is only sent to a thread whose guest is to
        /// stop, again each millisecond until that has ended. A host function that waits sees
        /// nothing of it where the system can begin the wait again (`SA_RESTART`); waits that it
        /// never begins again, such as those of `poll` and `nanosleep`, end with `EINTR`. If the
        /// host ignores, replaces or blocks the signal later on, it is taken back when a guest is
        /// to stop.
        case signals
        /// Code looks itself, where functions and loops start, which costs some of its time.
        ///
        /// For hosts that want all signals, and for tools that keep them back, such as the thread
        /// sanitizer. Functions of WASI that wait look now and then; a write to a pipe or socket
        /// that nobody reads, and opening a pipe that nobody else opens, end by themselves only.
        /// Stores of one thread that call each other should have the same kind of engine.
        case polling
    }

    /// The compilers there are.
    public enum Compiler: String, CaseIterable, Hashable, Sendable {
        /// One pass over the module: fast to compile, good code.
        case baseline
        /// Several passes over each function: slower to compile, the best code.
        case optimizing
        /// Functions are compiled when they are first called, by the baseline compiler, and anew by
        /// the optimizing one when they have run so much that it pays.
        case tiered
    }

    /// Sets up an engine. What the system refuses is thrown when the first module is compiled.
    public init(_ configuration: Configuration = Configuration()) {
        var configuration = configuration
        // What others have compiled is not made for debuggers.
        if configuration.nativeTools.contains(.debugger) { configuration.cache = nil }
        if configuration.countsCoverage {
            configuration.compiler = .tiered
            configuration.cache = nil
        }
        if configuration.isDebuggable {
            configuration.cache = nil
            configuration.compiler = .baseline
        }
        self.configuration = configuration
        var runtime = RuntimeConfiguration()
        runtime.memoryBytesLimit = configuration.memoryBytesLimit
        runtime.alwaysChecksBounds = configuration.alwaysChecksBounds
        runtime.tableElementsLimit = configuration.tableElementsLimit
        runtime.checksSegmentsFirst = !configuration.features.has(.bulkMemory)
        runtime.isFuelMetered = configuration.isFuelMetered
        runtime.collectsAtEachAllocation = configuration.collectsAtEachAllocation
        runtime.tracesInstances = configuration.tracesInstances
        runtime.guestStacks = configuration.guestStacks.ofRuntime
        runtime.readsDebugInformation = configuration.readsDebugInformation
        runtime.hasStopPoints = configuration.isDebuggable
        runtime.pollsInterruption = configuration.interruption == .polling
        do throws(ResourceError) {
            shared = .success(
                try RuntimeEnvironment(
                    trampolines: EngineTrampolines(isFuelMetered: configuration.isFuelMetered),
                    allocator: configuration.allocator.make(runtime), configuration: runtime,
                    codeObserver: NativeToolsObserver(configuration),
                    onHostError: { error, store in (error as? Trap)?.leaving(store) ?? error },
                    exceptionOfError: { ($0 as? WasmException)?.thrown }))
        } catch {
            shared = .failure(error)
        }
    }

    /// Has `newProfiler` look at guests of all stores that are made from now on.
    func setProfiler(_ newProfiler: Profiler?) {
        profiler.withLock { $0 = newProfiler }
        isProfiled.store(newProfiler != nil, ordering: .releasing)
    }

    /// Has the engine's profiler, if there is one, look at a store that has just been made.
    func profile(_ store: Store) {
        guard isProfiled.load(ordering: .acquiring) else { return }
        try? profiler.withLock { $0 }?.start(store)
    }

    /// What the runtime shares among modules and stores. What kept it from being set up is
    /// thrown here, by the first to need it.
    var environment: RuntimeEnvironment {
        get throws(ResourceError) { try shared.get() }
    }
}
