internal import ApusABI

/// What a pool of instances has room for. All of it is reserved when the pool is made.
public struct PoolConfiguration: Hashable, Sendable {
    /// Which free slot the next instance gets.
    public enum Choice: String, CaseIterable, Hashable, Sendable {
        /// One that the same module had before, ready for use; else the one that has been free for
        /// the longest time.
        case moduleAffine
        /// The one that became free last.
        case nextAvailable
        /// Any, so that no guest knows whose address space it gets. Slower where there are several
        /// modules.
        case random
    }

    /// Instances that can exist at once.
    public let instances: Int
    public var choice = Choice.moduleAffine
    /// What an instance may have, within bounds.
    public let limits: InstanceLimits
    /// Bytes of each memory that stay with the slot when it becomes free; they are overwritten
    /// then.
    public var memoryBytesKeptResident: UInt64 = 64 << 10

    public init(instances: Int = 1000, limits: InstanceLimits) {
        self.instances = max(0, min(instances, 1 << 20))
        var bounded = limits
        bounded.contextBytes = min(limits.contextBytes, 1 << 30)
        bounded.memories = max(0, min(limits.memories, 1 << 10))
        bounded.memoryBytes = min(limits.memoryBytes, MemoryPlan.byteCountLimit)
        bounded.tables = max(0, min(limits.tables, 1 << 10))
        bounded.tableElements = min(limits.tableElements, 1 << 32)
        self.limits = bounded
    }
}
