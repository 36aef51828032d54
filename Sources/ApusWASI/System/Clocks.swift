#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A clock of the WASI: `clockid`.
enum ClockIdentifier: UInt32 {
    case realtime = 0
    case monotonic, processTime, threadTime

    fileprivate var host: clockid_t {
        switch self {
        case .realtime: CLOCK_REALTIME
        case .monotonic: CLOCK_MONOTONIC
        case .processTime: CLOCK_PROCESS_CPUTIME_ID
        case .threadTime: CLOCK_THREAD_CPUTIME_ID
        }
    }
}

/// The clocks a guest sees: the system's, or ones that only tick when they are read.
struct Clocks {
    /// Nanoseconds; `.system` if the host's clocks are used.
    private enum Source {
        case system(realtimeOffset: Int64)
        case simulated(start: UInt64, elapsed: UInt64, step: UInt64)
    }

    private var source: Source

    /// The host's clocks, with `offset` nanoseconds added to the time of day.
    static func system(offset: Int64 = 0) -> Clocks {
        Clocks(source: .system(realtimeOffset: offset))
    }

    /// Clocks that go on by `step` nanoseconds with each reading. The time of day begins at
    /// `start` nanoseconds after 1970, the others at 0.
    static func simulated(start: UInt64, step: UInt64) -> Clocks {
        Clocks(source: .simulated(start: start, elapsed: 0, step: step))
    }

    // SAFETY: the system writes one time to the variable that it is lent for the call.
    /// The time in nanoseconds.
    mutating func now(_ clock: ClockIdentifier) throws(Errno) -> UInt64 {
        switch source {
        case .system(let offset):
            var time = timespec()
            guard unsafe clock_gettime(clock.host, &time) == 0 else { throw Errno.last }
            let nanoseconds = time.nanoseconds
            if offset == 0 || clock != .realtime { return nanoseconds }
            return nanoseconds &+ UInt64(bitPattern: offset)
        case .simulated(let start, let elapsed, let step):
            source = .simulated(
                start: start, elapsed: Self.sum(elapsed, step), step: step)
            return clock == .realtime ? Self.sum(start, elapsed) : elapsed
        }
    }

    /// How finely the clock goes, in nanoseconds; never 0.
    func resolution(_ clock: ClockIdentifier) throws(Errno) -> UInt64 {
        switch source {
        case .system:
            var time = timespec()
            // SAFETY: the system writes one time, this function's own.
            guard unsafe clock_getres(clock.host, &time) == 0 else { throw Errno.last }
            return max(time.nanoseconds, 1)
        case .simulated(_, _, let step):
            return max(step, 1)
        }
    }

    /// Whether the host decides how time passes.
    var isSimulated: Bool {
        if case .simulated = source { true } else { false }
    }

    /// Lets `nanoseconds` pass on simulated clocks.
    mutating func skip(_ nanoseconds: UInt64) {
        guard case .simulated(let start, let elapsed, let step) = source else { return }
        source = .simulated(start: start, elapsed: Self.sum(elapsed, nanoseconds), step: step)
    }

    /// Time ends where 64 bits do: what waits for that end must see it come.
    private static func sum(_ time: UInt64, _ more: UInt64) -> UInt64 {
        let (sum, overflow) = time.addingReportingOverflow(more)
        return overflow ? .max : sum
    }
}
