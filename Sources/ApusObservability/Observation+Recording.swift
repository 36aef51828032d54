#if Observability
    public import Apus
    public import ApusSandbox
    internal import CoreMetrics

    extension Observation {
        /// Records what the engine's allocator has given out, and what is in its cache. For a timer
        /// of the application's: it looks into the cache's directory.
        public func record(_ engine: Engine) {
            let pool = engine.allocatorStatistics
            instruments.poolUsed.record(pool.instancesInUse)
            instruments.poolHighWaterMark.record(pool.highWaterMark)
            if let capacity = pool.capacity { instruments.poolCapacity.record(capacity) }
            guard let contents = try? engine.configuration.cache?.contents() else { return }
            instruments.cacheModules.record(contents.modules)
            instruments.cacheBytes.record(contents.bytes)
        }

        /// Records what the guests of a store have had at most: for when they are done.
        public func record(_ store: Store) {
            let statistics = store.statistics
            instruments.memoryBytes.record(statistics.peakMemoryBytes)
            instruments.heapBytes.record(statistics.peakHeapBytes)
            instruments.tableElements.record(statistics.peakTableElements)
            instruments.fuelUsed.record(statistics.fuelUsed)
        }

        /// Does `body` with an instance of the pool's, and records its store when that is done.
        ///
        /// - Throws: what the pool's `withInstance` throws, and what `body` throws, unchanged.
        public nonisolated(nonsending) func withInstance<Result>(
            of pool: InstancePool, _ name: String,
            _ body: nonisolated(nonsending) (Instance) async throws -> Result
        ) async throws -> Result {
            try await pool.withInstance { instance in
                defer { record(instance.store) }
                return try await callAsync(name) { try await body(instance) }
            }
        }
    }
#endif
