import ApusCollections
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
        #expect((error?.sourceLine.count ?? 0) <= 100)
        #expect(error?.sourceLine.dropFirst(error?.indentation ?? 0).hasPrefix("oops") == true)
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
    ])
    func messages(text: String, message: String) {
        let found = error(text)?.message ?? ""
        #expect(found.contains(message), "\(found)")
    }

    @Test func invalidEncoding() {
        let text: [UInt8] = Array("(module ;; ".utf8) + [0xC0, 0x80] + Array("\n)".utf8)
        let error = #expect(throws: TextError.self) {
            try TextFormat.parseModule(.init(text))
        }
        #expect(error?.message == "malformed UTF-8 encoding")
    }
}
