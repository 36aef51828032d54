import Apus
import ApusFormat
import Testing

/// Function types that are declared to be subtypes, in recursion groups, run and linked.
@Suite struct SubtypeTests {
    private static func engine(_ compiler: Engine.Compiler, gc: Bool = true) -> Engine {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        if !gc { configuration.features.remove(.init(.garbageCollection)) }
        return Engine(configuration)
    }

    private static let compilers: [Engine.Compiler] = [.baseline, .optimizing]

    /// Types $t0 to $t<count - 1>, each below the one before; an exported function of each, and
    /// one that calls it through the table as each of them.
    private static func chain(_ count: Int) -> String {
        var text = "(module (type $t0 (sub (func (result i32))))"
        for index in 1..<count {
            text += "(type $t\(index) (sub $t\(index - 1) (func (result i32))))"
        }
        text += "(type $alone (func (result i32)))"
        text += "(table \(count + 2) funcref)"
        for index in 0..<count {
            text += """
                (func $f\(index) (export "f\(index)") (type $t\(index)) (i32.const \(index)))
                (func (export "as\(index)") (param i32) (result i32)
                  (call_indirect (type $t\(index)) (local.get 0)))
                (func (export "tail\(index)") (param i32) (result i32)
                  (return_call_indirect (type $t\(index)) (local.get 0)))
                (elem (i32.const \(index)) func $f\(index))
                """
        }
        return text + """
            (func $alone (type $alone) (i32.const -1))
            (elem (i32.const \(count)) func $alone)
            (func (export "asAlone") (param i32) (result i32)
              (call_indirect (type $alone) (local.get 0))))
            """
    }

    /// Near supertypes lie in the types' records, far ones beside them.
    @Test(arguments: compilers) func callsThroughTablesTakeSubtypes(
        compiler: Engine.Compiler
    ) throws {
        let count = 6
        let engine = Self.engine(compiler)
        let store = Store(engine)
        let instance = try Linker(engine).instantiate(
            Module(engine, text: Self.chain(count)), in: store)
        for wanted in 0..<count {
            for name in ["as", "tail"] {
                let call = try instance.function(
                    "\(name)\(wanted)", as: ((Int32) -> Int32).self)
                for given in 0..<count {
                    if given >= wanted {
                        #expect(try call(Int32(given)) == Int32(given))
                    } else {
                        let trap = #expect(throws: Trap.self) { try call(Int32(given)) }
                        #expect(trap?.code == .indirectCallTypeMismatch)
                    }
                }
                let other = #expect(throws: Trap.self) { try call(Int32(count)) }
                #expect(other?.code == .indirectCallTypeMismatch)
                let null = #expect(throws: Trap.self) { try call(Int32(count + 1)) }
                #expect(null?.code == .uninitializedElement)
                let outside = #expect(throws: Trap.self) { try call(Int32(count + 2)) }
                #expect(outside?.code == .undefinedElement)
            }
        }
        let alone = try instance.function("asAlone", as: ((Int32) -> Int32).self)
        #expect(try alone(Int32(count)) == -1)
        #expect(throws: Trap.self) { try alone(0) }
    }

    /// Types of several modules, and functions of the host among them.
    @Test(arguments: compilers) func importsTakeSubtypes(compiler: Engine.Compiler) throws {
        let engine = Self.engine(compiler)
        let store = Store(engine)
        var linker = Linker(engine)
        let types = """
            (rec (type $a (sub (func (param (ref null $b)) (result i32))))
                 (type $b (sub $a (func (param (ref null $a)) (result i32)))))
            (type $c (sub final $b (func (param (ref null $a)) (result i32))))
            """
        let exporter = """
            (module (type $other (func)) \(types)
              (func (export "a") (type $a) (i32.const 1))
              (func $b (export "b") (type $b) (ref.is_null (local.get 0)))
              (func (export "c") (type $c) (i32.const 3))
              (global (export "g") (ref $b) (ref.func $b)))
            """
        try linker.define("m", linker.instantiate(Module(engine, text: exporter), in: store))
        func link(_ imports: String) throws -> Instance {
            try linker.instantiate(
                Module(engine, text: "(module \(types) \(imports))"), in: store)
        }
        for (name, type) in [
            ("a", "a"), ("b", "a"), ("b", "b"), ("c", "a"), ("c", "b"), ("c", "c"),
        ] {
            let instance = try link(
                """
                (import "m" "\(name)" (func $f (type $\(type))))
                (func (export "call") (result i32) (call $f (ref.null $b)))
                """)
            let expected: [String: Int32] = ["a": 1, "b": 1, "c": 3]
            #expect(
                try instance.function("call", as: (() -> Int32).self)() == expected[name])
        }
        for (name, type) in [("a", "b"), ("a", "c"), ("b", "c")] {
            #expect(throws: LinkError.self) {
                try link("(import \"m\" \"\(name)\" (func (type $\(type))))")
            }
        }
        _ = try link("(import \"m\" \"g\" (global (ref null $a)))")
        _ = try link("(import \"m\" \"g\" (global (ref func)))")
        #expect(throws: LinkError.self) { try link("(import \"m\" \"g\" (global (ref $c)))") }
        linker.define("h", "f") { (function: Function?) in function == nil ? Int32(7) : 8 }
        let host = try link(
            """
            (import "h" "f" (func $f (type $b)))
            (table 1 funcref) (elem (i32.const 0) func $f)
            (func (export "call") (result i32)
              (call_indirect (type $a) (ref.func $f) (i32.const 0)))
            """)
        #expect(try host.function("call", as: (() -> Int32).self)() == 8)
    }

    /// A host that passes functions is held to what is declared.
    @Test func theHostPassesSubtypes() throws {
        let engine = Engine()
        let store = Store(engine)
        let instance = try Linker(engine).instantiate(
            Module(
                engine,
                text: """
                    (module
                      (type $a (sub (func (result i32))))
                      (type $b (sub $a (func (result i32))))
                      (func (export "a") (type $a) (i32.const 1))
                      (func (export "b") (type $b) (i32.const 2))
                      (func (export "callA") (param (ref $a)) (result i32)
                        (call_ref $a (local.get 0)))
                      (func (export "callB") (param (ref $b)) (result i32)
                        (call_ref $b (local.get 0))))
                    """), in: store)
        let (a, b) = (try instance.function("a"), try instance.function("b"))
        func call(_ name: String, _ function: Function) throws -> Int32? {
            guard case .i32(let value) = try instance.function(name).call(.function(function)).first
            else { return nil }
            return value
        }
        #expect(try call("callA", a) == 1)
        #expect(try call("callA", b) == 2)
        #expect(try call("callB", b) == 2)
        #expect(throws: TypeError.self) { try call("callB", a) }
        #expect(throws: TypeError.self) { try call("callA", Function(store) { Int32(3) }) }
    }

    /// With the feature on, types may be structures and arrays.
    @Test(arguments: compilers) func structuresAndArraysAreTypes(
        compiler: Engine.Compiler
    ) throws {
        let text = """
            (module
              (rec (type $s (sub (struct (field (ref null $a)) (field (mut i8)))))
                   (type $a (array (mut (ref null $s)))))
              (type $low (sub $s (struct (field (ref null $a)) (field (mut i8)) (field i32))))
              (global $g (mut (ref null $s)) (ref.null none))
              (table 2 (ref null $s))
              (func $is (param anyref) (result i32) (ref.is_null (local.get 0)))
              (func (export "test") (param $x i32) (result i32) (local $l (ref null $low))
                (global.set $g (local.get $l))
                (table.set (i32.const 1) (ref.null $low))
                (block $null
                  (drop (br_on_null $null (table.get (i32.const 1))))
                  (return (i32.const 0)))
                (call $is (block (result eqref) (global.get $g))))
              (func (export "give") (result (ref null $s)) (ref.null $s)))
            """
        let engine = Self.engine(compiler)
        let store = Store(engine)
        let instance = try Linker(engine).instantiate(Module(engine, text: text), in: store)
        #expect(try instance.function("test", as: ((Int32) -> Int32).self)(1) == 1)
        guard case .any(nil) = try instance.function("give").call()[0] else {
            Issue.record("not null")
            return
        }
        let without = Self.engine(compiler, gc: false)
        #expect(throws: ModuleError.self) { try Module(without, text: text) }
    }
}
