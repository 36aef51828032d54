import Foundation
import Testing

/// `apus compile`, and all places that take what it makes; and what is kept without being asked
/// for.
struct CompileTests {
    private static let text = """
        (module
          (memory (export "memory") 1)
          (data (i32.const 8) "first")
          (func $quotient (export "divide") (param i32 i32) (result i32)
            (i32.div_s (local.get 0) (local.get 1)))
          (func (export "first") (result i32) (i32.load8_u (i32.const 8)))
          (func (export "_start")))
        """

    private static let files: [String: [UInt8]] = [
        "a.wat": Array(text.utf8), "hello.wasm": SampleModules.hello(),
        "invalid.wasm": SampleModules.invalid,
    ]

    private func inFolder(
        _ work: (URL, (String...) throws -> Command.Outcome) throws -> Void
    ) throws {
        try Command.withFolder(Self.files) { folder in
            try work(folder) { (arguments: String...) in
                try Command.run(arguments, in: folder, cache: folder)
            }
        }
    }

    @Test func compiledModulesAreTakenEverywhere() throws {
        try inFolder { (folder, run) throws in
            #expect(try run("compile", "a.wat").status == 0)
            #expect(try run("compile", "hello.wasm", "-o", "other.apus").status == 0)
            #expect(try run("other.apus").output == "hello\n")
            #expect(try run("run", "--invoke", "first", "a.apus").output == "102\n")
            let trap = try run("run", "--invoke", "divide", "a.apus", "1", "0")
            #expect(trap.status == 134)
            #expect(trap.errorOutput.contains("integer divide by zero\n  at quotient (module+0x"))
            let stats = try run("run", "--stats", "other.apus").errorOutput
            #expect(stats.contains(/loading +[0-9.]+ ms, compiled before/))
            #expect(try run("validate", "a.apus", "other.apus").status == 0)
            #expect(try run("bench", "other.apus").status == 0)
            #expect(
                try run("inspect", "a.apus", "--function", "quotient").output
                    == run("inspect", "a.wat", "--function", "quotient").output)
            #expect(try run("print", "a.apus").output == run("print", "a.wat").output)
            #expect(
                try run("run", "--preload", "env=a.apus", "--invoke", "first", "a.apus").output
                    == "102\n")
            // What `apus run` makes of it, and what it is for, are one.
            #expect(
                try run("run", "--fuel", "1000", "a.apus").errorOutput
                    == "apus: a.apus: the module was compiled without metering of fuel; "
                    + "`apus compile --metered` makes one with it\n")
            #expect(try run("compile", "--metered", "a.wat").status == 0)
            #expect(try run("run", "--fuel", "1000", "a.apus").status == 0)
            #expect(try run("run", "a.apus").errorOutput.hasSuffix("; --fuel runs it\n"))
            // As the help says, whatever compiler is asked for.
            #expect(try run("run", "--compiler", "baseline", "other.apus").output == "hello\n")
            #expect(
                try run("compile", "invalid.wasm").errorOutput.hasPrefix(
                    "apus: invalid.wasm: invalid module: "))
            let none = folder.appending(path: "invalid.apus").path()
            #expect(!FileManager.default.fileExists(atPath: none))
        }
    }

    @Test(arguments: ["x86-64", "x86-64-v2", "x86-64-v3", "native"])
    func targets(target: String) throws {
        try inFolder { (_, run) throws in
            #expect(try run("compile", "hello.wasm", "--target", target).status == 0)
            #expect(try run("hello.apus").output == "hello\n")
            #expect(try run("compile", "hello.wasm", "--target", "arm").status == 64)
        }
    }

    @Test func refusalsSayWhy() throws {
        try inFolder { (folder, run) throws in
            func says(_ arguments: String..., text: String) throws {
                let outcome = try Command.run(arguments, in: folder)
                #expect(outcome.errorOutput == "apus: \(text)\n")
                #expect(outcome.output == "")
            }
            #expect(try run("compile", "hello.wasm").status == 0)
            let path = folder.appending(path: "hello.apus").path()
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
            try says(
                "hello.apus", text: "hello.apus: not run as machine code: others may write to it")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "link.apus").path(),
                withDestinationPath: path)
            try says("link.apus", text: "link.apus: not run as machine code: it is a link")
            try FileManager.default.createDirectory(
                at: folder.appending(path: "folder.apus"), withIntermediateDirectories: false)
            try says("folder.apus", text: "folder.apus: Is a directory")
            var bytes = [UInt8](try Data(contentsOf: folder.appending(path: "hello.apus")))
            bytes[5000] ^= 1
            try Data(bytes).write(to: folder.appending(path: "damaged.apus"))
            try says(
                "damaged.apus",
                text: "damaged.apus: the compiled module is damaged: checksum of the contents")
            try says(
                "validate", "damaged.apus",
                text: "damaged.apus: the compiled module is damaged: checksum of the contents")
            try Data(SampleModules.hello()).write(to: folder.appending(path: "module.apus"))
            try says("module.apus", text: "module.apus: not a compiled module")
            try says(
                "compile", "hello.wasm", "-o", "hello.exe",
                text: "the name of a compiled module ends in .apus, unlike 'hello.exe'; "
                    + "'apus help compile' tells more")
            // Without the ending its code is not run, but made anew.
            let other = folder.appending(path: "hello.bin").path()
            try FileManager.default.copyItem(atPath: path, toPath: other)
            let stats = try run("run", "--no-cache", "--stats", "hello.bin")
            #expect(stats.output == "hello\n")
            #expect(!stats.errorOutput.contains("compiled before"))
        }
    }

    /// The short forms, which the option parser does not see.
    @Test func nothingIsKeptOfProgramsThatAreNotToBe() throws {
        try inFolder { (_, run) throws in
            #expect(try run("--no-cache", "hello.wasm").output == "hello\n")
            #expect(try run("run", "--no-cache", "hello.wasm").output == "hello\n")
            #expect(try run("cache", "show").output.contains("modules    0\n"))
            #expect(try run("hello.wasm").output == "hello\n")
            #expect(try run("cache", "show").output.contains("modules    1\n"))
        }
    }

    @Test func programsAreKept() throws {
        try inFolder { (folder, run) throws in
            func isKept(_ arguments: [String]) throws -> Bool {
                let outcome = try Command.run(
                    ["run", "--stats"] + arguments + ["hello.wasm"], in: folder, cache: folder)
                #expect(outcome.output == "hello\n")
                return outcome.errorOutput.contains("compiled before")
            }
            #expect(try !isKept(["--no-cache"]))
            #expect(try !isKept([]))
            #expect(try isKept([]))
            #expect(try !isKept(["--no-cache"]))
            #expect(try !isKept(["--compiler", "baseline"]))
            let shown = try run("cache", "show").output
            #expect(shown.contains("/apus\n"))
            #expect(shown.contains("modules    2\n"))
            #expect(shown.contains("at most 1.0 GiB\n"))
            #expect(try run("cache", "clear").status == 0)
            #expect(try run("cache", "show").output.contains("modules    0\n"))
            #expect(try !isKept([]))
            #expect(try run("settings").output.contains("cache             "))
            #expect(try run("settings", "--no-cache").output.contains("cache             none\n"))
        }
        // Where nothing can be kept, programs run as well.
        let outcome = try Command.withFolder(Self.files) { try Command.run(["hello.wasm"], in: $0) }
        #expect(outcome.output == "hello\n")
        #expect(outcome.errorOutput == "")
        let none = try Command.withFolder([:]) { try Command.run(["cache", "show"], in: $0) }
        #expect(none.status == 1)
        #expect(none.errorOutput == "apus: /dev/null/apus: Not a directory\n")
    }
}
