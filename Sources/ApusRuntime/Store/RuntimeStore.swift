public import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost
internal import Synchronization

/// What wasm code can reach: instances, host functions and host objects, all of which live as
/// long as the store. Not for use from several threads at once.
@safe
public final class RuntimeStore {
    // SAFETY: `context` and its trace are one allocation that this object owns. Everything that
    // compiled code reaches is kept in the arrays below until deinit.
    public let environment: RuntimeEnvironment
    /// No other store of the process ever has it, as one may have the address of another that went.
    public let number: UInt64
    private static let numbers = Atomic<UInt64>(1)
    /// Whatever the embedder keeps with the store.
    public var hostState: AnyObject?
    /// The embedder's object that keeps this store, as host functions see it.
    ///
    /// Unsafe: who sets it keeps the store exactly as long as the object lives.
    @exclusivity(unchecked) @unsafe public unowned(unsafe) var owner: AnyObject?
    let context: UnsafeMutablePointer<apus_store_context>
    private(set) var instances: InstanceList {
        _read { yield unsafe held.instances }
        _modify { yield unsafe &held.instances }
    }
    /// Functions of the host that belong to no instance.
    private var hostFunctions: [StoreFunction] = []
    /// Those that belong to no instance.
    private(set) var memories: [LinearMemory] = []
    /// Those that belong to no instance, and all that may hold references to what is
    /// collected.
    private(set) var tables: [ReferenceTable] = []
    private(set) var globals: [GlobalCell] = []
    /// Types of the tables and globals that belong to no instance, and of objects that the host has
    /// made, each kept once.
    private var keptTypes: Set<ValueType> = []
    /// The guests' objects; made when there is one.
    var heap: Heap?
    /// References that a function of the runtime has, beside those on the stack.
    var pinned: [UInt64] = []
    /// References that the host holds.
    var roots = RootTable()
    /// Instances whose element segments may hold references to objects.
    private(set) var segmentHolders: [InstanceState] = []
    /// Those that belong to no instance.
    var tags: [ExceptionTag] = []
    var externals = ExternTable()
    var exceptions = ExceptionTable()
    /// Whether references to host objects are being looked for.
    var marksHandles = false
    /// Bytes of tables, segments, globals and exceptions that the last collection has looked
    /// through.
    var rootBytes = 0
    /// What its guests may have together.
    public let limits: StoreLimits
    /// Is asked when a memory or table is made or grows.
    public var limiter: (any ResourceLimiter)? {
        get { unsafe held.limiter }
        set { unsafe held.limiter = newValue }
    }
    /// Who decides instead in calls that may wait; nil: nobody.
    public var asynchronousLimiter: (any AsynchronousResourceLimiter)? {
        get { unsafe held.asynchronousLimiter }
        set {
            unsafe held.asynchronousLimiter = newValue
            noteAsynchronous()
        }
    }
    /// What it has and what happened in it.
    public internal(set) var statistics: StoreStatistics {
        get { unsafe held.statistics }
        _modify { yield unsafe &held.statistics }
    }
    var fuelAccount = FuelAccount()
    /// What it has in common with other stores; nil: it is alone, and counts for itself.
    var account: StoreAccount? { unsafe held.account }
    /// Whether it is the one whose account others have got.
    private(set) var isFirst = false
    /// Bytes by which its guests have made shared memories larger that others have made.
    var leftBytes: UInt64 = 0
    /// Is told of each call into and out of wasm; nil: nobody is, which costs nothing.
    public var callHook: CallHook? {
        didSet { setAttention(apus_attention_hook, callHook != nil) }
    }
    /// Where its guests stop for a debugger; nil: nowhere.
    public internal(set) var stopControl: StopControl?
    /// Is told when they do.
    var stopHandler: (any StopHandler)?
    /// Why no guest of this store may run, if that is so.
    var refusal: ResourceError? {
        didSet { setAttention(apus_attention_refused, refusal != nil) }
    }
    /// Whether the sources of its modules are read before their guests run, for who looks at these.
    var readsSources = false
    /// How often the host has bytes of its memories in place.
    var lentCount = 0
    /// The error a host function threw, on its way to whoever entered wasm.
    var pendingError: (any Error)?
    /// The exception that guests have not caught, on its way to whoever entered wasm.
    var pendingException: ThrownException?
    /// Who stops its guests; made when first needed.
    private(set) lazy var stopper: Interrupter = makeStopper()
    /// Whether it has been made.
    var hasStopper = false
    /// Whether somebody has `interrupter`.
    var isInterrupterShared = false
    /// How a call into the store last ended in an error.
    var lastFailure: Failure?
    /// Whether code of its guests can be replaced.
    private(set) var isCodeGuest = false
    /// Of the frame with which other code goes on.
    var frameImage = FrameImage()
    /// Is told, for tests, where interruptible calls have come to.
    var atInterruptionStep: ((InterruptionStep) -> Void)?
    /// Of the limits, within bounds.
    let wasmStackBytes: UInt
    let hostStackBytes: UInt?
    /// What every context of the store has as its stack limit.
    @exclusivity(unchecked) var stackLimit: UInt = .max
    /// Where the outermost entry into wasm found the stack; 0 outside wasm.
    @exclusivity(unchecked) var outermostStackAddress: UInt = 0
    /// Where a call found the stack for which the limit is right, and where that stack begins.
    @exclusivity(unchecked) var limitedStack: (address: UInt, low: UInt) = (0, 0)
    /// The stack of the innermost call that has one of its own and has not ended.
    @exclusivity(unchecked) var innermostRecord: UnsafeMutablePointer<apus_guest_stack>?
    /// What the asynchronous limiter has said of the growths that are about to be asked for.
    var givenConsents = GrowthConsents()
    /// Whether guests may call asynchronous functions.
    private var callsAsynchronousFunctions = false {
        didSet { noteAsynchronous() }
    }
    /// How often guests of the store have waited.
    var waitCount: UInt64 = 0

    /// What each instance changes. Looking out for accesses that overlap took longer than they do.
    private struct Held {
        var instances = InstanceList()
        var limiter: (any ResourceLimiter)?
        var asynchronousLimiter: (any AsynchronousResourceLimiter)?
        var statistics = StoreStatistics()
        var account: StoreAccount?
    }
    // SAFETY: a store is used by one thread at a time, and nothing else runs during an access.
    @exclusivity(unchecked) private var held = Held()

    /// An empty store. If it has an `account`, that of another one, it shares the limits of that,
    /// which are the same.
    public init(
        _ environment: RuntimeEnvironment, limits: StoreLimits = StoreLimits(),
        account: StoreAccount? = nil, hostState: AnyObject? = nil
    ) throws(ResourceError) {
        self.environment = environment
        self.limits = limits
        number = Self.numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        wasmStackBytes = UInt(min(max(limits.stackBytes, 16 << 10), 1 << 40))
        hostStackBytes = limits.hostStackBytes.map { UInt(min(max($0, 0), 1 << 40)) }
        if let hostState { self.hostState = hostState }
        let frames = environment.configuration.keptFrames
        let tracesInstances = environment.configuration.tracesInstances
        // SAFETY: the allocation has room for the context and a word or two for each frame behind
        // it, all zeros, and is this object's own; the engine's records stand for good.
        let head = unsafe MemoryLayout<apus_store_context>.stride
        let words = tracesInstances ? 2 * frames : frames
        let bytes = UInt64(head + words * MemoryLayout<UInt>.stride)
        guard let memory = unsafe apus_allocate(bytes) else {
            throw ResourceError(.context, requested: bytes)
        }
        unsafe context = memory.assumingMemoryBound(to: apus_store_context.self)
        unsafe context.pointee.trace = (memory + head).assumingMemoryBound(to: UInt.self)
        unsafe context.pointee.trace_capacity = UInt32(frames)
        if tracesInstances {
            unsafe context.pointee.trace_contexts = context.pointee.trace + frames
        }
        unsafe context.pointee.tail_return = environment.trampolines.tailReturn
        unsafe context.pointee.types = unsafe environment.types.recordStart
        unsafe context.pointee.allocate = UnsafeRawPointer(
            bitPattern: environment.trampolines.allocate)
        unsafe context.pointee.is_metered = environment.configuration.isFuelMetered ? 1 : 0
        unsafe context.pointee.store = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe context.pointee.idle_stack = environment.stacks.recent
        unsafe held.account = account
    }

    deinit {
        if hasStopper { stopper.detach() }
        if isCodeGuest { environment.removeGuest(self) }
        stopControl?.detach()
        frameImage.free()
        while let instance = instances.popLast() { environment.deallocate(instance) }
        if !keptTypes.isEmpty { for type in keptTypes { environment.types.release(type) } }
        if !tags.isEmpty { environment.types.release(tags.map(\.signature)) }
        heap = nil
        closeAccount()
        // SAFETY: the context is this object's own, and nobody runs in the store any more.
        unsafe apus_free(context)
    }

    /// Others are to have the account that was made of what this store has.
    func found(_ account: StoreAccount) {
        // SAFETY: see `held`.
        unsafe held.account = account
        isFirst = true
    }

    /// Guests that may have to wait are called asynchronously.
    private func noteAsynchronous() {
        setAttention(
            apus_attention_asynchronous, callsAsynchronousFunctions || asynchronousLimiter != nil)
    }

    // MARK: Making things

    /// A function of the host: `body` runs each time wasm or the host calls it, with a frame of
    /// that layout, which must fit `type`.
    public func makeHostFunction(
        _ type: FunctionType, layout: ArgumentLayout = .cells, _ body: @escaping HostFunction.Body
    ) throws(ResourceError) -> FunctionReference {
        try Self.check(type)
        let function = try StoreFunction(type, layout, in: self, body)
        hostFunctions.append(function)
        return function.reference
    }

    /// A function of the host that guests wait for: `body` runs each time wasm calls it.
    public func makeAsynchronousFunction(
        _ type: FunctionType, _ body: @escaping HostFunction.AsynchronousBody
    ) throws(ResourceError) -> FunctionReference {
        try Self.check(type)
        let function = try StoreFunction(type, .cells, in: self, asynchronous: body) { _ in
            throw AsynchronousCallError.cannotSuspend
        }
        hostFunctions.append(function)
        callsAsynchronousFunctions = true
        return function.reference
    }

    /// What a module may not have, a function of the host may not either.
    static func check(_ type: FunctionType) throws(ResourceError) {
        let limits = DecodingLimits()
        for (count, limit) in [
            (type.parameters.count, limits.parameters), (type.results.count, limits.results),
        ] where count > limit {
            throw ResourceError(.parameters, requested: UInt64(count), limit: UInt64(limit))
        }
    }

    /// A memory that belongs to no instance, made of what `supplier` has; nil: whatever the
    /// allocator takes.
    public func makeMemory(
        _ type: MemoryType, from supplier: (any MemorySupplier)? = nil
    ) throws -> LinearMemory {
        let memory = try making(.memory(type)) { () throws(ResourceError) in
            let request = MemoryRequest(type, environment.configuration)
            guard let supplier else { return try environment.allocator.allocateMemory(request) }
            return try LinearMemory(request, supplier: supplier)
        }
        memory.maker = number
        memories.append(memory)
        return memory
    }

    /// Keeps what `type` names: until the store goes if `keep` follows, else until it is released.
    private func retain(_ type: ValueType) throws(ResourceError) {
        if environment.types.retain(type) { return }
        throw ResourceError(.foreignType, requested: UInt64(type.namedType ?? 0))
    }

    /// Something needs what was retained. Meanwhile the host may have been asked, and have made
    /// more of that type.
    private func keep(_ type: ValueType) {
        if !keptTypes.insert(type).inserted { environment.types.release(type) }
    }

    /// What `make` makes, for which what `type` names is kept as long as the store lives.
    func retaining<Made>(_ type: ValueType, _ make: () throws -> Made) throws -> Made {
        if keptTypes.contains(type) { return try make() }
        try retain(type)
        do {
            let made = try make()
            keep(type)
            return made
        } catch {
            environment.types.release(type)
            throw error
        }
    }

    /// A table that belongs to no instance, full of `initial`.
    public func makeTable(
        _ type: TableType, initial: UInt64 = 0
    ) throws -> ReferenceTable {
        let table = try retaining(type.element) {
            try keeping(initial) {
                try making(.table(type)) { () throws(ResourceError) in
                    try environment.allocator.allocateTable(
                        TableRequest(type, environment.configuration, initial: initial))
                }
            }
        }
        tables.append(table)
        return table
    }

    /// A global that belongs to no instance.
    public func makeGlobal(
        _ type: GlobalType, bits: UInt64, highBits: UInt64 = 0
    ) throws(ResourceError) -> GlobalCell {
        try retain(type.value)
        do throws(ResourceError) {
            // SAFETY: the cell's bytes are its own, since it is given none.
            let global = try unsafe GlobalCell(type)
            global.bits = bits
            global.highBits = highBits
            keep(type.value)
            globals.append(global)
            return global
        } catch {
            environment.types.release(type.value)
            throw error
        }
    }

    /// Makes an instance with `imports` and runs its start function: `allocate` and `initialize`.
    ///
    /// If a segment does not fit or the start function traps, the instance stays in the store,
    /// since others may already refer to it, and the error is thrown. Specification: 4.7.2
    /// “Instantiation”.
    public func instantiate(
        _ imports: Imports, hostState: AnyObject? = nil
    ) throws -> InstanceState {
        try instantiate(
            InstanceAllocationRequest(imports: imports, store: self, hostState: hostState))
    }

    /// The same with all that making the instance takes.
    public func instantiate(_ request: InstanceAllocationRequest) throws -> InstanceState {
        precondition(request.store === self)
        return try timed {
            let instance = try makeInstance(request)
            try environment.initialize(instance)
            return instance
        }
    }

    /// An instance of this store with all its parts, which nothing of the guest's has touched yet.
    /// Nobody may use it before it is initialized.
    public func allocate(_ request: InstanceAllocationRequest) throws -> InstanceState {
        precondition(request.store === self)
        return try timed { try makeInstance(request) }
    }

    /// Gives an instance that was allocated, and nothing else, its first contents, and runs its
    /// start function. If that fails the instance stays, as after `instantiate`.
    public func initialize(_ instance: InstanceState) throws {
        precondition(instance.store === self && instance.phase == .allocated)
        try checkLent()
        try timed { try environment.initialize(instance) }
    }

    @inline(__always)
    func timed<Result>(_ work: () throws -> Result) rethrows -> Result {
        let start = apus_ticks()
        defer { statistics.instantiationTicks &+= apus_ticks() &- start }
        return try work()
    }

    func makeInstance(_ request: InstanceAllocationRequest) throws -> InstanceState {
        try reserve(for: request.module)
        let instance = try makeReserved(request)
        adopt(instance, of: request.module)
        if request.imports.host?.mustSuspend == true {
            callsAsynchronousFunctions = true
        }
        return instance
    }

    /// One that `reserve` has counted.
    @inline(__always)
    private func makeReserved(
        _ request: InstanceAllocationRequest
    ) throws(ResourceError) -> InstanceState {
        do throws(ResourceError) {
            return try environment.allocate(request)
        } catch {
            unreserve(for: request.module)
            throw error
        }
    }

    private func adopt(_ instance: InstanceState, of module: LoadedModule) {
        if module.isReplaceable, !isCodeGuest {
            environment.addGuest(self)
            isCodeGuest = true
        }
        instances.append(instance)
        if readsSources { _ = module.sourceIndex }
        if module.holdsObjects {
            tables.append(contentsOf: instance.ownTables)
            globals.append(contentsOf: instance.ownGlobals)
        }
        if module.hasObjectSegments { segmentHolders.append(instance) }
    }

    // MARK: Functions

    /// The type of `function`, which must belong to this store.
    public func type(of function: FunctionReference) -> FunctionType {
        let index = Int(function.functionIndex)
        let type = function.withInstance { instance in
            instance.withModule { $0.functionType($0.module.functions[index]) }
        }
        return type ?? function.host?.type ?? FunctionType()
    }

    /// Whether `function` lives in this store.
    public func owns(_ function: FunctionReference) -> Bool {
        // SAFETY: a reference that is of use has its context, and that its store's.
        unsafe function.record.pointee.context.pointee.store_context == context
    }

    /// What it takes to call `function`, which must belong to this store.
    public func target(_ function: FunctionReference) throws(ResourceError) -> CallTarget {
        let type = type(of: function)
        return CallTarget(
            entry: try entry(function, .cells), code: function.code,
            context: function.context, type)
    }

    /// What it takes to call `function`, which must belong to this store, with arguments of these
    /// types laid out as Swift does; nil if it has to be called in another way.
    @inlinable
    public func packedTarget<each Argument>(
        _ function: FunctionReference, _ type: FunctionType,
        _ arguments: repeat (each Argument).Type
    ) throws(ResourceError) -> PackedTarget<(repeat each Argument)>? {
        guard PackedArguments.areNumbers(repeat each arguments, like: type) else { return nil }
        return PackedTarget(try packedTarget(function, like: type))
    }

    @usableFromInline
    func packedTarget(
        _ function: FunctionReference, like type: FunctionType
    ) throws(ResourceError) -> CallTarget {
        CallTarget(
            entry: try entry(function, .packed), code: function.code,
            context: function.context)
    }

    private func entry(
        _ function: FunctionReference, _ layout: ArgumentLayout
    ) throws(ResourceError) -> UInt {
        let index = Int(function.functionIndex)
        let found = function.withInstance { instance in
            instance.withModule { ($0.module.functions[index], $0.trampolines) }
        }
        if let (type, trampolines) = found {
            return try trampolines.address(.init(.entry, type, layout))
        }
        guard let host = function.host else { throw ResourceError(.reference, requested: 1) }
        return try host.entry(layout, environment.trampolines)
    }

    // MARK: Host objects

    /// The reference to `object` that wasm may hold: a cell of type externref.
    ///
    /// The object stays at least until the next call into wasm that does not take the reference
    /// along; after that as long as wasm can reach it.
    public func makeExternal(_ object: Any) throws(ResourceError) -> UInt64 {
        let reference = try externals.insert(object)
        // One that was put off is still to come.
        if externals.needsCollection { setAttention(apus_attention_collect, true) }
        return reference
    }

    /// The object that a cell of type externref refers to; nil for null.
    public func external(_ reference: UInt64) -> Any? { externals.object(reference) }

    /// How many host objects the store holds for wasm.
    public var externalCount: Int { externals.count }

    // SAFETY: there are no cells, so none have to be there.
    /// Lets go of all host objects and exceptions that wasm cannot reach any more, and of its
    /// objects; if a guest has yielded, as soon as it may be.
    public func collectExternals() { unsafe collect(cells: nil, count: 0) }
}
