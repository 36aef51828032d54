internal import ApusCollections
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Work of threads that the host does not know of, and what guests' threads do with locks that are
/// held for long. A child of a fork has none of these threads: whoever forks waits until each has
/// come to the end of a piece, so that the child finds no lock taken.
public final class BackgroundWork: Sendable {
    public static let shared = BackgroundWork()

    private let lock = ForkLock()
    /// For pieces of guests' threads. Who forks takes it when it has the other one: guests that
    /// begin a piece then wait for other guests' at most.
    private let briefLock = ForkLock()
    private let forks = Atomic(0)

    private init() {
        pthread_atfork(
            { BackgroundWork.shared.willFork() }, { BackgroundWork.shared.didFork() },
            { BackgroundWork.shared.wasForked() })
    }

    /// How many forks lie between this process and the first one: threads that were started before
    /// the last of them are not here.
    public var generation: Int { forks.load(ordering: .relaxed) }

    /// Does one piece of work, on a thread that only does such, during which no thread forks. A
    /// piece has none within.
    public func piece<Result>(_ work: () -> Result) -> Result { lock.withoutForking(work) }

    /// Does one piece of work, on a guest's thread, which takes no longer than making the first
    /// code of some functions. During it no thread forks, this one included. A piece has none
    /// within.
    public func briefPiece<Result, Failure: Error>(
        _ work: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try briefLock.withoutForking(work)
    }

    private func willFork() {
        lock.willFork()
        briefLock.willFork()
    }

    private func didFork() {
        briefLock.didFork()
        lock.didFork()
    }

    private func wasForked() {
        lock.reset()
        briefLock.reset()
        forks.wrappingAdd(1, ordering: .relaxed)
    }
}

// SAFETY: the lock is the system's, which any thread may take.
/// A lock that pieces of work read, and who forks writes.
@safe
private struct ForkLock: @unchecked Sendable {
    // SAFETY: the lock is never freed, as it is for the life of the process.
    private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)

    init() { reset() }

    func withoutForking<Result, Failure: Error>(
        _ work: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: `init` has initialised the lock, which is never freed; it is given back by the
        // thread that has taken it.
        unsafe pthread_rwlock_rdlock(lock)
        defer { unsafe pthread_rwlock_unlock(lock) }
        return try work()
    }

    /// Makes it free. Who forks does not wait for more than the pieces that are being done.
    func reset() {
        #if canImport(Glibc)
            // SAFETY: the lock has a place of its own, and there is no other thread yet that could
            // have it, or any more. Attributes are this function's own.
            var attributes = pthread_rwlockattr_t()
            unsafe pthread_rwlockattr_init(&attributes)
            unsafe pthread_rwlockattr_setkind_np(
                &attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
            unsafe pthread_rwlock_init(lock, &attributes)
            unsafe pthread_rwlockattr_destroy(&attributes)
        #else
            unsafe pthread_rwlock_init(lock, nil)
        #endif
    }

    // SAFETY: `init` has initialised the lock, which is never freed.
    func willFork() { unsafe pthread_rwlock_wrlock(lock) }

    // SAFETY: `willFork` has taken it on this thread.
    func didFork() { unsafe pthread_rwlock_unlock(lock) }
}
