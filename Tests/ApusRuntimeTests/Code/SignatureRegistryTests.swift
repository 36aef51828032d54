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
}
