import Testing

@testable import ApusLocks

@Suite struct SystemMutexTests {
    private final class Counter: Sendable {
        let count = SystemMutex(0)
        let bytes = SystemMutex<[UInt8]>([])
    }

    /// What is done with the lock held is never seen half done, nor lost.
    @Test func oneThreadAtATimeHasTheValue() async {
        let counter = Counter()
        await withTaskGroup { group in
            for task in 0..<4 {
                group.addTask {
                    for _ in 0..<5000 {
                        counter.count.withLock { count in
                            let before = count
                            counter.bytes.withLock { $0.append(UInt8(task)) }
                            count = before + 1
                        }
                    }
                }
            }
        }
        #expect(counter.count.withLock { $0 } == 20000)
        #expect(counter.bytes.withLock { $0.count } == 20000)
    }

    private struct Thrown: Error, Equatable { let number: Int }

    /// An error leaves the lock free, and what was changed before it is kept.
    @Test func errorsGiveTheLockBack() {
        let mutex = SystemMutex(1)
        #expect(throws: Thrown(number: 1)) {
            try mutex.withLock { value throws(Thrown) in
                let error = Thrown(number: value)
                value = 2
                throw error
            }
        }
        #expect(mutex.withLock { $0 } == 2)
    }

    private final class Told: Sendable {
        let counter: Counter
        init(_ counter: Counter) { self.counter = counter }
        deinit { counter.count.withLock { $0 += 1 } }
    }

    private struct Owner: ~Copyable {
        let told: Told
        /// Aligned more than the lock itself.
        var wide = SIMD8<UInt64>(repeating: 7)
    }

    /// Values that cannot be copied, of any alignment, lie in the lock's tail until it goes.
    @Test func valuesEndWithTheirLock() {
        let ends = Counter()
        do {
            let mutex = SystemMutex(Owner(told: Told(ends)))
            mutex.withLock { $0.wide[7] = 9 }
            #expect(mutex.withLock { Int($0.wide[0] + $0.wide[7]) } == 16)
            #expect(ends.count.withLock { $0 } == 0)
        }
        #expect(ends.count.withLock { $0 } == 1)
    }

    @Test func locksThatAreTakenAreNotFree() {
        let lock = SystemLock()
        var found = [lock.lockIfFree(), lock.lockIfFree()]
        lock.unlock()
        lock.withLock { found.append(lock.lockIfFree()) }
        found.append(lock.lockIfFree())
        // As in a child process whose parent had it.
        lock.reset()
        found.append(lock.lockIfFree())
        lock.unlock()
        #expect(found == [true, false, false, true, true])
    }

    /// Who may not wait any longer goes on without the lock, and takes nothing from who has it.
    @Test func waitsEndWhenTheyMayNotGoOn() {
        let mutex = SystemMutex(1)
        var asked = 0
        func mayWait() -> Bool {
            asked += 1
            return asked < 3
        }
        var isOver = mutex.withLock(while: mayWait) { $0 += 1 }
        #expect(isOver && asked == 0)
        mutex.withLock { value in
            isOver = mutex.withLock(while: mayWait) { _ in Issue.record("two have the lock") }
            #expect(value == 2)
        }
        #expect(!isOver && asked == 3)
        isOver = mutex.withLock(while: mayWait) { $0 += 1 }
        #expect(isOver && mutex.withLock { $0 } == 3)
    }
}
