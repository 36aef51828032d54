import Apus
import ApusLocks
import Testing

/// Vectors, which take two cells, among what typed calls and closures of the host pass.
struct TypedVectorTests {
    private typealias V = Vector128

    private static let a = V(low: 0x0123_4567_89AB_CDEF, high: 0xFEDC_BA98_7654_3210)
    private static let b = V(low: .max, high: 1)

    private func instance(
        _ text: String, _ define: (inout Linker) -> Void = { _ in }
    ) throws -> Instance {
        let engine = Engine()
        var linker = Linker(engine)
        define(&linker)
        return try linker.instantiate(Module(engine, text: text), in: Store(engine))
    }

    /// A guest that imports `env.f` and exports `call`, which passes its arguments on and returns
    /// the results.
    private func relay(
        _ parameters: String, _ results: String, _ define: (inout Linker) -> Void
    ) throws -> Instance {
        let count = parameters.split(separator: " ").count
        let arguments = (0..<count).map { "(local.get \($0))" }.joined(separator: " ")
        let type = "(param \(parameters)) (result \(results))"
        return try instance(
            """
            (module (import "env" "f" (func $f \(type)))
              (func (export "call") \(type) (call $f \(arguments))))
            """, define)
    }

    @Test func guestsTakeAndGiveVectors() throws {
        let instance = try instance(
            """
            (module
              (func (export "same") (param v128) (result v128) (local.get 0))
              (func (export "of") (param i64 i64) (result v128)
                (i64x2.replace_lane 1 (i64x2.splat (local.get 0)) (local.get 1)))
              (func (export "constant") (result v128) (v128.const i64x2 5 6))
              (func (export "upper") (param v128) (result i64)
                (i64x2.extract_lane 1 (local.get 0)))
              (global $g (export "g") (mut v128) (v128.const i64x2 0 0))
              (func (export "keep") (param i32 v128) (global.set $g (local.get 1))))
            """)
        let same = try instance.function("same", as: ((V) -> V).self)
        for vector in [Self.a, Self.b, V(low: 0, high: 0)] { #expect(try same(vector) == vector) }
        // What these pass or give is numbers only.
        let of = try instance.function("of", as: ((UInt64, UInt64) -> V).self)
        #expect(try of(3, 4) == V(low: 3, high: 4))
        let constant = try instance.function("constant", as: (() -> V).self)
        #expect(try constant() == V(low: 5, high: 6))
        let upper = try instance.function("upper", as: ((V) -> UInt64).self)
        #expect(try upper(Self.a) == Self.a.high)
        let keep = try instance.function("keep", as: ((Int32, V) -> Void).self)
        try keep(1, Self.b)
        guard case .v128(Self.b) = try instance.global("g").value else {
            Issue.record("\(try instance.global("g").value)")
            return
        }
        #expect(throws: ExportError.self) {
            try instance.function("same", as: ((Int64) -> Int64).self)
        }
        #expect(throws: ExportError.self) { try instance.function("of", as: ((V) -> V).self) }
    }

    @Test func vectorsMixWithEverythingElse() throws {
        let instance = try instance(
            """
            (module (func (export "reverse")
              (param i32 v128 externref f64 v128 f32) (result f32 v128 f64 externref v128 i32)
              (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
            """)
        let reverse = try instance.function(
            "reverse",
            as: ((Int32, V, ExternReference?, Double, V, Float) -> (
                Float, V, Double, ExternReference?, V, Int32
            )).self)
        let result = try reverse(-1, Self.a, ExternReference("text"), 0.5, Self.b, 2.5)
        #expect(result.0 == 2.5)
        #expect(result.1 == Self.b)
        #expect(result.2 == 0.5)
        #expect(result.3?.value as? String == "text")
        #expect(result.4 == Self.a)
        #expect(result.5 == -1)
    }

    /// More of them than registers hold and than a call's usual cells, to guests and to the host.
    @Test func manyVectorsArriveUnchanged() throws {
        let types = Array(repeating: "v128", count: 10).joined(separator: " ")
        let instance = try relay("i32 " + types, types + " i32") { linker in
            linker.define("env", "f") {
                (n: Int32, a: V, b: V, c: V, d: V, e: V, f: V, g: V, h: V, i: V, j: V) in
                (j, i, h, g, f, e, d, c, b, a, n)
            }
        }
        let call = try instance.function(
            "call",
            as: ((Int32, V, V, V, V, V, V, V, V, V, V) -> (V, V, V, V, V, V, V, V, V, V, Int32))
                .self)
        func vector(_ number: UInt64) -> V { V(low: number, high: ~number) }
        let result = try call(
            7, vector(0), vector(1), vector(2), vector(3), vector(4), vector(5), vector(6),
            vector(7), vector(8), vector(9))
        #expect(result.0 == vector(9))
        #expect(result.1 == vector(8))
        #expect(result.4 == vector(5))
        #expect(result.8 == vector(1))
        #expect(result.9 == vector(0))
        #expect(result.10 == 7)
    }

    @Test func closuresOfAllShapesTakeVectors() throws {
        let seen = SystemMutex<[V]>([])
        let none = try relay("v128 i32", "") {
            $0.define("env", "f") { (a: V, _: Int32) in seen.withLock { $0.append(a) } }
        }
        try none.function("call", as: ((V, Int32) -> Void).self)(Self.a, 1)
        let noneWithCaller = try relay("f64 v128", "") {
            $0.define("env", "f") { (_: Caller, _: Double, a: V) in
                seen.withLock { $0.append(a) }
            }
        }
        try noneWithCaller.function("call", as: ((Double, V) -> Void).self)(1, Self.b)
        #expect(seen.withLock { $0 } == [Self.a, Self.b])

        let one = try relay("v128 v128", "v128") {
            $0.define("env", "f") { (a: V, b: V) in V(low: a.high, high: b.low) }
        }
        let halves = try one.function("call", as: ((V, V) -> V).self)
        #expect(try halves(Self.a, Self.b) == V(low: Self.a.high, high: Self.b.low))

        // Their arguments alone could be handed over as they lie in memory.
        let ofNumbers = try relay("i64 i64", "v128") {
            $0.define("env", "f") { (a: UInt64, b: UInt64) in V(low: a, high: b) }
        }
        let of = try ofNumbers.function("call", as: ((UInt64, UInt64) -> V).self)
        #expect(try of(8, 9) == V(low: 8, high: 9))
        let withCaller = try relay("i64 i64", "v128") {
            $0.define("env", "f") { (caller: Caller, a: UInt64, b: UInt64) in
                V(low: caller.instance == nil ? 0 : a, high: b)
            }
        }
        let seenBy = try withCaller.function("call", as: ((UInt64, UInt64) -> V).self)
        #expect(try seenBy(8, 9) == V(low: 8, high: 9))

        let several = try relay("v128 externref i32", "i32 v128 externref v128") {
            $0.define("env", "f") {
                (_: Caller, a: V, b: ExternReference?, c: Int32) -> (
                    Int32, V, ExternReference?, V
                ) in (c, a, b, V(low: a.high, high: a.low))
            }
        }
        let call = try several.function(
            "call",
            as: ((V, ExternReference?, Int32) -> (Int32, V, ExternReference?, V)).self)
        let result = try call(Self.a, ExternReference(3), 4)
        #expect(result.0 == 4)
        #expect(result.1 == Self.a)
        #expect(result.2?.value as? Int == 3)
        #expect(result.3 == V(low: Self.a.high, high: Self.a.low))
    }

    /// Functions of one store, which the host calls itself.
    @Test func theHostCallsItsOwn() throws {
        let store = Store(Engine())
        let swap = try Function(store) { (a: V, b: V) in (b, a) }
        let typed = try swap.typed(as: ((V, V) -> (V, V)).self)
        #expect(try typed(Self.a, Self.b) == (Self.b, Self.a))
        let low = try Function(store) { (vector: V) in vector.low }
        #expect(try low.typed(as: ((V) -> UInt64).self)(Self.a) == Self.a.low)
        let of = try Function(store) { (number: Int64) in V(low: 1, high: UInt64(number)) }
        #expect(try of.typed(as: ((Int64) -> V).self)(2) == V(low: 1, high: 2))
        guard case .v128(V(low: 1, high: 3))? = try of.call(.i64(3)).first else {
            Issue.record("the untyped call has another result")
            return
        }
    }

    @Test func vectorsPassThroughWaits() async throws {
        let one = try relay("i32 v128", "v128") {
            $0.define("env", "f") { (_: Caller, number: Int32, vector: V) async throws -> V in
                await Task.yield()
                return V(low: UInt64(number), high: vector.high)
            }
        }
        let mixed = try one.function("call", as: ((Int32, V) -> V).self)
        #expect(try await mixed.callAsync(5, Self.a) == V(low: 5, high: Self.a.high))

        let several = try relay("v128 f64 v128", "v128 v128 f64") {
            $0.define("env", "f") {
                (_: Caller, a: V, number: Double, b: V) async throws -> (V, V, Double) in
                await Task.yield()
                return (b, a, number)
            }
        }
        let turned = try several.function("call", as: ((V, Double, V) -> (V, V, Double)).self)
        #expect(try await turned.callAsync(Self.a, 0.5, Self.b) == (Self.b, Self.a, 0.5))

        let ofNumbers = try relay("i64", "v128") {
            $0.define("env", "f") { (_: Caller, number: UInt64) async throws -> V in
                V(low: number, high: number)
            }
        }
        let of = try ofNumbers.function("call", as: ((UInt64) -> V).self)
        #expect(try await of.callAsync(6) == V(low: 6, high: 6))
    }
}
