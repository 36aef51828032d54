import Apus
import Testing

/// Guests that use up fuel.
struct FuelTests {
    private static let text = """
        (module
          (import "host" "look" (func $look))
          (memory 16)
          (table 64 funcref)
          (func (export "nothing"))
          (func (export "forever") (loop $l (br $l)))
          (func $deep (export "deep") (param i32)
            (if (local.get 0) (then
              (call $deep (i32.sub (local.get 0) (i32.const 1)))
              (call $deep (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "count") (param i32)
            (loop $l
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $l (local.get 0))))
          (func (export "fill") (param i32)
            (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
          (func (export "look") (call $look))
          (func (export "trap") (param i32)
            (i32.const 1)
            (i32.load (local.get 0))
            (i32.const 2)
            (i32.const 3)
            drop drop drop drop))
        """

    private func instance(_ look: @escaping @Sendable (Caller) -> Void = { _ in }) throws
        -> Instance
    {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "look") { (caller: Caller) in look(caller) }
        let store = Store(engine)
        store.fuel = 1000
        return try linker.instantiate(Module(engine, text: Self.text), in: store)
    }

    /// What a call uses up of a large amount.
    private func cost(
        _ instance: Instance, _ name: String, _ arguments: Value...
    ) throws -> UInt64 {
        instance.store.fuel = 1_000_000_000
        _ = trap { _ = try instance.function(name).call(arguments) }
        return 1_000_000_000 - instance.store.fuel
    }

    @Test func costsAreExact() throws {
        let instance = try instance()
        #expect(try cost(instance, "nothing") == 0)
        #expect(try cost(instance, "count", .i32(1)) == 6)
        #expect(try cost(instance, "count", .i32(1000)) == 6000)
        #expect(try cost(instance, "fill", .i32(6400)) == 4 + 100)
        // What comes after the instruction that traps is not paid for.
        #expect(try cost(instance, "trap", .i32(0)) == 9)
        #expect(try cost(instance, "trap", .i32(-1)) == 3)
        #expect(try cost(instance, "fill", .i32(-1)) == 4)
    }

    /// A structure of zeros costs as much as it takes to clear it, whatever compiles it.
    @Test(arguments: Engine.Compiler.allCases)
    func structuresCostBySize(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        configuration.compiler = compiler
        let wide = String(repeating: " i64", count: 2000)
        let text = """
            (module
              (type $wide (struct (field\(wide))))
              (type $small (struct (field i64 i64)))
              (func (export "wide") (drop (struct.new_default $wide)))
              (func (export "small") (drop (struct.new_default $small))))
            """
        let engine = Engine(configuration)
        let store = Store(engine)
        let instance = try Instance(store, Module(engine, text: text))
        #expect(try cost(instance, "small") == 2)
        #expect(try cost(instance, "wide") == 2 + UInt64(2000 * 8 + 16) / 64)
        // Who cannot pay makes none, and has paid for the instruction alone.
        store.fuel = 100
        #expect(trap { _ = try instance.function("wide").call() }?.code == .outOfFuel)
    }

    @Test(arguments: ["forever", "deep", "count"]) func itEnds(_ name: String) throws {
        let instance = try instance()
        let arguments: [Value] = name == "forever" ? [] : [.i32(60)]
        instance.store.fuel = name == "count" ? 100 : 100_000
        let stopped = trap { _ = try instance.function(name).call(arguments) }
        #expect(stopped?.code == .outOfFuel)
        #expect(stopped?.code.description == "all fuel consumed")
        #expect(stopped?.backtrace.first?.name == name)
        #expect(instance.store.fuel < 6)
        // The instance is as good as before when there is more.
        instance.store.fuel = 1000
        _ = try instance.function("count").call([.i32(5)])
        #expect(instance.store.fuel == 970)
    }

    @Test func largeFillsNeedFuelBeforeTheyStart() throws {
        let instance = try instance()
        instance.store.fuel = 1000
        let stopped = trap { _ = try instance.function("fill").call([.i32(1 << 20)]) }
        #expect(stopped?.code == .outOfFuel)
        #expect(stopped?.backtrace.first?.name == "fill")
        #expect(instance.store.fuel == 996)
    }

    @Test func aStoreHasNoneAtFirst() throws {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        let store = Store(Engine(configuration))
        #expect(store.fuel == 0)
        let text = #"(module (func (export "f") (drop (i32.const 1))))"#
        let module = try Module(store.engine, text: text)
        let function = try Instance(store, module).function("f", as: (() -> Void).self)
        #expect(trap { try function() }?.code == .outOfFuel)
    }

    @Test func hostFunctionsSeeAndChangeIt() throws {
        let seen = Counter()
        let instance = try instance { caller in
            seen.add(Int(caller.store.fuel))
            caller.store.fuel += 500
        }
        instance.store.fuel = 100
        _ = try instance.function("look").call([])
        #expect(seen.total == 99)
        #expect(instance.store.fuel == 599)
    }

    @Test func hostFunctionsThatCallBackUseTheSame() throws {
        let instance = try instance { caller in
            _ = try? caller.instance?.function("count").call([.i32(10)])
        }
        instance.store.fuel = 1000
        _ = try instance.function("look").call([])
        #expect(instance.store.fuel == 1000 - 1 - 60)
    }

    @Test func theMostThereCanBe() throws {
        let instance = try instance()
        instance.store.fuel = .max
        _ = try instance.function("count").call([.i32(10)])
        #expect(instance.store.fuel == UInt64(Int64.max) - 60)
    }

    /// What is not made is not paid for, whatever the limiter sets that there is.
    @Test func limitersMaySetIt() throws {
        let instance = try instance()
        let store = instance.store
        let text = """
            (module (memory 0 1) (type $bytes (array i8))
              (func (export "make") (drop (array.new_default $bytes (i32.const 1000000))))
              (func (export "grow")
                (drop (memory.grow (i32.const 1))) (drop (i32.load (i32.const 0)))))
            """
        let module = try Module(store.engine, text: text)
        let other = try Instance(store, module)
        store.limiter = FuelSetter(store)
        for name in ["make", "grow"] {
            store.fuel = 1_000_000
            #expect(trap { _ = try other.function(name).call([]) } != nil)
            // But for what comes behind the growth.
            #expect(store.fuel >= UInt64(Int64.max) - 10)
        }
        #expect(store.statistics.fuelUsed < 100)
    }

    /// What a module has made before it runs costs as much for its size as in code.
    @Test func objectsOfGlobalsArePaidFor() throws {
        let engine = try instance().store.engine
        let fields = String(repeating: " i64", count: 1000)
        let types = "(type $a (array i64)) (type $s (struct (field\(fields))))"
        for (expression, type, instructions, size) in [
            ("array.new_default $a (i32.const 80000)", "$a", 2, 10_000),
            ("array.new $a (i64.const 1) (i32.const 80000)", "$a", 3, 10_000),
            ("array.new_fixed $a 2 (i64.const 1) (i64.const 2)", "$a", 3, 0),
            ("struct.new_default $s", "$s", 1, 125),
            ("ref.null $s", "$s", 1, 0),
        ] as [(String, String, UInt64, UInt64)] {
            let module = try Module(
                engine,
                text: "(module \(types) (global (ref null \(type)) (\(expression))) "
                    + "(func (export \"run\") (drop (\(expression)))))")
            let store = Store(engine)
            store.fuel = size
            let instance = try Instance(store, module)
            #expect(store.fuel == 0, "\(expression)")
            store.fuel = instructions + size + 1
            try instance.function("run", as: (() -> Void).self)()
            #expect(store.fuel == 0, "\(expression)")
            if size == 0 { continue }
            let other = Store(engine)
            other.fuel = size - 1
            #expect(trap { _ = try Instance(other, module) }?.code == .outOfFuel)
        }
    }

    /// A guest whose fuel nobody counts would run without a bound.
    @Test func enginesWithoutAMeterRunNobodyWhoHasFuel() throws {
        let engine = Engine()
        #expect(Store(engine).fuel == 0)
        let module = try Module(engine, text: "(module (func (export \"f\")))")
        let limited = Store(engine, limits: Limits(fuel: 5))
        #expect(throws: ResourceError(.fuel, requested: 5, limit: 0)) {
            try Instance(limited, module)
        }
        let store = Store(engine)
        let function = try Instance(store, module).function("f", as: (() -> Void).self)
        try function()
        store.fuel = 1
        #expect(throws: ResourceError(.fuel, requested: 1, limit: 0)) { try function() }
        #expect(throws: ResourceError(.fuel, requested: 1, limit: 0)) {
            try function.function.call()
        }
        #expect(store.fuel == 0)
    }
}

/// Lets nothing grow, and sets as much fuel as there can be.
private final class FuelSetter: ResourceLimiter {
    private unowned let store: Store

    init(_ store: Store) { self.store = store }

    func allows(_ growth: Growth) -> Bool {
        store.fuel = .max
        return false
    }
}
