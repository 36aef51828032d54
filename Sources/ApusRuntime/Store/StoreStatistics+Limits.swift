internal import ApusCollections

/// What there is, compared with what there may be.
extension StoreStatistics {
    /// Which of `limits` would be exceeded by `growth`. What others have added to a shared memory
    /// counts for that memory. `isNew`: something comes into being, and there may be no more of its
    /// kind.
    func excess(_ growth: Growth, isNew: Bool, _ limits: StoreLimits) -> ResourceError? {
        if isNew, let error = excessCount(growth.resource, limits) { return error }
        let (present, limit) = total(growth.resource, limits)
        let (total, overflow) = present.addingReportingOverflow(growth.added)
        let sum = max(total, growth.desired)
        if !overflow, sum <= limit { return nil }
        return ResourceError(
            growth.resource.total, requested: overflow ? .max : sum, limit: limit)
    }

    /// Why there may not be one more of `resource`.
    private func excessCount(
        _ resource: Growth.Resource, _ limits: StoreLimits
    ) -> ResourceError? {
        let (present, limit) =
            switch resource {
            case .memory: (memories, limits.memories)
            case .table: (tables, limits.tables)
            case .heap: (0, 1)
            }
        if present < limit { return nil }
        return ResourceError(
            resource.count, requested: UInt64(present) + 1, limit: UInt64(max(0, limit)))
    }

    /// Why there may not be one more instance.
    func excessInstance(_ limits: StoreLimits) -> ResourceError? {
        if instances < limits.instances { return nil }
        return ResourceError(
            .instances, requested: UInt64(instances) + 1, limit: UInt64(max(0, limits.instances)))
    }

    /// How much of `resource` there is, and may be.
    private func total(
        _ resource: Growth.Resource, _ limits: StoreLimits
    ) -> (present: UInt64, limit: UInt64) {
        switch resource {
        case .memory: (memoryBytes.now, limits.memoryBytes)
        case .table: (tableElements.now, limits.tableElements)
        case .heap: (heapBytes.now, limits.heapBytes)
        }
    }

    /// Counts what has grown or, if it `isNew`, has come into being.
    mutating func add(_ growth: Growth, isNew: Bool) {
        let added = growth.added
        let count = isNew ? 1 : 0
        switch growth.resource {
        case .memory:
            memories += count
            memoryBytes.add(added)
        case .table:
            tables += count
            tableElements.add(added)
        case .heap: heapBytes.add(added)
        }
    }

    /// Takes back what `add` counted.
    mutating func remove(_ growth: Growth, isNew: Bool) {
        let added = growth.added
        let count = isNew ? 1 : 0
        switch growth.resource {
        case .memory:
            memories -= count
            memoryBytes.remove(added)
        case .table:
            tables -= count
            tableElements.remove(added)
        case .heap: heapBytes.remove(added)
        }
    }

    // MARK: Of several stores

    /// What there is, without what happened.
    var levels: StoreStatistics {
        var levels = StoreStatistics()
        levels.instances = instances
        levels.memories = memories
        levels.tables = tables
        levels.memoryBytes = memoryBytes
        levels.tableElements = tableElements
        levels.heapBytes = heapBytes
        return levels
    }

    /// What a store had has gone, but for `left` bytes of memory.
    mutating func takeBack(_ other: StoreStatistics, left: UInt64) {
        instances -= other.instances
        memories -= other.memories
        tables -= other.tables
        memoryBytes.remove(other.memoryBytes.now &- left)
        tableElements.remove(other.tableElements.now)
        heapBytes.remove(other.heapBytes.now)
    }

    /// What happened there has happened here, too.
    mutating func addEvents(of other: StoreStatistics) {
        collections += other.collections
        collectionNanoseconds &+= other.collectionNanoseconds
        growths += other.growths
        failedGrowths += other.failedGrowths
        traps += other.traps
        instantiationTicks &+= other.instantiationTicks
    }
}

extension Growth.Resource {
    /// One of it, in an error.
    var single: ResourceError.Resource {
        switch self {
        case .memory: .memory
        case .table: .table
        case .heap: .heap
        }
    }

    /// How many there are, in an error.
    fileprivate var count: ResourceError.Resource {
        switch self {
        case .memory: .memoryCount
        case .table: .tableCount
        case .heap: .heap
        }
    }

    /// All of it, in an error.
    fileprivate var total: ResourceError.Resource {
        switch self {
        case .memory: .storeMemory
        case .table: .storeTables
        case .heap: .heap
        }
    }
}
