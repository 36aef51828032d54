internal import CApusHost

/// How long ticks of the processor's clock are (`apus_ticks`): what is measured often and told
/// seldom is measured in them.
enum TickClock {
    private static let start = (ticks: apus_ticks(), nanoseconds: Watchdog.now())

    /// Their rate is known from now on, the better the later somebody asks for it.
    static func begin() { _ = start }

    /// How many nanoseconds `ticks` took.
    static func nanoseconds(_ ticks: UInt64) -> UInt64 {
        let passed = (
            ticks: apus_ticks() &- start.ticks, nanoseconds: Watchdog.now() &- start.nanoseconds
        )
        // A processor whose clock begins anew, as after a sleep, must not stop anybody.
        if passed.ticks == 0 || ticks > passed.ticks { return passed.nanoseconds }
        let share = Double(ticks) / Double(passed.ticks)
        return UInt64(share * Double(passed.nanoseconds))
    }
}
