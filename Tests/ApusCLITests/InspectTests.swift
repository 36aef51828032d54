import Foundation
import Testing

/// What is in files: modules, and compiled ones.
struct InspectTests {
    private static let files: [String: [UInt8]] = [
        "a.wat": Array(
            """
            (module $sample
              (import "host" "f\\u{1b}[31m" (func $imported (param i32)))
              (memory (export "memory") 1)
              (func $divide (export "divide") (param i32 i32) (result i32)
                (i32.div_s (local.get 0) (local.get 1)))
              (func $calls (export "calls") (param i32 i32) (result i32)
                (call $imported (local.get 0))
                (call $divide (local.get 0) (local.get 1))))
            """.utf8),
        "hello.wasm": SampleModules.hello(), "invalid.wasm": SampleModules.invalid,
    ]

    private func inFolder(
        _ work: (URL, (String...) throws -> Command.Outcome) throws -> Void
    ) throws {
        try Command.withFolder(Self.files) { folder in
            try work(folder) { (arguments: String...) in
                try Command.run(arguments, in: folder)
            }
        }
    }

    @Test func listsModules() throws {
        try inFolder { (_, run) throws in
            let outcome = try run("inspect", "a.wat")
            #expect(outcome.status == 0)
            #expect(outcome.output.hasPrefix("a.wat: a module of "))
            #expect(outcome.output.contains(" bytes, called sample\n"))
            #expect(outcome.output.contains("\nsections\n  type "))
            #expect(outcome.output.contains("  host.f\\u{1b}[31m  function [i32] -> []\n"))
            #expect(outcome.output.contains("  divide  function [i32 i32] -> [i32]\n"))
            #expect(outcome.output.contains("  divide  [i32 i32] -> [i32]\n"))
            let invalid = try run("inspect", "invalid.wasm")
            #expect(invalid.status == 1)
            #expect(invalid.errorOutput.hasPrefix("apus: invalid.wasm: invalid module: "))
        }
    }

    /// The decoder writes functions with legacy exceptions anew, behind the module's own bytes.
    @Test func placesAreThoseOfTheFile() throws {
        let text = """
            (module (tag $e (param i32)) (func (export "go") (result i32)
              (try (result i32) (do (throw $e (i32.const 5)))
                (catch $e (i32.const 1) (i32.add)))))
            """
        try Command.withFolder(["a.wat": Array(text.utf8)]) { folder in
            let arguments = ["inspect", "a.wat", "--feature", "legacy-exceptions"]
            let sections = try Command.run(arguments, in: folder).output
                .split(separator: "\n\n").first { $0.hasPrefix("sections") }
            let names = sections?.split(separator: "\n").dropFirst()
                .compactMap { $0.split(separator: " ").first }
            #expect(names == ["type", "function", "tag", "export", "code", "name"])
            let code = try Command.run(arguments + ["--function", "go"], in: folder).output
            #expect(code.hasPrefix(";; function 0, body at module+0x28\n"))
        }
    }

    @Test func listsCompiledModules() throws {
        try inFolder { (folder, run) throws in
            #expect(try run("compile", "a.wat", "--compiler", "baseline").status == 0)
            let outcome = try run("inspect", "a.apus")
            #expect(outcome.status == 0)
            for text in [
                "a.apus: a compiled module\n\nheader\n  format    3\n", " (this one)\n",
                "  compiler  baseline\n", "\nsections\n", "\nfunctions\n  index  code at",
                "  divide\n", " 2 functions\n",
            ] {
                #expect(outcome.output.contains(text), "\(text)")
            }
            let code = try run("inspect", "a.apus", "--disassemble", "--function", "calls").output
            #expect(code.hasPrefix(";; function 2 calls, "))
            #expect(code.contains("call function 1"))
            #expect(!code.contains("idiv"))
            #expect(try run("inspect", "a.apus", "--disassemble").output.contains("idiv"))
            // Who has written it does not matter to who only looks.
            let path = folder.appending(path: "a.apus").path()
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
            #expect(try run("inspect", "a.apus").status == 0)
        }
    }

    @Test func damagedFilesAreSaidToBe() throws {
        try inFolder { (folder, run) throws in
            #expect(try run("compile", "hello.wasm").status == 0)
            let whole = [UInt8](try Data(contentsOf: folder.appending(path: "hello.apus")))
            func says(_ bytes: [UInt8], _ text: String) throws {
                try Data(bytes).write(to: folder.appending(path: "damaged.apus"))
                let outcome = try run("inspect", "damaged.apus")
                #expect(outcome.status == 1 && outcome.output == "")
                #expect(outcome.errorOutput == "apus: damaged.apus: \(text)\n")
            }
            var bytes = whole
            bytes[5000] ^= 1
            try says(bytes, "the compiled module is damaged: checksum of the contents")
            bytes = whole
            bytes[20] ^= 1
            try says(bytes, "the compiled module is damaged: checksum of the header")
            try says(
                Array(whole[..<900]), "the compiled module is damaged: it ends in its header")
            try says(
                Array(whole[..<4096]), "the compiled module is damaged: it has another length")
            bytes = whole
            bytes[8] = 9
            try says(bytes, "the compiled module has format 9, not 3")
        }
    }

    @Test(arguments: [
        ["inspect", "a.wat", "--json", "--function", "divide"],
        ["inspect", "a.wat", "--disassemble"],
        ["inspect", "a.wat", "--json", "--disassemble"],
    ])
    func refusesWrongUsage(arguments: [String]) throws {
        try inFolder { (folder, _) throws in
            let outcome = try Command.run(arguments, in: folder)
            #expect(outcome.status == 64)
            #expect(outcome.errorOutput.hasSuffix("'apus help inspect' tells more\n"))
        }
    }

    @Test func versions() throws {
        try inFolder { (_, run) throws in
            let outcome = try run("version", "--verbose")
            #expect(outcome.status == 0)
            #expect(outcome.output.hasPrefix("apus "))
            let words = outcome.output.split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
            for text in [
                "tiered (the default)", "proposals on mutable-global ",
                "proposals off legacy-exceptions ", "found and used ", "open files ", "cache ",
            ] {
                #expect(words.contains(text), "\(text)")
            }
            #expect(outcome.output.contains(/\n  build +[0-9a-f]{32}\n/))
        }
    }
}
