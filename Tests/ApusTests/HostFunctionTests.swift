import Apus
import ApusLocks
import Testing

/// Functions of the host that guests call.
struct HostFunctionTests {
    /// A guest that imports `env.f` and exports `call`, which passes its arguments on and returns
    /// the results.
    private func relay(
        _ parameters: [ValueType], _ results: [ValueType],
        _ define: @escaping (inout Linker) throws -> Void
    ) throws -> Instance {
        var module = TestModule()
        let imported = module.importFunction("env", "f", parameters, results)
        module.memory(1, 3)
        module.function(
            "call", parameters, results,
            parameters.indices.flatMap { Code.get($0) } + Code.call(imported))
        return try makeInstance(module, define)
    }

    /// More numbers of each kind than there are registers, of both sizes, in both directions.
    @Test func manyNumbersArriveUnchanged() throws {
        let types: [ValueType] = [
            .i32, .f32, .i64, .f64, .i32, .i32, .f32, .f32, .i64, .i32, .f64, .i64, .i32, .f32,
            .i32, .i64, .f64, .f32, .f64, .f32, .i64, .f64, .i32,
        ]
        let seen = Seen()
        let relay = try relay(types, [.f64]) {
            $0.define("env", "f") {
                (
                    a: Int32, b: Float, c: Int64, d: Double, e: Int32, f: UInt32, g: Float,
                    h: Float, i: Int64, j: Int32, k: Double, l: UInt64, m: Int32, n: Float,
                    o: Int32, p: Int64, q: Double, r: Float, s: Double, t: Float, u: Int64,
                    v: Double, w: Int32
                ) -> Double in
                seen.add([Double(a), Double(b), Double(c), d, Double(e)])
                seen.add([Double(f), Double(g), Double(h), Double(i)])
                seen.add([Double(j), k, Double(l), Double(m), Double(n)])
                seen.add([Double(o), Double(p), q, Double(r), s])
                seen.add([Double(t), Double(u), v, Double(w)])
                return -0.5
            }
        }
        let call = try relay.function(
            "call",
            as: ((
                Int32, Float, Int64, Double, Int32, UInt32, Float, Float, Int64, Int32, Double,
                UInt64, Int32, Float, Int32, Int64, Double, Float, Double, Float, Int64, Double,
                Int32
            ) -> Double).self)
        let result = try call(
            -1, 2.5, 1 << 40, 4.25, .min, .max, -7, 8, -(1 << 50), 10, 11.5, 1 << 52, 13, 14.5,
            .max, -16, 17, 18, -19, 20, 21, 22.75, -23)
        #expect(result == -0.5)
        #expect(
            seen.numbers == [
                -1, 2.5, 0x1p40, 4.25, -0x1p31, 0x1p32 - 1, -7, 8, -0x1p50, 10, 11.5, 0x1p52, 13,
                14.5, 0x1p31 - 1, -16, 17, 18, -19, 20, 21, 22.75, -23,
            ])
    }

    @Test func closuresOfAllShapes() throws {
        let counter = Counter()
        let none = try relay([], []) { $0.define("env", "f") { counter.add() } }
        try none.function("call", as: (() -> Void).self)()
        #expect(counter.total == 1)

        let one = try relay([.i32, .i64], [.i64]) {
            $0.define("env", "f") { (a: Int32, b: Int64) in Int64(a) &+ b }
        }
        let sum = try one.function("call", as: ((Int32, Int64) -> Int64).self)
        #expect(try sum(-1, 1 << 40) == (1 << 40) - 1)

        let two = try relay([.f32, .f64], [.f64, .f32]) {
            $0.define("env", "f") { (a: Float, b: Double) in (b, a) }
        }
        let swap = try two.function("call", as: ((Float, Double) -> (Double, Float)).self)
        #expect(try swap(1, 2) == (2, 1))

        let caller = try relay([.i32], [.i32]) {
            $0.define("env", "f") { (caller, a: Int32) in
                Int32(try caller.memory.pageCount) + a
            }
        }
        let pages = try caller.function("call", as: ((Int32) -> Int32).self)
        #expect(try pages(41) == 42)

        let both = try relay([.i32], [.i32, .i32, .i32]) {
            $0.define("env", "f") { (caller: Caller, a: Int32) -> (Int32, Int32, Int32) in
                (a, caller.instance == nil ? 0 : 1, a &+ 1)
            }
        }
        let three = try both.function("call", as: ((Int32) -> (Int32, Int32, Int32)).self)
        #expect(try three(5) == (5, 1, 6))

        let onlyCaller = try relay([], []) {
            $0.define("env", "f") { caller in try caller.memory.write([7], at: 9) }
        }
        try onlyCaller.function("call", as: (() -> Void).self)()
        #expect(try onlyCaller.memory.read(at: 9, count: 1) == [7])
    }

    @Test func untypedClosure() throws {
        let instance = try relay([.i32, .f64], [.f64, .i32]) {
            $0.define("env", "f", type: FunctionType([.i32, .f64], [.f64, .i32])) { _, values in
                values.reversed()
            }
        }
        let call = try instance.function("call", as: ((Int32, Double) -> (Double, Int32)).self)
        #expect(try call(3, 0.5) == (0.5, 3))
        let wrong = try relay([], [.i32]) {
            $0.define("env", "f", type: FunctionType([], [.i32])) { _, _ in [.i64(0)] }
        }
        #expect(throws: TypeError.self) {
            try wrong.function("call", as: (() -> Int32).self)()
        }
    }

    /// More arguments than registers, of both kinds mixed.
    @Test func passesManyArguments() throws {
        let types: [ValueType] = (0..<24).map { $0 % 3 == 0 ? .f64 : $0 % 3 == 1 ? .i32 : .i64 }
        let instance = try relay(types, types) {
            $0.define("env", "f", type: FunctionType(types, types)) { _, values in values }
        }
        var values: [Value] = []
        for index in 0..<24 {
            switch types[index] {
            case .f64: values.append(.f64(Double(index)))
            case .i32: values.append(.i32(Int32(-index)))
            default: values.append(.i64(Int64(index)))
            }
        }
        let results = try instance.function("call").call(values)
        #expect(results.map(\.description) == values.map(\.description))
    }

    @Test func thrownErrorsPassUnchanged() throws {
        let instance = try relay([.i32], []) {
            $0.define("env", "f") { (number: Int32) in throw TestError(number: Int(number)) }
        }
        let call = try instance.function("call", as: ((Int32) -> Void).self)
        for number in [1, 2, 3] {
            #expect(throws: TestError(number: number)) { try call(Int32(number)) }
        }
    }

    @Test func hostMayTrap() throws {
        let instance = try relay([], []) {
            $0.define("env", "f") { throw Trap(.unreachable, "not today") }
        }
        let trap = trap { try instance.function("call", as: (() -> Void).self)() }
        #expect(trap?.code == .unreachable)
        #expect(trap?.message == "not today")
    }

    /// Guest and host call each other, and the innermost trap passes through all of them.
    @Test func reentersTheGuest() throws {
        var module = TestModule()
        let imported = module.importFunction("env", "again", [.i32], [.i32])
        // down(n) = n == 0 ? 7 / n : again(n - 1) + 1
        module.function(
            "down", [.i32], [.i32],
            Code.get(0) + [0x04, 0x7F] + Code.get(0) + Code.i32(1) + Code.i32Subtract
                + Code.call(imported) + Code.i32(1) + Code.i32Add + [0x05]
                + Code.i32(7) + Code.get(0) + Code.i32Divide + Code.end)
        let deferred = Counter()
        let instance = try makeInstance(module) {
            $0.define("env", "again") { (caller, n: Int32) -> Int32 in
                defer { deferred.add() }
                if n == 100 { return 5 }
                guard let instance = caller.instance else { return -1 }
                return try instance.function("down", as: ((Int32) -> Int32).self)(n)
            }
        }
        let down = try instance.function("down", as: ((Int32) -> Int32).self)
        #expect(try down(101) == 6)
        #expect(try down(110) == 15)
        let before = deferred.total
        let trap = trap { _ = try down(5) }
        #expect(trap?.code == .integerDivideByZero)
        #expect(deferred.total == before + 5)
        #expect(trap?.backtrace.map(\.name) == Array(repeating: "down", count: 6))
        #expect(try down(110) == 15)
    }

    @Test func growsTheGuestsMemory() throws {
        var module = TestModule()
        let grow = module.importFunction("env", "grow", [.i32], [.i32])
        module.memory(1, 3)
        // Grows by one page through the host and stores at its end.
        module.function(
            "run", [], [.i32],
            Code.i32(1) + Code.call(grow) + Code.drop + Code.i32(131068) + Code.i32(77)
                + Code.i32Store() + Code.i32(131068) + Code.i32Load() + Code.memorySize
                + Code.i32Add)
        let instance = try makeInstance(module) {
            $0.define("env", "grow") { (caller, pages: Int32) -> Int32 in
                Int32(try caller.memory.grow(by: Int(pages)) ?? -1)
            }
        }
        #expect(try instance.function("run", as: (() -> Int32).self)() == 79)
        #expect(try instance.memory.pageCount == 2)
        #expect(try instance.memory.grow(by: 2) == nil)
        #expect(try instance.memory.grow(by: 1) == 2)
    }

    @Test func functionsOfOneStore() throws {
        let store = Store(Engine())
        var calls = 0
        let function = try Function(store) { (a: Int32) -> Int32 in
            calls += 1
            return a &* 2
        }
        #expect(try function.typed(as: ((Int32) -> Int32).self)(21) == 42)
        guard case .i32(8)? = try function.call(.i32(4)).first else {
            Issue.record("wrong result")
            return
        }
        #expect(calls == 2)
    }

    @Test func storesCarryDataToHostFunctions() throws {
        var module = TestModule()
        let imported = module.importFunction("env", "f", [], [.i32])
        module.function("call", [], [.i32], Code.call(imported))
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("env", "f") { (caller: Caller) in caller.store.data as? Int32 ?? 0 }
        let compiled = try Module(engine, bytes: module.bytes)
        for number: Int32 in [3, 4] {
            let instance = try linker.instantiate(compiled, in: Store(engine, data: number))
            #expect(try instance.function("call", as: (() -> Int32).self)() == number)
        }
    }
}

/// Numbers that a host function was given.
private final class Seen: Sendable {
    private let list = SystemMutex<[Double]>([])

    func add(_ numbers: [Double]) { list.withLock { $0 += numbers } }
    var numbers: [Double] { list.withLock { $0 } }
}
