import Apus
import Testing

/// What a pool has room for.
@Suite struct PoolTests {
    private func engine(_ adjust: (inout Engine.Pool) -> Void = { _ in }) -> Engine {
        var pool = Engine.Pool(instances: 3, memoryBytes: 128 << 10, tableElements: 10)
        adjust(&pool)
        return Engine(.init(allocator: .pooling(pool)))
    }

    private func refusal(_ engine: Engine, _ text: String) -> ResourceError? {
        do {
            _ = try Module(engine, text: text)
            return nil
        } catch {
            return error as? ResourceError
        }
    }

    @Test func modulesThatDoNotFitAreRefusedWhenCompiled() throws {
        let small = engine { $0.contextBytes = 4096 }
        let many = String(repeating: "(global i64 (i64.const 0))", count: 300)
        let cases: [(text: String, message: String)] = [
            ("(module (memory 3))", "linear memory: 196608 exceeds the limit of 131072"),
            ("(module (memory 1) (memory 1))", "memories of a module: 2 exceeds the limit of 1"),
            ("(module (table 11 funcref))", "table: 11 exceeds the limit of 10"),
            (
                "(module (table 1 funcref) (table 1 externref))",
                "tables of a module: 2 exceeds the limit of 1"
            ),
        ]
        for (text, message) in cases {
            #expect(try #require(refusal(small, text)).description == message)
        }
        let context = try #require(refusal(small, "(module \(many))"))
        #expect(context.resource == .context && context.limit == 4096)
        #expect(context.requested > 4800)
        #expect(refusal(small, "(module (memory 2) (table 10 funcref))") == nil)
        // What is imported takes no room.
        #expect(
            refusal(small, "(module (import \"a\" \"m\" (memory 9)) (memory 1))") == nil)
    }

    /// There is not so much address space anywhere. In a process of its own, since others lack
    /// what is tried meanwhile.
    @Test func poolsOfAnySizeAreRefused() async {
        await #expect(processExitsWith: .success) {
            let tests = PoolTests()
            let changes: [(inout Engine.Pool) -> Void] = [
                { $0.tablesPerInstance = .max }, { $0.memoriesPerInstance = .max },
                { $0.contextBytes = .max }, { $0.tableElements = .max }, { $0.memoryBytes = .max },
            ]
            for count in 1...changes.count {
                let engine = tests.engine { pool in
                    pool.instances = .max
                    pool.memoryBytesKeptResident = .max
                    for change in changes[..<count] { change(&pool) }
                }
                #expect(tests.refusal(engine, "(module)") != nil)
            }
            // Less than nothing is nothing.
            let none = tests.engine { pool in
                pool.instances = .min
                pool.memoriesPerInstance = .min
                pool.tablesPerInstance = .min
            }
            #expect(tests.refusal(none, "(module)") == nil)
            #expect(tests.refusal(none, "(module (memory 1))")?.resource == .memories)
        }
    }

    @Test func growthEndsWhereTheSlotDoes() throws {
        let text = """
            (module (memory 1) (table 1 funcref)
              (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
              (func (export "table") (param i32) (result i32)
                (table.grow (ref.null func) (local.get 0))))
            """
        let engine = engine()
        let module = try Module(engine, text: text)
        for _ in 0..<3 {
            let instance = try Instance(Store(engine), module)
            let memory = try instance.function("memory", as: ((Int32) -> Int32).self)
            let table = try instance.function("table", as: ((Int32) -> Int32).self)
            #expect(try memory(2) == -1)
            #expect(try memory(1) == 1)
            #expect(try memory(1) == -1)
            #expect(try table(10) == -1)
            #expect(try table(9) == 1)
            #expect(try table(1) == -1)
        }
    }

    @Test func instancesEndWhereThePoolDoes() throws {
        let engine = engine()
        let module = try Module(engine, text: "(module (memory 1))")
        #expect(engine.allocatorStatistics.capacity == 3)
        for _ in 0..<3 {
            var stores = (0..<3).map { _ in Store(engine) }
            for store in stores { try Instance(store, module) }
            let last = Store(engine)
            let error = #expect(throws: ResourceError.self) { try Instance(last, module) }
            #expect(error?.description == "instances of the pool: 4 exceeds the limit of 3")
            #expect(engine.allocatorStatistics.instancesInUse == 3)
            stores.removeLast()
            try Instance(last, module)
        }
        let statistics = engine.allocatorStatistics
        #expect(statistics.instancesInUse == 0 && statistics.highWaterMark == 3)
        #expect(statistics.warmInstances == 3 && statistics.retiredSlots == 0)
    }

    @Test func poolsOfNothingAndTooMuchAreErrors() throws {
        let empty = engine { $0.instances = 0 }
        let module = try Module(empty, text: "(module)")
        #expect(throws: ResourceError.self) { try Instance(Store(empty), module) }
        let negative = engine {
            $0.instances = -1
            $0.memoriesPerInstance = -5
            $0.tablesPerInstance = -5
        }
        #expect(throws: ResourceError.self) {
            try Instance(Store(negative), Module(negative, text: "(module)"))
        }
        let huge = engine {
            $0.instances = .max
            $0.memoryBytes = .max
            $0.tableElements = .max
            $0.memoriesPerInstance = .max
            $0.tablesPerInstance = .max
            $0.contextBytes = .max
        }
        #expect(throws: ResourceError.self) { try Module(huge, text: "(module)") }
    }

    @Test func severalMemoriesAndTablesHaveTheirPlaces() throws {
        let engine = engine {
            $0.memoriesPerInstance = 3
            $0.tablesPerInstance = 2
        }
        let module = try Module(
            engine,
            text: """
                (module (memory $a 1) (memory $b i64 1 2) (memory $c 0)
                  (table $t 3 funcref) (table $u 4 funcref) (elem (table $u) (i32.const 3) func $f)
                  (data (memory $b) (i64.const 9) "b") (func $f)
                  (func (export "run") (result i32)
                    (i32.store8 $a (i32.const 9) (i32.const 1))
                    (drop (memory.grow $c (i32.const 1)))
                    (i32.store8 $c (i32.const 9) (i32.const 4))
                    (table.set $t (i32.const 2) (ref.func $f))
                    (i32.add (ref.is_null (table.get $u (i32.const 3)))
                      (i32.add (i32.load8_u $a (i32.const 9))
                        (i32.add (i32.load8_u $b (i64.const 9)) (i32.load8_u $c (i32.const 9)))))))
                """)
        for _ in 0..<4 {
            let instances = try (0..<3).map { _ in try Instance(Store(engine), module) }
            for instance in instances {
                #expect(try instance.function("run", as: (() -> Int32).self)() == 103)
            }
        }
    }
}
