import ApusFormat
import Foundation
import Testing

/// Documents are of one piece and say what is true.
@Suite struct DocumentTests {
    @Test func eachDocumentHasOneTitle() {
        for file in SourceTree.documents {
            let titles = Self.prose(of: file).filter { $0.hasPrefix("# ") }
            #expect(titles.count == 1, "\(file.path): \(titles)")
        }
    }

    @Test func linksResolve() {
        for file in SourceTree.documents {
            for line in Self.prose(of: file) {
                for match in line.matches(of: /\]\(([^)\s]+)\)/) {
                    let target = String(match.output.1)
                    if target.contains("://") { continue }
                    #expect(Self.resolves(target, from: file), "\(file.path): \(target)")
                }
            }
        }
    }

    /// Files of this repository that commands in documents name.
    @Test func filesInCommandsExist() {
        var named = 0
        for file in SourceTree.documents {
            for line in file.lines {
                for match in line.matches(of: /\b(Examples|Scripts|Benchmarks)\/[\w.\/-]+/) {
                    named += 1
                    let path = String(match.output.0)
                    #expect(SourceTree.exists(path), "\(file.path): \(path)")
                }
            }
        }
        #expect(named > 0)
    }

    /// Files and folders of this repository that documents name in code quotes.
    @Test func namedFilesExist() {
        let names = Set(SourceTree.files.map(\.name))
        for file in SourceTree.documents {
            for line in Self.prose(of: file) {
                for match in line.matches(of: /`([A-Za-z0-9_+.\/-]+)`/) {
                    let name = String(match.output.1)
                    if name.contains(/^(Sources|Tests|Scripts|Examples|Snippets|docs)\//) {
                        #expect(SourceTree.exists(name), "\(file.path): \(name)")
                    } else if name.contains(/^[A-Z][A-Za-z0-9+]*\.swift$/) {
                        #expect(names.contains(name), "\(file.path): \(name)")
                    }
                }
            }
        }
    }

    @Test func headingsOfTheRationaleAreQuestions() throws {
        let file = try #require(SourceTree.documents.first { $0.path == "docs/rationale.md" })
        let headings = file.lines.filter { $0.hasPrefix("## ") }
        #expect(headings.count > 5)
        #expect(headings.filter { !$0.hasPrefix("## Why ") || !$0.hasSuffix("?") } == [])
    }

    /// The README's code is taken from the snippets, which are built and run.
    @Test func codeOfTheReadmeIsFromSnippets() throws {
        let readme = try #require(SourceTree.documents.first { $0.path == "README.md" })
        let snippets = SourceTree.swift.filter { $0.path.hasPrefix("Snippets/") }
        let known = Set(snippets.flatMap(\.lines))
        var isSwift = false
        var count = 0
        for line in readme.lines {
            if line.hasPrefix("```") {
                isSwift = line == "```swift"
                continue
            }
            guard isSwift, !line.isEmpty, !line.contains("/*"), !line.contains(".package("),
                !line.contains(".product(")
            else { continue }
            count += 1
            #expect(known.contains(line), "\(line)")
        }
        #expect(count > 10)
    }

    /// Each block of code in an article is a piece of one snippet, or says that it is no Swift.
    @Test func codeOfArticlesIsFromSnippets() {
        let articles = SourceTree.documents.filter { $0.path.contains(".docc/") }
        #expect(articles.count > 10)
        let snippets = SourceTree.swift.filter { $0.path.hasPrefix("Snippets/") }
        let known = snippets.map { "\n" + $0.lines.joined(separator: "\n") + "\n" }
        for article in articles {
            for block in Self.blocks(of: article) {
                guard block.language == "swift" else {
                    #expect(
                        ["shell", "none"].contains(block.language),
                        "\(article.path): a block of '\(block.language)'")
                    continue
                }
                let code = "\n" + block.lines.joined(separator: "\n") + "\n"
                #expect(known.contains { $0.contains(code) }, "\(article.path): \(code)")
            }
        }
    }

    private static func blocks(of file: SourceFile) -> [(language: String, lines: [String])] {
        var blocks: [(language: String, lines: [String])] = []
        var isInside = false
        for line in file.lines {
            if line.hasPrefix("```") {
                isInside.toggle()
                if isInside { blocks.append((String(line.dropFirst(3)), [])) }
            } else if isInside {
                blocks[blocks.count - 1].lines.append(line)
            }
        }
        return blocks
    }

    /// `docs/proposals.md` has one row for each feature, in order.
    @Test func proposalsEqualFeatures() throws {
        let file = try #require(SourceTree.documents.first { $0.path == "docs/proposals.md" })
        let rows = file.lines.filter { $0.hasPrefix("| ") }.dropFirst().map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        #expect(rows.map(\.first) == Feature.allCases.map(\.name))
        let states: Set = ["runs", "optional", "validated", "refused"]
        for row in rows {
            #expect(row.count == 3 && states.contains(row[1]), "\(row)")
        }
        // What is on by default is not refused, and what is refused is not on by default.
        for (row, feature) in zip(rows, Feature.allCases) {
            let isOn = FeatureSet.standard.has(feature)
            #expect(isOn == (row[1] == "runs" || row[1] == "validated"), "\(feature.name)")
        }
    }

    /// The lines of a document outside its code blocks.
    private static func prose(of file: SourceFile) -> [String] {
        var isCode = false
        return file.lines.filter { line in
            if line.hasPrefix("```") { isCode.toggle() }
            return !isCode
        }
    }

    private static func resolves(_ target: String, from file: SourceFile) -> Bool {
        let parts = target.split(
            separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        var path = file.path
        if !parts[0].isEmpty {
            let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
            path = URL(filePath: folder.isEmpty ? "/\(parts[0])" : "/\(folder)/\(parts[0])")
                .standardized.path()
            path.removeFirst()
            guard SourceTree.exists(path) else { return false }
        }
        guard parts.count == 2 else { return true }
        let document = SourceTree.documents.first { $0.path == path }
        let anchors = document?.lines.compactMap { Self.anchor(of: $0) } ?? []
        return anchors.contains(String(parts[1]))
    }

    /// What a heading is called in links: its words in small letters, joined by hyphens.
    private static func anchor(of line: String) -> String? {
        guard line.hasPrefix("#") else { return nil }
        let title = line.drop { $0 == "#" || $0 == " " }.lowercased()
        return String(
            title.map { $0 == " " ? "-" : $0 }.filter { $0.isLetter || $0.isNumber || $0 == "-" })
    }
}
