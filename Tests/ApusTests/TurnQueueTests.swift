import Testing

@testable import Apus

@Suite struct TurnQueueTests {
    private final class Owner: Sendable {}
    private typealias Queue = TurnQueue<Owner, Int>

    /// As a thread takes things: of one owner as long as its turn lasts.
    private static func take(_ queue: inout Queue, turn length: Int) -> [Int] {
        var taken: [Int] = []
        var owner: Owner?
        var turn = 0
        while let next = queue.take(stayingWith: turn < length ? owner : nil) {
            turn = turn < length && owner === next.owner ? turn + 1 : 1
            owner = next.owner
            taken.append(next.item)
        }
        return taken
    }

    @Test func whoHasLittleWaitsForNoMoreThanATurn() {
        let owners = (Owner(), Owner(), Owner())
        var queue = Queue()
        for number in 0..<1000 { queue.add(number, for: owners.0) }
        for number in 0..<5 { queue.add(10_000 + number, for: owners.1) }
        queue.add(20_000, for: owners.2)
        let taken = Self.take(&queue, turn: 4)
        #expect(taken.count == 1006)
        #expect(taken.firstIndex(of: 20_000) == 8)
        #expect(taken.firstIndex(of: 10_003) == 7)
        #expect(taken.firstIndex(of: 10_004) == 13)
        #expect(taken.filter { $0 < 10_000 } == Array(0..<1000))
    }

    /// Several threads take of it; things are added meanwhile.
    @Test func ownersComeAgainAndAgain() {
        let owners = [Owner(), Owner(), Owner()]
        var queue = Queue()
        var taken: [Int] = []
        for round in 0..<300 {
            queue.add(2 * round, for: owners[round % 3])
            queue.add(2 * round + 1, for: owners[round % 3])
            for _ in 0..<(round % 4) {
                let stays = round % 2 == 0 ? owners[(round + 1) % 3] : nil
                if let next = queue.take(stayingWith: stays) { taken.append(next.item) }
            }
        }
        taken += Self.take(&queue, turn: 1)
        #expect(taken.sorted() == Array(0..<600))
        #expect(queue.take(stayingWith: owners[0]) == nil)
    }

    /// What is done keeps nobody.
    @Test func ownersAreLetGoOf() {
        var queue = Queue()
        weak var known: Owner?
        do {
            let owner = Owner()
            known = owner
            queue.add(1, for: owner)
            queue.add(2, for: owner)
        }
        #expect(known != nil)
        #expect(Self.take(&queue, turn: 8) == [1, 2])
        #expect(known == nil)
    }
}
