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
            missing.errorOutput == """
                apus: math.wasm: no export is named "subtract" (wanted a function); \
                it exports "add", "divide", "swap"

                """)
    }

    @Test func reportsTraps() throws {
        let outcome = try run("run", "--invoke", "divide", "math.wasm", "1", "0")
        #expect(outcome.status == 134)
        #expect(outcome.output == "")
        #expect(
            outcome.errorOutput.hasPrefix(
                "apus: trap: integer divide by zero\n  at divide (module+0x"))
    }

    /// Modules in text form have places of their own.
    @Test func reportsLinesOfTexts() throws {
        let text = """
            (module
              (func $check (param i32)
                (if (local.get 0)
                  (then unreachable)))
              (func (export "run") (param i32)
                (call $check (local.get 0))))
            """
        try Command.withFolder(["t.wat": Array(text.utf8)]) { folder in
            let outcome = try Command.run(["run", "--invoke", "run", "t.wat", "1"], in: folder)
            #expect(outcome.status == 134)
            let offsets = /\(module\+0x[0-9a-f]+\)/
            #expect(
                outcome.errorOutput.replacing(offsets, with: "(module)") == """
                    apus: trap: unreachable
                      at check (module) at t.wat:4:13
                      at run (module) at t.wat:6:6

                    """)
            // What comes out of a pipe is no file that anybody could open.
            let piped = try Command.run(
                shell: """
                    "$0" run --invoke run - 1 < t.wat; "$0" run --invoke run <(cat t.wat) 1
                    """, in: folder, bash: true)
            #expect(piped.errorOutput.matches(of: /at check \(module\+0x[0-9a-f]+\)\n/).count == 2)
        }
    }

    @Test func reportsFailuresInOneLine() throws {
        let missing = try run("run", "nothing.wasm")
        #expect(missing.status == 1)
        #expect(missing.errorOutput == "apus: nothing.wasm: No such file or directory\n")
        let invalid = try run("invalid.wasm")
        #expect(invalid.status == 1)
        #expect(invalid.errorOutput.hasPrefix("apus: invalid.wasm: invalid module: "))
        #expect(invalid.errorOutput.filter { $0 == "\n" }.count == 1)
        let library = try run("math.wasm")
        #expect(library.status == 1)
        #expect(library.errorOutput.contains("\"_start\""))
        let folder = try run("run", "--dir", "nowhere", "hello.wasm")
        #expect(folder.status == 1)
        #expect(folder.errorOutput.hasPrefix("apus: "))
    }

    @Test(arguments: [
        ["run"], ["run", "--bad", "hello.wasm"], ["run", "--env", "=X", "hello.wasm"],
        ["run", "--dir", "::", "hello.wasm"], ["bench"], ["bench", "--repeat", "0", "hello.wasm"],
        ["bench", "--compiler", "none", "hello.wasm"], ["validate"],
        ["run", "--compiler", "none", "hello.wasm"], ["wast", "--compiler", "none", "a.wast"],
        ["inspect"], ["inspect", "--function", "add"], ["explore"], ["completions"],
        ["inspect", "math.wasm", "--function", "add", "--stage", "none"],
    ])
    func refusesWrongUsage(arguments: [String]) throws {
        let outcome = try Command.withFolder(Self.files) { try Command.run(arguments, in: $0) }
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errorOutput.hasPrefix("apus: "))
        #expect(outcome.errorOutput.hasSuffix(" tells more\n"))
        #expect(outcome.errorOutput.filter { $0 == "\n" }.count == 1)
    }

    @Test func showsHelpToWhoSaysNothing() throws {
        let outcome = try run()
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.errorOutput.contains("EXAMPLES:"))
    }

    @Test func helps() throws {
        let help = try run("--help")
        #expect(help.status == 0)
        #expect(help.output.contains("EXAMPLES:"))
        #expect(try run("run", "--help").output.contains("--invoke"))
    }

    /// Each command says what it is for, and shows it.
    @Test(
        arguments: [
            "run", "profile", "cover", "compile", "cache", "validate", "bench", "inspect",
            "explore",
            "wast", "parse", "print", "settings", "version", "completions",
        ])
    func helps(command: String) throws {
        let help = try run(command, "--help").output
        #expect(help.contains("EXAMPLES:\n  apus \(command) "))
        #expect(try run("help", command).output == help)
    }

    /// Wherever a module is taken, its text is.
    @Test func takesTexts() throws {
        let text = """
            (module
              (func (export "f") (result i32) (i32.const 7))
              (func (export "_start")))
            """
        let wrong = "(module\n  (func (i32.cosnt 1)))"
        let files = ["good.wat": Array(text.utf8), "bad.wat": Array(wrong.utf8)]
        try Command.withFolder(files) { folder in
            func run(_ arguments: String...) throws -> Command.Outcome {
                try Command.run(arguments, in: folder)
            }
            #expect(try run("run", "--invoke", "f", "good.wat").output == "7\n")
            #expect(try run("validate", "good.wat").status == 0)
            #expect(try run("bench", "good.wat").status == 0)
            #expect(try run("parse", "good.wat", "-o", "good.wasm").status == 0)
            #expect(try run("run", "--invoke", "f", "good.wasm").output == "7\n")
            let printed = try run("print", "good.wasm").output
            #expect(printed.contains("i32.const 7"))
            #expect(try run("print", "good.wat").output == printed)
            for command in ["run", "validate", "bench", "parse", "print"] {
                let outcome = try run(command, "bad.wat")
                #expect(outcome.status == 1)
                #expect(
                    outcome.errorOutput == """
                        apus: bad.wat:2:10: unknown operator i32.cosnt: expected an instruction
                            (func (i32.cosnt 1)))
                                   ^~~~~~~~~

                        """)
            }
        }
    }

    @Test func runsScripts() throws {
        let script = """
            (module (func (export "f") (result i64 i64) (i64.const 1) (i64.const 2)))
            (assert_return (invoke "f") (i64.const 1) (i64.const 2))
            (assert_return (invoke "f") (i64.const 1) (i64.const 3))
            """
        try Command.withFolder(["a.wast": Array(script.utf8)]) { folder in
            let outcome = try Command.run(["wast", "--compiler", "baseline", "a.wast"], in: folder)
            let optimized = try Command.run(
                ["wast", "--compiler", "optimizing", "a.wast"], in: folder)
            #expect(optimized.output == outcome.output)
            #expect(outcome.status == 1)
            #expect(
                outcome.output == """
                    a.wast:3: f returned [i64(1), i64(2)], expected [i64(1), i64(3)]
                    2 passed, 1 failed, 0 skipped

                    """)
            let without = try Command.run(
                ["wast", "--without", "multi-value", "--show-skipped", "a.wast"], in: folder)
            #expect(without.status == 0)
            #expect(
                without.output == """
                    skipped 3: multi-value
                    0 passed, 0 failed, 3 skipped

                    """)
            let unknown = try Command.run(["wast", "--without", "none", "a.wast"], in: folder)
            #expect(unknown.status == 64)
            #expect(try Command.run(["wast", "nothing.wast"], in: folder).status == 1)
        }
    }

    @Test func runsFromAPool() throws {
        let outcome = try run("run", "--pooling", "hello.wasm")
        let expected = try run("run", "hello.wasm")
        #expect(outcome.status == 0 && outcome.output == expected.output)
        #expect(!outcome.output.isEmpty)
    }

    @Test func validates() throws {
        let valid = try run("validate", "math.wasm", "hello.wasm")
        #expect(valid.status == 0)
        #expect(valid.output + valid.errorOutput == "")
        let mixed = try run("validate", "math.wasm", "invalid.wasm", "nothing.wasm")
        #expect(mixed.status == 1)
        #expect(mixed.errorOutput.contains("invalid.wasm: invalid module: type mismatch"))
        #expect(mixed.errorOutput.filter { $0 == "\n" }.count == 2)
        #expect(mixed.errorOutput.contains("apus: nothing.wasm: "))
        #expect(mixed.errorOutput.contains(", in function 0, at byte "))
    }

    /// The file, the place and the function, whichever command finds the fault.
    @Test func saysWhereATextIsInvalid() throws {
        let text = "(module\n  (func $f (result i32)\n    i64.const 1))\n"
        try Command.withFolder(["bad.wat": Array(text.utf8)]) { folder in
            for arguments in [
                ["run"], ["validate"], ["bench"], ["inspect", "--function", "f"],
            ] {
                let outcome = try Command.run(arguments + ["bad.wat"], in: folder)
                #expect(outcome.status == 1)
                #expect(
                    outcome.errorOutput == """
                        apus: bad.wat:3:16: invalid module: type mismatch: expected i32, \
                        found i64, in function 0 (f)
                              i64.const 1))
                                         ^

                        """)
            }
        }
    }

    @Test func scriptsHaveLimits() throws {
        let text = """
            (module (memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 1)))
              (func (export "loop") (loop br 0)))
            (assert_return (invoke "grow") (i32.const -1))
            (assert_trap (invoke "loop") "interrupted")
            """
        try Command.withFolder(["a.wast": Array(text.utf8)]) { folder in
            let limits = ["--max-memory", "64KiB", "--timeout", "100ms"]
            let outcome = try Command.run(["wast"] + limits + ["a.wast"], in: folder)
            #expect(outcome.output == "3 passed, 0 failed, 0 skipped\n")
        }
    }

    /// An array of as many elements as there can be is too large, whatever these are, and so is one
    /// that the machine may well have room for.
    @Test func scriptsHaveLittleHeap() throws {
        func script(_ count: String, _ assertion: String) -> [UInt8] {
            let text = """
                (module (type $bytes (array (mut i8)))
                  (func (export "make") (result i32)
                    (array.len (array.new_default $bytes (i32.const \(count))))))
                \(assertion)
                """
            return Array(text.utf8)
        }
        let trap = #"(assert_trap (invoke "make") "allocation size too large")"#
        let result = #"(assert_return (invoke "make") (i32.const 0x60000000))"#
        let files = [
            "most.wast": script("-1", trap), "large.wast": script("0x60000000", trap),
            "made.wast": script("0x60000000", result),
        ]
        try Command.withFolder(files) { folder in
            let refused = try Command.run(["wast", "most.wast", "large.wast"], in: folder)
            #expect(refused.output == "4 passed, 0 failed, 0 skipped\n")
            // Nothing of it is touched.
            let made = try Command.run(["wast", "--max-heap", "2GiB", "made.wast"], in: folder)
            #expect(made.output == "2 passed, 0 failed, 0 skipped\n")
        }
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
        #expect(values["processor_ms"] ?? -1 >= 0)
        #expect(values["module_bytes"] == Double(SampleModules.hello().count))
        #expect(try run("bench", "hello.wasm").output.contains("compile"))
        #expect(try run("bench", "seven.wasm").status == 1)
    }

    @Test func modulesThatAreOnlyLookedAtMayHaveAnySize() throws {
        let text = "(module (memory i64 0x20000) (table 20000000 funcref))"
        try Command.withFolder(["big.wat": [UInt8](text.utf8)]) { folder in
            for arguments in [["inspect", "big.wat"], ["compile", "big.wat"]] {
                let outcome = try Command.run(arguments, in: folder)
                #expect(outcome.status == 0 && outcome.errorOutput.isEmpty)
            }
            #expect(try Command.run(["run", "big.apus"], in: folder).status == 1)
        }
    }

    @Test func poolsHaveAsManyMemoriesAsLimitsName() throws {
        let text = """
            (module (memory 1) (memory 1) (table 1 funcref) (table 1 funcref) (func (export "f")))
            """
        try Command.withFolder(["two.wat": [UInt8](text.utf8)]) { folder in
            let run = ["run", "--pooling", "--invoke", "f"]
            let without = try Command.run(run + ["two.wat"], in: folder)
            #expect(without.status == 1)
            #expect(without.errorOutput.contains("2 exceeds the limit of 1"))
            let limits = ["--max-memories", "2", "--max-tables", "2"]
            #expect(try Command.run(run + limits + ["two.wat"], in: folder).status == 0)
        }
    }
}
