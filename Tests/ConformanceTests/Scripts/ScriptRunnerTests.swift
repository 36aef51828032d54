import Apus
import ApusCollections
import ApusFormat
import ApusScript
import ApusText
import Testing

/// Every command of the scripts' grammar, done and failing.
@Suite struct ScriptRunnerTests {
    /// How a script goes: how many commands pass, fail, are skipped, and what is said.
    private func run(
        _ text: String, features: FeatureSet = .standard
    ) throws -> (passed: Int, failed: Int, skipped: Int, lines: [String]) {
        var lines: [String] = []
        var configuration = Engine.Configuration()
        configuration.features = features
        var runner = ScriptRunner(ApusScriptEngine(configuration)) { lines.append($0) }
        runner.run(try TextFormat.parseScript(ByteStorage(Array(text.utf8))), file: "script")
        return (runner.passed, runner.failed, runner.skipped, lines)
    }

    /// Names that look the same are not, unless their bytes are.
    @Test func spellingsOfANameAreTwoNames() throws {
        let outcome = try run(
            """
            (module $"\\u{e9}" (memory (export "m") 1 1 shared)
              (func (export "f") (result i32) (i32.const 1)))
            (module $"e\\u{301}" (memory (export "m") 1 1 shared)
              (func (export "f") (result i32) (i32.const 2)))
            (assert_return (invoke $"\\u{e9}" "f") (i32.const 1))
            (assert_return (invoke $"e\\u{301}" "f") (i32.const 2))
            (module definition $"\\u{e9}" (func (export "g") (result i32) (i32.const 3)))
            (module definition $"e\\u{301}" (func (export "g") (result i32) (i32.const 4)))
            (module instance $three $"\\u{e9}")
            (assert_return (invoke $three "g") (i32.const 3))
            (thread $"\\u{e9}" (shared (module $"\\u{e9}"))
              (assert_return (invoke $"\\u{e9}" "f") (i32.const 1)))
            (wait $"e\\u{301}")
            (wait $"\\u{e9}")
            """)
        #expect(outcome.passed == 7)
        #expect(outcome.lines == ["script:13: no such thread"])
    }

    @Test func passes() throws {
        let outcome = try run(
            """
            (module $m
              (func (export "add") (param i32 i32) (result i32)
                (i32.add (local.get 0) (local.get 1)))
              (func (export "divide") (param i32 i32) (result i32)
                (i32.div_s (local.get 0) (local.get 1)))
              (func $deep (export "deep") (call $deep))
              (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
              (func (export "both") (result i64 f64) (i64.const 1) (f64.const 2.5))
              (func (export "vector") (result v128) (v128.const f32x4 1 nan 3 4))
              (func (export "same") (param externref) (result externref) (local.get 0))
              (func $f (export "function") (result funcref) (ref.func $f))
              (global (export "seven") i64 (i64.const 7)))
            (assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3))
            (assert_return (invoke "add" (i32.const 1) (i32.const 2))
              (either (i32.const 5) (i32.const 3)))
            (invoke "add" (i32.const 1) (i32.const 2))
            (assert_trap (invoke "divide" (i32.const 1) (i32.const 0)) "integer divide by zero")
            (assert_exhaustion (invoke "deep") "call stack exhausted")
            (assert_return (invoke "nan") (f32.const nan:canonical))
            (assert_return (invoke "nan") (f32.const nan:arithmetic))
            (assert_return (invoke "both") (i64.const 1) (f64.const 2.5))
            (assert_return (invoke "vector") (v128.const f32x4 1 nan:canonical 3 4))
            (assert_return (invoke "same" (ref.extern 3)) (ref.extern 3))
            (assert_return (invoke "same" (ref.extern 3)) (ref.extern))
            (assert_return (invoke "same" (ref.null extern)) (ref.null extern))
            (assert_return (invoke "same" (ref.null extern)) (ref.null))
            (assert_return (invoke "function") (ref.func))
            (assert_return (get $m "seven") (i64.const 7))
            (register "m" $m)
            (module (func (import "m" "add") (param i32 i32) (result i32))
              (func (import "spectest" "print_i32") (param i32)))
            (assert_unlinkable (module (func (import "m" "none"))) "unknown import")
            (assert_unlinkable (module (func (import "m" "add"))) "incompatible import type")
            (assert_invalid (module (func (result i32))) "type mismatch")
            (assert_malformed (module quote "(func") "unexpected token")
            (assert_malformed (module binary "\\00as") "unexpected end")
            (assert_trap (module (func $s (unreachable)) (start $s)) "unreachable")
            (module definition $d (global (export "g") (mut i32) (i32.const 0))
              (func (export "next") (result i32)
                (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0)))
            (module instance $one $d)
            (module instance $two $d)
            (assert_return (invoke $one "next") (i32.const 1))
            (assert_return (invoke $one "next") (i32.const 2))
            (assert_return (invoke $two "next") (i32.const 1))
            (assert_malformed_custom (module quote "(func (@name))") "@name annotation")
            """)
        #expect(outcome.lines == [])
        #expect(outcome.passed == 29)
        #expect(outcome.skipped == 0)
    }

    /// An error's own words say what kind it is, and are not said twice.
    @Test func linkErrorsSayOnceWhatTheyAre() throws {
        let outcome = try run(#"(module (import "m" "g" (global i32)))"#)
        let line = try #require(outcome.lines.first)
        #expect(line.contains("unknown import: m.g ("))
        #expect(line.ranges(of: "unknown import").count == 1)
    }

    @Test func reportsEachFailureWithItsLine() throws {
        let outcome = try run(
            """
            (module (func (export "f") (result i32) (i32.const 1))
              (func (export "n") (result f64) (f64.const nan:0x1)))
            (assert_return (invoke "f") (i32.const 2))
            (assert_return (invoke "f"))
            (assert_return (invoke "g") (i32.const 2))
            (assert_return (invoke "n") (f64.const nan:arithmetic))
            (assert_trap (invoke "f") "unreachable")
            (assert_invalid (module) "anything")
            (assert_malformed (module) "anything")
            (assert_unlinkable (module) "anything")
            (assert_return (invoke $x "f"))
            (wait $t)
            (module instance $y $z)
            """)
        #expect(outcome.failed == 11)
        #expect(outcome.passed == 1)
        #expect(outcome.lines.map { $0.prefix { $0 != " " } } == (3...13).map { "script:\($0):" })
        #expect(outcome.lines.first == "script:3: f returned [i32(1)], expected [i32(2)]")
    }

    @Test func threadsSeeWhatIsShared() throws {
        let outcome = try run(
            """
            (module $m (global (export "g") (mut i32) (i32.const 0))
              (func (export "next") (result i32)
                (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0)))
            (thread $t (shared (module $m))
              (register "shared" $m)
              (module (import "shared" "next" (func $next (result i32)))
                (func (export "run") (result i32) (call $next)))
              (assert_return (invoke "run") (i32.const 1)))
            (wait $t)
            (assert_return (invoke $m "next") (i32.const 2))
            (assert_unlinkable (module (func (import "shared" "next"))) "unknown import")
            (thread $u (assert_return (invoke $m "next") (i32.const 3)))
            (wait $u)
            (wait $u)
            """)
        #expect(outcome.passed == 5)
        #expect(outcome.lines == ["script:12: no instance", "script:14: no such thread"])
    }

    /// What scripts import from takes nothing of what they may have.
    @Test func scriptsHaveAllOfTheirLimits() throws {
        let text = """
            (module (memory 0xffff)
              (func (export "grow") (result i32) (memory.grow (i32.const 1))))
            (assert_return (invoke "grow") (i32.const 65535))
            """
        #expect(try run(text).lines == [])
        var configuration = Engine.Configuration()
        configuration.limits.memoryBytes = 2 << 16
        configuration.limits.instances = 1
        configuration.limits.tableElements = 5
        var runner = ScriptRunner(ApusScriptEngine(configuration)) { Issue.record("\($0)") }
        let small = """
            (module (func (import "spectest" "print")) (memory 1) (table 5 funcref)
              (func (export "f") (result i32) (memory.grow (i32.const 1)))
              (func (export "g") (result i32) (table.grow (ref.null func) (i32.const 1))))
            (assert_return (invoke "f") (i32.const 1))
            (assert_return (invoke "g") (i32.const -1))
            """
        runner.run(try TextFormat.parseScript(ByteStorage(Array(small.utf8))), file: "small")
        #expect(runner.passed == 3)
        // The greatest limits there are stay what they are.
        configuration.limits.memoryBytes = .max
        configuration.limits.instances = .max
        _ = ApusScriptEngine(configuration)
    }

    /// Says what it is asked to validate and to compile, and makes nothing of it.
    private struct Witness: ScriptEngine {
        final class Counts {
            var validated = 0
            var compiled = 0
            var instantiated = 0
        }
        let counts = Counts()

        var runsInstances: Bool { true }
        func beginScript() {}
        func validate(_ bytes: [UInt8]) { counts.validated += 1 }
        func compile(_ bytes: [UInt8]) throws(ScriptFailure) -> Int {
            counts.compiled += 1
            // A section of memories comes first.
            if bytes.count > 8, bytes[8] == 5 { throw .limit("memory") }
            return bytes.count
        }
        func instantiate(_ module: Int) { counts.instantiated += 1 }
        func register(_ instance: Void, as name: String) {}
        func call(
            _ instance: Void, _ name: String, _ arguments: [ScriptValue]
        ) throws(ScriptFailure) -> [ScriptValue] { [] }
        func global(_ instance: Void, _ name: String) throws(ScriptFailure) -> ScriptValue {
            throw .other(name)
        }
    }

    @Test func definitionsAreCompiledOnce() throws {
        let text = """
            (module definition $d)
            (module instance $one $d)
            (module instance $two $d)
            (module definition (memory 1))
            (module instance)
            (module instance)
            (module instance $three $d)
            """
        let witness = Witness()
        // The host's own modules, one of which begins with a memory.
        var own = ScriptRunner(witness) { Issue.record("\($0)") }
        own.run(try TextFormat.parseScript(ByteStorage([])), file: "empty")
        let (compiled, instantiated) = (witness.counts.compiled, witness.counts.instantiated)
        var runner = ScriptRunner(witness) { Issue.record("\($0)") }
        runner.run(try TextFormat.parseScript(ByteStorage(Array(text.utf8))), file: "script")
        // What cannot be compiled is not tried again either.
        #expect(runner.passed == 3 && runner.skipped == 2 && runner.failed == 0)
        #expect(witness.counts.compiled == 2 * compiled + 2)
        #expect(witness.counts.instantiated == 2 * instantiated + 3)
        #expect(witness.counts.validated == 2)
    }

    @Test func namesInReportsAreEscaped() throws {
        let outcome = try run(#"(module) (invoke "\u{1b}[2J\n\u{202e}")"#)
        #expect(outcome.lines.count == 1)
        #expect(outcome.lines.first?.contains(#"\u{1b}[2J\n\u{202e}"#) == true)
    }

    /// What needs a feature that is off is skipped, and what needs its instance.
    @Test func skipsWhatIsOff() throws {
        let text = """
            (module (func (export "f") (result i64 i64) (i64.const 1) (i64.const 2)))
            (assert_return (invoke "f") (i64.const 1) (i64.const 2))
            """
        let without = FeatureSet.standard.subtracting(FeatureSet(.multiValue))
        let outcome = try run(text, features: without)
        #expect(outcome.skipped == 2)
        #expect(outcome.failed + outcome.passed == 0)
        #expect(try run(text).passed == 2)
    }
}
