import ApusCollections
import ApusDWARF
import Foundation
import Testing

/// Variables, their types, and where they are, of `Fixtures/program.c` and `Fixtures/inlined.c`.
@Suite struct VariableTests {
    /// A machine whose locals are their indices, and whose memory is zeros.
    private struct Machine: SourceMachine {
        func local(_ index: Int) -> UInt64? { 0x1000 + UInt64(index) }
        func global(_ index: Int) -> UInt64? { nil }
        func operand(_ index: Int) -> UInt64? { nil }
        func memory(at address: UInt64, count: Int) -> UInt64? { 0 }
    }

    private func index(_ name: String) throws -> (index: SourceIndex, code: Range<Int>) {
        let fixture = try Fixture(named: name)
        return (try #require(fixture.index()), fixture.codeStart..<fixture.codeStart + 0x200)
    }

    /// Where a line begins.
    private func place(_ line: Int, _ index: SourceIndex) throws -> Int {
        try #require(index.offsets(ofLine: line, in: "program.c").first { $0.line == line }).offset
    }

    @Test func variablesOfBlocksAreInThem() throws {
        let (index, _) = try index("program")
        let inner = try #require(try index.variables(at: place(33, index)).first)
        #expect(inner.map(\.name) == ["all", "count", "result", "index", "product"])
        #expect(inner.map(\.isParameter) == [true, true, false, false, false])
        let outer = try #require(try index.variables(at: place(35, index)).first)
        #expect(outer.map(\.name) == ["all", "count", "result"])
        for variable in inner {
            let place = try #require(variable.location?.place(in: Machine()))
            guard case .memory(let address) = place else {
                Issue.record("\(variable.name) is at \(place)")
                continue
            }
            #expect((0x1000..<0x1040).contains(address))
        }
    }

    @Test func typesAreThoseOfTheSource() throws {
        let (index, _) = try index("program")
        let offset = try place(33, index)
        let all = try #require(index.variables(at: offset).first?.first)
        let pointer = try #require(all.type.flatMap { index.type($0) })
        #expect(pointer.name == "point *")
        #expect(pointer.kind == .pointer && pointer.byteCount == 4)
        let point = try #require(pointer.element.flatMap { index.type($0) })
        #expect(point.kind == .structure && point.byteCount == 16)
        #expect(point.members.map(\.name) == ["x", "y", "color", "low", "high"])
        #expect(point.members.map(\.byteOffset) == [0, 4, 8, 12, 12])
        #expect(point.members.map(\.bits) == [nil, nil, nil, 0..<3, 3..<8])
        let color = try #require(point.members[2].type.flatMap { index.type($0) })
        #expect(color.enumerators.map(\.name) == ["red", "green"])
        #expect(color.enumerators.map(\.value) == [0, 5])
    }

    @Test func globalsAreFoundByName() throws {
        let (index, _) = try index("program")
        let offset = try place(33, index)
        #expect(
            Set(index.globalVariables(at: offset).map(\.name)).isSuperset(of: ["points", "total"]))
        let points = try #require(index.globalVariable(named: "points", at: offset))
        let type = try #require(points.type.flatMap { index.type($0) })
        #expect(type.kind == .array(count: 3) && type.byteCount == 48)
        #expect(type.name == "point[3]")
        #expect(index.globalVariable(named: "nothing", at: offset) == nil)
    }

    @Test func linesWithoutCodeAreTheNextOnes() throws {
        let (index, _) = try index("program")
        #expect(index.offsets(ofLine: 28, in: "program.c").map(\.line) == [29])
        #expect(index.offsets(ofLine: 1000, in: "program.c").isEmpty)
        #expect(index.offsets(ofLine: 33, in: "other.c").isEmpty)
        #expect(index.offsets(ofLine: 33, in: "/elsewhere/src/program.c").map(\.line) == [33])
        #expect(index.paths == ["/src/program.c"])
    }

    /// Of optimized code, lists say where variables are.
    @Test(arguments: ["inlined-4", "inlined-5"])
    func listsOfPlaces(name: String) throws {
        let (index, code) = try index(name)
        var known: Set<String> = []
        for offset in code {
            for variable in index.variables(at: offset).joined()
            where variable.location?.place(in: Machine()) != nil {
                known.insert(variable.name)
            }
        }
        #expect(known.count > 2, "\(known)")
    }

    /// Whatever the sections hold, looking ends, and nothing else happens.
    @Test func damageIsHarmless() throws {
        let fixture = try Fixture(named: "program")
        let information = try #require(fixture.sections[".debug_info"])
        let abbreviations = try #require(fixture.sections[".debug_abbrev"])
        var looked = 0
        for place in [information, abbreviations].joined() where place % 2 == 0 {
            var bytes = fixture.bytes
            bytes[place] ^= place % 4 == 0 ? 0xFF : 0x11
            guard let index = fixture.index(bytes) else { continue }
            for offset in stride(from: 0, to: 0x1C0, by: 0x40) {
                for variable in index.variables(at: fixture.codeStart + offset).joined() {
                    _ = variable.location?.place(in: Machine())
                    if let type = variable.type.flatMap({ index.type($0) }) {
                        looked += 1
                        _ = type.element.flatMap { index.type($0) }
                    }
                }
            }
            _ = index.globalVariable(named: "points", at: fixture.codeStart + 0x40)
            _ = index.offsets(ofLine: 30, in: "program.c")
        }
        #expect(looked > 100)
    }
}
