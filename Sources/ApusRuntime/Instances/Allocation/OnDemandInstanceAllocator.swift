internal import ApusCollections
internal import ApusLocks

/// Makes instances one by one, as many as there is room for.
///
/// Of those that are given back it keeps some for the next instances of their modules: with their
/// address space and function values, but not with what their memories held.
public final class OnDemandInstanceAllocator: InstanceAllocator {
    private struct State: ~Copyable {
        /// Places for unused instances: those that hold one…
        var idle: SlotLists
        /// …and those that are empty.
        var empty: [UInt32]
        var instances: [IdleInstance?]
        var statistics = AllocatorStatistics()
    }

    private let state: SystemMutex<State>
    private let limits: InstanceLimits
    private let memoryBytesKeptResident: UInt64
    /// Who supplies what memories are made of; nil: the system.
    private let supplier: (any MemorySupplier)?

    /// An allocator that keeps at most `idleInstances` unused instances of all modules, and of
    /// their memories `memoryBytesKeptResident` bytes each. Instances whose memories come from a
    /// `supplier` are not kept.
    public init(
        idleInstances: Int = 64, memoryBytesKeptResident: UInt64 = 0,
        supplier: (any MemorySupplier)? = nil, limits: InstanceLimits = InstanceLimits()
    ) {
        self.supplier = supplier
        let count = max(0, min(idleInstances, 1 << 20))
        self.limits = limits
        self.memoryBytesKeptResident = memoryBytesKeptResident
        state = SystemMutex(
            State(
                idle: SlotLists(capacity: count), empty: Array(0..<UInt32(count)),
                instances: Array(repeating: nil, count: count)))
    }

    public func validate(_ module: LoadedModule) throws(ResourceError) {
        try limits.check(module)
    }

    public func allocate(
        _ request: InstanceAllocationRequest
    ) throws(ResourceError) -> InstanceState {
        if let idle = take(request.module) {
            idle.state.bind(request)
            return idle.state
        }
        do throws(ResourceError) {
            return try InstanceState(request, by: self)
        } catch {
            state.withLock { state in state.statistics.instancesInUse -= 1 }
            throw error
        }
    }

    public func allocateMemory(
        _ request: MemoryRequest
    ) throws(ResourceError) -> LinearMemory {
        try LinearMemory(request, supplier: supplier)
    }

    public func allocateTable(
        _ request: TableRequest
    ) throws(ResourceError) -> ReferenceTable {
        // SAFETY: the request's record is in the context of the instance, which outlives the table.
        try unsafe ReferenceTable(request)
    }

    public var mapsImages: Bool { supplier == nil }

    /// Counts an instance as used; gives an unused one of `module`, if there is one.
    private func take(_ module: LoadedModule) -> IdleInstance? {
        let number = module.number
        return state.withLock { state in
            state.statistics.noteAllocation()
            guard let place = state.idle.takeNewest(ofModule: number) else { return nil }
            state.empty.append(place)
            return state.instances[Int(place)].take()
        }
    }

    /// Instances with more memories than this are not kept: each takes 8 GiB of a process's
    /// address space and some of its mappings, which modules that run should have.
    private static var memoriesKept: Int { 4 }

    public func deallocate(_ instance: consuming InstanceState) {
        var instance = instance
        guard instance.withModule({ $0.memoryCount <= Self.memoriesKept }),
            isKnownUniquelyReferenced(&instance),
            instance.unbind(keepingResident: memoryBytesKeptResident)
        else {
            return state.withLock { state in state.statistics.instancesInUse -= 1 }
        }
        // SAFETY: the module is kept until `release` below.
        let module = unsafe instance.leaveModule()
        let victim = keep(IdleInstance(consume instance))
        // SAFETY: ends the keeping that binding the instance began. The module may go now, and its
        // idle instances with it.
        unsafe module.release()
        _ = consume victim
    }

    /// Puts an unused instance aside. Gives the one that has to go for it, if there is no room.
    private func keep(_ instance: IdleInstance) -> IdleInstance? {
        let number = instance.state.moduleNumber
        return state.withLock { state in
            state.statistics.instancesInUse -= 1
            var victim: IdleInstance?
            if state.empty.isEmpty, let place = state.idle.takeOldest() {
                victim = state.instances[Int(place)].take()
                state.empty.append(place)
            }
            guard let place = state.empty.popLast() else { return instance }
            state.instances[Int(place)] = instance
            state.idle.append(place, module: number)
            return victim
        }
    }

    public func purge(_ module: LoadedModule) {
        while takeIdle(module.number) != nil {}
    }

    private func takeIdle(_ number: UInt32) -> IdleInstance? {
        state.withLock { state in
            guard let place = state.idle.takeNewest(ofModule: number) else { return nil }
            state.empty.append(place)
            return state.instances[Int(place)].take()
        }
    }

    public var statistics: AllocatorStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.warmInstances = state.idle.count
            return statistics
        }
    }
}
