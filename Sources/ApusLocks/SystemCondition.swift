#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What threads that have a lock wait for, while others have it.
@safe
public struct SystemCondition: ~Copyable, @unchecked Sendable {
    // SAFETY: allocated and initialized in init, freed in deinit, and only handed to the system in
    // between.
    private let handle: UnsafeMutablePointer<pthread_cond_t>

    /// A condition that nobody waits for.
    public init() {
        // SAFETY: the condition has a place of its own, where it stays.
        unsafe handle = .allocate(capacity: 1)
        reset()
    }

    deinit {
        // SAFETY: nobody waits for it any more, since whoever does has this value.
        unsafe pthread_cond_destroy(handle)
        unsafe handle.deallocate()
    }

    /// Waits, without the lock, which the caller has before and afterwards, until somebody signals
    /// or the monotonic clock shows `time` nanoseconds, or, as systems are free to, less long.
    public borrowing func wait(_ lock: borrowing SystemLock, until time: UInt64? = nil) {
        // SAFETY: the caller has the lock, as the system wants of who waits; the time is this
        // function's own.
        guard let time else {
            unsafe pthread_cond_wait(handle, lock.handle)
            return
        }
        var end = timespec()
        end.tv_sec = Int(clamping: time / 1_000_000_000)
        end.tv_nsec = Int(time % 1_000_000_000)
        unsafe pthread_cond_timedwait(handle, lock.handle, &end)
    }

    // SAFETY: `init` has initialised the condition, which stays where it is.
    /// Wakes one of those that wait.
    public borrowing func signal() { unsafe pthread_cond_signal(handle) }

    /// In a child process: nobody waits, whoever did in the parent.
    public borrowing func reset() {
        // SAFETY: the condition has a place of its own, and nobody waits for it: there is no other
        // thread yet, or any more. Attributes are this function's own.
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(handle, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }
}
