import ApusCollections
import ApusFormat
import ApusTestSupport
import ApusText
import Testing

/// Errors say where, what was expected, and show the line.
@Suite struct TextErrorTests {
    private func error(_ text: String) -> TextError? {
        #expect(throws: TextError.self) { try TextFormat.parseModule(text) }
    }

    @Test func placeAndMessage() {
        let error = error("(module\n  (func (result i32)\n    i32.cosnt 1))")
        #expect(error?.line == 3)
        #expect(error?.column == 5)
        #expect(
            error?.description == """
                3:5: unknown operator i32.cosnt: expected an instruction
                      i32.cosnt 1))
                      ^~~~~~~~~
                """)
    }

    @Test func columnsAreCharacters() {
        let error = error("(module (import \"é\u{1F600}\" \"\" (fun)))")
        #expect(error?.line == 1)
        #expect(error?.column == 25)
    }

    @Test func longLinesAreShortened() {
        let padding = String(repeating: " ", count: 10_000)
        let error = error("(module\(padding)(func $f)\(padding)oops)")
        #expect(error?.column == 20_017)
        let place = error?.place
        #expect((place?.sourceLine.count ?? 0) <= 100)
        #expect(place?.sourceLine.dropFirst(place?.indentation ?? 0).hasPrefix("oops") == true)
    }

    @Test(arguments: [
        ("(module", "unexpected token"), ("(module))", "unexpected token"),
        ("(func block $a end $b)", "mismatching label"), ("(func (br $x))", "unknown label $x"),
        ("(func (local.get $x))", "unknown local $x"), ("(func (call $x))", "unknown function $x"),
        ("(func $a) (func $a)", "duplicate func $a"),
        ("(func (local $a i32 ) (param i32))", "unexpected token param"),
        ("(func) (import \"\" \"\" (func))", "import after function"),
        ("(start 0) (start 0) (func)", "multiple start sections"), ("(; (; ;)", "unclosed comment"),
        ("(func (i32.load align=3 (i32.const 0)))", "alignment must be a power of two"),
        ("(type $t (func)) (func (type $t) (param i32))", "inline function type"),
        ("(func if else else end)", "unexpected token"),
        ("(func (if (then) (else) (else)))", "unexpected token"),
        ("(func (i32.add (nop) nop))", "unexpected token"), ("(func end)", "unexpected token"),
        ("(func \u{e9})", "illegal character"), ("(func $)", "empty identifier"),
        ("(func \"a\"b)", "unknown operator"), ("(@x (y)", "unclosed annotation"),
        ("(func (block (@custom \"x\")))", "misplaced @custom annotation"),
        ("(func (param i32 $x i32))", "unexpected token $x: expected a value type"),
        ("(func (param $x i32 i32))", "unexpected token i32: expected )"),
        ("(func (local i32 $y i64))", "unexpected token $y: expected a value type"),
        ("(type (func (param i32 $x i32)))", "unexpected token $x"),
        ("(func (result i32 $x))", "unexpected token $x"),
        (
            "(table $t 1 funcref) (func $f) (elem (table $t) (i32.const 0) $f)",
            "unexpected token $f"
        ),
        ("(table $t 1 funcref) (elem (table $t) (i32.const 0))", "expected a reference type"),
        ("(table 1 funcref) (func) (elem (table 0) (offset i32.const 0) 0)", "unexpected token 0"),
        ("(component)", "this is a component"),
        ("(component (core module))", "this is a component"),
        ("(func (try))", "expected (do"), ("(func (try (catch_all)))", "expected (do"),
        ("(func (try (do) (catch_all) (catch_all)))", "expected )"),
        ("(func (try (do) (delegate 0) (catch_all)))", "expected )"),
        ("(func try catch_all catch_all end)", "expected an instruction or end"),
        ("(func delegate 0)", "expected an instruction"),
        ("(module quote \"(func\")", "in the quoted module: unexpected token"),
        ("(module quote \"(module quote)\")", "a quoted module in a quoted module"),
        ("(module binary \"\") (func)", "expected the end of the text"),
        ("(assert_invalid (module) \"\")", "a module field; test scripts have that, and `apus"),
        ("(module) (assert_return (invoke \"f\"))", "the end of the text; test scripts have that"),
        ("(module) (module)", "the end of the text; test scripts have that"),
    ])
    func messages(text: String, message: String) {
        let found = error(text)?.message ?? ""
        #expect(found.contains(message), "\(found)")
    }

    @Test(arguments: [
        "(func) (elem (i32.const 0) 0)",
        "(table 1 funcref) (func) (elem (table 0) (i32.const 0) func 0)",
        "(func) (elem (table 0) (i32.const 0) funcref (ref.func 0))", "(elem (i32.const 0))",
        "(func (param (@name \"a\") i32 i64))",
        "(func (param $x i32) (param i32 i32) (local $y i64))",
    ])
    func accepted(text: String) throws {
        #expect(throws: Never.self) { try TextFormat.parseModule(text) }
    }

    @Test func modulesInStrings() throws {
        let empty: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
        #expect(try TextFormat.parseModule(#"(module binary "\00asm" "\01\00\00\00")"#) == empty)
        #expect(try TextFormat.parseModule(#"(module $m binary "\00asm\01\00\00\00")"#) == empty)
        #expect(try TextFormat.parseModule(#"(module quote "(module" ")")"#) == empty)
        #expect(
            try TextFormat.parseModule(#"(module quote "(func $f)")"#)
                == TextFormat.parseModule("(func $f)"))
    }

    /// Faults of a script's modules cost what their own bytes cost.
    @Test func manyFaultsInALine() throws {
        let start = threadTime()
        let command = #"(assert_malformed (module (bad \u{9b})) "")"#.replacing("\\u{9b}", with: "")
        let text = String(repeating: command, count: 5_000)
        let script = try TextFormat.parseScript(ByteStorage(Array(text.utf8)))
        guard case .assertMalformed(let module, _) = script.commands.last?.action else {
            Issue.record("no such command")
            return
        }
        let error = #expect(throws: TextError.self) { try module.bytes() }
        #expect(error?.column == command.count * 4_999 + 28)
        #expect(threadTime() - start < .seconds(60))
    }

    @Test func invalidEncoding() {
        let text: [UInt8] = Array("(module ;; ".utf8) + [0xC0, 0x80] + Array("\n)".utf8)
        let error = #expect(throws: TextError.self) {
            try TextFormat.parseModule(.init(text))
        }
        #expect(error?.message == "malformed UTF-8 encoding")
    }
}
