import Apus
import ApusFormat
import Testing

/// Typed function references between instances, and between guests and the host.
@Suite struct TypedReferenceTests {
    private let engine: Engine
    private let store: Store
    private var linker: Linker

    init() {
        engine = Engine()
        store = Store(engine)
        linker = Linker(engine)
    }

    private func instantiate(_ text: String) throws -> Instance {
        try linker.instantiate(Module(engine, text: text), in: store)
    }

    /// The same type has other indices in other modules.
    private mutating func defineExporter() throws {
        try linker.define(
            "e",
            instantiate(
                """
                (module
                  (type $unused (func (param i64)))
                  (type $unary (func (param i32) (result i32)))
                  (func $double (export "double") (type $unary)
                    (i32.shl (local.get 0) (i32.const 1)))
                  (global (export "constant") (ref $unary) (ref.func $double))
                  (global (export "variable") (mut (ref null $unary)) (ref.func $double))
                  (table (export "table") 2 (ref null $unary) (ref.func $double)))
                """))
    }

    @Test mutating func referencesCrossInstances() throws {
        try defineExporter()
        let importer = try instantiate(
            """
            (module
              (type $unary (func (param i32) (result i32)))
              (import "e" "constant" (global $constant (ref null $unary)))
              (import "e" "constant" (global (ref func)))
              (import "e" "constant" (global funcref))
              (import "e" "variable" (global $variable (mut (ref null $unary))))
              (import "e" "table" (table $table 1 (ref null $unary)))
              (func $negate (type $unary) (i32.sub (i32.const 0) (local.get 0)))
              (elem declare func $negate)
              (func (export "constant") (param i32) (result i32)
                (call_ref $unary (local.get 0) (global.get $constant)))
              (func (export "table") (param i32 i32) (result i32)
                (call_ref $unary (local.get 0) (table.get $table (local.get 1))))
              (func (export "tail") (param i32) (result i32)
                (return_call_ref $unary (local.get 0) (global.get $variable)))
              (func (export "replace") (global.set $variable (ref.func $negate)))
              (func (export "clear") (global.set $variable (ref.null $unary))))
            """)
        #expect(try importer.function("constant", as: ((Int32) -> Int32).self)(21) == 42)
        #expect(try importer.function("table", as: ((Int32, Int32) -> Int32).self)(4, 1) == 8)
        let tail = try importer.function("tail", as: ((Int32) -> Int32).self)
        #expect(try tail(5) == 10)
        try importer.function("replace", as: (() -> Void).self)()
        #expect(try tail(5) == -5)
        try importer.function("clear", as: (() -> Void).self)()
        let trap = #expect(throws: Trap.self) { try tail(5) }
        #expect(trap?.code == .nullFunctionReference)
        #expect(trap?.backtrace.isEmpty == false)
    }

    @Test(
        arguments: [
            "(type $t (func)) (import \"e\" \"constant\" (global (ref $t)))",
            "(import \"e\" \"variable\" (global (mut funcref)))",
            "(import \"e\" \"constant\" (global externref))",
            "(import \"e\" \"table\" (table 1 funcref))",
            """
            (type $t (func (param i32) (result i32)))
            (import "e" "table" (table 1 (ref $t)))
            """,
            "(type $t (func (param i64))) (import \"e\" \"double\" (func (type $t)))",
        ])
    mutating func otherTypesDoNotLink(imports: String) throws {
        try defineExporter()
        #expect(throws: LinkError.self) { try instantiate("(module \(imports))") }
    }

    /// A type that names itself is the same in every module, whatever its index.
    @Test mutating func recursiveTypesAreEqual() throws {
        try linker.define(
            "r",
            instantiate(
                """
                (module
                  (type $self (func (param (ref null $self)) (result i32)))
                  (func (export "f") (type $self) (ref.is_null (local.get 0))))
                """))
        let importer = try instantiate(
            """
            (module
              (type (func)) (type (func (result i64)))
              (type $again (func (param (ref null $again)) (result i32)))
              (import "r" "f" (func $f (type $again)))
              (export "f" (func $f))
              (elem declare func $f)
              (func (export "call") (result i32)
                (call_ref $again (ref.func $f) (ref.func $f))))
            """)
        #expect(try importer.function("call", as: (() -> Int32).self)() == 0)
        // The host passes the function to itself.
        let function = try importer.function("f")
        #expect(try integer(function.call(.function(function))) == 0)
        #expect(try integer(function.call(.function(nil))) == 1)
        // A host function of the type as the host sees it has the same type.
        let host = try Function(store, function.type) { _, arguments in
            guard case .function(let given?) = arguments[0] else { return [.i32(-1)] }
            return [.i32(given == function ? 7 : 8)]
        }
        #expect(host.referenceType == function.referenceType)
        #expect(try integer(host.call(.function(function))) == 7)
    }

    @Test mutating func theHostIsHeldToTypes() throws {
        try defineExporter()
        let guest = try instantiate(
            """
            (module
              (type $unary (func (param i32) (result i32)))
              (import "e" "double" (func $double (type $unary)))
              (export "double" (func $double))
              (global (export "g") (mut (ref null $unary)) (ref.null $unary))
              (table (export "t") 1 9 (ref $unary) (ref.func $double))
              (func (export "call") (param (ref $unary)) (result i32)
                (call_ref $unary (i32.const 3) (local.get 0)))
              (func (export "same") (param (ref null $unary)) (result (ref null $unary))
                (local.get 0)))
            """)
        let call = try guest.function("call")
        let double = try guest.function("double")
        let other = try Function(store) { (value: Int64) in value }
        let unary = try Function(store) { (value: Int32) in value &+ 100 }
        #expect(try integer(call.call(.function(double))) == 6)
        #expect(try integer(call.call(.function(unary))) == 103)
        #expect(throws: TypeError.self) { try call.call(.function(other)) }
        #expect(throws: TypeError.self) { try call.call(.function(nil)) }
        #expect(throws: TypeError.self) { try call.call(.external(nil)) }

        let global = try guest.global("g")
        #expect(throws: TypeError.self) { try global.set(.function(other)) }
        try global.set(.function(unary))
        try global.set(.function(nil))
        let table = try guest.table("t")
        #expect(throws: TypeError.self) { try table.set(0, .function(nil)) }
        #expect(throws: TypeError.self) { try table.grow(by: 1) }
        #expect(throws: TypeError.self) { try table.set(0, .function(other)) }
        #expect(try table.grow(by: 1, .function(unary)) == 1)

        // What comes out may be less particular, what goes in may not.
        let same = try guest.function("same")
        guard case .function(let back?) = try same.call(.function(double)).first else {
            Issue.record("no function came back")
            return
        }
        #expect(back == double)
        #expect(throws: ExportError.self) {
            try guest.function("same", as: ((Function?) -> Function?).self)
        }
    }

    @Test mutating func theHostMakesTypedThings() throws {
        try defineExporter()
        let unary = try Function(store) { (value: Int32) in value &* 3 }
        let type = unary.referenceType
        linker.define(
            "h", "g", try Global(store, GlobalType(type, isMutable: false), .function(unary)))
        let limits = SizeLimits(minimum: 1)
        linker.define(
            "h", "t",
            try Table(store, TableType(element: type, limits: limits), initial: .function(unary)))
        linker.define("h", "f") { (function: Function?) in
            try function?.typed(as: ((Int32) -> Int32).self)(14) ?? -1
        }
        let guest = try instantiate(
            """
            (module
              (type $unary (func (param i32) (result i32)))
              (import "h" "g" (global $g (ref $unary)))
              (import "h" "t" (table $t 1 (ref $unary)))
              (import "h" "f" (func $f (param (ref $unary)) (result i32)))
              (import "e" "double" (func $double (type $unary)))
              (elem declare func $double)
              (func (export "global") (result i32)
                (call_ref $unary (i32.const 5) (global.get $g)))
              (func (export "table") (result i32)
                (call_ref $unary (i32.const 7) (table.get $t (i32.const 0))))
              (func (export "host") (result i32) (call $f (ref.func $double))))
            """)
        #expect(try guest.function("global", as: (() -> Int32).self)() == 15)
        #expect(try guest.function("table", as: (() -> Int32).self)() == 21)
        #expect(try guest.function("host", as: (() -> Int32).self)() == 28)
        #expect(throws: TypeError.self) {
            try Table(store, TableType(element: type, limits: limits))
        }
        let unknown = ValueType.reference(HeapType(slot: 1_000_000, .function), nullable: true)
        #expect(throws: ResourceError.self) {
            try Table(store, TableType(element: unknown, limits: limits))
        }
        #expect(throws: ResourceError.self) {
            try Function(store, FunctionType([unknown])) { _, _ in [] }
        }
    }

    private func integer(_ values: [Value]) -> Int32? {
        guard case .i32(let value) = values.first else { return nil }
        return value
    }
}
