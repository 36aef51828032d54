import ApusCollections
import Testing

@testable import ApusDWARF

/// What is looked up is bounded, whatever the sections say.
@Suite struct LookupTests {
    private typealias Parts = HandMadeTests.Parts

    private static let code = HandMadeTests.word(16) + HandMadeTests.word(64)

    /// 1: a unit; 2: a function; 3: one that was made part of it; 4: what that is; 5: as many
    /// attributes as are wanted.
    private static func shapes(attributes: Int = 0) -> [UInt8] {
        var table: [UInt8] = [1, 0x11, 1, 0x10, 0x06, 0x11, 0x01, 0x12, 0x01, 0, 0]
        table += [2, 0x2E, 1, 0x11, 0x01, 0x12, 0x01, 0x03, 0x08, 0, 0]
        table += [3, 0x1D, 1, 0x11, 0x01, 0x12, 0x01, 0x31, 0x10, 0, 0]
        table += [4, 0x2E, 0, 0x03, 0x08, 0, 0]
        table += [5, 0x2E, 0]
        for _ in 0..<attributes { table += [0x02, 0x0B] }
        return table + [0, 0, 0]
    }

    /// A function with `depth` others in it, which are all the one called `name` of a unit with
    /// another table; both tables have a shape of so many attributes.
    private static func nested(depth: Int, name: String, attributes: Int = 0) -> Parts {
        var parts = Parts()
        let table = shapes(attributes: attributes)
        parts.add(.abbreviations, table + table)
        var other: [UInt8] = [1] + HandMadeTests.word(0)
        other += HandMadeTests.word(500) + HandMadeTests.word(510)
        other += [4] + HandMadeTests.text(name) + [0]
        let origin = HandMadeTests.word(11 + 13)
        var own: [UInt8] = [1] + HandMadeTests.word(0) + code
        own += [2] + code + HandMadeTests.text("f")
        for _ in 0..<depth { own += [3] + code + origin }
        parts.add(
            .information,
            HandMadeTests.unit(other, abbreviations: table.count)
                + HandMadeTests.unit(own + [UInt8](repeating: 0, count: depth + 2)))
        parts.add(.lines, HandMadeTests.lines(HandMadeTests.row(16, line: 7) + [2, 48, 0, 1, 1]))
        return parts
    }

    /// Entries of one unit that refer to another one have two tables read, and each of them once.
    @Test func tablesAreReadOnce() throws {
        let index = try #require(
            Self.nested(depth: 20, name: "inner", attributes: 20_000).index)
        var budget = WorkBudget.lookup
        #expect(index.frames(at: 20, &budget).count == 21)
        let before = budget.left
        #expect(index.frames(at: 20, &budget).compactMap(\.function).count == 21)
        #expect(before - budget.left < 5000)
    }

    @Test func deepNestsAreCutOff() throws {
        let index = try #require(Self.nested(depth: 300, name: "inner").index)
        let frames = index.frames(at: 20)
        #expect(frames.last?.function == "f")
        #expect(frames.count > 10 && frames.count <= 64)
    }

    /// A backtrace is told with sources as long as that is no more work than a backtrace is worth.
    @Test func backtracesEnd() throws {
        let name = String(repeating: "n", count: 4000)
        let index = try #require(Self.nested(depth: 50, name: name).index)
        var budget = WorkBudget.lookup
        var count = 0
        while !index.frames(at: 20, &budget).isEmpty, count < 1000 { count += 1 }
        #expect(count > 5 && count < 100)
        #expect(budget.isSpent)
        // Another backtrace is another one.
        #expect(!index.frames(at: 20).isEmpty)
    }

    /// Each unit has the same lines, in which a number takes more bytes than all the units.
    @Test func longNumbersCount() throws {
        var parts = Parts()
        parts.add(.abbreviations, Self.shapes())
        let count = 300
        var units: [UInt8] = []
        for number in 0..<count {
            let start = HandMadeTests.word(16 + 4 * number)
            let end = HandMadeTests.word(20 + 4 * number)
            units += HandMadeTests.unit([1] + HandMadeTests.word(0) + start + end + [0])
        }
        parts.add(.information, units)
        var program: [UInt8] = [5] + [UInt8](repeating: 0x80, count: 100_000) + [0]
        program += HandMadeTests.row(16, line: 7) + [2, 0x80, 0x40, 0, 1, 1]
        parts.add(.lines, HandMadeTests.lines(program))
        let index = try #require(parts.index)
        let told = (0..<count).filter { !index.frames(at: 17 + 4 * $0).isEmpty }
        #expect(told.count > 5 && told.count < count / 2)
    }

    /// Looking for the line before an instruction of none goes back by one row.
    @Test func rowsOfNoLineAreOne() throws {
        var parts = Parts()
        var program = HandMadeTests.row(16, line: 7) + [3, 0x79, 2, 1, 1]
        for column: UInt8 in 1..<100 { program += [5, column, 2, 1, 1] }
        parts.add(.lines, HandMadeTests.lines(program + [2, 1, 0, 1, 1]))
        var budget = WorkBudget(sectionBytes: 10_000)
        let table = LineProgram.table(parts.sections, at: 0, of: UnitEncoding(), &budget)
        #expect(table.rows.map(\.line) == [7, 0])
        #expect(table.row(at: 60)?.line == 7)
    }

    /// Variables that all have one long list of places.
    @Test func listsOfPlacesCount() throws {
        var parts = Parts()
        var table: [UInt8] = [1, 0x11, 1, 0x10, 0x06, 0x11, 0x01, 0x12, 0x01, 0, 0]
        table += [2, 0x2E, 1, 0x11, 0x01, 0x12, 0x01, 0, 0]
        table += [3, 0x34, 0, 0x03, 0x08, 0x02, 0x17, 0, 0, 0]
        parts.add(.abbreviations, table)
        var entries: [UInt8] = [1] + HandMadeTests.word(0) + Self.code + [2] + Self.code
        for _ in 0..<1000 { entries += [3] + HandMadeTests.text("v") + HandMadeTests.word(0) }
        parts.add(.information, HandMadeTests.unit(entries + [0, 0]))
        parts.add(.lines, HandMadeTests.lines(HandMadeTests.row(16, line: 3) + [2, 48, 0, 1, 1]))
        var list: [UInt8] = []
        for _ in 0..<2000 { list += HandMadeTests.word(1) + HandMadeTests.word(2) + [0, 0] }
        parts.add(.locations, list + [UInt8](repeating: 0, count: 8))
        let index = try #require(parts.index)
        let found = try #require(index.variables(at: 20).first)
        #expect(found.count > 10 && found.count < 1000)
    }
}
