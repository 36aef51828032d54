internal import CApusHost
internal import Synchronization

/// What threads that have a lock wait for, while others have it.
@safe
public struct SystemCondition: ~Copyable, @unchecked Sendable {
    // SAFETY: allocated and initialized in init, freed in deinit; all that threads do there is
    // atomic.
    /// How often somebody has signalled: who waits looks whether it is still the same.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// A condition that nobody waits for.
    public init() {
        // SAFETY: there is room for one word, and nothing in it yet.
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
    }

    deinit {
        // SAFETY: nobody waits for it any more, since whoever does has this value.
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    /// Waits, without the lock, which the caller has before and afterwards, until somebody signals
    /// or the monotonic clock shows `time` nanoseconds, or, as systems are free to, less long.
    public borrowing func wait(_ lock: borrowing SystemLock, until time: UInt64? = nil) {
        // SAFETY: `init` has initialised the word, which stays where it is.
        let seen = unsafe word.pointee.load(ordering: .relaxed)
        lock.unlock()
        unsafe apus_word_wait(word, seen, time ?? .max)
        lock.lock()
    }

    /// Wakes one of those that wait.
    public borrowing func signal() {
        // SAFETY: as above.
        unsafe word.pointee.wrappingAdd(1, ordering: .relaxed)
        unsafe apus_word_wake(word)
    }
}
