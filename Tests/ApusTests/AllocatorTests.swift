import Apus
import Testing

/// Instances of either allocator: what limits them, and that nothing passes from one to the next.
@Suite struct AllocatorTests {
    /// The allocators that tests run on.
    enum Kind: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case onDemand, onDemandResident, moduleAffine, nextAvailable, random, discarding

        var testDescription: String { rawValue }

        func engine(_ adjust: (inout Engine.Pool) -> Void = { _ in }) -> Engine {
            var pool = Engine.Pool(instances: 4, memoryBytes: 1 << 20, tableElements: 64)
            adjust(&pool)
            switch self {
            case .onDemand: return Engine()
            case .onDemandResident:
                return Engine(.init(allocator: .onDemand(.init(memoryBytesKeptResident: 1 << 16))))
            case .moduleAffine: pool.choice = .moduleAffine
            case .nextAvailable: pool.choice = .nextAvailable
            case .random: pool.choice = .random
            case .discarding: pool.memoryBytesKeptResident = 0
            }
            return Engine(.init(allocator: .pooling(pool)))
        }
    }

    /// Everything an instance can write to, with functions that write and read it.
    static let writable = """
        (module
          (type $nothing (func))
          (import "env" "tell" (func $tell (result i32)))
          (memory (export "memory") 1 4)
          (table $t (export "table") 4 16 funcref)
          (table $objects 2 8 externref)
          (global $g (export "global") (mut i64) (i64.const 7))
          (global $o (mut externref) (ref.null extern))
          (global $f (mut funcref) (ref.func $one))
          (data (i32.const 8) "initial")
          (data (i32.const 65532) "last")
          (data $passive "passive")
          (elem (i32.const 1) $one $two)
          (elem $later func $two)
          (func $one (type $nothing))
          (func $two (type $nothing))
          (func (export "told") (result i32) (call $tell))
          (func (export "spoil") (param externref)
            (drop (memory.grow (i32.const 2)))
            (memory.fill (i32.const 0) (i32.const 0xEE) (i32.const 0x30000))
            (drop (table.grow $t (ref.func $two) (i32.const 5)))
            (table.set $t (i32.const 0) (ref.func $two))
            (table.set $t (i32.const 1) (ref.null func))
            (table.fill $objects (i32.const 0) (local.get 0) (i32.const 2))
            (drop (table.grow $objects (local.get 0) (i32.const 3)))
            (global.set $g (i64.const 0x5EC12E7))
            (global.set $o (local.get 0))
            (global.set $f (ref.null func))
            (data.drop $passive)
            (elem.drop $later))
          (func (export "isFresh") (result i32)
            (local $address i32)
            (if (i32.ne (memory.size) (i32.const 1)) (then (return (i32.const 1))))
            (if (i32.ne (table.size $t) (i32.const 4)) (then (return (i32.const 2))))
            (if (i32.ne (table.size $objects) (i32.const 2)) (then (return (i32.const 3))))
            (if (i64.ne (global.get $g) (i64.const 7)) (then (return (i32.const 4))))
            (if (i32.eqz (ref.is_null (global.get $o))) (then (return (i32.const 5))))
            (if (ref.is_null (global.get $f)) (then (return (i32.const 6))))
            (if (i32.eqz (ref.is_null (table.get $t (i32.const 0))))
              (then (return (i32.const 7))))
            (if (ref.is_null (table.get $t (i32.const 1))) (then (return (i32.const 8))))
            (if (i32.eqz (ref.is_null (table.get $t (i32.const 3))))
              (then (return (i32.const 9))))
            (if (i32.eqz (ref.is_null (table.get $objects (i32.const 1))))
              (then (return (i32.const 10))))
            (if (i64.ne (i64.load (i32.const 8)) (i64.const 0x006c616974696e69))
              (then (return (i32.const 11))))
            (if (i32.ne (i32.load (i32.const 65532)) (i32.const 0x7473616c))
              (then (return (i32.const 12))))
            (memory.init $passive (i32.const 16) (i32.const 0) (i32.const 7))
            (if (i64.ne (i64.load (i32.const 16)) (i64.const 0x0065766973736170))
              (then (return (i32.const 13))))
            (table.init $t $later (i32.const 3) (i32.const 0) (i32.const 1))
            (if (ref.is_null (table.get $t (i32.const 3))) (then (return (i32.const 14))))
            (memory.fill (i32.const 0) (i32.const 0) (i32.const 24))
            (memory.fill (i32.const 65532) (i32.const 0) (i32.const 4))
            (loop $next
              (if (i64.ne (i64.load (local.get $address)) (i64.const 0))
                (then (return (i32.const 15))))
              (local.set $address (i32.add (local.get $address) (i32.const 8)))
              (br_if $next (i32.lt_u (local.get $address) (i32.const 65536))))
            ;; What it may grow into is as empty.
            (drop (memory.grow (i32.const 2)))
            (loop $grown
              (if (i64.ne (i64.load (local.get $address)) (i64.const 0))
                (then (return (i32.const 16))))
              (local.set $address (i32.add (local.get $address) (i32.const 8)))
              (br_if $grown (i32.lt_u (local.get $address) (i32.const 0x30000))))
            (drop (table.grow $t (ref.null func) (i32.const 5)))
            (if (i32.eqz (ref.is_null (table.get $t (i32.const 8))))
              (then (return (i32.const 17))))
            (i32.const 0)))
        """

    private func prepare(_ text: String, _ engine: Engine) throws -> PreparedModule {
        var linker = Linker(engine)
        linker.define("env", "tell") { (caller: Caller) in caller.store.data as? Int32 ?? -1 }
        return try linker.prepare(Module(engine, text: text))
    }

    /// Instances that are spoiled, and then one that has to be as new.
    private func cycle(
        _ prepared: PreparedModule, _ engine: Engine, _ number: Int32
    ) throws -> Int32 {
        do {
            let store = Store(engine, data: number)
            let instance = try prepared.instantiate(in: store)
            let told = try instance.function("told", as: (() -> Int32).self)
            #expect(try told() == number)
            _ = try instance.function("spoil").call(.external(ExternReference(Counter())))
            let table = try instance.table("table")
            try table.set(2, .function(nil))
        }
        let instance = try prepared.instantiate(in: Store(engine))
        return try instance.function("isFresh", as: (() -> Int32).self)()
    }

    @Test(arguments: Kind.allCases) func nothingIsLeftForTheSameModule(kind: Kind) throws {
        let engine = kind.engine { $0.tablesPerInstance = 2 }
        let prepared = try prepare(Self.writable, engine)
        for number in 0..<20 as Range<Int32> {
            #expect(try cycle(prepared, engine, number) == 0)
        }
        #expect(engine.allocatorStatistics.instancesInUse == 0)
    }

    @Test(arguments: Kind.allCases) func nothingIsLeftForAnotherModule(kind: Kind) throws {
        let engine = kind.engine {
            $0.tablesPerInstance = 2
            $0.instances = 1
        }
        let spoiler = try prepare(Self.writable, engine)
        let scanner = try prepare(
            """
            (module
              (memory 3 4) (table $t 64 funcref) (table $o 64 externref)
              (global $a (mut i64) (i64.const 0)) (global $b (mut i64) (i64.const 0))
              (func (export "scan") (result i32) (local $i i32)
                (loop $next
                  (if (i64.ne (i64.load (local.get $i)) (i64.const 0))
                    (then (return (i32.const 1))))
                  (local.set $i (i32.add (local.get $i) (i32.const 8)))
                  (br_if $next (i32.lt_u (local.get $i) (i32.const 0x30000))))
                (local.set $i (i32.const 0))
                (loop $entry
                  (if (i32.eqz (ref.is_null (table.get $t (local.get $i))))
                    (then (return (i32.const 2))))
                  (if (i32.eqz (ref.is_null (table.get $o (local.get $i))))
                    (then (return (i32.const 3))))
                  (local.set $i (i32.add (local.get $i) (i32.const 1)))
                  (br_if $entry (i32.lt_u (local.get $i) (i32.const 64))))
                (if (i64.ne (i64.or (global.get $a) (global.get $b)) (i64.const 0))
                  (then (return (i32.const 4))))
                (memory.fill (i32.const 0) (i32.const 0xAA) (i32.const 0x30000))
                (i32.const 0)))
            """, engine)
        for number in 0..<10 as Range<Int32> {
            #expect(try cycle(spoiler, engine, number) == 0)
            let instance = try scanner.instantiate(in: Store(engine))
            #expect(try instance.function("scan", as: (() -> Int32).self)() == 0)
        }
    }

    /// An instance that imports another's table can change it by itself.
    @Test(arguments: Kind.allCases) func tablesThatOthersChangeAreRestored(kind: Kind) throws {
        let engine = kind.engine()
        let owner = try Module(
            engine,
            text: """
                (module (table (export "t") 2 funcref) (elem (i32.const 0) $f) (func $f)
                  (func (export "state") (result i32)
                    (i32.add (ref.is_null (table.get 0 (i32.const 0)))
                      (i32.mul (i32.const 2) (ref.is_null (table.get 0 (i32.const 1)))))))
                """)
        let writer = try Module(
            engine,
            text: """
                (module (import "owner" "t" (table 2 funcref)) (func $g)
                  (elem declare func $g)
                  (func (export "change") (table.set 0 (i32.const 0) (ref.null func))
                    (table.set 0 (i32.const 1) (ref.func $g))))
                """)
        for _ in 0..<10 {
            let store = Store(engine)
            let first = try Instance(store, owner)
            let state = try first.function("state", as: (() -> Int32).self)
            #expect(try state() == 2)
            var linker = Linker(engine)
            try linker.define("owner", first)
            let second = try linker.instantiate(writer, in: store)
            try second.function("change", as: (() -> Void).self)()
            #expect(try state() == 1)
        }
    }

    /// Segments whose place depends on what is imported are put there each time.
    @Test(arguments: Kind.allCases) func computedSegmentsAreRestored(kind: Kind) throws {
        let engine = kind.engine()
        let module = try Module(
            engine,
            text: """
                (module (import "env" "base" (global $base i32))
                  (memory 1) (table 4 funcref) (global $own (mut i32) (global.get $base))
                  (data (global.get $base) "xy") (elem (global.get $base) $f) (func $f)
                  (func (export "run") (result i32) (local $seen i32)
                    (local.set $seen (i32.load8_u (global.get $base)))
                    (i32.store8 (global.get $base) (i32.const 0))
                    (if (ref.is_null (table.get 0 (global.get $base)))
                      (then (return (i32.const -1))))
                    (table.set 0 (global.get $base) (ref.null func))
                    (i32.add (local.get $seen) (global.get $own))))
                """)
        for base in [1, 2, 3, 1, 2] as [Int32] {
            let store = Store(engine)
            var linker = Linker(engine)
            let global = try Global(store, GlobalType(.i32, isMutable: false), .i32(base))
            linker.define("env", "base", global)
            let instance = try linker.instantiate(module, in: store)
            #expect(try instance.function("run", as: (() -> Int32).self)() == 120 + base)
        }
    }

    @Test(arguments: Kind.allCases) func startFunctionsRunEachTime(kind: Kind) throws {
        let engine = kind.engine()
        let counter = Counter()
        var linker = Linker(engine)
        linker.define("env", "started") { () -> Void in counter.add() }
        let prepared = try linker.prepare(
            Module(
                engine,
                text: """
                    (module (import "env" "started" (func $s)) (memory 1)
                      (func $start (call $s) (if (i32.load (i32.const 0)) (then unreachable))
                        (i32.store (i32.const 0) (i32.const 1)))
                      (start $start))
                    """))
        for _ in 0..<10 { try prepared.instantiate(in: Store(engine)) }
        #expect(counter.total == 10)
    }

    /// What is left of a start function that stopped goes with its store.
    @Test(arguments: Kind.allCases) func failedStartsLeaveNothing(kind: Kind) throws {
        let engine = kind.engine()
        let module = try Module(
            engine,
            text: """
                (module (memory 1)
                  (func $start (if (i32.load (i32.const 65528)) (then (return)))
                    (i32.store (i32.const 65528) (i32.const 1)) unreachable)
                  (start $start))
                """)
        for _ in 0..<10 {
            #expect(trap { try Instance(Store(engine), module) }?.code == .unreachable)
        }
        #expect(engine.allocatorStatistics.instancesInUse == 0)
    }

    @Test(arguments: Kind.allCases) func modulesTakeTheirUnusedInstancesAlong(kind: Kind) throws {
        let engine = kind.engine()
        for _ in 0..<10 {
            let module = try Module(engine, text: "(module (memory 1) (data (i32.const 0) \"x\"))")
            for _ in 0..<3 { try Instance(Store(engine), module) }
            #expect((1...3).contains(engine.allocatorStatistics.warmInstances))
        }
        #expect(engine.allocatorStatistics.warmInstances == 0)
        #expect(engine.allocatorStatistics.instancesInUse == 0)
        #expect(engine.allocatorStatistics.highWaterMark == 1)
    }

    @Test(arguments: Kind.allCases) func threadsShareAnAllocator(kind: Kind) throws {
        let engine = kind.engine { $0.tablesPerInstance = 2 }
        let prepared = try [prepare(Self.writable, engine), prepare(Self.writable, engine)]
        let threads = (0..<4).map { thread in
            startThread(stackBytes: 1 << 20) {
                for number in 0..<50 as Range<Int32> {
                    let result = try? cycle(prepared[(thread + Int(number)) % 2], engine, number)
                    #expect(result == 0)
                }
            }
        }
        for thread in threads { join(thread) }
        #expect(engine.allocatorStatistics.instancesInUse == 0)
        #expect(engine.allocatorStatistics.highWaterMark <= 4)
    }
}
