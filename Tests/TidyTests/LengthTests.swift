import Testing

@Suite struct LengthTests {
    private let columns = 100
    private let fileLines = 800
    private let functionLines = 60

    @Test func theTreeIsFound() {
        #expect(SourceTree.sources.count > 50)
        #expect(SourceTree.documents.contains { $0.path == "README.md" })
    }

    /// Files without listings of machine code.
    private let texts = SourceTree.files.filter { !$0.path.contains("/Golden/") }

    /// Tables of documents may be wider, for they cannot be broken.
    @Test func linesHaveAtMostAHundredColumns() {
        Ratchet.check("columns", texts) { file in
            let isDocument = file.path.hasSuffix(".md")
            return file.lines.enumerated().filter { _, line in
                // Bytes are counted sooner than characters, and are no fewer.
                line.utf8.count > columns && line.count > columns
                    && !(isDocument && line.hasPrefix("|"))
            }.map { "\($0 + 1): \($1.count) columns" }
        }
    }

    @Test func filesHaveAtMostEightHundredLines() {
        let long = SourceTree.swift.filter { $0.lines.count > fileLines }
        expectNone(long.map { "\($0.path): \($0.lines.count) lines" })
    }

    /// Cases on one line are not counted: an exhaustive switch over many cases reads as a table.
    @Test func functionsHaveAtMostSixtyLines() {
        Ratchet.check("function", SourceTree.swift) { file in
            FunctionFinder.functions(in: file).filter { $0.lines > functionLines }
                .map { "\($0.start): \($0.name) has \($0.lines) lines" }
        }
    }

    @Test func linesEndWhereTheirTextEnds() {
        Ratchet.check("spaces", texts) { file in
            file.lines.enumerated().filter { $0.element.last == " " || $0.element.contains("\t") }
                .map { "\($0.offset + 1): trailing space or tab" }
        }
    }

    @Test func theRatchetNamesFilesThatExist() {
        expectNone(Ratchet.files.filter { !SourceTree.exists($0) })
    }
}
