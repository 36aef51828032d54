internal import ApusCollections
internal import ApusFormat

/// Memories and tables come into being and grow under the store's limits and its limiter.
extension RuntimeStore {
    /// Adds `delta` pages of zeros to a memory of this store. Returns the old size in pages; nil
    /// if it may not grow so far. Throws what the limiter throws, and if this thread is in the
    /// memory's supplier, which is asked for more. Specification: 4.5.3.
    public func grow(_ memory: LinearMemory, by delta: UInt64) throws -> UInt64? {
        if delta == 0 { return memory.pageCount }
        if memory.isAskedFor {
            throw ResourceError(
                .nestedGrowth, requested: Self.growth(of: memory, delta).desired)
        }
        // Another thread may make a shared memory grow after it has been asked whether it may: then
        // that is asked again of what it has come to, and it has come closer to its maximum.
        while true {
            let admission = try admit(atMost: memory.maximumBytes) {
                Self.growth(of: memory, delta)
            }
            guard case .success(let growth) = admission else { return nil }
            let (grown, isOutrun) = memory.grow(by: delta, from: growth.current)
            if grown == nil { account?.release(growth, isNew: false) }
            if isOutrun { continue }
            guard let old = grown else {
                let resource = memory.isSupplied ? .suppliedMemory : growth.resource.single
                failed(growth, ResourceError(resource, requested: growth.desired))
                return nil
            }
            statistics.add(growth, isNew: false)
            statistics.growths += 1
            if memory.maker != number { leftBytes &+= growth.added }
            return old
        }
    }

    static func growth(of memory: LinearMemory, _ delta: UInt64) -> Growth {
        // Looked at once: other threads may make a shared memory larger at any time.
        let current = UInt64(memory.byteCount)
        let pages = current >> UInt64(memory.type.pageSizeLog2)
        let (sum, overflow) = pages.addingReportingOverflow(delta)
        return Growth(
            .memory, current: current,
            desired: overflow ? .max : memory.type.byteCount(ofPages: sum),
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
        guard case .success(let growth) = admission else { return nil }
        let isPaid = pay()
        guard isPaid, let old = table.grow(by: delta, value, mayGoOn: mayGoOn) else {
            account?.release(growth, isNew: false)
            if isPaid, mayGoOn() {
                failed(growth, ResourceError(.table, requested: growth.desired))
            }
            return nil
        }
        statistics.add(growth, isNew: false)
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
            account?.release(growth, isNew: false)
            failed(growth, error)
            return false
        }
        statistics.add(growth, isNew: false)
        return true
    }

    // MARK: Making things

    /// Counts a new instance of `module` and what it begins with, or throws why it may not be.
    func reserve(for module: LoadedModule) throws {
        if let refusal { throw refusal }
        try checkLent()
        try checkInstances()
        var counted = 0
        do {
            for growth in module.demand {
                let admitted = try admit(atMost: .max, isNew: true) { growth }.get()
                statistics.add(admitted, isNew: true)
                counted += 1
            }
            // The limiter may have made instances of its own.
            try checkInstances()
            if let error = account?.chargeInstance() { throw error }
        } catch {
            for growth in module.demand[..<counted] { remove(growth) }
            throw error
        }
        statistics.instances += 1
    }

    private func checkInstances() throws(ResourceError) {
        if let error = (account?.statistics ?? statistics).excessInstance(limits) { throw error }
    }

    /// Takes back what `reserve` counted: there is no instance.
    func unreserve(for module: LoadedModule) {
        for growth in module.demand { remove(growth) }
        statistics.instances -= 1
        account?.releaseInstance()
    }

    private func remove(_ growth: Growth) {
        statistics.remove(growth, isNew: true)
        account?.release(growth, isNew: true)
    }

    /// Makes a memory or a table that belongs to no instance, if there may be one.
    func making<Thing>(
        _ growth: Growth, _ make: () throws(ResourceError) -> Thing
    ) throws -> Thing {
        let growth = try admit(atMost: growth.maximum ?? .max, isNew: true) { growth }.get()
        do throws(ResourceError) {
            let thing = try make()
            statistics.add(growth, isNew: true)
            return thing
        } catch {
            account?.release(growth, isNew: true)
            failed(growth, error)
            throw error
        }
    }

    // MARK: Limits

    /// A growth that may happen, or why it may not: the type's maximum, the store's limits or the
    /// limiter are against it. If the store has an account it is counted there from now on.
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
            if growth == allowed { return charge(growth, isNew) }
            guard let isAllowed = try consent(to: growth) else { return charge(growth, isNew) }
            if !isAllowed {
                return refuse(
                    growth,
                    ResourceError(
                        growth.resource.single, requested: growth.desired, isVetoed: true))
            }
            allowed = growth
        }
    }

    /// Other stores may have come first to what was left.
    private func charge(_ growth: Growth, _ isNew: Bool) -> Result<Growth, ResourceError> {
        if let error = account?.charge(growth, isNew: isNew) { return refuse(growth, error) }
        return .success(growth)
    }

    private func refuse(
        _ growth: Growth, _ error: ResourceError
    ) -> Result<Growth, ResourceError> {
        failed(growth, error)
        return .failure(error)
    }

    /// Which limit `growth` exceeds: the type's maximum, or one of the store's.
    private func excess(
        _ growth: Growth, over maximum: UInt64, _ isNew: Bool
    ) -> ResourceError? {
        if growth.desired > maximum {
            return ResourceError(
                growth.resource.single, requested: growth.desired, limit: maximum)
        }
        return (account?.statistics ?? statistics).excess(growth, isNew: isNew, limits)
    }

    /// Bytes that the heaps may have besides those that they have.
    var heapRoom: UInt64 {
        let present = (account?.statistics ?? statistics).heapBytes.now
        return limits.heapBytes - min(limits.heapBytes, present)
    }

    /// `growth` has not happened: the limiter hears of it.
    func failed(_ growth: Growth, _ error: ResourceError) {
        statistics.failedGrowths += 1
        limiter?.growthFailed(growth, error)
        asynchronousLimiter?.growthFailed(growth, error)
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
