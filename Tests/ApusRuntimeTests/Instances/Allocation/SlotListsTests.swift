import Testing

@testable import ApusRuntime

@Suite struct SlotListsTests {
    /// What `SlotLists` is, done the simplest way: free slots, oldest first.
    private struct Model {
        var free: [(slot: UInt32, module: UInt32)] = []

        mutating func take(_ position: Int?) -> UInt32? {
            position.map { free.remove(at: $0).slot }
        }
        mutating func takeOldest() -> UInt32? { take(free.indices.first) }
        mutating func takeNewest() -> UInt32? { take(free.indices.last) }
        mutating func takeNewest(ofModule module: UInt32) -> UInt32? {
            take(free.lastIndex { $0.module == module })
        }
    }

    @Test func actsLikeTheModel() {
        var generator = SystemRandomNumberGenerator()
        for capacity in [1, 2, 7, 40] {
            var lists = SlotLists(capacity: capacity)
            var model = Model()
            var used = Set(0..<UInt32(capacity))
            for step in 0..<3000 {
                let module = UInt32.random(in: 0..<4, using: &generator)
                switch Int.random(in: 0..<8, using: &generator) {
                case 0...3:
                    guard let slot = used.randomElement(using: &generator) else { continue }
                    used.remove(slot)
                    let owner = step % 5 == 0 ? SlotLists.none : module
                    lists.append(slot, module: owner)
                    model.free.append((slot, owner))
                    #expect(lists.count == model.free.count)
                    continue
                case 4: expectSame(lists.takeOldest(), model.takeOldest(), &used)
                case 5: expectSame(lists.takeNewest(), model.takeNewest(), &used)
                case 6:
                    let slot = lists.takeRandom()
                    let place = model.free.firstIndex { $0.slot == slot }
                    #expect((slot == nil) == model.free.isEmpty)
                    expectSame(slot, model.take(place), &used)
                default:
                    expectSame(
                        lists.takeNewest(ofModule: module), model.takeNewest(ofModule: module),
                        &used)
                }
            }
        }
    }

    private func expectSame(_ slot: UInt32?, _ expected: UInt32?, _ used: inout Set<UInt32>) {
        #expect(slot == expected)
        if let slot { used.insert(slot) }
    }

    @Test func randomSlotsAreAllTaken() {
        var lists = SlotLists(capacity: 8)
        var seen: Set<UInt32> = []
        for slot in 0..<8 as Range<UInt32> { lists.append(slot) }
        for _ in 0..<1000 {
            guard let slot = lists.takeRandom() else { continue }
            seen.insert(slot)
            lists.append(slot)
        }
        #expect(seen.count == 8)
    }
}
