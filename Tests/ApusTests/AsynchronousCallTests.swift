import Apus
import ApusLocks
import Dispatch
import Testing

/// Calls whose guests wait for asynchronous functions. Each with both compilers.
@Suite struct AsynchronousCallTests {
    static let compilers = Engine.Compiler.allCases

    /// Calls an asynchronous function in several ways.
    private static let waiting = """
        (module
          (import "host" "wait" (func $wait (param i32) (result i32)))
          (import "host" "call" (func $call (param i32) (result i32)))
          (memory (export "memory") 1)
          (global $depth (mut i32) (i32.const 0))
          (func (export "add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1)))
          (func (export "twice") (param i32) (result i32)
            (i32.add (call $wait (local.get 0)) (call $wait (local.get 0))))
          (func $recurse (export "recurse") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0))
              (then (call $wait (i32.const 1)))
              (else
                (i32.add (i32.const 1)
                  (call $recurse (i32.sub (local.get 0) (i32.const 1)))))))
          (func (export "through") (param i32) (result i32) (call $call (local.get 0)))
          (func (export "trap") (param i32) (result i32)
            (drop (call $wait (local.get 0)))
            unreachable)
          (func $deep (export "deep") (result i32)
            (i32.add (i32.const 1) (call $deep)))
          (func (export "sum") (param $count i32) (result i32) (local $sum i32)
            (loop $next
              (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $count))))
              (local.set $count (i32.sub (local.get $count) (i32.const 1)))
              (br_if $next (local.get $count)))
            (local.get $sum))
          (func (export "endless") (loop $l (br $l))))
        """

    private func instance(
        _ compiler: Engine.Compiler, limits: Limits? = nil,
        wait: nonisolated(nonsending) @escaping @Sendable (Caller, Int32) async throws -> Int32 = {
            _, number in
            await Task.yield()
            return number
        },
        call: @escaping @Sendable (Caller, Int32) throws -> Int32 = { _, number in number }
    ) throws -> Instance {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "wait", wait)
        linker.define("host", "call", call)
        return try linker.instantiate(
            Module(engine, text: Self.waiting), in: Store(engine, limits: limits))
    }

    /// The one value that there is, an i32.
    private func number(_ values: [Value]) -> Int32? {
        guard values.count == 1, case .i32(let number) = values[0] else { return nil }
        return number
    }

    private func unary(_ instance: Instance, _ name: String) throws -> TypedFunction<Int32, Int32> {
        try instance.function(name, as: ((Int32) -> Int32).self)
    }

    // MARK: Waiting

    @Test(arguments: compilers)
    func guestsThatDoNotWaitReturn(compiler: Engine.Compiler) async throws {
        let add = try instance(compiler).function("add", as: ((Int32, Int32) -> Int32).self)
        #expect(try await add.callAsync(2, 40) == 42)
        #expect(number(try await add.function.callAsync(.i32(3), .i32(4))) == 7)
    }

    @Test(arguments: compilers)
    func guestsWaitAndGoOn(compiler: Engine.Compiler) async throws {
        let instance = try instance(compiler)
        #expect(try await unary(instance, "twice").callAsync(21) == 42)
        #expect(try await unary(instance, "sum").callAsync(100) == 5050)
        #expect(try await unary(instance, "recurse").callAsync(1000) == 1001)
        #expect(number(try await instance.function("twice").callAsync(.i32(4))) == 8)
    }

    @Test(arguments: compilers)
    func theirOwnCallersMayCallThemMeanwhile(compiler: Engine.Compiler) async throws {
        let instance = try instance(
            compiler,
            wait: { caller, number in
                guard number > 0 else { return 1 }
                let instance = try #require(caller.instance)
                let twice = try instance.function("twice", as: ((Int32) -> Int32).self)
                let inner = try await twice.callAsync(number - 1)
                // And synchronously, as long as it does not wait.
                let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
                return try add(inner, 1)
            })
        // w(0) = 1, w(n) = 2 w(n - 1) + 1
        #expect(try await unary(instance, "twice").callAsync(5) == 126)
    }

    @Test(arguments: compilers)
    func resultsAreOfAnyNumberAndType(compiler: Engine.Compiler) async throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "several") { (_: Caller, a: Int64, b: Double, c: Float) in
            await Task.yield()
            return (Double(a) + b, a, c)
        }
        linker.define("host", "none") { (caller: Caller, address: Int32) in
            await Task.yield()
            try caller.memory.store(Int32(77), at: address)
        }
        linker.define(
            "host", "values", type: FunctionType([.v128], [.v128])
        ) { (_: Caller, values: [Value]) async throws -> [Value] in
            await Task.yield()
            return values
        }
        let text = """
            (module
              (import "host" "several" (func $s (param i64 f64 f32) (result f64 i64 f32)))
              (import "host" "none" (func $n (param i32)))
              (import "host" "values" (func $v (param v128) (result v128)))
              (memory (export "memory") 1)
              (func (export "several") (param i64 f64 f32) (result f64 i64 f32)
                (call $s (local.get 0) (local.get 1) (local.get 2)))
              (func (export "none") (result i32)
                (call $n (i32.const 64)) (i32.load (i32.const 64)))
              (func (export "values") (param v128) (result v128) (call $v (local.get 0))))
            """
        let instance = try linker.instantiate(Module(engine, text: text), in: Store(engine))
        let several = try instance.function(
            "several", as: ((Int64, Double, Float) -> (Double, Int64, Float)).self)
        #expect(try await several.callAsync(3, 0.5, 2) == (3.5, 3, 2))
        #expect(number(try await instance.function("none").callAsync()) == 77)
        let vector = Vector128(low: 0x0123_4567_89AB_CDEF, high: 42)
        let values = try await instance.function("values").callAsync(.v128(vector))
        guard case .v128(vector)? = values.first else {
            Issue.record("\(values)")
            return
        }
    }

    @Test(arguments: compilers)
    func startFunctionsMayWait(compiler: Engine.Compiler) async throws {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "number") { (_: Caller) async -> Int32 in
            await Task.yield()
            return 9
        }
        let text = """
            (module (import "host" "number" (func $n (result i32)))
              (global $g (export "g") (mut i32) (i32.const 0))
              (func $start (global.set $g (call $n)))
              (start $start))
            """
        let module = try Module(engine, text: text)
        let instance = try await linker.instantiateAsync(module, in: Store(engine))
        #expect(number([try instance.global("g").value]) == 9)
        let prepared = try linker.prepare(module)
        let second = try await prepared.instantiateAsync(in: Store(engine))
        #expect(number([try second.global("g").value]) == 9)
        #expect(throws: AsynchronousCallError.isSynchronous) {
            try linker.instantiate(module, in: Store(engine))
        }
    }

    // MARK: Where

    /// What asynchronous functions and the guest do is done where the call was made, before and
    /// after each wait.
    @Test(arguments: compilers)
    func guestsStayWithTheActorOfTheirCaller(compiler: Engine.Compiler) async throws {
        let home = Home()
        try await home.run {
            let instance = try instance(
                compiler,
                wait: { _, number in
                    home.note()
                    try await Task.sleep(for: .milliseconds(1))
                    home.note()
                    await Task.yield()
                    home.note()
                    return number
                },
                call: { _, number in
                    home.note()
                    return number
                })
            let sum = try instance.function("sum", as: ((Int32) -> Int32).self)
            #expect(try await sum.callAsync(4) == 10)
            home.note()
            let through = try instance.function("through", as: ((Int32) -> Int32).self)
            #expect(try await through.callAsync(4) == 4)
        }
        #expect(home.wereHere == Array(repeating: true, count: 4 * 3 + 2))
    }

    /// A request that comes while a guest waits is for it, whatever is called meanwhile.
    @Test(arguments: compilers, [false, true])
    func requestsAreForTheOutermostCall(
        compiler: Engine.Compiler, isAsynchronous: Bool
    ) async throws {
        let instance = try instance(
            compiler,
            wait: { caller, number in
                guard let instance = caller.instance else { return number }
                caller.store.interruptHandle.interrupt()
                let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
                do {
                    _ = isAsynchronous ? try await add.callAsync(1, 2) : try add(1, 2)
                } catch {}
                return number
            })
        let twice = try instance.function("twice", as: ((Int32) -> Int32).self)
        let trap = await #expect(throws: Trap.self) { _ = try await twice.callAsync(1) }
        #expect(trap?.code == .interrupted)
        // It has been served.
        #expect(try await instance.function("add").callAsync([.i32(1), .i32(2)]).count == 1)
    }

    // MARK: What may not be

    @Test(arguments: compilers)
    func synchronousCallsAreRefused(compiler: Engine.Compiler) throws {
        let instance = try instance(compiler)
        #expect(throws: AsynchronousCallError.isSynchronous) {
            try unary(instance, "twice")(1)
        }
        #expect(throws: AsynchronousCallError.isSynchronous) {
            try instance.function("add").call([.i32(1), .i32(2)])
        }
    }

    @Test(arguments: compilers)
    func nobodyWaitsAboveTheHostsFrames(compiler: Engine.Compiler) async throws {
        let instance = try instance(
            compiler,
            call: { caller, number in
                let add = try caller.instance?.function("add", as: ((Int32, Int32) -> Int32).self)
                let twice = try caller.instance?.function("twice", as: ((Int32) -> Int32).self)
                #expect(throws: AsynchronousCallError.cannotSuspend) { try twice?(number) }
                return try add?(number, 1) ?? 0
            })
        #expect(try await unary(instance, "through").callAsync(4) == 5)
        #expect(try await unary(instance, "twice").callAsync(4) == 8)
    }

    @MainActor @Test(arguments: compilers)
    func oneCallAtATime(compiler: Engine.Compiler) async throws {
        let gate = Gate()
        let instance = try instance(
            compiler,
            wait: { _, number in
                await gate.wait()
                return number
            })
        let twice = try unary(instance, "twice")
        let first = Task { @MainActor in try await twice.callAsync(4) }
        await gate.awaitWaiter()
        await #expect(throws: AsynchronousCallError.storeIsBusy) { try await twice.callAsync(1) }
        #expect(throws: AsynchronousCallError.storeIsBusy) { try twice(1) }
        await gate.open()
        #expect(try await first.value == 8)
        #expect(try await twice.callAsync(5) == 10)
    }

    @MainActor @Test(arguments: compilers)
    func whoLeavesACallBehindIsTold(compiler: Engine.Compiler) async throws {
        let gate = Gate()
        let left = LeftCall()
        let instance = try instance(
            compiler,
            wait: { _, number in
                if number == 7 {
                    await gate.wait()
                    return 1
                }
                await left.begin()
                await gate.awaitWaiter()
                return number
            })
        let twice = try unary(instance, "twice")
        left.function = twice
        await #expect(throws: AsynchronousCallError.storeIsBusy) { try await twice.callAsync(4) }
        await gate.open()
        #expect(try await left.task?.value == 2)
        left.function = nil
    }

    // MARK: Ends

    @Test(arguments: compilers)
    func trapsTellWhereTheGuestWas(compiler: Engine.Compiler) async throws {
        let instance = try instance(compiler)
        let error = await #expect(throws: Trap.self) {
            try await unary(instance, "trap").callAsync(1)
        }
        #expect(error?.code == .unreachable)
        #expect(error?.backtrace.count == 1)
        #expect(try await unary(instance, "twice").callAsync(4) == 8)
    }

    @Test(arguments: compilers)
    func tracesReachThroughWaits(compiler: Engine.Compiler) async throws {
        let instance = try instance(
            compiler,
            wait: { caller, number in
                let trap = try #require(
                    try caller.instance?.function("trap", as: ((Int32) -> Int32).self))
                return number == 0 ? 0 : try await trap.callAsync(0)
            })
        let error = await #expect(throws: Trap.self) {
            try await unary(instance, "recurse").callAsync(3)
        }
        // The inner guest, and the four frames of the one that waits for it.
        #expect(error?.backtrace.count == 5)
    }

    @Test(arguments: compilers)
    func errorsOfTheHostKeepTheirIdentity(compiler: Engine.Compiler) async throws {
        let instance = try instance(
            compiler,
            wait: { _, number in
                await Task.yield()
                throw TestError(number: Int(number))
            })
        for number in 0..<10 {
            await #expect(throws: TestError(number: number)) {
                try await unary(instance, "twice").callAsync(Int32(number))
            }
        }
    }

    @Test(arguments: compilers)
    func deepRecursionIsATrap(compiler: Engine.Compiler) async throws {
        let instance = try instance(compiler, limits: Limits(stackBytes: 64 << 10))
        let deep = try instance.function("deep", as: (() -> Int32).self)
        let error = await #expect(throws: Trap.self) { try await deep.callAsync() }
        #expect(error?.code == .stackExhausted)
        #expect(try await unary(instance, "recurse").callAsync(100) == 101)
    }

    @Test(arguments: compilers)
    func guestsCatchWhatAsynchronousFunctionsThrow(compiler: Engine.Compiler) async throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "throw") { (caller: Caller, number: Int32) async throws in
            await Task.yield()
            let tag = try #require(try caller.instance?.tag("e"))
            throw try WasmException(tag, [.i32(number)])
        }
        let text = """
            (module
              (import "host" "throw" (func $throw (param i32)))
              (tag $e (export "e") (param i32))
              (func (export "catch") (param i32) (result i32)
                (block $h (result i32)
                  (try_table (catch $e $h) (call $throw (local.get 0)))
                  (return (i32.const -1))))
              (func (export "pass") (param i32) (call $throw (local.get 0))))
            """
        let instance = try linker.instantiate(Module(engine, text: text), in: Store(engine))
        #expect(try await unary(instance, "catch").callAsync(5) == 5)
        let pass = try instance.function("pass", as: ((Int32) -> Void).self)
        let error = await #expect(throws: WasmException.self) { try await pass.callAsync(6) }
        #expect(number(try error?.values(in: instance.store) ?? []) == 6)
    }
}

/// A call that is begun and not waited for.
@MainActor private final class LeftCall {
    var function: TypedFunction<Int32, Int32>?
    private(set) var task: Task<Int32?, any Error>?

    func begin() { task = Task { try await function?.callAsync(7) } }
}

/// An actor that knows whether its executor runs what it is asked from.
private actor Home {
    private static let key = DispatchSpecificKey<Bool>()

    /// Runs an actor's jobs on a queue of its own.
    private final class Queue: SerialExecutor {
        private let queue = DispatchQueue(label: "home")

        init() { queue.setSpecific(key: key, value: true) }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            // SAFETY: the executor lives as long as its actor, whose jobs these are.
            queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
        }
    }

    private let queue = Queue()
    // SAFETY: the actor keeps its executor.
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe queue.asUnownedSerialExecutor()
    }

    private let noted = SystemMutex<[Bool]>([])

    nonisolated func note() {
        let isHere = DispatchQueue.getSpecific(key: Self.key) == true
        noted.withLock { $0.append(isHere) }
    }

    nonisolated var wereHere: [Bool] { noted.withLock { $0 } }

    func run(_ work: nonisolated(nonsending) @Sendable () async throws -> Void) async throws {
        try await work()
    }
}

/// Keeps who waits until it is opened.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var watchers: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if isOpen { return }
        for watcher in watchers { watcher.resume() }
        watchers = []
        await withCheckedContinuation { waiters.append($0) }
    }

    /// Returns when somebody waits.
    func awaitWaiter() async {
        if !waiters.isEmpty || isOpen { return }
        await withCheckedContinuation { watchers.append($0) }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
