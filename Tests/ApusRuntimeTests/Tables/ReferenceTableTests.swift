import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct ReferenceTableTests {
    private func make(
        _ minimum: UInt64, _ maximum: UInt64? = nil, limit: UInt64 = 1000, initial: UInt64 = 0
    ) throws -> ReferenceTable {
        let type = TableType(
            element: .externref, limits: SizeLimits(minimum: minimum, maximum: maximum))
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

    /// Work on tables is done in pieces; what is not done when it has to end is as if it had never
    /// begun, where a table grows, and begun but not finished elsewhere.
    @Test func interruptedGrowthChangesNothing() throws {
        let size = UInt64(3 * Pieces.elements)
        let table = try make(size, 4 * size, limit: .max)
        #expect(table.fill(0, 7, size))
        var asked = 0
        let old = table.grow(by: size, 9) {
            asked += 1
            return asked < 4
        }
        #expect(old == nil)
        #expect(asked == 4)
        #expect(table.count == size)
        #expect(table.get(size - 1) == 7)
        #expect(table.grow(by: size, 9) == size)
        #expect(table.get(size) == 9 && table.get(2 * size - 1) == 9)
    }

    @Test func fillsEndBetweenPieces() throws {
        let piece = UInt64(Pieces.elements)
        let table = try make(4 * piece, 4 * piece, limit: .max)
        #expect(table.fill(0, 5, 4 * piece) { false })
        #expect(table.get(piece - 1) == 5 && table.get(piece) == 0)
    }
}
