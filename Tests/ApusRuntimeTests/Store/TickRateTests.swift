import Testing

@testable import ApusRuntime

/// How long ticks are: told the same way each time.
@Suite struct TickRateTests {
    private static func moment(_ ticks: UInt64, _ nanoseconds: UInt64) -> TickRate.Moment {
        TickRate.Moment(ticks: ticks, nanoseconds: nanoseconds)
    }

    /// The two clocks are read one after the other, so that they never agree exactly.
    @Test func whatHasBeenToldNeverBecomesLess() {
        var rate = TickRate(since: Self.moment(100, 1000))
        let second: UInt64 = 1_000_000_000
        // Two ticks a nanosecond.
        let first = rate.nanoseconds(2 * second, at: Self.moment(100 + 4 * second, 2 * second))
        #expect(first > second / 2 && first <= second)
        for (ticks, nanoseconds) in [
            (40 * second, 19 * second), (41 * second, 21 * second), (100, 1), (0, 0),
        ] {
            #expect(rate.nanoseconds(2 * second, at: Self.moment(ticks, nanoseconds)) == first)
        }
        #expect(rate.nanoseconds(4 * second, at: Self.moment(100, 1)) >= first)
    }

    @Test func atFirstItIsEstimated() {
        var rate = TickRate(since: Self.moment(0, 0))
        #expect(rate.nanoseconds(10, at: Self.moment(1000, 500)) == 5)
        #expect(rate.nanoseconds(10, at: Self.moment(1000, 2000)) == 20)
        // A clock that has begun anew.
        #expect(rate.nanoseconds(10, at: Self.moment(5, 700)) == 700)
        #expect(rate.nanoseconds(0, at: Self.moment(0, 0)) == 0)
    }
}
