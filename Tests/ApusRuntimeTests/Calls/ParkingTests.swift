import ApusLocks
import CApusHost
import Foundation
import Testing

@testable import ApusRuntime

/// Waiting for places in memory, below all that guests see of it.
@Suite struct ParkingTests {
    /// A word that threads wait for. Never freed.
    // SAFETY: it is only read and written atomically, by what is tested.
    @safe
    private struct Word: @unchecked Sendable {
        let place: UnsafeMutablePointer<UInt64>

        init(_ value: UInt64) {
            unsafe place = .allocate(capacity: 1)
            unsafe place.initialize(to: value)
        }

        func park(_ bytes: UInt32, _ expected: UInt64, until deadline: UInt64 = .max)
            -> apus_parking
        {
            unsafe apus_park(place, bytes, expected, deadline)
        }

        var waiting: UInt64 { unsafe apus_parked_count(place) }

        func unpark(_ most: UInt32) -> UInt32 { unsafe apus_unpark(place, most) }
    }

    private static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func start(_ body: @escaping @Sendable () -> Void) -> Thread {
        let thread = Thread { body() }
        thread.start()
        return thread
    }

    @Test func valuesAreCompared() {
        let word = Word(0x1_0000_0002)
        #expect(word.park(4, 3) == apus_parking_differs)
        #expect(word.park(8, 2) == apus_parking_differs)
        let soon = Self.now + 1_000_000
        #expect(word.park(4, 2, until: soon) == apus_parking_timed_out)
        #expect(Self.now >= soon)
        #expect(word.park(8, 0x1_0000_0002, until: 0) == apus_parking_timed_out)
        #expect(word.unpark(.max) == 0)
    }

    @Test func whoHasWaitedLongestIsFirst() {
        let word = Word(0)
        let other = Word(0)
        let order = SystemMutex<[Int]>([])
        let others = start { _ = other.park(4, 0) }
        for number in 0..<5 {
            _ = start {
                _ = word.park(4, 0)
                order.withLock { $0.append(number) }
            }
            while word.waiting == UInt64(number) { usleep(100) }
        }
        for number in 0..<5 {
            #expect(word.unpark(1) == 1)
            while order.withLock({ $0.count }) <= number { usleep(100) }
        }
        #expect(order.withLock { $0 } == [0, 1, 2, 3, 4])
        #expect(word.unpark(1) == 0)
        while other.unpark(1) == 0 { usleep(100) }
        _ = others
    }

    /// Who is woken without a reason goes on waiting.
    @Test func wakingIsNoNotification() {
        let word = Word(7)
        let outcome = SystemMutex<apus_parking?>(nil)
        let record = SystemMutex<UInt>(0)
        _ = start {
            record.withLock { $0 = UInt(bitPattern: unsafe apus_thread_record()) }
            let found = word.park(8, 7)
            outcome.withLock { $0 = found }
        }
        while word.waiting == 0 { usleep(100) }
        let thread = unsafe UnsafeMutablePointer<apus_thread>(
            bitPattern: record.withLock { $0 })
        for _ in 0..<10 {
            unsafe apus_thread_wake(thread)
            usleep(200)
        }
        #expect(outcome.withLock { $0 } == nil)
        while word.unpark(3) == 0 { usleep(100) }
        while outcome.withLock({ $0 }) == nil { usleep(100) }
        #expect(outcome.withLock { $0 } == apus_parking_notified)
    }

    /// More than are told of at once.
    @Test func manyAreNotified() {
        let word = Word(0)
        let count = SystemMutex(0)
        for _ in 0..<70 {
            _ = start {
                _ = word.park(4, 0)
                count.withLock { $0 += 1 }
            }
        }
        var woken: UInt32 = 0
        while woken < 70 { woken += word.unpark(.max) }
        while count.withLock({ $0 }) < 70 { usleep(100) }
        #expect(word.unpark(.max) == 0)
    }

    /// A guest on a stack of its own whose call has ended waits no more, however that has ended.
    @Test func whoIsNotCalledAgainWaitsNoMore() throws {
        let word = Word(0)
        let stack = try GuestStack(GuestStackConfiguration().bounded)
        let place = unsafe UnsafeMutableRawPointer(word.place)
        let parked = try #require(unsafe ParkedWait(place, bytes: 4, 0, until: .max))
        stack.leave(for: .notification(parked))
        #expect(word.waiting == 1)
        stack.clear()
        #expect(word.waiting == 0)
        #expect(word.unpark(.max) == 0)
    }
}
