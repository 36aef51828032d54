import Foundation
import Testing

/// What programs may import besides WASI.
struct LinkOptionsTests {
    private static let files = [
        "library.wat": """
        (module
          (global $calls (mut i32) (i32.const 0))
          (func (export "_initialize") (global.set $calls (i32.const 40)))
          (func (export "next") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (global.get $calls)))
        """,
        "user.wat": """
        (module
          (import "lib" "next" (func $next (result i32)))
          (func (export "f") (result i32) (drop (call $next)) (call $next))
          (func (export "_start")))
        """,
        "asks.wat": """
        (module
          (import "env" "f" (func $f (param i32) (result i32 i64 funcref)))
          (import "env" "m" (memory 2))
          (import "env" "g" (global i32))
          (import "env" "t" (table 3 funcref))
          (func (export "f") (result i32 i64 funcref) (call $f (i32.const 1)))
          (func (export "sizes") (result i32 i32 i32)
            (memory.size) (global.get 0) (table.size 0)))
        """,
        "tables.wat": """
        (module (import "env" "t" (table 3 funcref)) (func (export "_start")))
        """,
        "full.wat": """
        (module (import "env" "g" (global (ref func))) (func (export "_start")))
        """,
        "hostile.wat": """
        (module
          (import "m\\1b[2J\\n" "\(String(repeating: "n", count: 1000))" (func $f))
          (func (export "_start") (call $f)))
        """,
        // What has no name is the program, whose result is 140 and the number of its arguments.
        "nameless.wat": """
        (module
          (import "wasi_snapshot_preview1" "args_sizes_get"
            (func $sizes (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (global $base (mut i32) (i32.const 0))
          (func (export "_initialize") (global.set $base (i32.const 140)))
          (func (export "") (result i32)
            (drop (call $sizes (i32.const 0) (i32.const 4)))
            (i32.add (global.get $base) (i32.load (i32.const 0)))))
        """,
        "started.wat": """
        (module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func $main (call $exit (i32.const 5)))
          (start $main))
        """,
        "calls.wat": """
        (module
          (import "env" "f" (func $f (result i32)))
          (func (export "f") (result i32) (call $f))
          (func (export "g") (result i32) (i32.const 3)))
        """,
    ].mapValues { Array($0.utf8) }

    private func run(_ arguments: String...) throws -> Command.Outcome {
        try Command.withFolder(Self.files) { try Command.run(["run"] + arguments, in: $0) }
    }

    /// What the program's modules were compiled to is there for the next run, of each of them.
    @Test func preloadedModulesAreKept() throws {
        try Command.withFolder(Self.files) { (folder) throws in
            func output(_ arguments: String...) throws -> String {
                try Command.run(arguments, in: folder, cache: folder).output
            }
            let run = ["run", "--preload", "lib=library.wat", "--invoke", "f", "user.wat"]
            #expect(try Command.run(run, in: folder, cache: folder).output == "42\n")
            #expect(try output("cache", "show").contains("modules    2\n"))
            #expect(try Command.run(run, in: folder, cache: folder).output == "42\n")
            #expect(try output("cache", "show").contains("modules    2\n"))
        }
    }

    @Test func preloadsModules() throws {
        let outcome = try run("--preload", "lib=library.wat", "--invoke", "f", "user.wat")
        #expect(outcome.output == "42\n")
        #expect(try run("--preload", "lib=library.wat", "user.wat").status == 0)
        // A module may use those before it.
        let chain = try run(
            "--preload", "lib=library.wat", "--preload", "env=user.wat", "--invoke", "f",
            "calls.wat")
        #expect(chain.output == "42\n")
        let missing = try run("--preload", "lib=none.wat", "user.wat")
        #expect(missing.status == 1)
        #expect(missing.errorOutput == "apus: none.wat: No such file or directory\n")
        #expect(try run("--preload", "lib", "user.wat").status == 64)
        #expect(try run("--preload", "lib=", "user.wat").status == 64)
    }

    @Test func saysWhatIsMissing() throws {
        let outcome = try run("user.wat")
        #expect(outcome.status == 1)
        #expect(
            outcome.errorOutput == """
                apus: user.wat: unknown import: lib.next (function [] -> [i32]); --preload \
                lib=MODULE would give it, --unknown-imports trap runs without it

                """)
    }

    /// An option that is given already, or that does not help, is not recommended; and the file
    /// is the one that wants it.
    @Test func saysWhatHelps() throws {
        let tables = try run("--unknown-imports", "trap", "tables.wat")
        #expect(
            tables.errorOutput == """
                apus: tables.wat: unknown import: env.t (table of funcref, at least 3 elements); \
                --preload env=MODULE would give it, --unknown-imports default runs without it

                """)
        let full = try run("--unknown-imports", "default", "full.wat")
        #expect(
            full.errorOutput == """
                apus: full.wat: unknown import: env.g (global (ref func)); --preload env=MODULE \
                would give it

                """)
        let preloaded = try run("--preload", "lib=tables.wat", "user.wat")
        #expect(preloaded.errorOutput.hasPrefix("apus: tables.wat: unknown import: env.t "))
    }

    /// Nor does a name that nobody defines reach a terminal raw, or as long as it is.
    @Test func unknownNamesAreEscaped() throws {
        let outcome = try run("--unknown-imports", "trap", "hostile.wat")
        let name = String(repeating: "n", count: 80) + "…" + String(repeating: "n", count: 30)
        #expect(
            outcome.errorOutput.hasPrefix(
                #"apus: trap: unreachable: unknown import m\u{1b}[2J\n."# + name + " was called\n"))
    }

    @Test func unknownFunctionsTrap() throws {
        let outcome = try run("--unknown-imports", "trap", "--invoke", "g", "calls.wat")
        #expect(outcome.output == "3\n")
        let trap = try run("--unknown-imports", "trap", "--invoke", "f", "calls.wat")
        #expect(trap.status == 134)
        #expect(
            trap.errorOutput.hasPrefix("apus: trap: unreachable: unknown import env.f was called\n")
        )
        // Only functions can.
        #expect(try run("--unknown-imports", "trap", "--invoke", "f", "asks.wat").status == 1)
        #expect(try run("--unknown-imports", "never", "calls.wat").status == 64)
    }

    @Test func unknownImportsAreZero() throws {
        let results = try run("--unknown-imports", "default", "--invoke", "f", "asks.wat")
        #expect(results.output == "0\n0\nnull\n")
        let sizes = try run("--unknown-imports", "default", "--invoke", "sizes", "asks.wat")
        #expect(sizes.output == "2\n0\n3\n")
        // What is defined is not replaced.
        let known = try run(
            "--unknown-imports", "default", "--preload", "lib=library.wat", "--invoke", "f",
            "user.wat")
        #expect(known.output == "42\n")
    }

    /// Reactors are initialized once, before the first call.
    @Test func reactorsAreInitialized() throws {
        #expect(try run("--invoke", "next", "library.wat").output == "41\n")
        #expect(try run("--invoke", "_initialize", "library.wat").status == 0)
        let nameless = try run("--invoke", "", "nameless.wat", "a", "b")
        #expect(nameless.output == "143\n")
        #expect(try run("nameless.wat", "a").status == 142)
        #expect(try run("started.wat").status == 5)
    }

    @Test func featuresAreSwitched() throws {
        #expect(
            try run("--without", "multi-value", "--invoke", "sizes", "asks.wat").errorOutput
                .contains("multi-value"))
        let unknown = try run("--without", "multi-valu", "user.wat")
        #expect(unknown.status == 64)
        #expect(
            unknown.errorOutput
                == "apus: there is no feature 'multi-valu'; did you mean 'multi-value'?\n")
    }
}
