#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A lock of the system's: unlike `Mutex`, which knows its owner by a number that is another one in
/// a child process, it works on after a fork.
@safe
public struct SystemLock: ~Copyable, @unchecked Sendable {
    // SAFETY: `tail` is within an allocation that is made in init and freed in deinit. Before it
    // there is room for the system's mutex, initialized in init and destroyed in deinit, and only
    // handed to the system in between. Who has made the lock with a tail says what that holds.
    /// Where what belongs to the lock lies, in the same allocation.
    @usableFromInline let tail: UnsafeMutableRawPointer

    /// Bytes before the tail: no system's mutex has more.
    private static var room: Int { 64 }

    // SAFETY: the mutex is within the room before the tail.
    var handle: UnsafeMutablePointer<pthread_mutex_t> {
        unsafe (tail - Self.room).assumingMemoryBound(to: pthread_mutex_t.self)
    }

    /// A lock that is free.
    public init() { self.init(tailBytes: 0, alignment: 1) }

    /// A lock that is free, with a tail of that many bytes, which are not initialized.
    @usableFromInline init(tailBytes: Int, alignment: Int) {
        // SAFETY: the room and the tail are allocated, aligned for the tail, and so, as the room is
        // of a power of two, for the mutex.
        let (size, own) = unsafe (
            MemoryLayout<pthread_mutex_t>.size, MemoryLayout<pthread_mutex_t>.alignment
        )
        precondition(size <= Self.room && max(own, alignment) <= Self.room)
        let base = UnsafeMutableRawPointer.allocate(
            byteCount: Self.room + tailBytes, alignment: max(own, alignment))
        unsafe tail = base + Self.room
        unsafe pthread_mutex_init(handle, nil)
    }

    deinit {
        // SAFETY: nobody has the lock any more, since whoever has it has this value.
        unsafe pthread_mutex_destroy(handle)
        unsafe (tail - Self.room).deallocate()
    }

    // SAFETY: `init` has initialised the mutex, which stays where it is.
    /// Waits until the lock is the caller's.
    public borrowing func lock() { unsafe pthread_mutex_lock(handle) }
    /// Gives the lock back, by the thread that has it.
    public borrowing func unlock() { unsafe pthread_mutex_unlock(handle) }
    /// Whether the lock was free, and is the caller's now.
    public borrowing func lockIfFree() -> Bool { unsafe pthread_mutex_trylock(handle) == 0 }

    // SAFETY: in the child there is no other thread that could have the mutex.
    /// In a child process: free, whoever had it in the parent.
    public borrowing func reset() { unsafe pthread_mutex_init(handle, nil) }

    /// What `body` gives, which has the lock as long as it runs.
    @inlinable
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }
}
