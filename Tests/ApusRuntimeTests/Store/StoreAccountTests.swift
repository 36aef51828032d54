import ApusFormat
import Testing

@testable import ApusRuntime

/// What stores have together.
@Suite struct StoreAccountTests {
    private let environment: RuntimeEnvironment

    init() throws { environment = try makeEnvironment() }

    private func stores(_ limits: StoreLimits) throws -> (RuntimeStore, RuntimeStore) {
        let first = try RuntimeStore(environment, limits: limits)
        let second = try RuntimeStore(
            environment, limits: limits, account: first.shareAccount())
        return (first, second)
    }

    @Test func exceptionsAreBoundedForAll() throws {
        var limits = StoreLimits()
        limits.heapBytes = 1 << 16
        let (first, second) = try stores(limits)
        let tag = try first.makeTag(FunctionType([.i64], []))
        let other = try second.makeTag(FunctionType([.i64], []))
        var kept: [Int] = []
        #expect(throws: ObjectFailure.self) {
            while true { kept.append(first.root(try first.makeExceptionForGuest(tag).bits)) }
        }
        #expect(!kept.isEmpty)
        #expect(throws: ObjectFailure.self) { try second.makeExceptionForGuest(other) }
        for number in kept { first.unroot(number) }
        first.collectExternals()
        #expect(throws: Never.self) { try second.makeExceptionForGuest(other) }
    }

    /// What the first one has counts from the beginning, and what the second one had no more when
    /// it has gone.
    @Test func accountsBeginAndEndWithWhatThereIs() throws {
        var limits = StoreLimits()
        limits.memoryBytes = 3 << 16
        limits.memories = 2
        let type = MemoryType(limits: SizeLimits(minimum: 1))
        let first = try RuntimeStore(environment, limits: limits)
        let memory = try first.makeMemory(type)
        do {
            let second = try RuntimeStore(
                environment, limits: limits, account: first.shareAccount())
            let own = try second.makeMemory(type)
            #expect(try second.grow(own, by: 2) == nil)
            #expect(try second.grow(own, by: 1) == 1)
            #expect(try first.grow(memory, by: 1) == nil)
            let error = #expect(throws: ResourceError.self) { try second.makeMemory(type) }
            #expect(error?.resource == .memoryCount)
            #expect(first.totals.memoryBytes.now == 3 << 16)
            #expect(first.totals.failedGrowths == 1)
        }
        #expect(first.totals.memoryBytes.now == 1 << 16)
        #expect(first.totals.memories == 1)
        #expect(first.totals.failedGrowths == 3)
        #expect(try first.grow(memory, by: 2) == 1)
    }
}
