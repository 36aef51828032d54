internal import ApusFormat

/// Memories and tables come into being and grow under the store's limits and its limiter.
extension RuntimeStore {
    /// Adds `delta` pages of zeros to a memory of this store. Returns the old size in pages; nil
    /// if it may not grow so far. Throws what the limiter throws. Specification: 4.5.3.
    public func grow(_ memory: LinearMemory, by delta: UInt64) throws -> UInt64? {
        if delta == 0 { return memory.pageCount }
        // Another thread may make a shared memory grow after it has been asked whether it may: then
        // that is asked again of what it has come to, and it has come closer to its maximum.
        while true {
            let admission = try admit(atMost: memory.maximumBytes) {
                Self.growth(of: memory, delta)
            }
            guard case .success(let growth) = admission else { return nil }
            let (grown, isOutrun) = memory.grow(by: delta, from: growth.current)
            if isOutrun { continue }
            guard let old = grown else {
                let resource = memory.isSupplied ? .suppliedMemory : growth.resource.single
                failed(growth, ResourceError(resource, requested: growth.desired))
                return nil
            }
            count(growth)
            statistics.growths += 1
            return old
        }
    }

    static func growth(of memory: LinearMemory, _ delta: UInt64) -> Growth {
        let (pages, overflow) = memory.pageCount.addingReportingOverflow(delta)
        return Growth(
            .memory, current: UInt64(memory.byteCount),
            desired: overflow ? .max : memory.type.byteCount(ofPages: pages),
            maximum: memory.type.limits.maximum.map { memory.type.byteCount(ofPages: $0) })
    }

    /// Adds `delta` elements of `value` to a table of this store. Returns the old size; nil if it
    /// may not grow so far, or if `mayGoOn`, asked now and then, says that it is to be left.
    /// Between the limits' consent and the work `pay` may still refuse. Throws what the limiter
    /// throws. Specification: 4.5.3.
    public func grow(
        _ table: ReferenceTable, by delta: UInt64, _ value: UInt64, pay: () -> Bool = { true },
        mayGoOn: () -> Bool = { true }
    ) throws -> UInt64? {
        if delta == 0 { return table.count }
        try checkYielded()
        let admission = try keeping(value) {
            try admit(atMost: table.maximum) { Self.growth(of: table, delta) }
        }
        guard case .success(let growth) = admission, pay() else { return nil }
        guard let old = table.grow(by: delta, value, mayGoOn: mayGoOn) else {
            if mayGoOn() { failed(growth, ResourceError(.table, requested: growth.desired)) }
            return nil
        }
        count(growth)
        statistics.growths += 1
        return old
    }

    static func growth(of table: ReferenceTable, _ delta: UInt64) -> Growth {
        let (sum, overflow) = table.count.addingReportingOverflow(delta)
        return Growth(
            .table, current: table.count, desired: overflow ? .max : sum,
            maximum: table.type.limits.maximum)
    }

    /// Adds `bytes` to the heap. Returns false if it may not grow so far. Throws what the limiter
    /// throws, or what the system refuses.
    func growHeap(by bytes: UInt64, _ heap: Heap) throws -> Bool {
        let admission = try admit(atMost: heap.byteLimit) {
            Growth(
                .heap, current: heap.byteCount, desired: heap.byteCount + bytes,
                maximum: heap.byteLimit)
        }
        guard case .success(let growth) = admission else { return false }
        do throws(ResourceError) {
            try heap.grow(by: bytes)
        } catch {
            failed(growth, error)
            return false
        }
        count(growth)
        return true
    }

    // MARK: Making things

    /// Counts a new instance of `module` and what it begins with, or throws why it may not be.
    func reserve(for module: LoadedModule) throws {
        if let refusal { throw refusal }
        try checkInstances()
        var counted = 0
        do {
            for growth in module.demand {
                try add(admit(atMost: .max, isNew: true) { growth }.get())
                counted += 1
            }
            // The limiter may have made instances of its own.
            try checkInstances()
        } catch {
            for growth in module.demand[..<counted] { remove(growth) }
            throw error
        }
        statistics.instances += 1
    }

    private func checkInstances() throws(ResourceError) {
        if statistics.instances < limits.instances { return }
        throw ResourceError(
            .instances, requested: UInt64(statistics.instances) + 1,
            limit: UInt64(max(0, limits.instances)))
    }

    /// Takes back what `reserve` counted: there is no instance.
    func unreserve(for module: LoadedModule) {
        for growth in module.demand { remove(growth) }
        statistics.instances -= 1
    }

    /// Makes a memory or a table that belongs to no instance, if there may be one.
    func making<Thing>(
        _ growth: Growth, _ make: () throws(ResourceError) -> Thing
    ) throws -> Thing {
        let growth = try admit(atMost: growth.maximum ?? .max, isNew: true) { growth }.get()
        do throws(ResourceError) {
            let thing = try make()
            add(growth)
            return thing
        } catch {
            failed(growth, error)
            throw error
        }
    }

    // MARK: Limits

    /// A growth that may happen, or why it may not: the type's maximum, the store's limits or the
    /// limiter are against it.
    ///
    /// While the limiter is asked, it may make things larger itself, and another thread what
    /// several stores have. So `measure` is asked again after it, and the limits are looked at as
    /// things are then; if the growth has become another, the limiter is asked about that one.
    /// `isNew`: something comes into being, and there may be no more of its kind.
    private func admit(
        atMost maximum: UInt64, isNew: Bool = false, _ measure: () -> Growth
    ) throws -> Result<Growth, ResourceError> {
        var allowed: Growth?
        while true {
            let growth = measure()
            if let error = excess(growth, over: maximum, isNew) { return refuse(growth, error) }
            if growth == allowed { return .success(growth) }
            guard let isAllowed = try consent(to: growth) else { return .success(growth) }
            if !isAllowed {
                return refuse(
                    growth,
                    ResourceError(
                        growth.resource.single, requested: growth.desired, isVetoed: true))
            }
            allowed = growth
        }
    }

    private func refuse(
        _ growth: Growth, _ error: ResourceError
    ) -> Result<Growth, ResourceError> {
        failed(growth, error)
        return .failure(error)
    }

    /// Which limit `growth` exceeds: the type's maximum, or one of the store's. What other stores
    /// have added to a shared memory counts for that memory.
    private func excess(
        _ growth: Growth, over maximum: UInt64, _ isNew: Bool
    ) -> ResourceError? {
        if isNew, let error = excessCount(growth.resource) { return error }
        let (present, limit) = total(growth.resource)
        let (total, overflow) = present.addingReportingOverflow(growth.desired - growth.current)
        let sum = max(total, growth.desired)
        if growth.desired > maximum {
            return ResourceError(
                growth.resource.single, requested: growth.desired, limit: maximum)
        }
        if !overflow, sum <= limit { return nil }
        return ResourceError(
            growth.resource.total, requested: overflow ? .max : sum, limit: limit)
    }

    /// Why there may not be one more of `resource`.
    private func excessCount(_ resource: Growth.Resource) -> ResourceError? {
        let (present, limit) =
            switch resource {
            case .memory: (statistics.memories, limits.memories)
            case .table: (statistics.tables, limits.tables)
            case .heap: (0, 1)
            }
        if present < limit { return nil }
        return ResourceError(
            resource.count, requested: UInt64(present) + 1, limit: UInt64(max(0, limit)))
    }

    /// `growth` has not happened: the limiter hears of it.
    func failed(_ growth: Growth, _ error: ResourceError) {
        statistics.failedGrowths += 1
        limiter?.growthFailed(growth, error)
        asynchronousLimiter?.growthFailed(growth, error)
    }

    /// How much of `resource` the store has, and may have.
    private func total(_ resource: Growth.Resource) -> (present: UInt64, limit: UInt64) {
        switch resource {
        case .memory: (statistics.memoryBytes.now, limits.memoryBytes)
        case .table: (statistics.tableElements.now, limits.tableElements)
        case .heap: (statistics.heapBytes.now, limits.heapBytes)
        }
    }

    /// Counts what has come into being.
    private func add(_ growth: Growth) {
        switch growth.resource {
        case .memory: statistics.memories += 1
        case .table: statistics.tables += 1
        case .heap: break
        }
        count(growth)
    }

    /// Takes back what `add` counted.
    private func remove(_ growth: Growth) {
        let bytesOrElements = growth.desired - growth.current
        switch growth.resource {
        case .memory:
            statistics.memories -= 1
            statistics.memoryBytes.remove(bytesOrElements)
        case .table:
            statistics.tables -= 1
            statistics.tableElements.remove(bytesOrElements)
        case .heap: statistics.heapBytes.remove(bytesOrElements)
        }
    }

    private func count(_ growth: Growth) {
        let added = growth.desired - growth.current
        switch growth.resource {
        case .memory: statistics.memoryBytes.add(added)
        case .table: statistics.tableElements.add(added)
        case .heap: statistics.heapBytes.add(added)
        }
    }
}

extension Growth.Resource {
    /// One of it, in an error.
    fileprivate var single: ResourceError.Resource {
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

extension Growth {
    /// A memory of `type` comes into being.
    static func memory(_ type: MemoryType) -> Growth {
        Growth(
            .memory, current: 0, desired: type.byteCount(ofPages: type.limits.minimum),
            maximum: type.limits.maximum.map { type.byteCount(ofPages: $0) })
    }

    /// A table of `type` comes into being.
    static func table(_ type: TableType) -> Growth {
        Growth(.table, current: 0, desired: type.limits.minimum, maximum: type.limits.maximum)
    }

    /// What instances of `module` begin with.
    static func demand(of module: DecodedModule) -> [Growth] {
        module.memories.dropFirst(module.importedMemoryCount).map(Growth.memory)
            + module.tables.dropFirst(module.importedTableCount).map(Growth.table)
    }
}
