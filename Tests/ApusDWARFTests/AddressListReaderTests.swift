import ApusCollections
import Testing

@testable import ApusDWARF

/// Lists of ranges and of places, in all the ways to write an entry.
@Suite struct AddressListReaderTests {
    private static func word(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// What a list that is all of `section` has in a unit of this version at 0x100: starts, ends,
    /// and lengths of expressions.
    private func read(
        _ list: [UInt8], in section: DebugSections.Kind, _ kind: AddressListReader.Kind,
        version: UInt8
    ) throws -> [[UInt64]] {
        let abbreviations: [UInt8] = [1, 0x11, 0, 0x11, 0x01, 0x73, 0x17, 0, 0, 0]
        let head: [UInt8] =
            version == 5 ? [5, 0, 1, 4] + Self.word(0) : [version, 0] + Self.word(0) + [4]
        let unit = head + [1] + Self.word(0x100) + Self.word(8)
        let contents: [(DebugSections.Kind, [UInt8])] = [
            (.abbreviations, abbreviations), (.information, Self.word(unit.count) + unit),
            (.addresses, Self.word(0) + Self.word(0) + Self.word(0x1000) + Self.word(0x2000)),
            (section, list),
        ]
        var sections = DebugSections(ByteStorage(contents.flatMap(\.1)))
        var end = 0
        for (kind, bytes) in contents {
            sections[kind] = end..<end + bytes.count
            end += bytes.count
        }
        var reader = try sections.reader(.information)
        var tables = AbbreviationTables()
        var budget = WorkBudget(sectionBytes: 0)
        let read = try CompilationUnit(&reader, sections, &tables, &budget)
        let found = try AddressListReader(
            .sectionOffset(0), kind, of: try #require(read), sections)
        var entries = try #require(found)
        var shown: [[UInt64]] = []
        while let entry = try entries.next() {
            if entry.start == entry.end { continue }
            shown.append([entry.start, entry.end, UInt64(entry.expression.count)])
        }
        return shown
    }

    /// Places have a code more than ranges, and a block behind each range.
    private func list(ofPlaces: Bool) -> [UInt8] {
        let shift: UInt8 = ofPlaces ? 1 : 0
        let place: [UInt8] = ofPlaces ? [2, 0x30, 0x9F] : []
        var list: [UInt8] = [4, 4, 8] + place
        list += [1, 0]
        list += [2, 0, 1] + place
        list += [3, 1, 16] + place
        list += [4, 4, 8] + place
        if ofPlaces { list += [5] + place }
        list += [5 + shift] + Self.word(0x500)
        list += [4, 1, 2] + place
        list += [6 + shift] + Self.word(16) + Self.word(32) + place
        list += [7 + shift] + Self.word(64) + [5] + place
        return list + [0] + [7 + shift] + Self.word(1) + [1] + place
    }

    @Test func ranges() throws {
        let found = try read(list(ofPlaces: false), in: .rangeLists, .ranges, version: 5)
        #expect(
            found == [
                [0x104, 0x108, 0], [0x1000, 0x2000, 0], [0x2000, 0x2010, 0], [0x1004, 0x1008, 0],
                [0x501, 0x502, 0], [16, 32, 0], [64, 69, 0],
            ])
        #expect(throws: MalformedDebugInformation.self) {
            try read([8], in: .rangeLists, .ranges, version: 5)
        }
    }

    @Test func places() throws {
        let found = try read(list(ofPlaces: true), in: .locationLists, .locations, version: 5)
        #expect(
            found == [
                [0x104, 0x108, 2], [0x1000, 0x2000, 2], [0x2000, 0x2010, 2], [0x1004, 0x1008, 2],
                [0, .max, 2], [0x501, 0x502, 2], [16, 32, 2], [64, 69, 2],
            ])
        #expect(throws: MalformedDebugInformation.self) {
            try read([9], in: .locationLists, .locations, version: 5)
        }
    }

    @Test func oldLists() throws {
        let range = Self.word(4) + Self.word(8)
        let base = Self.word(0xFFFF_FFFF) + Self.word(0x1000)
        let end = Self.word(0) + Self.word(0)
        let ranges = try read(range + base + range + end, in: .ranges, .ranges, version: 4)
        #expect(ranges == [[0x104, 0x108, 0], [0x1004, 0x1008, 0]])
        let place: [UInt8] = [2, 0, 0x30, 0x9F]
        let places = try read(
            range + place + base + range + place + end, in: .locations, .locations, version: 4)
        #expect(places == [[0x104, 0x108, 2], [0x1004, 0x1008, 2]])
        #expect(throws: MalformedDebugInformation.self) {
            try read(range, in: .locations, .locations, version: 4)
        }
    }
}
