import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Memories that guests of several stores have at once.
@Suite struct SharedMemoryTests {
    /// Counts under a lock that waits, and with atomic additions.
    private static let counting = """
        (module
          (import "env" "memory" (memory 1 4 shared))
          ;; 0: the lock, 1 if somebody has it, 2 if others wait; 4: what it guards; 8: atomic.
          (func $lock
            (local $seen i32)
            (if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)))
              (then (return)))
            (loop $again
              (if (i32.eqz (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2))) (then (return)))
              (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))
              (br $again)))
          (func $unlock
            (if (i32.eq (i32.atomic.rmw.xchg (i32.const 0) (i32.const 0)) (i32.const 2))
              (then (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
          (func (export "count") (param $rounds i32)
            (loop $again
              (call $lock)
              (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (i32.const 1)))
              (call $unlock)
              (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
              (br_if $again
                (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "size") (result i32) (memory.size))
          (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "wait") (param i32 i32 i64) (result i32)
            (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
          (func (export "notify") (param i32 i32) (result i32)
            (memory.atomic.notify (local.get 0) (local.get 1))))
        """

    private static func type(_ minimum: UInt64, _ maximum: UInt64?) -> MemoryType {
        var type = MemoryType(limits: SizeLimits(minimum: minimum, maximum: maximum))
        type.isShared = true
        return type
    }

    /// The program above, a memory for it, and a linker that knows this.
    private struct Setup: Sendable {
        let program: PreparedModule
        let memory: SharedMemory
        let engine: Engine

        init(_ configuration: Engine.Configuration = .init()) throws {
            engine = Engine(configuration)
            memory = try SharedMemory(engine, SharedMemoryTests.type(1, 4))
            var linker = Linker(engine)
            linker.define("env", "memory", memory)
            program = try linker.prepare(Module(engine, text: SharedMemoryTests.counting))
        }

        func instance() throws -> Instance { try program.instantiate(in: Store(engine)) }
    }

    private static var configurations: [Engine.Configuration] {
        var baseline = Engine.Configuration()
        baseline.compiler = .baseline
        var checking = Engine.Configuration()
        checking.alwaysChecksBounds = true
        var polling = Engine.Configuration()
        polling.interruption = .polling
        return [.init(), baseline, checking, polling]
    }

    @Test(arguments: 0..<4) func nothingIsLost(variant: Int) throws {
        let setup = try Setup(Self.configurations[variant])
        let rounds: Int32 = 5000
        let threads = (0..<4).map { _ in
            startThread(stackBytes: 4 << 20) {
                let count = try? setup.instance().function("count", as: ((Int32) -> Void).self)
                #expect(throws: Never.self) { try count?(rounds) }
            }
        }
        for thread in threads { join(thread) }
        #expect(try setup.memory.load(Int32.self, at: 4) == 4 * rounds)
        #expect(try setup.memory.load(Int32.self, at: 8) == 4 * rounds)
    }

    @Test func sizesAreEverybodys() throws {
        let setup = try Setup()
        let (first, second) = (try setup.instance(), try setup.instance())
        let size = try second.function("size", as: (() -> Int32).self)
        let load = try second.function("load", as: ((Int32) -> Int32).self)
        #expect(try size() == 1)
        #expect(trap { _ = try load(0x1_0000) }?.code == .memoryOutOfBounds)
        #expect(try first.function("grow", as: ((Int32) -> Int32).self)(2) == 1)
        #expect(try size() == 3)
        #expect(try load(0x2_FFFC) == 0)
        #expect(setup.memory.pageCount == 3)
        #expect(setup.memory.byteCount == 3 << 16)
        #expect(setup.memory.grow(by: 2) == nil)
        #expect(setup.memory.grow(by: 1) == 3)
        #expect(try size() == 4)
        // Who makes it larger pays for that.
        #expect(first.store.statistics.memoryBytes == 2 << 16)
        #expect(second.store.statistics.memoryBytes == 0)
    }

    @Test func growthIsOneAfterTheOther() throws {
        let engine = Engine()
        let memory = try SharedMemory(engine, Self.type(0, 2000))
        let seen = Counter()
        let threads = (0..<4).map { _ in
            startThread(stackBytes: 1 << 20) {
                for _ in 0..<500 {
                    guard let old = memory.grow(by: 1) else { continue }
                    seen.add(old)
                    _ = try? memory.write([1], at: old << 16)
                }
            }
        }
        for thread in threads { join(thread) }
        #expect(memory.pageCount == 2000)
        #expect(seen.total == 1999 * 1000)
        #expect(try memory.load(UInt8.self, at: 1999 << 16) == 1)
    }

    // MARK: Waiting

    @Test func waitsEndInThreeWays() throws {
        let setup = try Setup()
        let wait = try setup.instance().function(
            "wait", as: ((Int32, Int32, Int64) -> Int32).self)
        #expect(try wait(16, 1, -1) == 1)
        let start = ContinuousClock.now
        #expect(try wait(16, 0, 2_000_000) == 2)
        #expect(start.duration(to: .now) >= .milliseconds(2))
        #expect(try wait(16, 0, 0) == 2)
        let waiting = startThread(stackBytes: 4 << 20) {
            let wait = try? setup.instance().function(
                "wait", as: ((Int32, Int32, Int64) -> Int32).self)
            #expect(try! wait?(16, 0, -1) == 0)
        }
        while try setup.memory.notify(at: 16) == 0 {}
        join(waiting)
        #expect(try setup.memory.notify(at: 16) == 0)
        #expect(throws: MemoryError.outOfBounds(address: 1 << 16, count: 4, size: 1 << 16)) {
            try setup.memory.notify(at: 1 << 16)
        }
    }

    @Test func asManyAreNotifiedAsAsked() throws {
        let setup = try Setup()
        let notified = Counter()
        let threads = (0..<40).map { _ in
            startThread(stackBytes: 2 << 20) {
                let wait = try? setup.instance().function(
                    "wait", as: ((Int32, Int32, Int64) -> Int32).self)
                if (try? wait?(32, 0, -1)) == 0 { notified.add() }
            }
        }
        let notify = try setup.instance().function("notify", as: ((Int32, Int32) -> Int32).self)
        var woken: Int32 = 0
        #expect(try notify(32, 0) == 0)
        while woken < 3 { woken += try notify(32, 3 - woken) }
        #expect(woken == 3)
        while woken < 40 { woken += try notify(32, -1) }
        for thread in threads { join(thread) }
        #expect(notified.total == 40)
    }

    @Test(arguments: [Engine.Interruption.signals, .polling])
    func waitsAreStopped(interruption: Engine.Interruption) throws {
        var configuration = Engine.Configuration()
        configuration.interruption = interruption
        let setup = try Setup(configuration)
        let instance = try setup.instance()
        let wait = try instance.function("wait", as: ((Int32, Int32, Int64) -> Int32).self)
        let start = ContinuousClock.now
        instance.store.setDeadline(after: .milliseconds(20))
        let late = trap { _ = try wait(0, 0, -1) }
        #expect(late?.interruption == .deadline(after: .milliseconds(20)))
        instance.store.deadline = nil
        let handle = instance.store.interruptHandle
        let stopping = startThread(stackBytes: 1 << 20) {
            for _ in 0..<20 { sched_yield() }
            handle.interrupt()
        }
        #expect(trap { _ = try wait(0, 0, -1) }?.interruption == .request)
        join(stopping)
        #expect(start.duration(to: .now) < .seconds(10))
        #expect(try wait(0, 0, 0) == 2)
    }

    // MARK: Traps

    private static func accesses(_ limits: String) -> String {
        """
        (module (memory \(limits))
          (func (export "load") (param i32) (result i64)
            (i64.atomic.load offset=8 (local.get 0)))
          (func (export "odd") (param i32) (result i32)
            (i32.atomic.rmw.add offset=2 (local.get 0) (i32.const 1)))
          (func (export "constant") (result i32) (i32.atomic.load offset=1 (i32.const 2)))
          (func (export "wait") (param i32) (result i32)
            (memory.atomic.wait64 (local.get 0) (i64.const 1) (i64.const 0)))
          (func (export "notify") (param i32) (result i32)
            (memory.atomic.notify (local.get 0) (i32.const 1))))
        """
    }

    @Test(arguments: [false, true], [Engine.Compiler.baseline, .optimizing])
    func trapsAreTold(isShared: Bool, compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let text = Self.accesses(isShared ? "1 1 shared" : "1 1")
        let instance = try Instance(Store(engine), Module(engine, text: text))
        func code(_ name: String, _ address: Int32) throws -> TrapCode? {
            let function = try instance.function(name)
            return trap { _ = try function.call([.i32(address)]) }?.code
        }
        #expect(try code("load", 0xFFF0) == nil)
        #expect(try code("load", 0xFFF8) == .memoryOutOfBounds)
        #expect(try code("load", 4) == .unalignedAtomic)
        // Both: what the address is comes before where it is.
        #expect(try code("load", 0x10004) == .unalignedAtomic)
        #expect(try code("odd", 2) == nil)
        #expect(try code("odd", 4) == .unalignedAtomic)
        #expect(try code("odd", -2) == .memoryOutOfBounds)
        #expect(
            trap { _ = try instance.function("constant").call([]) }?.code == .unalignedAtomic)
        #expect(try code("wait", 0) == (isShared ? nil : .expectedSharedMemory))
        #expect(try code("wait", 4) == .unalignedAtomic)
        #expect(try code("wait", 0x10000) == .memoryOutOfBounds)
        #expect(try code("notify", 0xFFFC) == nil)
        #expect(try code("notify", 2) == .unalignedAtomic)
        #expect(try code("notify", 0x10000) == .memoryOutOfBounds)
    }

    // MARK: Linking

    @Test func whatAnInstanceDefinesIsShared() throws {
        let engine = Engine()
        let text = #"(module (memory (export "memory") 1 4 shared) (data (i32.const 4) "\07"))"#
        let module = try Module(engine, text: text)
        var linker = Linker(engine)
        do {
            let owner = try Instance(Store(engine), module)
            let memory = try #require(try owner.memory.shared)
            #expect(owner.store.statistics.memoryBytes == 1 << 16)
            linker.define("env", "memory", memory)
        }
        // The store that it is from has gone.
        let user = try linker.instantiate(
            Module(engine, text: Self.counting), in: Store(engine))
        let load = try user.function("load", as: ((Int32) -> Int32).self)
        #expect(try load(4) == 7)
        // The module's next instance has one of its own.
        let other = try #require(try Instance(Store(engine), module).memory.shared)
        try other.store(UInt32(9), at: 4)
        #expect(try other.read(at: 4, count: 1) == [9])
        #expect(try load(4) == 7)
    }

    @Test func poolsGiveMemoriesThatStay() throws {
        var configuration = Engine.Configuration()
        configuration.allocator = .pooling(.init(instances: 1))
        let engine = Engine(configuration)
        let module = try Module(
            engine, text: #"(module (memory (export "memory") 1 1 shared))"#)
        var kept: [SharedMemory] = []
        for round in 0..<3 {
            let instance = try Instance(Store(engine), module)
            let memory = try #require(try instance.memory.shared)
            #expect(try memory.load(Int.self, at: 0) == 0)
            try memory.store(round, at: 0)
            kept.append(memory)
        }
        #expect(try kept.map { try $0.load(Int.self, at: 0) } == [0, 1, 2])
    }

    @Test func importsAreMatched() throws {
        let setup = try Setup()
        let engine = setup.engine
        func error(_ text: String, _ memory: SharedMemory) -> LinkError? {
            var linker = Linker(engine)
            linker.define("m", "m", memory)
            return #expect(throws: LinkError.self) {
                try linker.instantiate(Module(engine, text: text), in: Store(engine))
            }
        }
        let plain = error(#"(module (import "m" "m" (memory 1 4)))"#, setup.memory)
        #expect(
            plain?.description
                == "incompatible import type: m.m: expected memory of 1 to 4 pages, "
                + "found shared memory of 1 to 4 pages")
        let large = error(#"(module (import "m" "m" (memory 2 4 shared)))"#, setup.memory)
        #expect(large?.found == .memory(Self.type(1, 4)))
        let foreign = try SharedMemory(Engine(), Self.type(1, 4))
        let other = error(#"(module (import "m" "m" (memory 1 4 shared)))"#, foreign)
        #expect(other?.reason == "it belongs to another engine")
        let unshared = try Memory(
            Store(engine), MemoryType(limits: SizeLimits(minimum: 1, maximum: 1)))
        #expect(unshared.shared == nil)
    }

    @Test func thereIsAMaximum() throws {
        #expect(throws: MemoryError.noMaximum) {
            try SharedMemory(Engine(), Self.type(1, nil))
        }
        var configuration = Engine.Configuration()
        configuration.memoryBytesLimit = 1 << 20
        let memory = try SharedMemory(Engine(configuration), Self.type(1, 1000))
        #expect(memory.grow(by: 16) == nil)
        #expect(memory.grow(by: 15) == 1)
        #expect(memory == memory)
        #expect(try memory != SharedMemory(memory.engine, Self.type(1, 1)))
    }
}
