/// What a store has, had at most, and what happened in it.
public struct StoreStatistics: Hashable, Sendable {
    /// Something of which there is more at one time than at another.
    public struct Level: Hashable, Sendable {
        public private(set) var now: UInt64 = 0
        public private(set) var peak: UInt64 = 0

        mutating func add(_ amount: UInt64) {
            now &+= amount
            peak = max(peak, now)
        }

        mutating func remove(_ amount: UInt64) { now &-= amount }
    }

    public var instances = 0
    /// How many linear memories there are.
    public var memories = 0
    /// How many tables there are.
    public var tables = 0
    /// Of all linear memories.
    public var memoryBytes = Level()
    /// Of all tables.
    public var tableElements = Level()
    /// Of the heap of garbage-collected objects, whether or not they are in use.
    public var heapBytes = Level()
    /// How often objects that are not in use any more have been looked for.
    public var collections = 0
    /// Time that this took.
    public var collectionNanoseconds: UInt64 = 0
    /// How often a memory or table became larger after it was made.
    public var growths = 0
    /// How often one was to become larger, or to be made, and did not.
    public var failedGrowths = 0
    /// How often a guest ended in a trap, by interruption or for want of fuel included.
    public var traps = 0
    /// Ticks that instantiation took (`TickClock`), start functions included.
    var instantiationTicks: UInt64 = 0
    /// The same as time.
    public var instantiationNanoseconds: UInt64 { TickClock.nanoseconds(instantiationTicks) }

    public init() {}
}
