internal import ApusRuntime

extension Store {
    /// What a store has, had at most, and what happened in it since it was made.
    ///
    /// Of a program with threads (`WASI.run`), the store that it was run in has what all of its
    /// threads have, and what happened in them has happened there when they have ended.
    public struct Statistics: Hashable, Sendable {
        /// Instances.
        public var instances: Int
        /// Linear memories.
        public var memories: Int
        /// Tables.
        public var tables: Int
        /// Bytes of all linear memories at present.
        public var memoryBytes: UInt64
        /// The most that `memoryBytes` has been.
        public var peakMemoryBytes: UInt64
        /// Elements of all tables at present.
        public var tableElements: UInt64
        /// The most that `tableElements` has been.
        public var peakTableElements: UInt64
        /// Bytes that the heap of garbage-collected objects has at present.
        public var heapBytes: UInt64
        /// The most that `heapBytes` has been.
        public var peakHeapBytes: UInt64
        /// How often objects that are not in use any more have been looked for.
        public var collections: Int
        /// Time that this took.
        public var collectionTime: Duration
        /// How often a memory or a table became larger after it was made.
        public var growths: Int
        /// How often one was to become larger, or to be made, and did not.
        public var failedGrowths: Int
        /// How often a guest ended in a trap, by interruption or for want of fuel included.
        public var traps: Int
        /// Time that instantiation took, start functions included. What compiling the modules
        /// took is in `Module.statistics`.
        public var instantiationTime: Duration
        /// Fuel that guests have used; 0 if it is not metered.
        public var fuelUsed: UInt64
        /// Objects of the host that guests hold references to.
        public var externalReferences: Int

        /// Bytes of all tables at present.
        public var tableBytes: UInt64 { tableElements * 8 }
        /// The most that `tableBytes` has been.
        public var peakTableBytes: UInt64 { peakTableElements * 8 }
    }

    /// What the store has at present, had at most, and what happened in it.
    public var statistics: Statistics {
        let runtime = try? runtime
        let counts = runtime?.totals ?? StoreStatistics()
        return Statistics(
            instances: counts.instances, memories: counts.memories, tables: counts.tables,
            memoryBytes: counts.memoryBytes.now,
            peakMemoryBytes: counts.memoryBytes.peak, tableElements: counts.tableElements.now,
            peakTableElements: counts.tableElements.peak, heapBytes: counts.heapBytes.now,
            peakHeapBytes: counts.heapBytes.peak, collections: counts.collections,
            collectionTime: .nanoseconds(Int64(clamping: counts.collectionNanoseconds)),
            growths: counts.growths,
            failedGrowths: counts.failedGrowths, traps: counts.traps,
            instantiationTime: .nanoseconds(Int64(clamping: counts.instantiationNanoseconds)),
            fuelUsed: runtime?.totalFuelUsed ?? 0, externalReferences: runtime?.externalCount ?? 0)
    }

    /// Who is asked, beyond the limits, when a memory or a table is made or grows, and hears of
    /// what failed; nil: nobody.
    public var limiter: (any ResourceLimiter)? {
        get { try? runtime.limiter }
        set { try? runtime.limiter = newValue }
    }

    /// Who is asked instead, in calls that may wait for the answer; nil, as at first: nobody.
    ///
    /// While there is one, `limiter` is not asked, guests have to be called with `callAsync`,
    /// instances made with `Linker.instantiateAsync`, and what the host grows itself with
    /// `Memory.growAsync(by:)` and `Table.growAsync(by:_:)`. The host's own new memories and tables
    /// cannot wait: they throw `AsynchronousCallError.limiterIsAsynchronous`.
    public var asynchronousLimiter: (any AsynchronousResourceLimiter)? {
        get { try? runtime.asynchronousLimiter }
        set { try? runtime.asynchronousLimiter = newValue }
    }

    /// What is done at each crossing between the host and the store's guests; nil, as at first:
    /// nothing, and calls are as fast as they can be.
    ///
    /// It is called on the thread that uses the store, and must not call the store's guests. If it
    /// throws, what was about to begin does not, and the call that crosses ends with its error. A
    /// closure that holds the store keeps it alive for ever.
    public var callHook: ((CallEvent) throws -> Void)? {
        get { try? runtime.callHook }
        set { try? runtime.callHook = newValue }
    }
}
