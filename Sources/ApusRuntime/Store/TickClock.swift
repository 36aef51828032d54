internal import ApusCollections
internal import ApusLocks
internal import CApusHost

/// How long ticks of the processor's clock are (`apus_ticks`): what is measured often and told
/// seldom is measured in them.
enum TickClock {
    private static let rate = SystemMutex(TickRate(since: .now))

    /// Their rate is known from now on, the better the later somebody asks for it.
    static func begin() { rate.withLock { _ in } }

    /// How many nanoseconds `ticks` took.
    static func nanoseconds(_ ticks: UInt64) -> UInt64 {
        rate.withLock { $0.nanoseconds(ticks, at: .now) }
    }
}

/// At which rate ticks go on.
struct TickRate {
    /// Both clocks at one moment.
    struct Moment {
        var ticks: UInt64
        var nanoseconds: UInt64

        static var now: Self { Self(ticks: apus_ticks(), nanoseconds: Watchdog.now()) }
    }

    private let start: Moment
    /// Nanoseconds of a tick, once they are known: as many for all that is told from then on, so
    /// that what has become more is never told as less.
    private var length: Double?

    /// After so many nanoseconds the rate is known well enough.
    private static var leastNanoseconds: UInt64 { 1_000_000_000 }

    /// What is measured from `start` on.
    init(since start: Moment) { self.start = start }

    /// How many nanoseconds `ticks` took, which have passed by the moment `now`.
    mutating func nanoseconds(_ ticks: UInt64, at now: Moment) -> UInt64 {
        if let length { return UInt64(exactly: (Double(ticks) * length).rounded()) ?? .max }
        let passed = now.nanoseconds &- start.nanoseconds
        // A processor whose clock begins anew, as after a sleep, must not stop anybody.
        guard now.ticks > start.ticks, ticks <= now.ticks - start.ticks else { return passed }
        let length = Double(passed) / Double(now.ticks - start.ticks)
        if passed >= Self.leastNanoseconds { self.length = length }
        return UInt64(Double(ticks) * length)
    }
}
