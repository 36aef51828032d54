/// What the guests of one store may have together.
public struct StoreLimits: Hashable, Sendable {
    /// Bytes of all linear memories.
    public var memoryBytes: UInt64 = 1 << 32
    /// Elements of all tables.
    public var tableElements: UInt64 = 10_000_000
    /// Bytes of the heap of garbage-collected objects, at most 64 GiB.
    public var heapBytes: UInt64 = 1 << 32
    /// How many linear memories there are, those of instances and others.
    public var memories = 10_000
    /// How many tables there are, those of instances and others.
    public var tables = 10_000
    /// Instances, those whose instantiation failed late included.
    public var instances = 10_000
    /// Stack that wasm may use at most, on threads whose stack is large enough.
    public var stackBytes = 1 << 20
    /// Stack kept free below wasm's for host functions and the runtime, at least 64 KiB; nil: half
    /// of what the thread has left, but at most 1 MiB.
    public var hostStackBytes: Int?

    /// Wasm is not entered with less.
    static var leastStackBytes: UInt { 16 << 10 }
    static var leastHostStackBytes: UInt { 64 << 10 }

    public init() {}
}
