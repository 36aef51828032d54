import ApusCollections
import ApusDWARF
import Testing

/// What no compiler at hand writes, and what only an attacker would.
@Suite struct HandMadeTests {
    /// Sections of bytes, put together to what an index reads.
    struct Parts {
        private var bytes: [UInt8] = []
        private var places: [DebugSections.Kind: Range<Int>] = [:]

        mutating func add(_ kind: DebugSections.Kind, _ contents: [UInt8]) {
            places[kind] = bytes.count..<bytes.count + contents.count
            bytes += contents
        }

        var sections: DebugSections {
            var sections = DebugSections(ByteStorage(bytes))
            for (kind, place) in places { sections[kind] = place }
            return sections
        }

        var index: SourceIndex? { SourceIndex(sections, map: nil, codeStart: 0) }
    }

    static func word(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

    /// A unit of version 4 with a header before `entries`.
    static func unit(_ entries: [UInt8], abbreviations: Int = 0) -> [UInt8] {
        let header: [UInt8] = [4, 0] + word(abbreviations) + [4]
        return word(header.count + entries.count) + header + entries
    }

    /// A line program of version 2 for a file `a.c`, of these instructions.
    static func lines(_ program: [UInt8]) -> [UInt8] {
        let counts: [UInt8] = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
        let files: [UInt8] = text("dir") + [0] + text("a.c") + [1, 0, 0, 0]
        let rest: [UInt8] = [1, 1, 0xFB, 14, 13] + counts + files
        let header: [UInt8] = [2, 0] + word(rest.count) + rest
        return word(header.count + program.count) + header + program
    }

    /// Sets the address, moves to the line and adds a row.
    static func row(_ address: Int, line: UInt8) -> [UInt8] {
        [0, 5, 2] + word(address) + [3, line - 1, 1]
    }

    /// A unit at 16..<64 with its lines, whose directory is relative.
    private static var small: Parts {
        var parts = Parts()
        // Abbreviation 1: a unit, no children, stmt_list, comp_dir, low_pc, high_pc.
        parts.add(
            .abbreviations,
            [1, 0x11, 0, 0x10, 0x06, 0x1B, 0x08, 0x11, 0x01, 0x12, 0x01, 0, 0, 0])
        parts.add(.information, unit([1] + word(0) + text("/top") + word(16) + word(64)))
        parts.add(.lines, lines(row(16, line: 7) + [2, 48, 0, 1, 1]))
        return parts
    }

    @Test func oldVersions() throws {
        let index = try #require(Self.small.index)
        #expect(
            index.frames(at: 20)
                == [
                    SourceFrame(
                        function: nil, position: SourcePosition(file: "/top/dir/a.c", line: 7))
                ])
        #expect(index.frames(at: 15) == [])
        #expect(index.frames(at: 64) == [])
    }

    /// Each unit names another table of abbreviations, which is all the rest of its section: read
    /// in full that is the square of the module's size.
    @Test func manyUnitsWithLongTables() throws {
        var parts = Parts()
        let shape: [UInt8] = [1, 0x11, 0, 0x11, 0x01, 0, 0]
        let count = 20_000
        parts.add(.abbreviations, (0..<count).flatMap { _ in shape } + [0])
        parts.add(
            .information,
            (0..<count).flatMap { Self.unit([1] + Self.word(16), abbreviations: 7 * $0) })
        parts.add(.lines, Self.lines([]))
        let start = ContinuousClock.now
        let index = try #require(parts.index)
        #expect(index.frames(at: 20) == [])
        // It would be minutes.
        #expect(start.duration(to: .now) < .seconds(20))
    }

    /// A list of directories of a format that takes no bytes, as many as can be said.
    @Test func entriesOfNoBytes() throws {
        var parts = Self.small
        let rest: [UInt8] = [1, 1, 1, 0xFB, 14, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        let header: [UInt8] = [5, 0, 4, 0] + Self.word(rest.count) + rest
        parts.add(.lines, Self.word(header.count) + header)
        let index = try #require(parts.index)
        #expect(index.frames(at: 20) == [])
    }

    /// Variables at addresses of which only the last one that can be said is named.
    @Test func addressesThatAreNotThere() throws {
        struct Nothing: SourceMachine {
            func local(_ index: Int) -> UInt64? { nil }
            func global(_ index: Int) -> UInt64? { nil }
            func operand(_ index: Int) -> UInt64? { nil }
            func memory(at address: UInt64, count: Int) -> UInt64? { nil }
        }
        var parts = Parts()
        parts.add(
            .abbreviations,
            [1, 0x11, 1, 0x10, 0x06, 0x11, 0x01, 0x12, 0x01, 0, 0]
                + [2, 0x2E, 1, 0x11, 0x01, 0x12, 0x01, 0, 0]
                + [3, 0x34, 0, 0x03, 0x08, 0x02, 0x18, 0, 0, 0])
        let range = Self.word(16) + Self.word(64)
        let variable = [3] + Self.text("v") + [4, 0xA1, 0xFF, 0xFF, 0x3F]
        let variables = (0..<100).flatMap { _ in variable }
        parts.add(
            .information,
            Self.unit([1] + Self.word(0) + range + [2] + range + variables + [0, 0]))
        parts.add(.lines, Self.lines(Self.row(16, line: 3) + [2, 48, 0, 1, 1]))
        let index = try #require(parts.index)
        let found = try #require(index.variables(at: 20).first)
        #expect(found.count == 100)
        #expect(found.allSatisfy { $0.location?.place(in: Nothing()) == nil })
    }

    /// Entries that refer to each other for their name.
    @Test func namesInACircle() throws {
        var parts = Parts()
        parts.add(
            .abbreviations,
            [1, 0x11, 1, 0x10, 0x06, 0x11, 0x01, 0x12, 0x01, 0, 0]
                + [2, 0x2E, 0, 0x11, 0x01, 0x12, 0x01, 0x31, 0x13, 0, 0, 0])
        let root = [1] + Self.word(0) + Self.word(16) + Self.word(64)
        let place = 11 + root.count
        parts.add(
            .information,
            Self.unit(root + [2] + Self.word(16) + Self.word(64) + Self.word(place) + [0]))
        parts.add(.lines, Self.lines(Self.row(16, line: 3) + [2, 48, 0, 1, 1]))
        let index = try #require(parts.index)
        #expect(index.frames(at: 16).map(\.function) == [nil])
        #expect(index.frames(at: 16).map { $0.position?.line } == [3])
    }
}
