import ApusCollections
import ApusDWARF
import Testing

@Suite struct SourceMapTests {
    /// Offsets 16 (a.ts:1:1), 24 (b.ts:4:3), 32 (nothing), 40 (b.ts:4:1).
    private static let text = """
        {"version":3,"file":"x","sourceRoot":"lib","names":["f",{"deep":[1,2,{}]}],
         "sources":["a.ts","b\\u002ets",null],"mappings":"gBAAA,QCGE,Q,QAAF"}
        """

    private func sources(_ text: String) -> SourceIndex? {
        SourceIndex(
            DebugSections(ByteStorage([])), map: SourceMap(Array(text.utf8)), codeStart: 8)
    }

    @Test func placesInAModule() throws {
        let index = try #require(sources(Self.text))
        func place(_ offset: Int) -> SourcePosition? { index.frames(at: offset).first?.position }
        #expect(place(15) == nil)
        #expect(place(16) == SourcePosition(file: "lib/a.ts", line: 1, column: 1))
        #expect(place(23) == SourcePosition(file: "lib/a.ts", line: 1, column: 1))
        #expect(place(24) == SourcePosition(file: "lib/b.ts", line: 4, column: 3))
        #expect(place(32) == nil)
        #expect(place(99) == SourcePosition(file: "lib/b.ts", line: 4, column: 1))
        #expect(index.lines(in: 20..<41).rows.map(\.offset) == [16, 24, 40])
    }

    @Test func notSourceMaps() {
        let wrong = [
            "", "{", "[]", "{}", "{\"version\":3}", "{\"mappings\":\"AAAA\"}",
            "{\"mappings\":\"AA\",\"sources\":[]}", "{\"mappings\":\"*\",\"sources\":[]}",
            "{\"mappings\":\"gggggggggggA\",\"sources\":[]}", "{\"mappings\":\"D\",\"sources\":[]}",
            "{\"mappings\":\"A\",\"sources\":3}", "{\"mappings\":\"A\" \"sources\":[]}",
            "{\"a\":\(String(repeating: "[", count: 100_000))", "{\"a\\",
        ]
        for text in wrong { #expect(SourceMap(Array(text.utf8)) == nil, "\(text.prefix(40))") }
    }

    @Test func shortenedAndChanged() {
        let bytes = Array(Self.text.utf8)
        for place in bytes.indices {
            _ = SourceMap(Array(bytes[..<place]))
            for value: UInt8 in [0, 0x22, 0x2C, 0x5C, 0x7D, 0xFF] {
                var changed = bytes
                changed[place] = value
                _ = SourceMap(changed)
            }
        }
    }

    /// Where lines begin: that are named, or the next ones that have code.
    @Test func breakpoints() throws {
        let index = try #require(sources(Self.text))
        func offsets(_ line: Int, _ path: String) -> [String] {
            index.offsets(ofLine: line, in: path).map { "\($0.offset) of \($0.line)" }
        }
        #expect(offsets(1, "/home/lib/a.ts") == ["16 of 1"])
        #expect(offsets(2, "b.ts") == ["24 of 4", "40 of 4"])
        #expect(offsets(5, "b.ts") == [])
        #expect(offsets(1, "c.ts") == [])
        #expect(index.paths == ["lib/a.ts", "lib/b.ts"])
        #expect(index.textLines == nil && !index.knowsVariables)
    }

    /// Of a module that was made of a text.
    @Test func placesInATextOfItsOwn() throws {
        let places = [
            (offset: 20, line: 2, column: 3), (offset: 21, line: 3, column: 5),
            (offset: 23, line: 3, column: 9), (offset: 25, line: 5, column: 1),
            (offset: 26, line: 3, column: 5),
        ]
        let index = try #require(
            SourceIndex(
                DebugSections(ByteStorage([])), map: SourceMap(textAt: "t.wat", places: places),
                codeStart: 8))
        func place(_ offset: Int) -> SourcePosition? { index.frames(at: offset).first?.position }
        #expect(place(19) == nil)
        #expect(place(22) == SourcePosition(file: "t.wat", line: 3, column: 5))
        #expect(index.offsets(ofLine: 3, in: "/x/t.wat").map(\.offset) == [21, 26])
        #expect(index.paths == ["t.wat"])
        let text = try #require(index.textLines)
        #expect(text.path == "t.wat" && text.lines.map(\.line) == [2, 3, 3, 5, 3])
    }

    /// Of many sources with a long root, not all are put together.
    @Test func pathsAreBounded() throws {
        let root = String(repeating: "r", count: 4000)
        let names = (0..<4000).map { "\"\($0)\"" }.joined(separator: ",")
        let mappings = "gBAAA" + String(repeating: ",CCAA", count: 3999)
        let text = #"{"sourceRoot":"\#(root)","sources":[\#(names)],"mappings":"\#(mappings)"}"#
        let index = try #require(sources(text))
        #expect(index.paths.count > 500 && index.paths.count < 2000)
    }

    /// Long roots are not put before names: of many sources that would be the square.
    @Test func longRootsAreLeftOut() throws {
        let root = String(repeating: "r", count: 5000)
        let text = #"{"sourceRoot":"\#(root)","sources":["a.ts"],"mappings":"gBAAA"}"#
        let index = try #require(sources(text))
        #expect(index.frames(at: 16).first?.position?.file == "a.ts")
        #expect(index.lines(in: 0..<20).files == ["a.ts"])
    }

    @Test func base64() {
        #expect(Base64.bytes("aGVsbG8=".utf8) == Array("hello".utf8))
        #expect(Base64.bytes("aGVsbG8h".utf8) == Array("hello!".utf8))
        #expect(Base64.bytes("".utf8) == [])
        #expect(Base64.bytes("a*==".utf8) == nil)
    }
}
