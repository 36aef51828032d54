import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct SignatureRegistryTests {
    @Test func equalTypesShareAnId() throws {
        let registry = SignatureRegistry()
        let first = try registry.acquire([FunctionType([.i32]), FunctionType([.i64])])
        let second = try registry.acquire(FunctionType([.i64]))
        #expect(first[0] != first[1])
        #expect(first[1] == second)
        #expect(registry.type(second) == FunctionType([.i64]))
        #expect(!first.contains(0))
    }

    @Test func idsLastAsLongAsTheyAreUsedAndNeverReturn() throws {
        let registry = SignatureRegistry()
        let type = FunctionType([.f32], [.f32])
        let id = try registry.acquire(type)
        _ = try registry.acquire(type)
        registry.release([id])
        #expect(registry.type(id) == type)
        registry.release([id])
        #expect(registry.type(id) == nil)
        #expect(registry.count == 0)
        #expect(try registry.acquire(type) != id)
    }

    /// However many types come and go, there are no more slots than types at one time.
    @Test func slotsAreUsedAgainForEver() throws {
        let registry = SignatureRegistry()
        let slots = try (0..<5000).map { number in
            let type = FunctionType([.i32], Array(repeating: .i64, count: number % 50))
            let id = try registry.acquire(type)
            registry.release([id])
            return SignatureRegistry.heapType(id)
        }
        #expect(Set(slots).count == 1)
        #expect(registry.count == 0)
    }

    @Test func modulesGiveTheirIdsBack() throws {
        let registry = SignatureRegistry()
        do {
            let shared = try SharedSignatures([nothing, sixToOne, nothing], in: registry)
            #expect(shared.ids[0] == shared.ids[2])
            #expect(registry.count == 2)
        }
        #expect(registry.count == 0)
    }

    @Test func manyThreadsAgree() async throws {
        let registry = SignatureRegistry()
        let types = (0..<50).map { FunctionType(Array(repeating: .i32, count: $0)) }
        let results = try await withThrowingTaskGroup(of: [UInt32].self) { group in
            for _ in 0..<8 { group.addTask { try registry.acquire(types) } }
            var all: [[UInt32]] = []
            for try await ids in group { all.append(ids) }
            return all
        }
        #expect(Set(results).count == 1)
        for ids in results { registry.release(ids) }
        #expect(registry.count == 0)
    }

    // MARK: Types that name others

    private func reference(_ index: Int) -> ValueType {
        .reference(HeapType(typeIndex: UInt32(index)), nullable: true)
    }

    @Test func indicesMeanTheSameInAllModules() throws {
        let registry = SignatureRegistry()
        let leaf = FunctionType([.i32])
        let first = try registry.acquire([leaf, FunctionType([reference(0)])])
        let second = try registry.acquire(
            [
                FunctionType([.i64]), leaf, FunctionType([reference(1)]),
                FunctionType([reference(0)]),
            ])
        #expect(first[0] == second[1])
        #expect(first[1] == second[2])
        #expect(first[1] != second[3])
    }

    @Test func typesThatNameThemselvesAreEqual() throws {
        let registry = SignatureRegistry()
        let first = try registry.acquire([FunctionType([reference(0)], [.i32])])
        let second = try registry.acquire([FunctionType(), FunctionType([reference(1)], [.i32])])
        #expect(first[0] == second[1])
        // As they are shown, they name their own slot, and are found by that.
        let shown = try #require(registry.type(first[0]))
        #expect(
            shown.parameters == [.reference(SignatureRegistry.heapType(first[0]), nullable: true)])
        #expect(try registry.acquire(shown) == first[0])
    }

    @Test func namedTypesStayAsLongAsTheirNames() throws {
        let registry = SignatureRegistry()
        let ids = try registry.acquire([FunctionType([.i32]), FunctionType([reference(0)])])
        registry.release([ids[0]])
        #expect(registry.type(ids[0]) == FunctionType([.i32]))
        registry.release([ids[1]])
        #expect(registry.type(ids[0]) == nil)
        #expect(registry.count == 0)
        let stale = ValueType.reference(SignatureRegistry.heapType(ids[0]), nullable: true)
        #expect(!registry.retain(stale))
        #expect(throws: ResourceError.self) { try registry.acquire(FunctionType([stale])) }
    }

    /// Each type names the one before: none of them may be left, nor the stack used up.
    @Test func longChainsGoAtOnce() throws {
        let registry = SignatureRegistry()
        let count = 200_000
        let types = [FunctionType([.i32])] + (0..<count).map { FunctionType([reference($0)]) }
        registry.release(try registry.acquire(types))
        #expect(registry.count == 0)
    }
}
