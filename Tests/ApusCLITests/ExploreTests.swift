import Foundation
import Testing

/// `apus explore`, and what it reads.
struct ExploreTests {
    private static let text = """
        (module
          (func $double (export "double") (param i32) (result i32)
            (i32.mul (local.get 0) (i32.const 2)))
          ;; More
          ;; than what is shown
          ;; around a line.
          (func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0))))
        """

    private static let fixture = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ApusDWARFTests/Fixtures")

    /// A folder with two modules, one of which says that it comes from `/src/inlined.c`.
    private func inFolder(_ work: (URL) throws -> Void) throws {
        let inlined = try Data(contentsOf: Self.fixture.appending(path: "inlined-5.wasm"))
        try Command.withFolder(
            ["a.wat": Array(Self.text.utf8), "inlined.wasm": Array(inlined)], work)
    }

    private func page(_ folder: URL, _ name: String = "explore.html") throws -> String {
        String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    }

    @Test func writesAPage() throws {
        try inFolder { folder in
            let outcome = try Command.run(["explore", "a.wat"], in: folder)
            #expect(outcome.status == 0 && outcome.output == "")
            #expect(outcome.errorOutput == "apus: 2 functions in explore.html\n")
            let all = try page(folder)
            #expect(all.hasPrefix("<!DOCTYPE html>"))
            #expect(all.contains("<title>a.wat</title>"))
            #expect(all.contains("i32.mul") && all.contains("i32.sub"))
            let arguments = ["explore", "--function", "negate", "-o", "one.html", "a.wat"]
            let one = try Command.run(arguments, in: folder)
            #expect(one.errorOutput == "apus: 1 function in one.html\n")
            #expect(try !page(folder, "one.html").contains("i32.mul"))
        }
    }

    /// A text is its module's source.
    @Test func textsAreSources() throws {
        try inFolder { folder in
            let arguments = ["explore", "--function", "negate", "a.wat"]
            _ = try Command.run(arguments, in: folder)
            let shown = try page(folder)
            #expect(shown.contains("files:[\"a.wat\"]"))
            let line = "(func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)"
            #expect(shown.contains(line))
            #expect(shown.contains(";; around a line."))
            #expect(!shown.contains("were not read"))
            let none = try Command.run(arguments + ["--no-sources"], in: folder)
            #expect(none.status == 0)
            #expect(try !page(folder).contains(";; around a line."))
        }
    }

    @Test func largeModulesAreCut() throws {
        try inFolder { folder in
            let outcome = try Command.run(["explore", "--limit", "1", "a.wat"], in: folder)
            #expect(
                outcome.errorOutput == """
                    apus: 1 function in explore.html, of 2: --function chooses others, \
                    --limit allows more

                    """)
            #expect(try page(folder).contains("1 of 2 functions are shown"))
        }
    }

    @Test func mistakes() throws {
        try inFolder { folder in
            let none = try Command.run(["explore", "--function", "negat", "a.wat"], in: folder)
            #expect(none.status == 1)
            #expect(
                none.errorOutput == "apus: no function is called \"negat\"; there is negate\n")
            let missing = try Command.run(["explore", "b.wat"], in: folder)
            #expect(missing.status == 1)
            #expect(missing.errorOutput.hasPrefix("apus: b.wat: No such file or directory"))
            #expect(try Command.run(["explore", "--limit", "x", "a.wat"], in: folder).status == 64)
            let there = FileManager.default.fileExists(
                atPath: folder.appending(path: "explore.html").path())
            #expect(!there)
        }
    }

    /// Sources are read from where the user has pointed to, and from nowhere else.
    @Test func sourcesAreReadFromNamedFoldersOnly() throws {
        try inFolder { folder in
            func explore(_ arguments: String...) throws -> String {
                let outcome = try Command.run(
                    ["explore"] + arguments + ["inlined.wasm"], in: folder)
                #expect(outcome.status == 0, "\(outcome.errorOutput)")
                return try page(folder)
            }
            func write(_ path: String, _ text: String) throws {
                let file = folder.appending(path: path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
            let source = "\n\nfirst source\n\n\n\n\n"
            #expect(try explore().contains("Sources that were not read"))
            // Below this folder, by the ends of its path.
            try write("src/inlined.c", source)
            #expect(try explore().contains("first source"))
            #expect(try !explore("--no-sources").contains("first source"))
            // Below a folder that is named, outside this one.
            try write("apart/inlined.c", source.replacing("first", with: "second"))
            #expect(try explore("--sources", "apart").contains("second source"))
            try FileManager.default.removeItem(at: folder.appending(path: "src"))
            // A link that leads out of it, and what is hidden, are not.
            let outside = FileManager.default.temporaryDirectory
                .appending(path: "apus-\(UUID().uuidString).c")
            try Data(source.replacing("first", with: "third").utf8).write(to: outside)
            defer { try? FileManager.default.removeItem(at: outside) }
            let link = folder.appending(path: "inlined.c")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: outside)
            #expect(try explore().contains("Sources that were not read"))
            try FileManager.default.removeItem(at: link)
            try write("src/.hidden/a", "")
            try FileManager.default.createSymbolicLink(
                at: link, withDestinationURL: folder.appending(path: "src/.hidden/inlined.c"))
            try write("src/.hidden/inlined.c", source)
            #expect(try explore().contains("Sources that were not read"))
        }
    }
}
