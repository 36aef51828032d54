internal import ApusFormat

/// Memories and tables come into being and grow under the store's limits and its limiter.
extension RuntimeStore {
    /// Adds `delta` pages of zeros to a memory of this store. Returns the old size in pages; nil
    /// if it may not grow so far. Throws what the limiter throws. Specification: 4.5.3.
    public func grow(_ memory: LinearMemory, by delta: UInt64) throws -> UInt64? {
        let old = memory.pageCount
        if delta == 0 { return old }
        let (pages, overflow) = old.addingReportingOverflow(delta)
        let growth = Growth(
            .memory, current: UInt64(memory.byteCount),
            desired: overflow ? .max : memory.type.byteCount(ofPages: pages),
            maximum: memory.type.limits.maximum.map { memory.type.byteCount(ofPages: $0) })
        if try refusal(of: growth, atMost: memory.maximumBytes) != nil { return nil }
        guard memory.grow(by: delta) != nil else {
            failed(growth, ResourceError(.memory, requested: growth.desired))
            return nil
        }
        count(growth)
        statistics.growths += 1
        return old
    }

    /// Adds `delta` elements of `value` to a table of this store. Returns the old size; nil if it
    /// may not grow so far, or if `mayGoOn`, asked now and then, says that it is to be left.
    /// Between the limits' consent and the work `pay` may still refuse. Throws what the limiter
    /// throws. Specification: 4.5.3.
    public func grow(
        _ table: ReferenceTable, by delta: UInt64, _ value: UInt64, pay: () -> Bool = { true },
        mayGoOn: () -> Bool = { true }
    ) throws -> UInt64? {
        let old = table.count
        if delta == 0 { return old }
        let (sum, overflow) = old.addingReportingOverflow(delta)
        let growth = Growth(
            .table, current: old, desired: overflow ? .max : sum,
            maximum: table.type.limits.maximum)
        if try refusal(of: growth, atMost: table.maximum) != nil { return nil }
        guard pay() else { return nil }
        guard table.grow(by: delta, value, mayGoOn: mayGoOn) != nil else {
            if mayGoOn() { failed(growth, ResourceError(.table, requested: growth.desired)) }
            return nil
        }
        count(growth)
        statistics.growths += 1
        return old
    }

    // MARK: Making things

    /// Counts a new instance of `module` and what it begins with, or throws why it may not be.
    func reserve(for module: LoadedModule) throws {
        guard statistics.instances < limits.instances else {
            throw ResourceError(
                .instances, requested: UInt64(statistics.instances) + 1,
                limit: UInt64(max(0, limits.instances)))
        }
        for (index, growth) in module.demand.enumerated() {
            do {
                if let error = try refusal(of: growth, atMost: .max) { throw error }
            } catch {
                for growth in module.demand[..<index] { uncount(growth) }
                throw error
            }
            count(growth)
        }
        statistics.instances += 1
    }

    /// Takes back what `reserve` counted: there is no instance.
    func unreserve(for module: LoadedModule) {
        for growth in module.demand { uncount(growth) }
        statistics.instances -= 1
    }

    /// Makes a memory or a table that belongs to no instance, if there may be one.
    func making<Thing>(
        _ growth: Growth, _ make: () throws(ResourceError) -> Thing
    ) throws -> Thing {
        if let error = try refusal(of: growth, atMost: .max) { throw error }
        do throws(ResourceError) {
            let thing = try make()
            count(growth)
            return thing
        } catch {
            failed(growth, error)
            throw error
        }
    }

    // MARK: Limits

    /// Why `growth` may not happen: the type's maximum, the store's limits or the limiter are
    /// against it. Nil if it may.
    private func refusal(of growth: Growth, atMost maximum: UInt64) throws -> ResourceError? {
        let error: ResourceError
        let (present, limit) = total(growth.resource)
        let (sum, overflow) = present.addingReportingOverflow(growth.desired - growth.current)
        if growth.desired > maximum {
            error = ResourceError(
                growth.resource.single, requested: growth.desired, limit: maximum)
        } else if overflow || sum > limit {
            error = ResourceError(
                growth.resource.total, requested: overflow ? .max : sum, limit: limit)
        } else {
            guard let limiter, try !limiter.allows(growth) else { return nil }
            error = ResourceError(
                growth.resource.single, requested: growth.desired, isVetoed: true)
        }
        failed(growth, error)
        return error
    }

    private func failed(_ growth: Growth, _ error: ResourceError) {
        statistics.failedGrowths += 1
        limiter?.growthFailed(growth, error)
    }

    /// How much of `resource` the store has, and may have.
    private func total(_ resource: Growth.Resource) -> (present: UInt64, limit: UInt64) {
        switch resource {
        case .memory: (statistics.memoryBytes.now, limits.memoryBytes)
        case .table: (statistics.tableElements.now, limits.tableElements)
        }
    }

    private func count(_ growth: Growth) {
        let added = growth.desired - growth.current
        switch growth.resource {
        case .memory: statistics.memoryBytes.add(added)
        case .table: statistics.tableElements.add(added)
        }
    }

    private func uncount(_ growth: Growth) {
        let added = growth.desired - growth.current
        switch growth.resource {
        case .memory: statistics.memoryBytes.remove(added)
        case .table: statistics.tableElements.remove(added)
        }
    }
}

extension Growth.Resource {
    /// One of it, in an error.
    fileprivate var single: ResourceError.Resource {
        switch self {
        case .memory: .memory
        case .table: .table
        }
    }

    /// All of it, in an error.
    fileprivate var total: ResourceError.Resource {
        switch self {
        case .memory: .storeMemory
        case .table: .storeTables
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
