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
struct SystemLock: ~Copyable, @unchecked Sendable {
    // SAFETY: initialized in init, freed in deinit, and only handed to the system in between.
    let handle: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        // SAFETY: the mutex has a place of its own, where it stays.
        unsafe handle = .allocate(capacity: 1)
        unsafe pthread_mutex_init(handle, nil)
    }

    deinit {
        // SAFETY: nobody has the lock any more, since whoever has it has this value.
        unsafe pthread_mutex_destroy(handle)
        unsafe handle.deallocate()
    }

    // SAFETY: `init` has initialised the mutex, which stays where it is.
    borrowing func lock() { unsafe pthread_mutex_lock(handle) }
    borrowing func unlock() { unsafe pthread_mutex_unlock(handle) }
    /// Whether the lock was free, and is the caller's now.
    borrowing func lockIfFree() -> Bool { unsafe pthread_mutex_trylock(handle) == 0 }

    // SAFETY: in the child there is no other thread that could have the mutex.
    /// In a child process: free, whoever had it in the parent.
    borrowing func reset() { unsafe pthread_mutex_init(handle, nil) }
}
