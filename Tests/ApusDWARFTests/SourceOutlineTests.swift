import ApusDWARF
import Testing

/// What functions come from, as a whole.
@Suite struct SourceOutlineTests {
    /// The outline of the function around the instruction at `offset` of the module.
    private func outline(
        _ fixture: Fixture, _ offsets: Range<Int>, _ bytes: [UInt8]? = nil
    ) throws -> SourceOutline<Int>? {
        let index = try #require(fixture.index(bytes))
        var budget = index.budget
        return index.outline(of: offsets, &budget)
    }

    /// Where the instructions are whose outermost function is called so.
    private func range(_ fixture: Fixture, _ name: String) throws -> Range<Int> {
        let index = try #require(fixture.index())
        let places = fixture.codeOffsets.filter { index.frames(at: $0).last?.function == name }
        return try #require(places.first)..<(try #require(places.last) + 1)
    }

    @Test(arguments: [4, 5]) func functionsAndLines(version: Int) throws {
        let fixture = try Fixture(version: version)
        let sum = try range(fixture, "sum")
        let outline = try #require(try outline(fixture, sum))
        #expect(outline.functions.first?.name == "sum")
        #expect(outline.functions.first?.declaration?.line == 10)
        #expect(Set(outline.functions.compactMap(\.name)) == ["sum", "twice", "element"])
        let index = try #require(fixture.index())
        for stretch in outline.stretches {
            #expect(sum.contains(stretch.range.lowerBound))
            let frames = index.frames(at: stretch.range.lowerBound)
            let function = outline.functions[stretch.function]
            #expect(frames.first?.function == function.name)
            #expect(frames.first?.position?.line == stretch.line)
            #expect(outline.files[stretch.file] == "/src/inlined.c")
        }
        let ends = zip(outline.stretches, outline.stretches.dropFirst())
        #expect(ends.allSatisfy { $0.range.upperBound <= $1.range.lowerBound })
        // A part of the function has its part of that.
        let half = sum.lowerBound..<(sum.lowerBound + sum.count / 2)
        let part = try #require(try self.outline(fixture, half))
        #expect(part.stretches.allSatisfy { half.contains($0.range.lowerBound) })
    }

    @Test func placesOfNoCode() throws {
        let fixture = try Fixture(version: 5)
        #expect(try outline(fixture, 0..<8) == nil)
        #expect(try outline(fixture, 1_000_000..<1_000_100) == nil)
        let sum = try range(fixture, "sum")
        #expect(try outline(fixture, sum.lowerBound..<sum.lowerBound) == nil)
    }

    /// What is asked for again and again is no more work than all functions are.
    @Test func workIsBounded() throws {
        let fixture = try Fixture(version: 5)
        let index = try #require(fixture.index())
        let sum = try range(fixture, "sum")
        var budget = index.budget
        var count = 0
        while index.outline(of: sum, &budget) != nil, count < 100_000 { count += 1 }
        #expect(count > 10 && count < 100_000)
    }

    /// Whatever the sections hold, stretches lie in what was asked for, in order.
    @Test(arguments: [4, 5]) func damagedSections(version: Int) throws {
        let fixture = try Fixture(version: version)
        let sum = try range(fixture, "sum")
        for name in [".debug_info", ".debug_line"] {
            guard let section = fixture.sections[name] else { continue }
            for place in section {
                for change in [0x01, 0x80, 0xFF] as [UInt8] {
                    var bytes = fixture.bytes
                    bytes[place] ^= change
                    guard let index = fixture.index(bytes) else { continue }
                    var budget = index.budget
                    let found = index.outline(of: sum, &budget)
                    for stretch in found?.stretches ?? [] {
                        #expect(
                            stretch.range.lowerBound >= sum.lowerBound
                                && stretch.range.upperBound <= sum.upperBound)
                        #expect(
                            stretch.function == 0
                                || stretch.function < (found?.functions.count ?? 0))
                    }
                }
            }
        }
    }
}
