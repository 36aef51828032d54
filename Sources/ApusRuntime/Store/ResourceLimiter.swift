/// A memory, a table or a heap that is to become larger, or to be made: then it has nothing yet.
public struct Growth: Hashable, Sendable {
    /// What grows.
    public enum Resource: Hashable, Sendable {
        /// A linear memory; sizes are in bytes.
        case memory
        /// A table; sizes are in elements.
        case table
        /// The store's heap of garbage-collected objects; sizes are in bytes. It grows when
        /// objects that are in use leave no room for others.
        case heap
    }

    /// What grows.
    public var resource: Resource
    /// Its size before.
    public var current: UInt64
    /// The size it is to have.
    public var desired: UInt64
    /// The size its type allows at most; nil if that names none.
    public var maximum: UInt64?

    /// A growth from `current` to `desired`.
    public init(_ resource: Resource, current: UInt64, desired: UInt64, maximum: UInt64? = nil) {
        self.resource = resource
        self.current = current
        self.desired = desired
        self.maximum = maximum
    }

    /// By how much; 0 if it is none.
    var added: UInt64 { desired - min(desired, current) }
}

/// Decides for a store whether its memories and tables may become larger, beyond what its limits
/// say, and hears of what failed.
///
/// It is asked when a memory or a table is made and each time one grows, after the limits have
/// been looked at and before the system is. It runs on the thread that uses the store, and must
/// not call into the store's guests.
public protocol ResourceLimiter: AnyObject {
    /// Whether `growth` may happen. If not, a guest that asked for it sees -1, an instance that
    /// needs it is not made, and a guest whose heap is full traps. What this throws ends the guest,
    /// and whoever called it gets it.
    func allows(_ growth: Growth) throws -> Bool

    /// `growth` did not happen. `error` says why: the limit that it exceeds, that this limiter did
    /// not allow it (`isVetoed`), or what the system or the allocator refused.
    func growthFailed(_ growth: Growth, _ error: ResourceError)
}

/// A limiter that several threads may ask at once: those of a program, which have the limits of one
/// store together. A store with any other limiter runs no program that may make threads.
public protocol SharedResourceLimiter: ResourceLimiter, Sendable {}

/// Decides as `ResourceLimiter` does, and may wait for that: for who asks another service, or for
/// memory that others give back.
///
/// The guests of its store have to be called asynchronously. One that grows something waits on a
/// stack of its own, and blocks no thread. What grows outside of such a call, and not by an
/// asynchronous function itself, does not grow: `AsynchronousCallError.limiterIsAsynchronous`.
public protocol AsynchronousResourceLimiter: AnyObject {
    /// Whether `growth` may happen; see `ResourceLimiter.allows(_:)`, as which it throws. It is
    /// asked where the call was made. When the guest is to stop it stops after this.
    nonisolated(nonsending) func allows(_ growth: Growth) async throws -> Bool

    /// `growth` did not happen. `error` says why: the limit that it exceeds, that this limiter did
    /// not allow it (`isVetoed`), or what the system or the allocator refused.
    func growthFailed(_ growth: Growth, _ error: ResourceError)
}

extension AsynchronousResourceLimiter {
    /// Does nothing.
    public func growthFailed(_ growth: Growth, _ error: ResourceError) {}
}

extension ResourceLimiter {
    /// Does nothing.
    public func growthFailed(_ growth: Growth, _ error: ResourceError) {}
}
