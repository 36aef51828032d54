import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Many instances, at once and one after the other, each in a process of its own.
@Suite struct ManyInstancesTests {
    static let text = """
        (module (memory (export "memory") 1) (data (i32.const 100) "data")
          (table 8 funcref) (elem (i32.const 0) $f) (func $f)
          (global $calls (mut i32) (i32.const 0))
          (func (export "f") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (i32.store (i32.const 2000) (global.get $calls))
            (table.set (i32.const 1) (ref.func $f))
            (i32.add (i32.load (i32.const 2000)) (i32.load8_u (i32.const 100)))))
        """

    /// Open descriptors of this process.
    static func descriptorCount() -> Int {
        (0..<1024 as Range<Int32>).filter { fcntl($0, F_GETFD) != -1 }.count
    }

    @Test func tenThousandLiveInstances() async {
        await #expect(processExitsWith: .success) {
            for pooled in [false, true] {
                let pool = Engine.Pool(instances: 10_000, memoryBytes: 1 << 20)
                let engine = pooled ? Engine(.init(allocator: .pooling(pool))) : Engine()
                let prepared = try Linker(engine).prepare(Module(engine, text: Self.text))
                let before = residentBytes()
                let instances = try (0..<10_000).map { _ in
                    try prepared.instantiate(in: Store(engine))
                }
                for instance in instances {
                    #expect(try instance.function("f", as: (() -> Int32).self)() == 101)
                }
                #expect(engine.allocatorStatistics.instancesInUse == 10_000)
                // Three pages that were touched and three page tables, and what Apus has for each.
                #expect(residentBytes() - before < 10_000 * (64 << 10))
            }
        }
    }

    @Test func twentyThousandReservedSlots() async {
        await #expect(processExitsWith: .success) {
            let engine = Engine(.init(allocator: .pooling(.init(instances: 20_000))))
            let prepared = try Linker(engine).prepare(Module(engine, text: Self.text))
            #expect(engine.allocatorStatistics.capacity == 20_000)
            let instances = try (0..<100).map { _ in try prepared.instantiate(in: Store(engine)) }
            for instance in instances {
                #expect(try instance.function("f", as: (() -> Int32).self)() == 101)
            }
        }
    }

    @Test func cyclesLeaveNothing() async {
        await #expect(processExitsWith: .success) {
            let engines = [
                Engine(), Engine(.init(allocator: .pooling(.init(instances: 16)))),
            ]
            for engine in engines {
                let prepared = try Linker(engine).prepare(Module(engine, text: Self.text))
                func cycle(_ count: Int) throws {
                    for _ in 0..<count {
                        let instance = try prepared.instantiate(in: Store(engine))
                        #expect(try instance.function("f", as: (() -> Int32).self)() == 101)
                    }
                }
                try cycle(1000)
                let memory = residentBytes()
                let descriptors = Self.descriptorCount()
                try cycle(6000)
                #expect(residentBytes() - memory < 1 << 20)
                #expect(Self.descriptorCount() == descriptors)
            }
        }
    }

    /// Row 26 of the failures that such systems have: the system has nothing more to give.
    @Test func addressSpaceThatEndsIsAnError() async {
        await #expect(processExitsWith: .success) {
            let engine = Engine()
            let module = try Module(engine, text: "(module (memory 1))")
            try Instance(Store(engine), module)
            var limit = rlimit(rlim_cur: 20 << 30, rlim_max: .max)
            #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
            var stores: [Store] = []
            #expect(throws: ResourceError.self) {
                for _ in 0..<100 {
                    stores.append(Store(engine))
                    try Instance(stores[stores.count - 1], module)
                }
            }
            #expect(stores.count < 10)
            let pooled = Engine(.init(allocator: .pooling(.init(instances: 1000))))
            #expect(throws: ResourceError.self) { try Module(pooled, text: "(module)") }
            stores = []
            try Instance(Store(engine), module)
        }
    }
}
