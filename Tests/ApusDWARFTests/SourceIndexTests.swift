import ApusDWARF
import Testing

/// What clang says of `Fixtures/inlined.c`, as its line numbers and `llvm-dwarfdump` have it.
@Suite struct SourceIndexTests {
    @Test(arguments: [4, 5])
    func inlinedFunctions(version: Int) throws {
        let fixture = try Fixture(version: version)
        let index = try #require(fixture.index())
        let frames = index.frames(at: fixture.codeStart + 0x5E)
        #expect(frames.map(\.function) == ["element", "twice", "sum"])
        #expect(frames.map { $0.position?.line } == [3, 7, 13])
        #expect(frames.map { $0.position?.column } == [12, 16, 18])
        #expect(frames.map { $0.position?.file } == Array(repeating: "/src/inlined.c", count: 3))
    }

    @Test(arguments: [4, 5])
    func functionsWithoutInlinedOnes(version: Int) throws {
        let fixture = try Fixture(version: version)
        let index = try #require(fixture.index())
        let frames = index.frames(at: fixture.codeStart + 0x05)
        #expect(frames.map(\.function) == ["run"])
        #expect(
            frames.first?.position == SourcePosition(file: "/src/inlined.c", line: 19, column: 17))
    }

    /// An instruction of no line counts as one of the line before.
    @Test(arguments: [4, 5])
    func instructionsOfNoLine(version: Int) throws {
        let fixture = try Fixture(version: version)
        let index = try #require(fixture.index())
        let frames = index.frames(at: fixture.codeStart + 0x17)
        #expect(frames.map { $0.position?.line } == [21])
    }

    @Test(arguments: [4, 5])
    func placesOutsideOfFunctions(version: Int) throws {
        let fixture = try Fixture(version: version)
        let index = try #require(fixture.index())
        for offset in [0, 1, 0x1B, 0x1C, 0xD0, 0xD1, 100_000, -1, -1000, Int.max / 2] {
            #expect(index.frames(at: fixture.codeStart + offset) == [], "\(offset)")
        }
    }

    @Test(arguments: [4, 5])
    func linesOfAFunction(version: Int) throws {
        let fixture = try Fixture(version: version)
        let index = try #require(fixture.index())
        let lines = index.lines(in: fixture.codeStart + 2..<fixture.codeStart + 0x1B)
        #expect(lines.rows.map(\.line) == [19, 20, 21, 23])
        #expect(lines.rows.map { $0.offset - fixture.codeStart } == [0x03, 0x13, 0x16, 0x18])
    }

    @Test func modulesWithoutDebuggingInformation() throws {
        let fixture = try Fixture(version: 5)
        #expect(fixture.index(nil, [:]) == nil)
    }
}

/// Debugging information is a guest's: whatever it holds, looking things up ends, and gives
/// something or nothing.
@Suite struct MalformedDebugInformationTests {
    private func look(
        _ fixture: Fixture, _ bytes: [UInt8]? = nil, _ sections: [String: Range<Int>]? = nil
    ) {
        guard let index = fixture.index(bytes, sections) else { return }
        for offset in stride(from: 0, to: fixture.codeOffsets.count, by: 5) {
            _ = index.frames(at: fixture.codeStart + offset)
        }
        _ = index.lines(in: fixture.codeOffsets)
    }

    /// Every byte of every section, with several values each.
    @Test(arguments: [4, 5])
    func changedBytes(version: Int) throws {
        let fixture = try Fixture(version: version)
        for (name, section) in fixture.sections where name.hasPrefix(".debug_") {
            for place in section {
                for value: UInt8 in [0x00, 0x7F, 0x80, 0xFF, fixture.bytes[place] ^ 0x01] {
                    var bytes = fixture.bytes
                    bytes[place] = value
                    look(fixture, bytes)
                }
            }
        }
    }

    @Test(arguments: [4, 5])
    func shortenedSections(version: Int) throws {
        let fixture = try Fixture(version: version)
        for (name, section) in fixture.sections where name.hasPrefix(".debug_") {
            for end in section {
                var sections = fixture.sections
                sections[name] = section.lowerBound..<end
                look(fixture, nil, sections)
            }
        }
    }

    /// Sections that hold anything at all, from a generator that always gives the same.
    @Test func noise() throws {
        let fixture = try Fixture(version: 5)
        var state: UInt64 = 1
        for _ in 0..<300 {
            var bytes = fixture.bytes
            for (name, section) in fixture.sections where name.hasPrefix(".debug_") {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                guard state >> 62 == 0 else { continue }
                for place in section {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    bytes[place] = UInt8(truncatingIfNeeded: state >> 33)
                }
            }
            look(fixture, bytes)
        }
    }
}
