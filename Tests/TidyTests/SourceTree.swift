import Foundation

/// The files of this repository, as the rules of the house look at them.
enum SourceTree {
    /// The folder that holds the manifest.
    static let root: URL = {
        var folder = URL(filePath: #filePath).resolvingSymlinksInPath()
        while folder.path().count > 1 {
            folder.deleteLastPathComponent()
            let manifest = folder.appending(path: "Package.swift")
            if FileManager.default.fileExists(atPath: manifest.path()) { return folder }
        }
        return folder
    }()

    /// All files that belong to the project, in order of their paths.
    static let files: [SourceFile] = {
        let folders = [
            "Sources", "Tests", "Snippets", "Benchmarks", "Examples", "Scripts", "docs", ".ci",
        ]
        var found: [SourceFile] = []
        for folder in folders { collect(folder, into: &found) }
        let tops = (names(in: "") ?? []).filter {
            $0.hasSuffix(".md") || ["dev", "Package.swift"].contains($0)
        }
        for name in tops {
            if let file = SourceFile(name) { found.append(file) }
        }
        return found.sorted { $0.path < $1.path }
    }()

    static let swift = files.filter { $0.path.hasSuffix(".swift") }
    /// The Swift files of the products and what they are made of.
    static let sources = swift.filter { $0.path.hasPrefix("Sources/") }
    static let documents = files.filter { $0.path.hasSuffix(".md") }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path())
    }

    private static func collect(_ folder: String, into found: inout [SourceFile]) {
        for name in names(in: folder) ?? [] where !name.hasPrefix(".build") {
            let path = "\(folder)/\(name)"
            if names(in: path) != nil {
                collect(path, into: &found)
            } else if let file = SourceFile(path) {
                found.append(file)
            }
        }
    }

    /// What a folder holds; nil for what is no folder.
    private static func names(in folder: String) -> [String]? {
        try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path())
    }
}

extension String {
    /// Whether `word` is in it, found out much sooner than whether an expression matches.
    func mentions(_ word: StaticString) -> Bool {
        var text = self
        return text.withUTF8 { bytes in
            guard var next = unsafe bytes.baseAddress.map(UnsafeRawPointer.init) else {
                return false
            }
            let end = unsafe next + bytes.count
            while true {
                let left = unsafe end - next
                guard left >= word.utf8CodeUnitCount,
                    let found = unsafe memchr(next, Int32(word.utf8Start.pointee), left),
                    unsafe end - UnsafeRawPointer(found) >= word.utf8CodeUnitCount
                else { return false }
                if unsafe memcmp(found, word.utf8Start, word.utf8CodeUnitCount) == 0 { return true }
                unsafe next = UnsafeRawPointer(found) + 1
            }
        }
    }
}

/// A text file with its lines.
struct SourceFile: Sendable, CustomStringConvertible {
    /// Relative to the root.
    let path: String
    let lines: [String]
    /// The lines without comments and without what string literals contain.
    let code: [String]

    /// Nil for what is not UTF-8 text.
    init?(_ path: String) {
        let place = SourceTree.root.appending(path: path)
        guard let data = try? Data(contentsOf: place), !data.contains(0),
            let text = String(data: data, encoding: .utf8)
        else { return nil }
        self.init(path: path, text: text)
    }

    init(path: String, text: String) {
        self.path = path
        lines = Self.split(text)
        code = path.hasSuffix(".swift") ? Self.split(CodeFilter.code(of: text)) : lines
    }

    var description: String { path }
    var name: String { String(path.split(separator: "/").last ?? "") }

    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
