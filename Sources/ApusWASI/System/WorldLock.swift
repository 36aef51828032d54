#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Has calls of a guest's threads wait for each other.
@safe
final class WorldLock: @unchecked Sendable {
    // SAFETY: initialized in init, freed in deinit, and only handed to the system in between.
    private let handle: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        // SAFETY: the mutex has a place of its own, which `pthread_mutex_init` initialises;
        // attributes are this function's own.
        unsafe handle = .allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        // A thread that has it already is told so, and need not wait for itself.
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        unsafe pthread_mutex_init(handle, &attributes)
        unsafe pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        // SAFETY: nobody has the lock any more, since whoever has it keeps this object.
        unsafe pthread_mutex_destroy(handle)
        unsafe handle.deallocate()
    }

    // SAFETY: `init` has initialised the mutex, which stays where it is.
    /// Waits until nobody has it; false if the calling thread has it.
    func lock() -> Bool { unsafe pthread_mutex_lock(handle) == 0 }
    func unlock() { unsafe pthread_mutex_unlock(handle) }
}
