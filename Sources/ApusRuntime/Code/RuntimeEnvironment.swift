internal import CApusHost

/// What all modules and stores of an engine share. Safe to use from many threads.
public final class RuntimeEnvironment: Sendable {
    public let types: TypeRegistry
    public let trampolines: TrampolineCache
    public let allocator: any InstanceAllocator
    public let configuration: RuntimeConfiguration
    let moduleNumbers = ModuleNumbers()
    let codeGuests = CodeGuests()
    let stacks: GuestStackPool
    /// Who is told of code; nil: nobody.
    let codeObserver: (any CodeObserver)?

    /// What becomes of an error of the host's own that has made guests end.
    let onHostError: HostErrorHook
    /// Says which exception an error of the embedder's stands for; nil: none.
    private let exceptionOfError: ExceptionHook

    /// Takes the trap signals, if that has not happened yet in this process, and keeps the library
    /// that contains their handlers.
    public init(
        trampolines source: any TrampolineSource,
        allocator: any InstanceAllocator = OnDemandInstanceAllocator(),
        configuration: RuntimeConfiguration = RuntimeConfiguration(),
        codeObserver: (any CodeObserver)? = nil,
        onHostError: @escaping HostErrorHook = { error, _ in error },
        exceptionOfError: @escaping ExceptionHook = { $0 as? ThrownException }
    ) throws(ResourceError) {
        let missing = apus_library_keep()
        guard missing == 0 else {
            throw ResourceError(.library, requested: 1, errorNumber: missing)
        }
        let error = apus_traps_install()
        guard error == 0 else {
            throw ResourceError(.signals, requested: 4, errorNumber: error)
        }
        TickClock.begin()
        types = try TypeRegistry()
        self.codeObserver = codeObserver
        trampolines = try TrampolineCache(source, observer: codeObserver)
        self.allocator = allocator
        self.configuration = configuration
        stacks = GuestStackPool(configuration.guestStacks)
        self.onHostError = onHostError
        self.exceptionOfError = exceptionOfError
    }

    // What stores ask for with each instance. They have the environment, which has whom to ask: in
    // functions of its own nobody counts references to them.

    func allocate(
        _ request: InstanceAllocationRequest
    ) throws(ResourceError) -> InstanceState {
        try allocator.allocate(request)
    }

    func initialize(_ instance: InstanceState) throws { try allocator.initialize(instance) }

    func deallocate(_ instance: consuming InstanceState) { allocator.deallocate(instance) }

    func addGuest(_ store: RuntimeStore) { codeGuests.add(store) }

    func removeGuest(_ store: RuntimeStore) { codeGuests.remove(store) }

    /// The exception that a function of the host throws with `error`, if it is one of the guests of
    /// `store`.
    func exception(of error: any Error, in store: RuntimeStore) -> ThrownException? {
        guard let exception = exceptionOfError(error), exception.belongs(to: store) else {
            return nil
        }
        return exception
    }

    /// Makes the calling thread one that can run guests, if it is not: with a stack for signals,
    /// its own bounds known, and the signals of traps not blocked.
    public func prepareThread() throws(ResourceError) {
        let error = apus_thread_prepare()
        guard error == 0 else {
            throw ResourceError(.thread, requested: 64 << 10, errorNumber: error)
        }
    }
}

/// Is given an error that a function of the host has thrown, when a store's guests have been left
/// with it, and gives the one to go on with.
public typealias HostErrorHook = @Sendable (any Error, RuntimeStore) -> any Error

/// Says which exception an error of the embedder's stands for; nil: none.
public typealias ExceptionHook = @Sendable (any Error) -> ThrownException?

/// What an embedder may set about running wasm.
public struct RuntimeConfiguration: Hashable, Sendable {
    /// Bytes that any one linear memory may have at most.
    public var memoryBytesLimit: UInt64 = 1 << 32
    /// Whether compiled code compares every address with the memory's size, so that memories
    /// reserve no more than they may grow to.
    public var alwaysChecksBounds = false
    /// Elements that any one table may have at most.
    public var tableElementsLimit: UInt64 = 10_000_000
    /// Frames that a backtrace records at most.
    public var backtraceFramesLimit: Int = 128
    /// How many it has, whatever was asked for.
    var keptFrames: Int { max(1, min(backtraceFramesLimit, 1 << 16)) }
    /// Whether frames of a backtrace say in which instance they ran (`Backtrace.Frame.context`),
    /// for which stores need another word for each.
    public var tracesInstances = false
    /// Compiled code looks whether it is to stop: no signal need find it.
    public var pollsInterruption = false
    /// No segment of an instance is written if one of them does not fit, as it was before there
    /// were bulk instructions.
    public var checksSegmentsFirst = false
    /// For tests: each object that is made is preceded by a collection, and what is free holds
    /// nothing that looks like an object.
    public var collectsAtEachAllocation = false
    /// The stacks that guests of asynchronous calls run on.
    public var guestStacks = GuestStackConfiguration()
    /// Which sources functions come from is looked up in the module, when somebody asks.
    public var readsDebugInformation = true
    /// Compiled code and trampolines count fuel.
    public var isFuelMetered = false
    /// Compiled code looks before each instruction whether to stop there.
    public var hasStopPoints = false

    public init() {}
}
