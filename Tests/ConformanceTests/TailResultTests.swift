import Apus
import ApusTestSupport
import Testing

/// Results that do not fit into registers, of functions that are left by tail calls of each kind:
/// the callee's results arrive where the first caller wants them, and the stack does not grow.
@Suite struct TailResultTests {
    private typealias Kind = (name: String, constant: (Int) -> String, value: (Int) -> Value)

    private static var types: [Kind] {
        [
            ("i64", { "(i64.const \($0))" }, { .i64(Int64($0)) }),
            ("f64", { "(f64.const \($0))" }, { .f64(Double($0)) }),
            ("i32", { "(i32.const \($0))" }, { .i32(Int32($0)) }),
            ("f32", { "(f32.const \($0))" }, { .f32(Float($0)) }),
            (
                "v128", { "(v128.const i64x2 \($0) -1)" },
                { .v128(Vector128(low: UInt64($0), high: .max)) }
            ),
        ]
    }

    /// Types, constants and values of `count` results, of one type or of all in turns.
    private static func results(
        _ count: Int, of kind: Int?
    ) -> (types: String, constants: String, values: [ReferenceValue]) {
        let places = (0..<count).map { (types[kind ?? $0 % types.count], $0 + 1) }
        return (
            places.map(\.0.name).joined(separator: " "),
            places.map { $0.0.constant($0.1) }.joined(separator: " "),
            places.map { ReferenceValue($0.0.value($0.1)) }
        )
    }

    private static func call(
        _ name: String, _ instance: Instance, _ arguments: Value...
    ) throws -> [ReferenceValue] {
        try instance.function(name).call(arguments).map { ReferenceValue($0) }
    }

    private static let kinds: [Int?] = [0, 1, 4, nil]

    @Test(arguments: [5, 6, 7, 9, 20, 50], Compilation.allCases)
    func ofEachKind(count: Int, compilation: Compilation) throws {
        for kind in Self.kinds {
            let (types, constants, values) = Self.results(count, of: kind)
            let engine = Engine(compilation.configuration)
            let store = Store(engine)
            let first = try Instance(
                store,
                Module(
                    engine, text: "(module (func (export \"a\") (result \(types)) \(constants)))"))
            var linker = Linker(engine)
            linker.define("A", "a", try #require(try first.export("a")))
            // Callers with arguments on the stack, and without.
            let wide = String(repeating: "i64 ", count: 11)
            let text = """
                (module
                  (type $t (func (result \(types))))
                  (import "A" "a" (func $a (type $t)))
                  (func $own (type $t) \(constants))
                  (table 2 funcref) (elem (i32.const 0) $a $own)
                  (func $import (export "import") (type $t) (return_call $a))
                  (func (export "own") (type $t) (return_call $own))
                  (func (export "indirect") (type $t)
                    (return_call_indirect (type $t) (i32.const 0)))
                  (func (export "indirect own") (type $t)
                    (return_call_indirect (type $t) (i32.const 1)))
                  (func (export "ref") (type $t) (return_call_ref $t (ref.func $a)))
                  (func $wide (param \(wide)) (result \(types)) (return_call $a))
                  (func $wider (param \(wide) i64 i64 i64) (result \(types)) (return_call $import))
                  (func (export "called") (type $t) (call $import))
                  (func (export "wide") (type $t)
                    \(String(repeating: "(i64.const 77) ", count: 11)) (call $wide))
                  (func (export "wider") (type $t)
                    \(String(repeating: "(i64.const 77) ", count: 14)) (return_call $wider)))
                """
            let instance = try linker.instantiate(Module(engine, text: text), in: store)
            for name in [
                "import", "own", "indirect", "indirect own", "ref", "called", "wide", "wider",
            ] {
                #expect(try Self.call(name, instance) == values, "\(name), \(types)")
            }
        }
    }

    /// A million calls, through a table, by reference, and to and fro between two instances.
    @Test(arguments: Compilation.allCases)
    func stackDoesNotGrow(compilation: Compilation) throws {
        let engine = Engine(compilation.configuration)
        let store = Store(engine)
        let header = "(type $t (func (param i64) (result i64 i64 i64 i64 i64 f64)))"
        let end = """
            (if (i64.eqz (local.get 0)) (then (return
              (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (f64.const 6))))
            """
        let less = "(i64.sub (local.get 0) (i64.const 1))"
        let first = try Instance(
            store,
            Module(
                engine,
                text: """
                    (module \(header)
                      (table (export "t") 2 funcref) (elem (i32.const 0) $f)
                      (func $f (export "f") (type $t) \(end)
                        (return_call_indirect (type $t) \(less) (i32.const 0)))
                      (func $r (export "r") (type $t) \(end)
                        (return_call_ref $t \(less) (ref.func $r)))
                      (func (export "fro") (type $t) \(end)
                        (return_call_indirect (type $t) \(less) (i32.const 1))))
                    """))
        var linker = Linker(engine)
        for name in ["t", "fro"] { linker.define("A", name, try #require(try first.export(name))) }
        _ = try linker.instantiate(
            Module(
                engine,
                text: """
                    (module \(header)
                      (import "A" "t" (table 2 funcref)) (import "A" "fro" (func $fro (type $t)))
                      (elem (i32.const 1) $to)
                      (func $to (type $t) \(end) (return_call $fro \(less))))
                    """), in: store)
        let values = [.i64(1), .i64(2), .i64(3), .i64(4), .i64(5), .f64(6)].map {
            ReferenceValue($0 as Value)
        }
        for name in ["f", "r", "fro"] {
            #expect(try Self.call(name, first, .i64(1_000_000)) == values, "\(name)")
        }
    }

    /// References stay references, and numbers numbers.
    @Test(arguments: Compilation.allCases)
    func referencesAmongThem(compilation: Compilation) throws {
        let engine = Engine(compilation.configuration)
        let store = Store(engine)
        let results = "i64 funcref i64 externref i64 funcref i64 i64"
        let constants = """
            (i64.const 1) (ref.null func) (i64.const 2) (ref.null extern) (i64.const 3)
            (ref.func $one) (i64.const 4) (i64.const 5)
            """
        let text = """
            (module
              (type $t (func (result \(results))))
              (type $i (func (result i32)))
              (table 1 funcref) (elem (i32.const 0) $a)
              (table $called 1 funcref)
              (elem declare func $one)
              (func $one (type $i) (i32.const 41))
              (func $a (type $t) \(constants))
              (func $b (type $t) (return_call_indirect (type $t) (i32.const 0)))
              (func (export "f") (result i64 i32)
                (local $r funcref) (local $sum i64)
                (call $b)
                (local.set $sum) (local.set $sum (i64.add (local.get $sum)))
                (local.set $r)
                (local.set $sum (i64.add (local.get $sum)))
                (drop)
                (local.set $sum (i64.add (local.get $sum)))
                (drop)
                (local.set $sum (i64.add (local.get $sum)))
                (table.set $called (i32.const 0) (local.get $r))
                (local.get $sum) (call_indirect $called (type $i) (i32.const 0))))
            """
        let instance = try Instance(store, Module(engine, text: text))
        #expect(try Self.call("f", instance) == [.i64(15), .i32(41)])
    }
}
