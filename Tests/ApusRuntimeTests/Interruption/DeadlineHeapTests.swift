import Testing

@testable import ApusRuntime

@Suite struct DeadlineHeapTests {
    private func interrupters(_ count: Int) throws -> (stores: [RuntimeStore], [Interrupter]) {
        let environment = try makeEnvironment()
        let stores = try (0..<count).map { _ in try RuntimeStore(environment) }
        return (stores, stores.map(\.interrupter))
    }

    @Test func eachHasOneEntry() throws {
        let (stores, all) = try interrupters(1)
        var heap = DeadlineHeap()
        #expect(!heap.hasRoom(for: all[0]))
        var room = DeadlineHeap.Room(for: 1)
        heap.move(to: &room)
        for time in [50, 90, 40, 60] as [UInt64] { heap.insert(all[0], at: time) }
        #expect(heap.count == 1)
        #expect(heap.first == 40)
        #expect(heap.popFirst(notAfter: 39) == nil)
        #expect(heap.popFirst(notAfter: 40) === all[0])
        #expect(heap.count == 0)
        #expect(all[0].place == -1)
        heap.insert(all[0], at: 90)
        #expect(heap.first == 90)
        heap.remove(all[0])
        withExtendedLifetime(stores) {}
    }

    @Test func theEarliestComesFirstWhateverHappens() throws {
        let (stores, all) = try interrupters(40)
        var heap = DeadlineHeap()
        var room = DeadlineHeap.Room(for: 0)
        var times: [UInt64?] = all.map { _ in nil }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<4000 {
            let index = Int.random(in: 0..<all.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                heap.remove(all[index])
                times[index] = nil
            case 1:
                let least = times.compactMap(\.self).min()
                #expect(heap.first == least)
                guard let least, let popped = heap.popFirst(notAfter: least) else { continue }
                let place = try #require(all.firstIndex { $0 === popped })
                #expect(times[place] == least)
                times[place] = nil
            default:
                let time = UInt64.random(in: 0..<1000, using: &random)
                if !heap.hasRoom(for: all[index]) {
                    room = DeadlineHeap.Room(for: heap.capacity + 3)
                    heap.move(to: &room)
                }
                heap.insert(all[index], at: time)
                times[index] = min(times[index] ?? .max, time)
            }
            #expect(heap.count == times.count { $0 != nil })
        }
        for interrupter in all { heap.remove(interrupter) }
        #expect(heap.count == 0)
        withExtendedLifetime(stores) {}
    }
}
