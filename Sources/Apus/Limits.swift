internal import ApusCollections
internal import ApusRuntime

/// What modules and guests may use: finite in everything that could otherwise take the host down.
///
/// An engine has some (`Engine.Configuration.limits`), which hold for the modules it compiles and
/// for its stores; a store may have its own. What exceeds one throws a `ResourceError` that names
/// the limit and what was asked for, except that a guest whose memory or table may not grow sees
/// -1, as the specification has it; `Store.limiter` hears of that. The threads of a program of the
/// WASI have them together, but each has its stack.
public struct Limits: Hashable, Sendable {
    /// Bytes that all memories of a store may have together: 4 GiB. Its guests make no shared
    /// memory larger than that either, whoever has made it grow before.
    public var memoryBytes: UInt64
    /// Elements that all tables of a store may have together: 10 million, of 8 bytes each.
    public var tableElements: UInt64
    /// Bytes that the heap of a store's garbage-collected objects may have: 4 GiB, of at most 64.
    /// The exceptions that its guests keep may have as many again. A guest that needs more than
    /// that for what is in use traps with `heapExhausted`.
    public var heapBytes: UInt64
    /// Linear memories of a store: 10 000, those of its instances and others together.
    public var memories: Int
    /// Tables of a store: 10 000, those of its instances and others together.
    public var tables: Int
    /// Instances in a store: 10 000. Those whose start function failed count, since others may
    /// refer to them.
    public var instances: Int
    /// Bytes of stack that guests may use, at least 16 KiB: 1 MiB. Threads with smaller stacks
    /// give less.
    public var stackBytes: Int
    /// Bytes of stack kept free below that of guests for the host functions they call, at least
    /// 64 KiB; nil: half of what the thread has left when a guest is called, but at most 1 MiB.
    /// So on a thread of 512 KiB host functions have 256 KiB, at any depth of the guest. A thread
    /// that has not as much, and 16 KiB for guests, is refused with a `ResourceError`.
    public var hostStackBytes: Int?
    /// Bytes of a module's binary form: 1 GiB. Looked at when a module is compiled, so only an
    /// engine's counts.
    public var moduleBytes: Int
    /// Functions of a module, imported ones included: 1 million. Looked at when a module is
    /// compiled, so only an engine's counts.
    public var functions: Int
    /// Types of a module: 250 000. Looked at when a module is compiled, so only an engine's counts.
    /// All modules of an engine together have two million different ones at most.
    public var types: Int
    /// Bytes of machine code that a module may become; nil: 16 MiB, and 32 for each byte of the
    /// module, of which ordinary programs take 2 to 4. Looked at while a module is compiled, so
    /// only an engine's counts. Where functions are compiled when they are called, a call that
    /// needs more fails; what is compiled anew may take as much again, and is left out beyond that.
    public var codeBytes: Int?
    /// The fuel that guests have to begin with; nil: none. Only engines whose configuration says
    /// `isFuelMetered` have fuel; in a store of another one with this limit every call throws a
    /// `ResourceError`.
    public var fuel: UInt64?
    /// How long after the store is made its guests may run; nil: without end. `Store.deadline`
    /// says more, and can move it.
    public var deadline: Duration?

    /// The defaults, except for what is given.
    public init(
        memoryBytes: UInt64 = 1 << 32, tableElements: UInt64 = 10_000_000,
        heapBytes: UInt64 = 1 << 32, memories: Int = 10_000, tables: Int = 10_000,
        instances: Int = 10_000,
        stackBytes: Int = 1 << 20, hostStackBytes: Int? = nil, moduleBytes: Int = 1 << 30,
        functions: Int = 1_000_000, types: Int = 250_000, codeBytes: Int? = nil,
        fuel: UInt64? = nil, deadline: Duration? = nil
    ) {
        self.memoryBytes = memoryBytes
        self.tableElements = tableElements
        self.heapBytes = heapBytes
        self.memories = memories
        self.tables = tables
        self.instances = instances
        self.stackBytes = stackBytes
        self.hostStackBytes = hostStackBytes
        self.moduleBytes = moduleBytes
        self.functions = functions
        self.types = types
        self.codeBytes = codeBytes
        self.fuel = fuel
        self.deadline = deadline
    }
}

extension Limits {
    /// What the runtime enforces of them.
    var ofStore: StoreLimits {
        var limits = StoreLimits()
        limits.memoryBytes = memoryBytes
        limits.tableElements = tableElements
        limits.heapBytes = heapBytes
        limits.memories = memories
        limits.tables = tables
        limits.instances = instances
        limits.stackBytes = stackBytes
        limits.hostStackBytes = hostStackBytes
        return limits
    }

    /// How many bytes of machine code a module of so many bytes may become.
    func codeBytes(moduleBytes: Int) -> Int {
        if let codeBytes { return max(codeBytes, 0) }
        return 16 << 20 + moduleBytes.multipliedReportingOverflow(by: 32).partialValue
    }

    func check(moduleBytes count: Int) throws(ResourceError) {
        try Self.check(.moduleBytes, count, moduleBytes)
    }

    func check(codeBytes count: Int, moduleBytes: Int) throws(ResourceError) {
        try Self.check(.moduleCode, count, codeBytes(moduleBytes: moduleBytes))
    }

    func check(functions count: Int) throws(ResourceError) {
        try Self.check(.functions, count, functions)
    }

    func check(types count: Int) throws(ResourceError) {
        try Self.check(.types, count, types)
    }

    private static func check(
        _ resource: ResourceError.Resource, _ count: Int, _ limit: Int
    ) throws(ResourceError) {
        if count <= limit { return }
        throw ResourceError(resource, requested: UInt64(count), limit: UInt64(max(0, limit)))
    }
}
