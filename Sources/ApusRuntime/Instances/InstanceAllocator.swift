internal import ApusFormat

/// Where instances come from: made one by one, or from a pool.
public protocol InstanceAllocator: Sendable {
    /// Throws if instances of `module` exceed what this allocator can give.
    func validate(_ module: LoadedModule) throws(ResourceError)

    /// An instance whose context, memories, tables and globals have their places and are empty,
    /// and whose imports and function references are in place.
    func allocate(_ request: InstanceAllocationRequest) throws(ResourceError) -> InstanceState

    /// Gives the instance its initial state and runs its start function (4.7.2). Throws
    /// `WasmTrap`, or what a host function threw; what was written before stays.
    func initialize(_ instance: InstanceState) throws

    /// Takes back what `allocate` gave: nothing runs the instance's code any more.
    func deallocate(_ instance: InstanceState)
}

/// Makes each instance afresh and gives everything back to the system afterwards.
public struct OnDemandInstanceAllocator: InstanceAllocator {
    public init() {}

    public func validate(_ module: LoadedModule) throws(ResourceError) {
        let configuration = module.environment.configuration
        for memory in module.module.memories.dropFirst(module.module.importedMemoryCount) {
            let pages = configuration.memoryBytesLimit / memory.pageBytes
            guard memory.limits.minimum <= pages else {
                throw ResourceError(.memory, requested: memory.limits.minimum, limit: pages)
            }
        }
        for table in module.module.tables.dropFirst(module.module.importedTableCount) {
            let limit = configuration.tableElementsLimit
            guard table.limits.minimum <= limit else {
                throw ResourceError(.table, requested: table.limits.minimum, limit: limit)
            }
        }
    }

    public func allocate(
        _ request: InstanceAllocationRequest
    ) throws(ResourceError) -> InstanceState {
        try InstanceState(request)
    }

    public func initialize(_ instance: InstanceState) throws { try instance.initialize() }

    /// The instance frees its context when the last reference to it goes.
    public func deallocate(_ instance: InstanceState) {}
}
