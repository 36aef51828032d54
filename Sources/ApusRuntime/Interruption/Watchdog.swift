internal import CApusHost
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The thread that looks after deadlines: one per process, started with the first deadline.
@safe
final class Watchdog: @unchecked Sendable {
    // SAFETY: everything below is only touched with `lock` held; lock and condition are never
    // freed, as the watchdog lives as long as the process.
    static let shared = Watchdog()
    /// How often a thread that does not leave wasm is reminded, in nanoseconds.
    static let period: UInt64 = 1_000_000

    private struct Entry {
        var time: UInt64
        var interrupter: Interrupter
    }

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// A binary heap, the earliest first.
    private var entries: [Entry] = []
    /// How many entries may be for stores that are gone.
    private var forgotten = 0
    private let isRunning = Atomic(false)

    /// Whether the thread runs: if the system had none to spare, nobody looks after deadlines.
    var isAwake: Bool { isRunning.load(ordering: .relaxed) }

    private init() {
        unsafe pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    /// Nanoseconds of the monotonic clock.
    static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Has `interrupter` looked at when `time` has come.
    func schedule(_ interrupter: Interrupter, at time: UInt64) {
        unsafe pthread_mutex_lock(lock)
        insert(Entry(time: time, interrupter: interrupter))
        if entries[0].time == time { unsafe pthread_cond_signal(changed) }
        if !isAwake { start() }
        unsafe pthread_mutex_unlock(lock)
    }

    /// The store of `interrupter` is gone: its entries need not be kept.
    func forget(_ interrupter: Interrupter) {
        unsafe pthread_mutex_lock(lock)
        forgotten += 1
        if forgotten > 64, forgotten > entries.count / 2 {
            forgotten = 0
            let kept = entries.filter { !$0.interrupter.isDetached }
            entries.removeAll()
            for entry in kept { insert(entry) }
        }
        unsafe pthread_mutex_unlock(lock)
    }

    // MARK: The thread

    /// Starts the thread. If the system has none to spare, the next to schedule tries again.
    private func start() {
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
    }

    private func run() -> Never {
        unsafe pthread_mutex_lock(lock)
        while true {
            guard let first = entries.first else {
                unsafe pthread_cond_wait(changed, lock)
                continue
            }
            let now = Self.now()
            if first.time > now {
                var time = timespec()
                time.tv_sec = Int(clamping: first.time / 1_000_000_000)
                time.tv_nsec = Int(first.time % 1_000_000_000)
                unsafe pthread_cond_timedwait(changed, lock, &time)
                continue
            }
            let interrupter = removeFirst().interrupter
            if let next = interrupter.tick(now) {
                insert(Entry(time: next, interrupter: interrupter))
            }
        }
    }

    // MARK: The heap

    private func insert(_ entry: Entry) {
        entries.append(entry)
        var place = entries.count - 1
        while place > 0, entries[(place - 1) / 2].time > entries[place].time {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private func removeFirst() -> Entry {
        entries.swapAt(0, entries.count - 1)
        let first = entries.removeLast()
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < entries.count {
                if entries[child].time < entries[least].time { least = child }
            }
            if least == place { return first }
            entries.swapAt(place, least)
            place = least
        }
    }
}
