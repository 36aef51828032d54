import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct ReferenceTableTests {
    private func make(
        _ minimum: UInt64, _ maximum: UInt64? = nil, limit: UInt64 = 1000, initial: UInt64 = 0
    ) throws -> ReferenceTable {
        let type = TableType(
            element: .externref, limits: Limits(minimum: minimum, maximum: maximum))
        return try unsafe ReferenceTable(type, initial: initial, limit: limit)
    }

    private func elements(_ table: ReferenceTable) -> [UInt64] {
        (0..<table.count).map { table.get($0) ?? .max }
    }

    @Test func growsWithTheValueGiven() throws {
        let table = try make(2, 5, initial: 1)
        #expect(table.grow(by: 3, 9) == 2)
        #expect(elements(table) == [1, 1, 9, 9, 9])
        #expect(table.grow(by: 1, 9) == nil)
        #expect(table.grow(by: 0, 9) == 5)
        #expect(table.grow(by: .max, 9) == nil)
    }

    @Test func limitStopsGrowthAndCreation() throws {
        #expect(throws: ResourceError(.table, requested: 11, limit: 10)) {
            try make(11, limit: 10)
        }
        let table = try make(0, limit: 10)
        #expect(table.grow(by: 11, 0) == nil)
        #expect(table.grow(by: 10, 0) == 0)
    }

    @Test func outOfRangeChangesNothing() throws {
        let table = try make(4)
        #expect(!table.fill(3, 7, 2))
        #expect(!table.fill(.max, 7, 2))
        #expect(!table.fill(5, 7, 0))
        #expect(table.fill(4, 7, 0))
        #expect(!table.set(4, 7))
        #expect(table.get(4) == nil)
        #expect(elements(table) == [0, 0, 0, 0])
        #expect(table.fill(1, 7, 2))
        #expect(elements(table) == [0, 7, 7, 0])
    }

    @Test func copiesOverlap() throws {
        let table = try make(5)
        for index in 0..<5 as Range<UInt64> { #expect(table.set(index, index + 1)) }
        #expect(table.copy(1, from: table, 0, 4))
        #expect(elements(table) == [1, 1, 2, 3, 4])
        #expect(table.copy(0, from: table, 1, 4))
        #expect(elements(table) == [1, 2, 3, 4, 4])
        #expect(!table.copy(2, from: table, 0, 4))
        #expect(!table.copy(0, from: table, 2, 4))
        #expect(table.copy(5, from: table, 5, 0))
    }
}
