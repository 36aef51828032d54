internal import ApusCollections
internal import ApusFormat
internal import ApusLocks

/// Gives each instance a slot of a pool, all of whose memory is reserved from the beginning.
///
/// A slot that becomes free is emptied at once, but keeps what was made for its module, so that
/// the module's next instance only has to be bound to its store.
public final class PoolingInstanceAllocator: InstanceAllocator {
    private struct State: ~Copyable {
        var free: SlotLists
        /// What the free slots hold, by slot.
        var warm: [IdleInstance?]
        var statistics = AllocatorStatistics()
    }

    public let configuration: PoolConfiguration
    let regions: SlotRegions
    private let state: SystemMutex<State>

    /// Reserves a pool. Throws if there is no address space for it.
    public init(
        _ configuration: PoolConfiguration, alwaysChecksBounds: Bool = false
    ) throws(ResourceError) {
        self.configuration = configuration
        regions = try SlotRegions(configuration, alwaysChecksBounds: alwaysChecksBounds)
        var free = SlotLists(capacity: regions.count)
        for slot in 0..<regions.count { free.append(UInt32(slot)) }
        state = SystemMutex(State(free: free, warm: Array(repeating: nil, count: regions.count)))
    }

    deinit {
        state.withLock { state in
            for idle in state.warm { idle?.state.leavePlace() }
            state.warm = []
        }
    }

    public func validate(_ module: LoadedModule) throws(ResourceError) {
        try configuration.limits.check(module)
    }

    // MARK: Allocating

    public func allocate(
        _ request: InstanceAllocationRequest
    ) throws(ResourceError) -> InstanceState {
        let number = request.module.number
        var taken: UInt32?
        while true {
            let warm = take(number, &taken)
            guard let slot = taken else { break }
            if let warm {
                if warm.state.moduleNumber == number {
                    warm.state.bind(request)
                    return warm.state
                }
                // Another module's: nothing of it may be left.
                warm.state.leavePlace()
                guard regions.empty(slot) else {
                    retire()
                    continue
                }
            }
            do throws(ResourceError) {
                return try InstanceState(request, by: self, in: InstancePlace(self, slot))
            } catch {
                giveBack(slot)
                throw error
            }
        }
        let capacity = UInt64(regions.count)
        throw ResourceError(.pooledInstances, requested: capacity + 1, limit: capacity)
    }

    public func allocateMemory(
        _ request: MemoryRequest
    ) throws(ResourceError) -> LinearMemory {
        // A shared memory may outlive its instance.
        guard let slot = request.place?.slot, !request.type.isShared else {
            return try LinearMemory(request)
        }
        return try LinearMemory(
            request, in: regions.memory(slot, request.index),
            limit: configuration.limits.memoryBytes)
    }

    public func allocateTable(
        _ request: TableRequest
    ) throws(ResourceError) -> ReferenceTable {
        // SAFETY: the request's record is in the context of the instance, which outlives the table;
        // the room for elements is the slot's, which that instance has for itself.
        guard let slot = request.place?.slot else { return try unsafe ReferenceTable(request) }
        return try unsafe ReferenceTable(request, in: regions.table(slot, request.index))
    }

    /// Takes a free slot, and gives what it holds; `slot` is nil if there is none.
    private func take(_ number: UInt32, _ slot: inout UInt32?) -> IdleInstance? {
        let choice = configuration.choice
        return state.withLock { state in
            slot =
                switch choice {
                case .moduleAffine:
                    state.free.takeNewest(ofModule: number) ?? state.free.takeOldest()
                case .nextAvailable: state.free.takeNewest()
                case .random: state.free.takeRandom()
                }
            guard let slot else { return nil }
            state.statistics.noteAllocation()
            if state.warm[Int(slot)] != nil { state.statistics.warmInstances -= 1 }
            return state.warm[Int(slot)].take()
        }
    }

    // MARK: Deallocating

    public func deallocate(_ instance: consuming InstanceState) {
        var instance = instance
        // Else the instance gives its slot back by itself when it goes.
        guard let slot = instance.slot, isKnownUniquelyReferenced(&instance),
            instance.unbind(keepingResident: configuration.memoryBytesKeptResident)
        else { return }
        // SAFETY: the module is kept until `release` below.
        let module = unsafe instance.leaveModule()
        keep(IdleInstance(consume instance), slot)
        // SAFETY: ends the keeping that binding the instance began. The module may go now, and its
        // idle instances with it.
        unsafe module.release()
    }

    private func keep(_ instance: consuming IdleInstance, _ slot: UInt32) {
        let number = instance.state.moduleNumber
        var idle = Optional(instance)
        state.withLock { state in
            state.statistics.instancesInUse -= 1
            state.statistics.warmInstances += 1
            state.warm[Int(slot)] = idle.take()
            state.free.append(slot, module: number)
        }
    }

    /// Takes back a slot with whatever is in it.
    func giveBack(_ slot: UInt32) {
        guard regions.empty(slot) else { return retire() }
        state.withLock { state in
            state.statistics.instancesInUse -= 1
            state.free.append(slot)
        }
    }

    /// The slot that was taken is not used any more: the system refused to empty it.
    private func retire() {
        state.withLock { state in
            state.statistics.instancesInUse -= 1
            state.statistics.retiredSlots += 1
        }
    }

    public func purge(_ module: LoadedModule) {
        // Each gives its slot back as it goes.
        while takeWarm(module.number) != nil {}
    }

    private func takeWarm(_ number: UInt32) -> IdleInstance? {
        state.withLock { state in
            guard let slot = state.free.takeNewest(ofModule: number) else { return nil }
            state.statistics.warmInstances -= 1
            state.statistics.instancesInUse += 1
            return state.warm[Int(slot)].take()
        }
    }

    public var statistics: AllocatorStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.capacity = regions.count - statistics.retiredSlots
            return statistics
        }
    }
}
