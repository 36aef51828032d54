import ApusLocks
import Testing

@_spi(ApusWASI) @testable import Apus
@testable import ApusRuntime

/// Guests on stacks of their own that wait in instructions: for a place in a shared memory, and
/// for a limiter. Each with both compilers.
@Suite struct AsynchronousWaitTests {
    static let compilers = Engine.Compiler.allCases

    // MARK: memory.atomic.wait

    private static let waiting = """
        (module
          (import "host" "memory" (memory 1 1 shared))
          (import "host" "none" (func $none))
          (func (export "wait") (param i32 i32 i64) (result i32)
            (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
          (func (export "wait64") (param i32 i64 i64) (result i32)
            (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
          (func (export "notify") (param i32 i32) (result i32)
            (memory.atomic.notify (local.get 0) (local.get 1))))
        """

    /// An engine, its module and a memory for as many instances as a test needs.
    private struct Waiters {
        let engine: Engine
        let module: Module
        let memory: SharedMemory

        init(_ compiler: Engine.Compiler) throws {
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            engine = Engine(configuration)
            module = try Module(engine, text: AsynchronousWaitTests.waiting)
            var type = MemoryType(limits: SizeLimits(minimum: 1, maximum: 1))
            type.isShared = true
            memory = try SharedMemory(engine, type)
        }

        func instance() async throws -> Instance {
            var linker = Linker(engine)
            linker.define("host", "memory", memory)
            linker.define("host", "none") { (_: Caller) async in }
            return try await linker.instantiateAsync(module, in: Store(engine))
        }

        func wait() async throws -> TypedFunction<Int32, Int32, Int32, Int64> {
            try await instance().function("wait", as: ((Int32, Int32, Int64) -> Int32).self)
        }
    }

    @Test(arguments: compilers)
    func waitsOfGuestsTakeNoThread(compiler: Engine.Compiler) async throws {
        let waiters = try Waiters(compiler)
        // More than there are threads for tasks.
        let count = 300
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<count {
                group.addTask { try await waiters.wait().callAsync(8, 0, -1) }
            }
            let notify = try await waiters.instance()
                .function("notify", as: ((Int32, Int32) -> Int32).self)
            var woken: Int32 = 0
            while woken < count {
                woken += try await notify.callAsync(8, 7)
                await Task.yield()
            }
            #expect(woken == count)
            for try await outcome in group { #expect(outcome == 0) }
            #expect(try await notify.callAsync(8, -1) == 0)
        }
    }

    @Test(arguments: compilers)
    func waitsEndInTime(compiler: Engine.Compiler) async throws {
        let waiters = try Waiters(compiler)
        let wait = try await waiters.wait()
        #expect(try await wait.callAsync(8, 0, 1_000_000) == 2)
        #expect(try await wait.callAsync(8, 0, 0) == 2)
        #expect(try await wait.callAsync(8, 1, -1) == 1)
        let wide = try await waiters.instance()
            .function("wait64", as: ((Int32, Int64, Int64) -> Int32).self)
        #expect(try await wide.callAsync(16, 0, 1_000_000) == 2)
        #expect(try await wide.callAsync(16, 1 << 40, -1) == 1)
        await #expect(throws: Trap.self) { _ = try await wait.callAsync(2, 0, -1) }
        await #expect(throws: Trap.self) { _ = try await wait.callAsync(65536, 0, -1) }
    }

    @Test(arguments: compilers)
    func waitsEndWithTheTask(compiler: Engine.Compiler) async throws {
        let waiters = try Waiters(compiler)
        let task = Task { try await waiters.wait().callAsync(8, 0, -1) }
        try await Task.sleep(for: .milliseconds(5))
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        let notify = try await waiters.instance()
            .function("notify", as: ((Int32, Int32) -> Int32).self)
        #expect(try await notify.callAsync(8, -1) == 0)
    }

    @Test(arguments: compilers)
    func waitsEndWithTheDeadline(compiler: Engine.Compiler) async throws {
        let waiters = try Waiters(compiler)
        let instance = try await waiters.instance()
        let wait = try instance.function("wait", as: ((Int32, Int32, Int64) -> Int32).self)
        instance.store.setDeadline(after: .milliseconds(5))
        let trap = await #expect(throws: Trap.self) { _ = try await wait.callAsync(8, 0, -1) }
        #expect(trap?.code == .interrupted)
    }

    /// A wait that was to be broken off, which has been taken back, goes on.
    @Test(arguments: compilers) @MainActor
    func waitsGoOnWhenRequestsAreTakenBack(compiler: Engine.Compiler) async throws {
        let waiters = try Waiters(compiler)
        let instance = try await waiters.instance()
        let wait = try instance.function("wait", as: ((Int32, Int32, Int64) -> Int32).self)
        let runtime = try instance.store.runtime
        let handle = instance.store.interruptHandle
        let outcome = SystemMutex<Int32?>(nil)
        let task = Task {
            let result = try await wait.callAsync(8, 0, -1)
            outcome.withLock { $0 = result }
        }
        // It waits, and then once more.
        while runtime.waitCount < 1 { await Task.yield() }
        for _ in 0..<2000 where runtime.waitCount < 3 && outcome.withLock({ $0 }) == nil {
            handle.interrupt()
            handle.takeBack()
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(runtime.waitCount >= 3)
        #expect(outcome.withLock { $0 } == nil)
        let notify = try await waiters.instance()
            .function("notify", as: ((Int32, Int32) -> Int32).self)
        #expect(try await notify.callAsync(8, 1) == 1)
        try await task.value
        #expect(outcome.withLock { $0 } == 0)
    }

    // MARK: Limiters

    private static let growing = """
        (module
          (import "host" "none" (func $none))
          (memory (export "memory") 1 10)
          (table (export "table") 1 funcref)
          (type $bytes (array i8))
          (global $kept (mut (ref null $bytes)) (ref.null $bytes))
          (func (export "memory.grow") (param i32) (result i32)
            (memory.grow (local.get 0)))
          (func (export "table.grow") (param i32) (result i32)
            (table.grow (ref.null func) (local.get 0)))
          (func (export "array.new") (param i32) (result i32)
            (global.set $kept (array.new $bytes (i32.const 7) (local.get 0)))
            (array.get_u $bytes (global.get $kept) (i32.const 3))))
        """

    /// Allows what is below a bound, and waits for that.
    private final class Judge: AsynchronousResourceLimiter {
        var bound: UInt64 = .max
        var asked: [Growth] = []
        var failed: [Growth] = []
        struct Refusal: Error {}
        var throwsRefusal = false
        /// What others do while it is asked.
        var meanwhile: (Growth) -> Void = { _ in }

        nonisolated(nonsending) func allows(_ growth: Growth) async throws -> Bool {
            asked.append(growth)
            await Task.yield()
            meanwhile(growth)
            if throwsRefusal { throw Refusal() }
            return growth.desired <= bound
        }

        func growthFailed(_ growth: Growth, _ error: ResourceError) { failed.append(growth) }
    }

    private func growing(
        _ compiler: Engine.Compiler, _ judge: Judge, isMetered: Bool = false
    ) async throws -> Instance {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "none") { (_: Caller) in }
        let store = Store(engine)
        store.asynchronousLimiter = judge
        if isMetered { store.fuel = 1 << 40 }
        return try await linker.instantiateAsync(Module(engine, text: Self.growing), in: store)
    }

    private func grow(_ instance: Instance, _ name: String, _ count: Int32) async throws -> Int32 {
        try await instance.function(name, as: ((Int32) -> Int32).self).callAsync(count)
    }

    @Test(arguments: compilers)
    func limitersMayWait(compiler: Engine.Compiler) async throws {
        let judge = Judge()
        let instance = try await growing(compiler, judge)
        #expect(judge.asked.map(\.resource) == [.memory, .table])
        judge.asked = []
        judge.bound = 4 << 16
        #expect(try await grow(instance, "memory.grow", 2) == 1)
        #expect(try await grow(instance, "memory.grow", 2) == -1)
        #expect(try await grow(instance, "memory.grow", 1) == 3)
        #expect(judge.asked.map(\.desired) == [3 << 16, 5 << 16, 4 << 16])
        #expect(judge.failed.map(\.desired) == [5 << 16])
        #expect(try await grow(instance, "table.grow", 5) == 1)
        #expect(instance.store.statistics.growths == 3)
        // What the type does not allow nobody is asked about.
        judge.asked = []
        #expect(try await grow(instance, "memory.grow", 100) == -1)
        #expect(judge.asked.isEmpty)
    }

    @Test(arguments: compilers, [false, true])
    func heapsGrowWithTheirConsent(compiler: Engine.Compiler, isMetered: Bool) async throws {
        let judge = Judge()
        let instance = try await growing(compiler, judge, isMetered: isMetered)
        judge.asked = []
        #expect(try await grow(instance, "array.new", 3 << 20) == 7)
        #expect(judge.asked.first?.resource == .heap)
        let used = instance.store.statistics.fuelUsed
        let asked = judge.asked.count
        judge.bound = 0
        let trap = await #expect(throws: Trap.self) {
            _ = try await grow(instance, "array.new", 30 << 20)
        }
        #expect(trap?.code == .heapExhausted)
        #expect(judge.asked.count > asked)
        if isMetered {
            // It is paid for once, however often somebody was asked.
            let cost = instance.store.statistics.fuelUsed - used
            #expect(cost < 2 * (used + (27 << 20)))
        }
        judge.bound = .max
        #expect(try await grow(instance, "array.new", 30 << 20) == 7)
    }

    @Test(arguments: compilers)
    func whatLimitersThrowEndsTheCall(compiler: Engine.Compiler) async throws {
        let judge = Judge()
        let instance = try await growing(compiler, judge)
        judge.throwsRefusal = true
        for (name, count) in [("memory.grow", 1), ("table.grow", 1), ("array.new", 1 << 20)] {
            await #expect(throws: Judge.Refusal.self) {
                _ = try await grow(instance, name, Int32(count))
            }
        }
        judge.throwsRefusal = false
        #expect(try await grow(instance, "memory.grow", 1) == 1)
    }

    @Test(arguments: compilers)
    func theHostAsksAsWell(compiler: Engine.Compiler) async throws {
        let judge = Judge()
        let instance = try await growing(compiler, judge)
        let memory = try instance.memory("memory")
        let table = try instance.table("table")
        #expect(try await memory.growAsync(by: 2) == 1)
        #expect(try await table.growAsync(by: 3) == 1)
        #expect(throws: AsynchronousCallError.limiterIsAsynchronous) { try memory.grow(by: 1) }
        #expect(throws: AsynchronousCallError.limiterIsAsynchronous) { try table.grow(by: 1) }
        #expect(throws: AsynchronousCallError.isSynchronous) {
            try instance.function("memory.grow", as: ((Int32) -> Int32).self)(1)
        }
        instance.store.asynchronousLimiter = nil
        #expect(try instance.function("memory.grow", as: ((Int32) -> Int32).self)(1) == 3)
    }

    @Test(arguments: compilers)
    func limitersDecideAboutInstances(compiler: Engine.Compiler) async throws {
        let judge = Judge()
        judge.bound = 1
        await #expect(throws: ResourceError.self) { _ = try await growing(compiler, judge) }
        #expect(judge.failed.map(\.resource) == [.memory])
    }

    /// What is allowed is what happens, though another thread makes a memory grow meanwhile.
    @Test(arguments: compilers)
    func whatOthersGrowMeanwhileIsAskedAbout(compiler: Engine.Compiler) async throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let type = MemoryType(limits: SizeLimits(minimum: 9, maximum: 100))
        let shared = try SharedMemory(engine, type)
        let judge = Judge()
        judge.bound = 51 << 16
        judge.meanwhile = { if $0.current == 9 << 16 { shared.grow(by: 40) } }
        let store = Store(engine)
        store.asynchronousLimiter = judge
        var linker = Linker(engine)
        linker.define("e", "m", shared)
        let module = try Module(
            engine,
            text: """
                (module (import "e" "m" (memory 9 100 shared))
                  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
                """)
        let instance = try await linker.instantiateAsync(module, in: store)
        #expect(try await grow(instance, "grow", 1) == 49)
        #expect(judge.asked.map { $0.desired >> 16 } == [10, 50])
        judge.meanwhile = { if $0.current == 50 << 16 { shared.grow(by: 1) } }
        #expect(try await grow(instance, "grow", 1) == -1)
        #expect(shared.pageCount == 51)
        #expect(judge.failed.map { $0.desired >> 16 } == [52])
    }

    @Test func theHostAsksAgain() async throws {
        let judge = Judge()
        let instance = try await growing(.baseline, judge)
        let table = try instance.table("table")
        judge.asked = []
        // It is itself that makes the table grow meanwhile.
        judge.meanwhile = { growth in
            if growth.current != 1 { return }
            instance.store.asynchronousLimiter = nil
            _ = try? table.grow(by: 2)
            instance.store.asynchronousLimiter = judge
        }
        #expect(try await table.growAsync(by: 3) == 3)
        #expect(judge.asked.map(\.desired) == [4, 6])
    }
}
