import Foundation
import Testing

/// What the command says and with which status it ends.
struct CommandTests {
    private static let files = [
        "math.wasm": SampleModules.mathematics,
        "hello.wasm": SampleModules.hello(),
        "seven.wasm": SampleModules.hello(status: 7),
        "count.wasm": SampleModules.argumentCount,
        "invalid.wasm": SampleModules.invalid,
    ]

    private func run(_ arguments: String...) throws -> Command.Outcome {
        try Command.withFolder(Self.files) { folder in
            try Command.run(arguments, in: folder)
        }
    }

    @Test func runsPrograms() throws {
        for arguments in [["run", "hello.wasm"], ["hello.wasm"]] {
            let outcome = try Command.withFolder(Self.files) { try Command.run(arguments, in: $0) }
            #expect(outcome.status == 0)
            #expect(outcome.output == "hello\n")
            #expect(outcome.errorOutput == "")
        }
        let seven = try run("run", "seven.wasm")
        #expect(seven.status == 7)
        #expect(seven.output == "hello\n")
    }

    @Test func passesEverythingBehindTheModule() throws {
        #expect(try run("count.wasm").status == 1)
        #expect(try run("run", "--env", "A=B", "count.wasm", "x", "--help", "-v").status == 4)
        #expect(try run("count.wasm", "--dir=.", "--", "run").status == 4)
    }

    @Test func callsExports() throws {
        #expect(try run("run", "--invoke", "add", "math.wasm", "2", "3").output == "5\n")
        #expect(try run("run", "--invoke=add", "math.wasm", "-2", "0x10").output == "14\n")
        let unsigned = try run("run", "--invoke", "add", "math.wasm", "4294967295", "0")
        #expect(unsigned.output == "-1\n")
        let swap = try run("run", "--invoke", "swap", "math.wasm", "-9223372036854775808", "1.5")
        #expect(swap.output == "1.5\n-9223372036854775808\n")
        for wrong in [["1"], ["1", "x"], ["1", "4294967296"], ["1", "2", "3"]] {
            let outcome = try Command.withFolder(Self.files) { folder in
                try Command.run(["run", "--invoke", "add", "math.wasm"] + wrong, in: folder)
            }
            #expect(outcome.status == 64, "\(wrong)")
        }
        let missing = try run("run", "--invoke", "subtract", "math.wasm")
        #expect(missing.status == 1)
        #expect(
            missing.errorOutput == "apus: no export is named \"subtract\" (wanted a function)\n")
    }

    @Test func reportsTraps() throws {
        let outcome = try run("run", "--invoke", "divide", "math.wasm", "1", "0")
        #expect(outcome.status == 134)
        #expect(outcome.output == "")
        #expect(
            outcome.errorOutput.hasPrefix(
                "apus: trap: integer divide by zero\n  at divide (module+0x"))
    }

    @Test func reportsFailuresInOneLine() throws {
        let missing = try run("run", "nothing.wasm")
        #expect(missing.status == 1)
        #expect(missing.errorOutput == "apus: nothing.wasm: No such file or directory\n")
        let invalid = try run("invalid.wasm")
        #expect(invalid.status == 1)
        #expect(invalid.errorOutput.hasPrefix("apus: invalid module: type mismatch"))
        #expect(invalid.errorOutput.filter { $0 == "\n" }.count == 1)
        let library = try run("math.wasm")
        #expect(library.status == 1)
        #expect(library.errorOutput.contains("\"_start\""))
        let folder = try run("run", "--dir", "nowhere", "hello.wasm")
        #expect(folder.status == 1)
        #expect(folder.errorOutput.hasPrefix("apus: "))
    }

    @Test(arguments: [
        [], ["run"], ["run", "--bad", "hello.wasm"], ["run", "--env", "X", "hello.wasm"],
        ["run", "--dir", "::", "hello.wasm"], ["bench"], ["bench", "--repeat", "0", "hello.wasm"],
        ["bench", "--compiler", "none", "hello.wasm"], ["validate"],
    ])
    func refusesWrongUsage(arguments: [String]) throws {
        let outcome = try Command.withFolder(Self.files) { try Command.run(arguments, in: $0) }
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(
            outcome.errorOutput.contains("Usage: apus") || outcome.errorOutput.contains("USAGE"))
    }

    @Test func helps() throws {
        let help = try run("--help")
        #expect(help.status == 0)
        #expect(help.output.contains("EXAMPLES:"))
        #expect(try run("run", "--help").output.contains("--invoke"))
    }

    @Test func validates() throws {
        let valid = try run("validate", "math.wasm", "hello.wasm")
        #expect(valid.status == 0)
        #expect(valid.output + valid.errorOutput == "")
        let mixed = try run("validate", "math.wasm", "invalid.wasm", "nothing.wasm")
        #expect(mixed.status == 1)
        #expect(mixed.errorOutput.contains("invalid.wasm: invalid module: type mismatch"))
        #expect(mixed.errorOutput.filter { $0 == "\n" }.count == 2)
    }

    @Test func measures() throws {
        let outcome = try run(
            "bench", "hello.wasm", "--json", "--repeat", "3", "--threads", "1", "--compiler",
            "baseline")
        #expect(outcome.status == 0)
        #expect(outcome.errorOutput == "")
        let line = try #require(outcome.output.split(separator: "\n").last)
        let values = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Double])
        for key in ["decode_ms", "compile_ms", "instantiate_us", "execute_ms", "code_bytes"] {
            #expect(values[key] ?? 0 > 0, "\(key)")
        }
        #expect(values["module_bytes"] == Double(SampleModules.hello().count))
        #expect(try run("bench", "hello.wasm").output.contains("compile"))
        #expect(try run("bench", "seven.wasm").status == 1)
    }
}
