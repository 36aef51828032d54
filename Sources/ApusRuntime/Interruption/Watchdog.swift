internal import ApusCollections
internal import ApusLocks
internal import CApusHost
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The thread that looks after deadlines: one per process, started with the first deadline, and
/// again in a child process that has one.
///
/// Locks are taken in this order: the one against forks, an interrupter's, the heap's.
@safe
final class Watchdog: @unchecked Sendable {
    // SAFETY: the heap is only touched with `lock` held; the locks are never freed, as
    // the watchdog lives as long as the process.
    static let shared = Watchdog()
    /// How often a thread that does not leave wasm is reminded, in nanoseconds.
    static let period: UInt64 = 1_000_000

    private let lock = SystemLock()
    private let changed = SystemCondition()
    // SAFETY: allocated once, for the life of the process; `init` initialises what is there.
    /// Readers have, or are about to take, the lock of an interrupter that is not their own
    /// store's; who forks writes, so that the child finds these free.
    private let forkLock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
    private var heap = DeadlineHeap()
    private let isRunning = Atomic(false)

    private init() {
        // SAFETY: the lock has a place of its own, and nobody else has the watchdog yet.
        unsafe pthread_rwlock_init(forkLock, nil)
        pthread_atfork(
            { Watchdog.shared.willFork() }, { Watchdog.shared.didFork() },
            { Watchdog.shared.wasForked() })
    }

    /// Nanoseconds of the monotonic clock.
    static func now() -> UInt64 {
        // SAFETY: the system writes one time, this function's own.
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Has `interrupter` looked at when `time` has come.
    func schedule(_ interrupter: Interrupter, at time: UInt64) {
        var room = DeadlineHeap.Room(for: 0)
        lock.lock()
        while !heap.hasRoom(for: interrupter) {
            // Whoever gets memory, or gives it back, may wait for a thread that waits for its turn:
            // nobody else is to wait for that.
            let capacity = max(2 * heap.capacity, 64)
            lock.unlock()
            room = DeadlineHeap.Room(for: capacity)
            lock.lock()
            heap.move(to: &room)
        }
        heap.insert(interrupter, at: time)
        if heap.first == time { changed.signal() }
        startThread()
        lock.unlock()
        withExtendedLifetime(room) {}
    }

    /// The store of `interrupter` is gone.
    func forget(_ interrupter: Interrupter) {
        lock.lock()
        defer { lock.unlock() }
        heap.remove(interrupter)
    }

    /// How many interrupters there are to look at.
    var count: Int {
        lock.lock()
        defer { lock.unlock() }
        return heap.count
    }

    // MARK: The thread

    /// Whether the thread runs: if the system has none to spare, nobody looks after deadlines.
    func start() -> Bool {
        if isRunning.load(ordering: .relaxed) { return true }
        lock.lock()
        defer { lock.unlock() }
        return startThread()
    }

    @discardableResult
    private func startThread() -> Bool {
        if isRunning.load(ordering: .relaxed) { return true }
        // SAFETY: attributes and sets of signals are this function's own; the thread uses nothing
        // but the watchdog, which lives as long as the process.
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var everything = sigset_t()
        var previous = sigset_t()
        // Signals of the process are for threads of the host's.
        unsafe sigfillset(&everything)
        unsafe pthread_sigmask(SIG_SETMASK, &everything, &previous)
        var thread = pthread_t()
        let error = unsafe pthread_create(&thread, &attributes, { _ in Watchdog.shared.run() }, nil)
        unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
        unsafe pthread_attr_destroy(&attributes)
        isRunning.store(error == 0, ordering: .relaxed)
        return error == 0
    }

    private func run() -> Never {
        // Guests that are late may have all processors.
        apus_thread_take_short_turns()
        while true {
            let now = waitUntilDue()
            // Without the lock, for which those wait that set deadlines. One after the other, for
            // a list of them would take memory: see `schedule`.
            withoutForking {
                while let interrupter = takeDue(now) {
                    if let next = interrupter.tick(now) { schedule(interrupter, at: next) }
                }
            }
        }
    }

    /// Waits until the time of one has come. Returns the present time.
    private func waitUntilDue() -> UInt64 {
        lock.lock()
        defer { lock.unlock() }
        while true {
            let now = Self.now()
            guard let first = heap.first else {
                changed.wait(lock)
                continue
            }
            if first <= now { return now }
            changed.wait(lock, until: first)
        }
    }

    /// Takes out one whose time has come.
    private func takeDue(_ now: UInt64) -> Interrupter? {
        lock.lock()
        defer { lock.unlock() }
        return heap.popFirst(notAfter: now)
    }

    // MARK: Forks

    /// Does `work`, during which no other thread forks.
    func withoutForking(_ work: () -> Void) {
        // SAFETY: the lock is initialised and never freed; it is given back by the thread that has
        // taken it.
        unsafe pthread_rwlock_rdlock(forkLock)
        work()
        unsafe pthread_rwlock_unlock(forkLock)
    }

    private func willFork() {
        // SAFETY: the lock is initialised and never freed; `didFork` gives it back on the same
        // thread.
        unsafe pthread_rwlock_wrlock(forkLock)
        lock.lock()
    }

    private func didFork() {
        lock.unlock()
        // SAFETY: `willFork` has taken it on this thread.
        unsafe pthread_rwlock_unlock(forkLock)
    }

    /// In the child there is one thread, and it is not the watchdog's.
    private func wasForked() {
        // SAFETY: in the child there is no other thread that could have the lock.
        unsafe pthread_rwlock_init(forkLock, nil)
        lock.reset()
        isRunning.store(false, ordering: .relaxed)
        apus_interrupts_forked()
        for interrupter in heap.interrupters where !interrupter.forked() {
            heap.remove(interrupter)
        }
        // A call that goes on in the child has a deadline there, too. Those that begin see to it.
        // SAFETY: the record is the calling thread's.
        if unsafe apus_thread_record().pointee.current != nil, heap.count > 0 { startThread() }
    }
}
