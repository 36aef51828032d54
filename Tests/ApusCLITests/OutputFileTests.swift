import Foundation
import Testing

/// What commands write when their work is done: where it goes, and what is refused before.
struct OutputFileTests {
    private func inFolder(
        _ work: (URL, (String...) throws -> Command.Outcome) throws -> Void
    ) throws {
        let files = ["hello.wasm": SampleModules.hello(), "kept.json": Array("kept".utf8)]
        try Command.withFolder(files) { folder in
            try work(folder) { (arguments: String...) in try Command.run(arguments, in: folder) }
        }
    }

    @Test(arguments: [
        ["print"], ["parse"], ["explore"], ["profile"], ["cover"], ["cover", "--format", "json"],
    ])
    func aDashIsTheOutput(command: [String]) throws {
        try inFolder { folder, run in
            var input = "hello.wasm"
            if command == ["parse"] {
                input = "hello.wat"
                #expect(try run("print", "hello.wasm", "-o", input).status == 0)
            }
            let outcome = try Command.run(command + ["-o", "-", input], in: folder)
            #expect(outcome.status == 0)
            #expect(outcome.output.count > 20)
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "-").path()))
            if command.contains("json") { #expect(outcome.output.contains("{")) }
        }
    }

    /// The program would have been run for nothing.
    @Test(arguments: ["profile", "cover", "explore"])
    func whatCannotBeWrittenIsRefusedBefore(command: String) throws {
        try inFolder { folder, run in
            for (path, reason) in [
                ("none/x.html", "No such file or directory"), (".", "Is a directory"),
                ("hello.wasm/x.html", "Not a directory"),
            ] {
                let outcome = try run(command, "-o", path, "hello.wasm")
                #expect(outcome.status == 1)
                #expect(outcome.output == "")
                #expect(outcome.errorOutput == "apus: \(path): \(reason)\n")
            }
        }
    }

    /// A program that never gets to run leaves what is there.
    @Test(arguments: ["profile", "cover"])
    func whatIsThereStaysUntilThen(command: String) throws {
        try inFolder { folder, run in
            let failure = try run(command, "-o", "kept.json", "nothing.wasm")
            #expect(failure.errorOutput == "apus: nothing.wasm: No such file or directory\n")
            let kept = try Data(contentsOf: folder.appending(path: "kept.json"))
            #expect(kept == Data("kept".utf8))
            #expect(try run(command, "-o", "kept.json", "hello.wasm").output == "hello\n")
            let written = try Data(contentsOf: folder.appending(path: "kept.json"))
            #expect(written != Data("kept".utf8))
        }
    }

    @Test(arguments: [
        ["profile", "-o", "x.svg"], ["cover", "-o", "x.xml"], ["explore", "-o", "x.svg"],
        ["cover", "-o", "-", "--format", "json", "--format", "lcov"],
    ])
    func namesThatSayOtherwiseAreRefused(command: [String]) throws {
        try inFolder { folder, run in
            let outcome = try Command.run(command + ["hello.wasm"], in: folder)
            #expect(outcome.status == 64)
            #expect(outcome.output == "")
        }
    }
}
