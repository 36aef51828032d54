import Foundation
import Testing

/// The options that choose a compiler, and those that show what it does.
struct CompilerTests {
    private static let text = """
        (module
          (memory 1)
          (func (export "host") (param i32) (result i32)
            (call $quotient (local.get 0) (i32.const 7)))
          (func $quotient (export "divide") (param i32 i32) (result i32)
            (i32.div_s (local.get 0) (local.get 1)))
          (func $table (param i32) (result f64)
            (block (block (block (br_table 0 1 2 (local.get 0)))
              (return (f64.const 1.5)))
              (return (f64.const 2.5)))
            (f64.const 3.5))
          (func (export "_start")))
        """

    private func run(_ arguments: String...) throws -> Command.Outcome {
        try Command.withFolder([
            "a.wat": Array(Self.text.utf8), "math.wasm": SampleModules.mathematics,
            "hello.wasm": SampleModules.hello(),
        ]) { folder in
            try Command.run(arguments, in: folder)
        }
    }

    @Test(arguments: ["baseline", "optimizing"])
    func bothRunPrograms(compiler: String) throws {
        #expect(try run("run", "--compiler", compiler, "hello.wasm").output == "hello\n")
        #expect(try run("--compiler", compiler, "hello.wasm").output == "hello\n")
        let sum = try run("run", "--compiler", compiler, "--invoke", "add", "math.wasm", "2", "3")
        #expect(sum.output == "5\n")
        let trap = try run(
            "run", "--compiler", compiler, "--invoke", "divide", "math.wasm", "1", "0")
        #expect(trap.status == 134)
        #expect(try run("bench", "--compiler", compiler, "hello.wasm").status == 0)
    }

    @Test(arguments: ["run", "bench", "wast", "inspect"])
    func helpNamesThem(command: String) throws {
        let output = try run(command, "--help").output
        let help = output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(help.contains("--compiler <NAME>"))
        #expect(help.contains("baseline, optimizing"))
    }

    @Test func showsText() throws {
        let outcome = try run("inspect", "a.wat", "--function", "divide", "--stage", "text")
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix(";; function 1 quotient, body at module+0x"))
        #expect(outcome.output.contains("(func $quotient"))
        #expect(outcome.output.contains("    i32.div_s\n"))
        #expect(!outcome.output.contains("br_table"))
    }

    @Test func showsIntermediateForms() throws {
        let ir = try run("inspect", "a.wat", "--function", "quotient", "--stage", "ir").output
        #expect(ir.contains("function (i32, i32) -> (i32)\n"))
        #expect(ir.contains(": i32 = divideSigned v0, v1 @5\n"))
        let machine = try run("inspect", "a.wat", "--function", "1", "--stage", "machine").output
        #expect(machine.contains("divide.w32"))
        #expect(machine.contains("@5\n"))
    }

    @Test(arguments: ["baseline", "optimizing"])
    func showsCode(compiler: String) throws {
        let divide = try run(
            "inspect", "a.wat", "--function", "$quotient", "--compiler", compiler)
        let lines = divide.output.split(separator: "\n")
        #expect(lines.count > 4)
        #expect(lines.contains { $0.contains("idiv") && $0.contains(" ; @5 integer") })
        #expect(lines.contains { $0.hasSuffix("  ret") })
        #expect(!divide.output.contains(".byte"))
        let call = try run("inspect", "a.wat", "--function", "host", "--compiler", compiler)
        #expect(call.output.contains(" function 1"))
        let table = try run("inspect", "a.wat", "--function", "table", "--compiler", compiler)
        #expect(table.output.contains(".long 0x"))
        #expect(table.output.contains("jmp r"))
    }

    @Test func saysWhatItCannotShow() throws {
        let near = try run("inspect", "a.wat", "--function", "quotent")
        #expect(near.status == 1)
        #expect(
            near.errorOutput
                == "apus: no function is called \"quotent\"; there is quotient\n")
        let part = try run("inspect", "a.wat", "--function", "tab")
        #expect(part.errorOutput.contains("there is table"))
        let none = try run("inspect", "a.wat", "--function", "99")
        #expect(none.errorOutput == "apus: no function is called \"99\"\n")
        let imported = try run("inspect", "hello.wasm", "--function", "0")
        #expect(imported.errorOutput == "apus: function 0 is imported: it has no code here\n")
    }

    @Test(arguments: ["baseline", "optimizing"])
    func measuresPhases(compiler: String) throws {
        let table = try run("bench", "--phases", "--compiler", compiler, "a.wat").output
        for phase in ["validate", "build", "select", "allocate", "emit", "baseline", "link"] {
            #expect(table.contains("\n  \(phase)"), "\(phase)")
        }
        let json = try run("bench", "--phases", "--json", "--compiler", compiler, "a.wat").output
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        let phases = try #require(object?["phases_ms"] as? [String: Double])
        let own = compiler == "baseline" ? "baseline" : "build"
        let other = compiler == "baseline" ? "build" : "select"
        #expect(phases[own] ?? 0 > 0)
        #expect((phases[other] ?? -1 > 0) == (compiler == "optimizing"))
        #expect(!(try run("bench", "--json", "a.wat").output.contains("phases")))
    }
}
