import ApusCollections
import ApusText
import Testing

/// Flat and folded forms give the same code.
@Suite struct InstructionTests {
    private func code(_ text: String) throws -> [UInt8] {
        try TextFormat.parseModule("(type $t (func)) (table 1 funcref) (memory 1) (func \(text))")
    }

    @Test(arguments: [
        ("(i32.add (i32.const 1) (i32.const 2)) drop", "i32.const 1 i32.const 2 i32.add drop"),
        (
            "(drop (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))",
            "i32.const 1 i32.const 2 i32.const 3 i32.mul i32.add drop"
        ),
        ("(if (i32.const 1) (then (nop)) (else (nop) nop))", "i32.const 1 if nop else nop nop end"),
        (
            "(if (result i32) (i32.const 1) (then (i32.const 2)) (else (i32.const 3))) drop",
            "i32.const 1 if (result i32) i32.const 2 else i32.const 3 end drop"
        ),
        ("(block $a (loop $b (br $a) (br $b) (br 2)))", "block $a loop $b br 1 br 0 br 2 end end"),
        ("(block $a (block $a (br $a)) (br $a))", "block $a block $a br 0 end br 0 end $a"),
        ("(br_table 0 0 0 (i32.const 1))", "i32.const 1 br_table 0 0 0"),
        ("(call_indirect (type $t) (i32.const 0))", "i32.const 0 call_indirect 0 (type 0)"),
        (
            "(drop (i32.load offset=4 align=1 (i32.const 0)))",
            "i32.const 0 i32.load 0 offset=0x4 align=1 drop"
        ),
        (
            "(i32.store (i32.const 0) (i32.load8_u (i32.const 1)))",
            "i32.const 0 i32.const 1 i32.load8_u i32.store"
        ),
        (
            "(drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)))",
            "i32.const 1 i32.const 2 i32.const 3 select (result i32) drop"
        ),
        (
            "(v128.store8_lane 3 (i32.const 0) (v128.const i64x2 0 0))",
            "i32.const 0 v128.const i32x4 0 0 0 0 v128.store8_lane 0 3"
        ),
        ("(block (param) (result))", "block end"),
        (
            "(if (block (result i32) (i32.const 1)) (then))",
            "block (result i32) i32.const 1 end if end"
        ),
    ])
    func sameCode(folded: String, flat: String) throws {
        #expect(try code(folded) == code(flat))
    }

    /// Nothing here may call itself once for each level.
    @Test(arguments: [
        ("(block ", ")"), ("block ", " end"), ("(i32.eqz ", ")"),
        ("(if (i32.const 0) (then ", "))"),
        ("(loop (block ", "))"), ("(;", ";)"), ("(@a (", "))"),
        ("(if (block (result i32) ", ") (then))"),
    ])
    func deepNesting(opening: String, closing: String) throws {
        // A tenth of it is more than a thread's stack holds.
        let depth = 30_000
        let text =
            "(func " + String(repeating: opening, count: depth)
            + String(repeating: closing, count: depth) + ")"
        let module = try TextFormat.parseModule(text)
        let printed = try TextFormat.print(.init(module))
        #expect(try TextFormat.parseModule(printed) == module)
    }

    @Test func implicitTypesComeAfterExplicitOnes() throws {
        let module = try TextFormat.parseModule(
            "(func (param i64)) (func (param i32)) (type (func (param i32))) (func (param i64))")
        let explicit = try TextFormat.parseModule(
            """
            (type (func (param i32))) (type (func (param i64)))
            (func (type 1)) (func (type 0)) (func (type 1))
            """)
        #expect(module == explicit)
    }

    @Test func abbreviations() throws {
        let short = try TextFormat.parseModule(
            """
            (func $f (export "a") (export "b") (import "m" "f"))
            (table (export "t") funcref (elem $f $f))
            (memory (export "m") (data "abc"))
            """)
        let long = try TextFormat.parseModule(
            """
            (type (func)) (import "m" "f" (func (type 0)))
            (table 2 2 funcref) (memory 1 1)
            (elem (offset (i32.const 0)) func 0 0) (data (offset (i32.const 0)) "abc")
            (export "a" (func 0)) (export "b" (func 0)) (export "t" (table 0))
            (export "m" (memory 0))
            """)
        #expect(short.starts(with: long))
    }
}
