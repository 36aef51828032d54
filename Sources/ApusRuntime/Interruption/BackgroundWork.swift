internal import ApusCollections
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

// SAFETY: the lock is the system's, which any thread may take; `forks` is atomic.
/// Work of threads that the host does not know of. A child of a fork has none of them: whoever
/// forks waits until each has come to the end of a piece, so that the child finds no lock taken.
@safe
public final class BackgroundWork: @unchecked Sendable {
    public static let shared = BackgroundWork()

    // SAFETY: the lock is never freed, as this lives as long as the process. Workers read, once
    // each; who forks writes.
    private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
    private let forks = Atomic(0)

    private init() {
        initializeLock()
        pthread_atfork(
            { BackgroundWork.shared.willFork() }, { BackgroundWork.shared.didFork() },
            { BackgroundWork.shared.wasForked() })
    }

    /// How many forks lie between this process and the first one: threads that were started before
    /// the last of them are not here.
    public var generation: Int { forks.load(ordering: .relaxed) }

    /// Does one piece of work, on a thread that only does such, during which no thread forks. A
    /// piece has none within.
    public func piece<Result>(_ work: () -> Result) -> Result {
        // SAFETY: `init` has initialised the lock, which is never freed; it is given back by the
        // thread that has taken it.
        unsafe pthread_rwlock_rdlock(lock)
        defer { unsafe pthread_rwlock_unlock(lock) }
        return work()
    }

    /// Who forks does not wait for more than the pieces that are being done.
    private func initializeLock() {
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
    private func willFork() { unsafe pthread_rwlock_wrlock(lock) }

    // SAFETY: `willFork` has taken it on this thread.
    private func didFork() { unsafe pthread_rwlock_unlock(lock) }

    private func wasForked() {
        initializeLock()
        forks.wrappingAdd(1, ordering: .relaxed)
    }
}
