import ApusFormat
import Testing

@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

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

    #if os(Linux)
        /// How many pages of a range are in memory.
        private func pagesInMemory(_ range: UnsafeMutableRawBufferPointer) -> Int {
            // SAFETY: there is a byte for each page of the range, which begins at one.
            var pages = [UInt8](repeating: 0, count: range.count / Int(getpagesize()))
            #expect(unsafe mincore(range.baseAddress, range.count, &pages) == 0)
            return pages.count { $0 & 1 != 0 }
        }

        /// What a table has had does not stay in memory when it waits for another instance.
        @Test func clearedTablesGiveMemoryBack() throws {
            // SAFETY: the range is this test's own, and outlives the table in it.
            let page = Int(getpagesize())
            let bytes = 128 * page
            let range = UnsafeMutableRawBufferPointer.allocate(
                byteCount: bytes, alignment: page)
            defer { unsafe range.deallocate() }
            let place = unsafe range.bindMemory(to: UInt64.self)
            unsafe place.initialize(repeating: 0)
            let type = TableType(element: .externref, limits: SizeLimits(minimum: 2))
            let table = try unsafe ReferenceTable(
                type, initial: 0, limit: .max, site: .init(record: nil, place: place))
            for (kept, left) in [(UInt64(10 * page + 8), 10), (0, 0), (.max, 128)] {
                #expect(table.grow(by: UInt64(bytes / 8 - 2), 7) == 2)
                #expect(unsafe pagesInMemory(range) == 128)
                var allowed = kept
                #expect(table.clear(keeping: &allowed))
                #expect(allowed == kept - UInt64(left * page))
                #expect(unsafe pagesInMemory(range) == left)
                #expect(unsafe place.allSatisfy { $0 == 0 })
                #expect(table.count == 2)
            }
        }
    #endif

    /// Elements that belong to the table alone go with it.
    @Test func largeTablesCannotBeCleared() throws {
        let table = try make(600, initial: 7)
        var allowed = UInt64(599 * 8)
        #expect(!table.clear(keeping: &allowed))
        #expect(allowed == 599 * 8)
        allowed = 601 * 8
        #expect(table.clear(keeping: &allowed))
        #expect(allowed == 8)
        #expect(elements(table) == Array(repeating: 0, count: 600))
    }
}
