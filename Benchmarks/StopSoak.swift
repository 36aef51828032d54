import Apus
import Foundation
import Synchronization

/// Calls that are told to stop just when they begin, run or end, by the million.
enum StopSoak {
    private static let text = """
        (module
          (func (export "forever") (loop $l (br $l)))
          (func (export "count") (param i32)
            (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
        """

    private struct Guest {
        let store: Store
        let forever: TypedFunction<Void>
        let count: TypedFunction<Void, Int32>

        init() throws {
            let engine = Engine()
            store = Store(engine)
            let instance = try Instance(store, Module(engine, text: text))
            forever = try instance.function("forever", as: (() -> Void).self)
            count = try instance.function("count", as: ((Int32) -> Void).self)
        }
    }

    /// What happened; a call that is not stopped within some seconds is reported, and ends all.
    private final class Tally: Sendable {
        /// The call that runs, from 1.
        let round = Atomic(0)
        let falseStops = Atomic(0)
        let isDone = Atomic(false)

        func watch(_ name: String) {
            Thread.detachNewThread {
                var last = 0
                var same = 0
                while !self.isDone.load(ordering: .relaxed) {
                    usleep(100_000)
                    let now = self.round.load(ordering: .relaxed)
                    same = now == last ? same + 1 : 0
                    last = now
                    if same == 50 {
                        print("\(name): call \(now) was told to stop 5 s ago, and still runs")
                        exit(1)
                    }
                }
            }
        }

        func report(_ name: String, _ count: Int) {
            isDone.store(true, ordering: .relaxed)
            print(
                name, count, "calls that were told to stop, none missed it,",
                falseStops.load(ordering: .relaxed), "others of as many stopped")
        }

        /// Does `work`, which nobody has told to stop.
        func undisturbed(_ work: () throws -> Void) {
            do {
                try work()
            } catch {
                falseStops.add(1, ordering: .relaxed)
            }
        }
    }

    /// `count` calls that never end are each told to stop by a handle, and as many by a deadline,
    /// some microseconds before they begin or after. Between them are calls that end by themselves.
    static func requests(_ count: Int) throws {
        try handles(count)
        try deadlines(count)
    }

    private static func handles(_ count: Int) throws {
        let guest = try Guest()
        let tally = Tally()
        tally.watch("handle")
        let handle = guest.store.interruptHandle
        Thread.detachNewThread {
            var random = SystemRandomNumberGenerator()
            for round in 1...count {
                while tally.round.load(ordering: .acquiring) != round {}
                for _ in 0..<Int.random(in: 0..<300, using: &random) {
                    _ = tally.round.load(ordering: .relaxed)
                }
                handle.interrupt()
            }
        }
        for round in 1...count {
            tally.round.store(round, ordering: .releasing)
            try? guest.forever()
            tally.undisturbed { try guest.count(100) }
        }
        tally.report("handle", count)
    }

    private static func deadlines(_ count: Int) throws {
        let guest = try Guest()
        let tally = Tally()
        tally.watch("deadline")
        var random = SystemRandomNumberGenerator()
        for round in 1...count {
            tally.round.store(round, ordering: .relaxed)
            let begin =
                ContinuousClock.now + .nanoseconds(Int.random(in: 0..<20_000, using: &random))
            guest.store.setDeadline(
                after: .nanoseconds(Int.random(in: 0..<20_000, using: &random)))
            while ContinuousClock.now < begin {}
            try? guest.forever()
            guest.store.deadline = nil
            tally.undisturbed {
                try guest.store.withDeadline(.seconds(1)) { try guest.count(100) }
            }
        }
        tally.report("deadline", count)
    }

    /// Calls of some microseconds, each with a deadline of a second: how many there are in each
    /// second, and how many of them were stopped.
    static func deadlines(seconds: Int) throws {
        let guest = try Guest()
        for second in 1...max(seconds, 1) {
            let end = ContinuousClock.now + .seconds(1)
            var calls = 0
            var stopped = 0
            while ContinuousClock.now < end {
                for _ in 0..<100 {
                    do {
                        try guest.store.withDeadline(.seconds(1)) { try guest.count(10_000) }
                    } catch {
                        stopped += 1
                    }
                }
                calls += 100
            }
            print("second \(second):", calls, "calls,", stopped, "of them stopped")
        }
    }
}
