internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// Where instances come from: made one by one, or from a pool. Any number of threads may use it.
public protocol InstanceAllocator: AnyObject, Sendable {
    /// Throws if instances of `module` exceed what this allocator can give, with the limit and
    /// what the module has. Called once, when the module is loaded.
    func validate(_ module: LoadedModule) throws(ResourceError)

    /// An instance whose context, memories, tables and globals have their places, and whose
    /// imports and function references are there. If it cannot be made, nothing is left behind.
    func allocate(_ request: InstanceAllocationRequest) throws(ResourceError) -> InstanceState

    /// A memory of an instance that is being allocated, or of none: its address space, with its
    /// first size and contents. It takes all of that along when it goes.
    func allocateMemory(_ request: MemoryRequest) throws(ResourceError) -> LinearMemory

    /// A table of an instance that is being allocated, or of none.
    func allocateTable(_ request: TableRequest) throws(ResourceError) -> ReferenceTable

    /// Whether its memories may begin as images that are mapped.
    var mapsImages: Bool { get }

    /// Gives the instance its initial state and runs its start function (4.7.2): once, and at any
    /// time after `allocate`. Throws `WasmTrap`, or what a host function threw; what was written
    /// before stays.
    func initialize(_ instance: InstanceState) throws

    /// Takes back what `allocate` gave: nothing runs the instance's code or holds what it defines
    /// any more.
    func deallocate(_ instance: consuming InstanceState)

    /// Lets go of what is kept for further instances of `module`, which is about to go.
    func purge(_ module: LoadedModule)

    /// How many instances there are and could be.
    var statistics: AllocatorStatistics { get }
}

extension InstanceAllocator {
    public var mapsImages: Bool { true }

    public func initialize(_ instance: InstanceState) throws { try instance.initialize() }
}

/// How many instances an allocator has given out, and how many it has at hand.
public struct AllocatorStatistics: Hashable, Sendable {
    /// Instances that are in use.
    public var instancesInUse = 0
    /// The most that have been in use at once.
    public var highWaterMark = 0
    /// Unused instances that are kept as they were made, for their module to use again.
    public var warmInstances = 0
    /// Instances that can be in use at once; nil: as many as the system has room for.
    public var capacity: Int?
    /// Slots that are never used again, since the system refused to empty them.
    public var retiredSlots = 0

    /// Of an allocator that has given out nothing.
    public init() {}

    mutating func noteAllocation() {
        instancesInUse += 1
        if instancesInUse > highWaterMark { highWaterMark = instancesInUse }
    }
}

/// What an instance is checked against before there is one.
public struct InstanceLimits: Hashable, Sendable {
    /// Bytes of what compiled code sees of an instance: its function values, globals and imports.
    public var contextBytes = UInt64.max
    /// Memories that a module defines.
    public var memories = Int.max
    /// Bytes of a memory.
    public var memoryBytes = UInt64.max
    /// Tables that a module defines.
    public var tables = Int.max
    /// Elements of a table.
    public var tableElements = UInt64.max

    public init() {}

    func check(_ module: LoadedModule) throws(ResourceError) {
        let decoded = module.module
        let memories = decoded.memories.dropFirst(decoded.importedMemoryCount)
        let tables = decoded.tables.dropFirst(decoded.importedTableCount)
        try Self.check(.context, UInt64(module.layout.size), contextBytes)
        try Self.check(.memories, UInt64(memories.count), UInt64(self.memories))
        try Self.check(.tables, UInt64(tables.count), UInt64(self.tables))
        for memory in memories {
            let bytes = memory.byteCount(ofPages: memory.limits.minimum)
            try Self.check(.memory, bytes, memoryBytes)
        }
        for table in tables { try Self.check(.table, table.limits.minimum, tableElements) }
    }

    private static func check(
        _ resource: ResourceError.Resource, _ requested: UInt64, _ limit: UInt64
    ) throws(ResourceError) {
        if requested <= limit { return }
        throw ResourceError(resource, requested: requested, limit: limit)
    }
}
