/// A value behind a lock that works on in child processes: there `Mutex` ends the process as soon
/// as one thread has to wait for another one.
@safe
public struct SystemMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // SAFETY: the lock's tail holds the value from init to deinit, when nobody has the lock any
    // more; in between it is touched only with the lock held.
    @usableFromInline let lock: SystemLock

    // SAFETY: the tail is as large as a value and aligned for it, and holds one.
    @inlinable var place: UnsafeMutablePointer<Value> {
        let offset = SystemLock.tailOffset(alignment: MemoryLayout<Value>.alignment)
        return unsafe (UnsafeMutableRawPointer(lock.word) + offset)
            .assumingMemoryBound(to: Value.self)
    }

    /// A lock that is free, with `value` behind it.
    @inlinable
    public init(_ value: consuming sending Value) {
        let alignment = MemoryLayout<Value>.alignment
        lock = SystemLock(tailBytes: MemoryLayout<Value>.size, alignment: alignment)
        // SAFETY: the tail has room for one value, and nothing in it yet.
        let tail =
            unsafe UnsafeMutableRawPointer(lock.word)
            + SystemLock.tailOffset(alignment: alignment)
        unsafe tail.initializeMemory(as: Value.self, to: value)
    }

    @inlinable
    deinit {
        // SAFETY: whoever has the lock has this, so nobody has it; the value is there since init.
        unsafe place.deinitialize(count: 1)
    }

    /// What `body` gives, which has the value as long as it runs.
    @inlinable
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: the lock is held.
        return try unsafe body(&place.pointee)
    }

    /// The same if the lock can be had while `mayWait`, which is asked now and then, says so. Else
    /// `body` is not called, and this returns false.
    public borrowing func withLock<Failure: Error>(
        while mayWait: () -> Bool, _ body: (inout sending Value) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard lock.lock(while: mayWait) else { return false }
        defer { lock.unlock() }
        // SAFETY: the lock is held.
        try unsafe body(&place.pointee)
        return true
    }
}
