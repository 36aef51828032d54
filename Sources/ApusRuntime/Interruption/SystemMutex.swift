/// A value behind a lock of the system's: for what several threads work on in child processes, too,
/// where `Mutex` ends the process as soon as one of them has to wait for another one.
@safe
public struct SystemMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // SAFETY: the value has a place of its own, made in init, and given back in deinit, when nobody
    // has the lock any more; in between it is touched only with the lock held.
    private let place: UnsafeMutablePointer<Value>
    private let lock = SystemLock()

    /// A lock that is free, with `value` behind it.
    public init(_ value: consuming sending Value) {
        // SAFETY: there is room for one value, and nothing in it yet.
        unsafe place = .allocate(capacity: 1)
        unsafe place.initialize(to: value)
    }

    deinit {
        // SAFETY: whoever has the lock has this, so nobody has it; the value is there since init.
        unsafe place.deinitialize(count: 1)
        unsafe place.deallocate()
    }

    /// What `body` gives, which has the value as long as it runs.
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: the lock is held.
        return try unsafe body(&place.pointee)
    }
}
