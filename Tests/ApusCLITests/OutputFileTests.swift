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

    private func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted()
    }

    private func attributes(_ path: String, in folder: URL) throws -> (mode: Int, links: Int) {
        let found = try FileManager.default.attributesOfItem(
            atPath: folder.appending(path: path).path())
        return (found[.posixPermissions] as? Int ?? 0, found[.referenceCount] as? Int ?? 0)
    }

    /// What has no room for all of it is not written at all.
    @Test(arguments: [
        ["print", "-o", "kept.json"], ["print", "-o", "new.wat"], ["explore", "-o", "kept.json"],
        ["profile", "-o", "kept.json"], ["profile", "-o", "new.json"],
        ["cover", "-o", "kept.json"], ["compile", "-o", "kept.apus"],
        ["compile", "-o", "new.apus"],
    ])
    func whatIsCutOffIsNoFile(_ command: [String]) throws {
        try inFolder { folder, _ in
            try Data("kept".utf8).write(to: folder.appending(path: "kept.apus"))
            let command = command.map { $0 == "kept.json" && command[0] == "explore" ? "k" : $0 }
            try Data("kept".utf8).write(to: folder.appending(path: "k"))
            let before = try names(in: folder)
            let outcome = try Command.run(
                shell: "ulimit -f 0 && exec \"$0\" \"$@\"", command + ["hello.wasm"], in: folder)
            #expect(outcome.status == 1)
            #expect(outcome.errorOutput.hasSuffix("\(command[2]): File too large\n"))
            #expect(try names(in: folder) == before)
            for name in before where name != "hello.wasm" {
                let kept = try Data(contentsOf: folder.appending(path: name))
                #expect(kept == Data("kept".utf8))
            }
        }
    }

    /// Links lead to what is written, and modes and further names stay.
    @Test func whatIsReplacedIsTheSameFile() throws {
        try inFolder { folder, run in
            let text = try run("print", "hello.wasm").output
            let files = FileManager.default
            func path(_ name: String) -> String { folder.appending(path: name).path() }
            func check(_ name: String) throws {
                #expect(try String(contentsOfFile: path(name), encoding: .utf8) == text)
            }
            try files.createDirectory(atPath: path("below"), withIntermediateDirectories: false)
            try Data("old".utf8).write(to: folder.appending(path: "below/x.wat"))
            try files.createSymbolicLink(
                atPath: path("below/link.wat"), withDestinationPath: "x.wat")
            try files.createSymbolicLink(
                atPath: path("link.wat"), withDestinationPath: "below/link.wat")
            try files.createSymbolicLink(
                atPath: path("nowhere.wat"), withDestinationPath: "below/new.wat")
            try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path("below/x.wat"))
            for name in ["link.wat", "nowhere.wat"] {
                #expect(try run("print", "hello.wasm", "-o", name).status == 0)
                #expect(throws: Never.self) {
                    try files.destinationOfSymbolicLink(atPath: path(name))
                }
            }
            try check("below/x.wat")
            try check("below/new.wat")
            #expect(try attributes("below/x.wat", in: folder).mode == 0o640)
            #expect(try names(in: folder.appending(path: "below")).count == 3)

            try Data("old".utf8).write(to: folder.appending(path: "one.wat"))
            try files.linkItem(atPath: path("one.wat"), toPath: path("two.wat"))
            #expect(try run("print", "hello.wasm", "-o", "one.wat").status == 0)
            try check("two.wat")
            #expect(try attributes("two.wat", in: folder).links == 2)

            try Data("old".utf8).write(to: folder.appending(path: "x.apus"))
            try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("x.apus"))
            #expect(try run("compile", "hello.wasm", "-o", "x.apus").status == 0)
            #expect(try attributes("x.apus", in: folder).mode == 0o600)
            #expect(try run("x.apus").output == "hello\n")
        }
    }

    /// What is open already is written, and not put aside; a pipe stays one.
    @Test func whatIsOpenIsWrittenInItsPlace() throws {
        try inFolder { folder, run in
            let text = try run("print", "hello.wasm").output
            let script = """
                (echo before; "$0" print hello.wasm -o /dev/stdout; echo after) >> all
                mkfifo pipe; cat pipe & "$0" print hello.wasm -o pipe; wait
                "$0" print hello.wasm -o /dev/null
                """
            let outcome = try Command.run(shell: script, in: folder)
            #expect(outcome.errorOutput == "")
            #expect(outcome.output == text)
            let all = try String(contentsOf: folder.appending(path: "all"), encoding: .utf8)
            #expect(all.hasPrefix("before\n"))
            #expect(all.hasSuffix("after\n"))
        }
    }
}
