import Apus
import Foundation

/// Long runs: what happens millions of times leaves nothing behind.
enum Soak {
    private static let text = """
        (module (memory (export "memory") 2 8) (data (i32.const 100) "data")
          (table 8 funcref) (elem (i32.const 0) $f) (func $f)
          (global $secret (mut i64) (i64.const 0))
          (func (export "f") (result i32)
            (i32.store (i32.const 70000) (i32.const 1))
            (i32.add (i32.load (i32.const 70000)) (i32.load8_u (i32.const 100))))
          ;; Fills all that can be written with 0xEE, what is grown included.
          (func (export "hide")
            (drop (memory.grow (i32.const 6)))
            (memory.fill (i32.const 0) (i32.const 0xEE) (i32.const 0x80000))
            (table.fill (i32.const 0) (ref.func $f) (i32.const 8))
            (global.set $secret (i64.const 0xEEEEEEEEEEEEEEEE)))
          ;; Returns how many of these it finds.
          (func (export "find") (result i32) (local $i i32) (local $found i32)
            (local.set $found (i64.ne (global.get $secret) (i64.const 0)))
            (drop (memory.grow (i32.const 6)))
            (loop $next
              (local.set $found (i32.add (local.get $found)
                (i64.eq (i64.load (local.get $i)) (i64.const 0xEEEEEEEEEEEEEEEE))))
              (local.set $i (i32.add (local.get $i) (i32.const 8)))
              (br_if $next (i32.lt_u (local.get $i) (i32.const 0x80000))))
            (local.set $i (i32.const 1))
            (loop $entry
              (local.set $found (i32.add (local.get $found)
                (i32.eqz (ref.is_null (table.get (local.get $i))))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $entry (i32.lt_u (local.get $i) (i32.const 8))))
            (local.get $found)))
        """

    private static var pooled: Engine {
        Engine(.init(allocator: .pooling(.init(instances: 16, memoryBytes: 1 << 20))))
    }

    /// `count` times an instance is made, called and dropped, on demand and pooled.
    static func cycles(_ count: Int) throws {
        for (name, engine) in [("on_demand", Engine()), ("pooled", pooled)] {
            let prepared = try Linker(engine).prepare(Module(engine, text: text))
            func cycle() throws {
                let instance = try prepared.instantiate(in: Store(engine))
                let result = try instance.function("f", as: (() -> Int32).self)()
                precondition(result == 101)
            }
            for _ in 0..<10_000 { try cycle() }
            let bytes = ProcessUsage.residentBytes
            let descriptors = ProcessUsage.descriptorCount
            let start = ContinuousClock.now
            for _ in 0..<count { try cycle() }
            let seconds = Stopwatch.seconds(start.duration(to: .now))
            let each = String(format: "%.2f us each,", seconds / Double(count) * 1e6)
            print(
                name, count, "cycles,", each,
                "resident memory", ProcessUsage.residentBytes - bytes, "bytes more,",
                "descriptors", ProcessUsage.descriptorCount - descriptors, "more")
        }
    }

    /// `count` times an instance fills all it has, and the next one looks for that.
    static func secrets(_ count: Int) throws {
        for choice in Engine.Pool.Choice.allCases {
            var pool = Engine.Pool(instances: 2, memoryBytes: 1 << 20)
            pool.choice = choice
            let engine = Engine(.init(allocator: .pooling(pool)))
            let tenants = try (0..<2).map { _ in
                try Linker(engine).prepare(Module(engine, text: text))
            }
            var found = 0
            for number in 0..<count {
                try tenants[number % 2].instantiate(in: Store(engine))
                    .function("hide", as: (() -> Void).self)()
                // The same module in a warm slot, and another one in a slot it did not have.
                let next = try tenants[number / 2 % 2].instantiate(in: Store(engine))
                found += Int(try next.function("find", as: (() -> Int32).self)())
            }
            print(choice.rawValue, count, "recycled slots,", found, "secrets found")
        }
    }

    /// What each of `count` idle instances of a module with one page of memory takes. The pool has
    /// twice as many slots.
    static func residence(_ count: Int) throws {
        try residence(count, "on_demand", Engine())
        let pool = Engine.Pool(instances: 2 * count, memoryBytes: 1 << 20)
        try residence(count, "pooled", Engine(.init(allocator: .pooling(pool))))
    }

    private static func residence(_ count: Int, _ name: String, _ engine: Engine) throws {
        let module = """
            (module (memory (export "memory") 1) (func (export "f") (result i32) (i32.const 1)))
            """
        let prepared = try Linker(engine).prepare(Module(engine, text: module))
        let before = ProcessUsage.residentBytes
        let instances = try (0..<count).map { _ in try prepared.instantiate(in: Store(engine)) }
        let live = ProcessUsage.residentBytes
        for instance in instances {
            _ = try instance.function("f", as: (() -> Int32).self)()
        }
        let called = withExtendedLifetime(instances) { ProcessUsage.residentBytes }
        print(
            name, count, "live instances,", (live - before) / count, "bytes each,",
            (called - before) / count, "after a call;",
            engine.allocatorStatistics.capacity.map { "\($0) slots" } ?? "")
    }
}
