import Foundation
import Testing

/// The manual pages in `docs/man`.
struct ManualTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func isThere(_ program: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: program)
    }

    private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first(where: isThere)

    private func run(_ program: String, _ arguments: [String]) throws -> Command.Outcome {
        let script = "exec \"$@\""
        return try Command.run(shell: script, [program] + arguments, in: Self.root)
    }

    private var pages: [String] {
        let names =
            (try? FileManager.default.contentsOfDirectory(
                atPath: Self.root.appending(path: "docs/man").path())) ?? []
        return names.sorted().map { "docs/man/\($0)" }
    }

    /// They say what the command says of itself.
    @Test(.enabled(if: python != nil)) func pagesAreUpToDate() throws {
        let outcome = try run(
            try #require(Self.python),
            ["Scripts/make-manual", "--check", Command.executable.path()])
        #expect(outcome.status == 0, "\(outcome.errorOutput)")
    }

    @Test func eachCommandHasAPage() throws {
        let help = try Command.run(["--help"], in: Self.root).output
        let names =
            help.components(separatedBy: "SUBCOMMANDS:").last?.split(separator: "\n")
            .compactMap { $0.firstMatch(of: /^  ([a-z]+)/)?.1 } ?? []
        #expect(names.count > 10)
        for name in names { #expect(pages.contains("docs/man/apus-\(name).1"), "\(name)") }
    }

    @Test(.enabled(if: isThere("/usr/bin/mandoc"))) func mandocFindsNothingToMend() throws {
        for page in pages {
            let outcome = try run("/usr/bin/mandoc", ["-Tlint", page])
            // Pages that refer to each other are not installed.
            let faults = outcome.output.split(separator: "\n").filter {
                !$0.contains("referenced manual not found")
            }
            #expect(faults.isEmpty)
        }
    }

    @Test(.enabled(if: isThere("/usr/bin/man"))) func manShowsThem() throws {
        for page in pages {
            let outcome = try run(
                "/usr/bin/env", ["MANPAGER=cat", "MANWIDTH=80", "/usr/bin/man", "-l", page])
            #expect(outcome.status == 0 && outcome.errorOutput == "")
            #expect(outcome.output.contains("SYNOPSIS"))
        }
    }
}
