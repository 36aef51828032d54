import Testing

@testable import ApusCollections

/// Growable arrays with one owner.
@Suite struct ArenaTests {
    private func elements(_ arena: borrowing Arena<Int>) -> [Int] {
        var all: [Int] = []
        let span = arena.span
        for index in span.indices { all.append(span[index]) }
        return all
    }

    @Test func growsFromAnyCapacity() {
        for capacity in [0, 1, 2, 63, 64] {
            var arena = Arena<Int>(capacity: capacity)
            #expect(arena.isEmpty && arena.isEmpty)
            for number in 0..<200 {
                arena.append(number)
                #expect(arena.count == number + 1)
                #expect(arena.last == number)
            }
            #expect(elements(arena) == Array(0..<200))
        }
    }

    @Test func elementsAreChangedInPlace() {
        var arena = Arena<Int>(capacity: 2)
        arena.append(repeating: 7, count: 3)
        arena[1] += 1
        arena.last = 9
        #expect(elements(arena) == [7, 8, 9])
        #expect(arena.removeLast() == 9)
        #expect(elements(arena) == [7, 8])
    }

    /// Whatever the lengths: the room of the one may just do, or not.
    @Test func appendsOthers() {
        for first in 0..<6 {
            for second in 0..<6 {
                var arena = Arena<Int>(capacity: 4)
                for number in 0..<first { arena.append(number) }
                var other = Arena<Int>(capacity: 1)
                for number in 0..<second { other.append(first + number) }
                arena.append(contentsOf: other)
                #expect(elements(arena) == Array(0..<first + second))
                let more = Array(first + second..<first + 2 * second)
                arena.append(contentsOf: more.span)
                #expect(elements(arena) == Array(0..<first + 2 * second))
            }
        }
    }

    @Test func forgetsAndKeepsItsRoom() {
        var arena = Arena<Int>(capacity: 1)
        arena.append(repeating: 1, count: 100)
        let capacity = arena.capacity
        arena.truncate(to: 100)
        #expect(arena.count == 100)
        arena.truncate(to: 3)
        #expect(elements(arena) == [1, 1, 1])
        arena.refill(5, count: 2)
        #expect(elements(arena) == [5, 5])
        arena.removeAll()
        #expect(arena.isEmpty && arena.capacity == capacity)
        arena.reserve(capacity)
        #expect(arena.capacity == capacity)
        arena.reserve(capacity + 1)
        #expect(arena.capacity > capacity && arena.isEmpty)
    }

    @Test func findsWhereAPredicateBegins() {
        for count in 0..<20 {
            var arena = Arena<Int>()
            for number in 0..<count { arena.append(2 * number) }
            for bound in -1...2 * count + 1 {
                let expected = (0..<count).first { 2 * $0 >= bound } ?? count
                #expect(arena.partitioningIndex { $0 >= bound } == expected)
            }
        }
    }

    // What is not there is not read, in no build.

    @Test func readingBeyondTheEndStops() async {
        await #expect(processExitsWith: .failure) {
            var arena = Arena<Int>(capacity: 8)
            arena.append(1)
            _ = arena[1]
        }
        await #expect(processExitsWith: .failure) {
            let arena = Arena<Int>(capacity: 8)
            _ = arena[-1]
        }
    }

    @Test func writingBeyondTheEndStops() async {
        await #expect(processExitsWith: .failure) {
            var arena = Arena<Int>(capacity: 8)
            arena[0] = 1
        }
    }

    @Test func takingFromNothingStops() async {
        await #expect(processExitsWith: .failure) {
            var arena = Arena<Int>(capacity: 8)
            arena.removeLast()
        }
        await #expect(processExitsWith: .failure) {
            let arena = Arena<Int>(capacity: 8)
            _ = arena.last
        }
    }

    @Test func truncatingToMoreStops() async {
        await #expect(processExitsWith: .failure) {
            var arena = Arena<Int>(capacity: 8)
            arena.append(1)
            arena.truncate(to: 2)
        }
        await #expect(processExitsWith: .failure) {
            var arena = Arena<Int>(capacity: 8)
            arena.truncate(to: -1)
        }
    }
}
