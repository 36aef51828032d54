import Testing

@testable import ApusLocks

@Suite struct SystemConditionTests {
    private final class Turns: @unchecked Sendable {
        // SAFETY: touched with the lock held only.
        var turn = 0
        let lock = SystemLock()
        let changed = SystemCondition()
    }

    /// Who waits has no lock meanwhile, and has it again when somebody has signalled.
    @Test func whoWaitsGoesOnWithTheLock() async {
        let turns = Turns()
        await withTaskGroup { group in
            for player in 0..<2 {
                group.addTask {
                    for _ in 0..<100 {
                        turns.lock.withLock {
                            while turns.turn % 2 != player { turns.changed.wait(turns.lock) }
                            turns.turn += 1
                            turns.changed.signal()
                        }
                    }
                }
            }
        }
        #expect(turns.turn == 200)
    }

    /// A time that has passed ends a wait that nobody signals.
    @Test func timesEndWaits() {
        let turns = Turns()
        turns.lock.withLock { turns.changed.wait(turns.lock, until: 1) }
        turns.lock.withLock { turns.changed.wait(turns.lock, until: 0) }
        #expect(turns.lock.withLock { !turns.lock.lockIfFree() })
    }
}
