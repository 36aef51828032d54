public import ApusRuntime

extension Engine {
    /// Where the engine's instances come from.
    public enum Allocator: Hashable, Sendable {
        /// Made one by one, as many as the system has room for. What was made for one instance is
        /// used again for others of its module.
        case onDemand(OnDemand)
        /// Taken from a pool whose memory is reserved when the engine is made: fast to get, and
        /// never more than it has room for.
        case pooling(Pool)
    }

    /// How instances are made one by one.
    public struct OnDemand: Hashable, Sendable {
        /// How many unused instances are kept, of all modules together: with their address space,
        /// but not with what their memories held. Instances of modules with more than four
        /// memories are not kept, nor those whose tables have had more than 1 MiB.
        public var idleInstances: Int
        /// How many bytes of its memories an unused instance keeps, overwritten: faster to use
        /// again than what comes from the system, but nobody else has it meanwhile. See
        /// `Pool.memoryBytesKeptResident`.
        public var memoryBytesKeptResident: UInt64
        /// What linear memories are made of; nil: of what the system gives. Instances that have
        /// memories of the host's are not kept.
        public var memorySupply: MemorySupply?

        /// Keeps 64 unused instances without memory, unless something else is given.
        public init(
            idleInstances: Int = 64, memoryBytesKeptResident: UInt64 = 0,
            memorySupplier: (any MemorySupplier)? = nil
        ) {
            self.idleInstances = idleInstances
            self.memoryBytesKeptResident = memoryBytesKeptResident
            memorySupply = memorySupplier.map(MemorySupply.init)
        }
    }

    /// Memory of the host's for linear memories. Two are equal if the supplier is the same.
    public struct MemorySupply: Hashable, Sendable {
        /// Who supplies it.
        public let supplier: any MemorySupplier

        /// What `supplier` has.
        public init(_ supplier: any MemorySupplier) { self.supplier = supplier }

        public static func == (left: MemorySupply, right: MemorySupply) -> Bool {
            left.supplier === right.supplier
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(ObjectIdentifier(supplier))
        }
    }

    /// What a pool has room for.
    ///
    /// Modules whose instances do not fit a slot are refused when they are compiled, with a
    /// `ResourceError` that names the limit. What is reserved is address space; memory is taken
    /// from the system when it is touched.
    public struct Pool: Hashable, Sendable {
        /// How many instances can exist at once. The next one throws a `ResourceError`.
        public var instances: Int
        /// How many bytes each linear memory may have.
        public var memoryBytes: UInt64
        /// How many memories a module may define.
        public var memoriesPerInstance = 1
        /// How many elements each table may have.
        public var tableElements: UInt64
        /// How many tables a module may define.
        public var tablesPerInstance = 1
        /// How many bytes a module's function values, globals, imports and types may take in each
        /// instance: about 32 for each function whose reference is taken, 16 for each global and
        /// each imported function, 4 for each type.
        public var contextBytes: UInt64 = 1 << 20
        /// How many bytes of its memory a free slot keeps, overwritten: faster to use again than
        /// what comes from the system. Where that says what a guest has written (Linux since 6.7)
        /// these are such bytes, if there are no more of them; else those at the start. Of its
        /// tables it keeps 64 KiB.
        public var memoryBytesKeptResident: UInt64 = 64 << 10
        /// Which free slot the next instance gets.
        public var choice = Choice.moduleAffine

        /// Which free slot the next instance gets.
        public enum Choice: String, CaseIterable, Hashable, Sendable {
            /// One that the same module had before, as it is ready for use; else the one that has
            /// been free for the longest time.
            case moduleAffine
            /// The one that became free last.
            case nextAvailable
            /// Any, so that nobody can tell whose address space a guest gets.
            case random
        }

        /// Room for `instances` instances, each with one memory of at most `memoryBytes` bytes and
        /// one table of at most `tableElements` elements, unless it is changed.
        public init(
            instances: Int = 1000, memoryBytes: UInt64 = 1 << 32, tableElements: UInt64 = 20_000
        ) {
            self.instances = instances
            self.memoryBytes = memoryBytes
            self.tableElements = tableElements
        }
    }

    /// How many instances the engine's allocator has given out, and how many it has at hand.
    public var allocatorStatistics: AllocatorStatistics {
        (try? environment.allocator.statistics) ?? AllocatorStatistics()
    }
}

extension Engine.Allocator {
    /// The runtime's allocator for an engine set up like this.
    func make(_ runtime: RuntimeConfiguration) throws(ResourceError) -> any InstanceAllocator {
        switch self {
        case .onDemand(let configuration):
            var limits = InstanceLimits()
            limits.memoryBytes = runtime.memoryBytesLimit
            limits.tableElements = runtime.tableElementsLimit
            return OnDemandInstanceAllocator(
                idleInstances: configuration.idleInstances,
                memoryBytesKeptResident: configuration.memoryBytesKeptResident,
                supplier: configuration.memorySupply?.supplier, limits: limits)
        case .pooling(let pool):
            var limits = InstanceLimits()
            limits.memories = pool.memoriesPerInstance
            limits.memoryBytes = min(pool.memoryBytes, runtime.memoryBytesLimit)
            limits.tables = pool.tablesPerInstance
            limits.tableElements = min(pool.tableElements, runtime.tableElementsLimit)
            limits.contextBytes = pool.contextBytes
            var configuration = PoolConfiguration(instances: pool.instances, limits: limits)
            configuration.memoryBytesKeptResident = pool.memoryBytesKeptResident
            configuration.choice =
                switch pool.choice {
                case .moduleAffine: .moduleAffine
                case .nextAvailable: .nextAvailable
                case .random: .random
                }
            return try PoolingInstanceAllocator(
                configuration, alwaysChecksBounds: runtime.alwaysChecksBounds)
        }
    }
}
