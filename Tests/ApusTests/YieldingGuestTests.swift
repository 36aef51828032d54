import Apus
import Dispatch
import Synchronization
import Testing

/// Guests that compute for long let other tasks have their thread. Each with both compilers.
@Suite struct YieldingGuestTests {
    static let compilers = Engine.Compiler.allCases

    /// Works with all kinds of registers, so that one that is not kept shows.
    private static let computing = """
        (module
          (import "host" "pause" (func $pause))
          (import "host" "call" (func $call (param i32) (result i64)))
          (memory (export "memory") 1)
          (type $pair (struct (field (mut i64)) (field (mut i64))))
          (func $mix (export "mix") (param $n i32) (result i64)
            (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $f f64)
            (local $g f64) (local $v v128) (local $w v128)
            (local.set $a (i64.const 1)) (local.set $b (i64.const 2))
            (local.set $c (i64.const 3)) (local.set $d (i64.const 4))
            (local.set $f (f64.const 1.5)) (local.set $g (f64.const 0.25))
            (local.set $v (v128.const i64x2 5 6)) (local.set $w (v128.const i64x2 7 8))
            (loop $next
              (local.set $a (i64.add (i64.mul (local.get $a) (i64.const 6364136223846793005))
                (local.get $d)))
              (local.set $b (i64.xor (local.get $b) (i64.rotl (local.get $a) (i64.const 17))))
              (local.set $c (i64.sub (local.get $c) (i64.shr_u (local.get $b) (i64.const 7))))
              (local.set $d (i64.add (local.get $d) (i64.and (local.get $c) (i64.const 255))))
              (local.set $f (f64.sqrt (f64.add (local.get $f) (f64.const 2))))
              (local.set $g (f64.add (f64.mul (local.get $g) (f64.const 0.5)) (local.get $f)))
              (local.set $v (i64x2.add (local.get $v) (local.get $w)))
              (local.set $w (v128.xor (local.get $w) (i64x2.splat (local.get $a))))
              (i64.store
                (i32.shl (i32.and (local.get $n) (i32.const 1023)) (i32.const 3))
                (local.get $b))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i64.xor
              (i64.xor (i64.xor (local.get $a) (local.get $b))
                (i64.xor (local.get $c) (local.get $d)))
              (i64.xor
                (i64.xor (i64.reinterpret_f64 (local.get $f)) (i64.reinterpret_f64 (local.get $g)))
                (i64.xor
                  (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $w))))))
          (func (export "objects") (param $n i32) (result i64) (local $p (ref null $pair))
            (local.set $p (struct.new $pair (i64.const 1) (i64.const 2)))
            (loop $next
              (local.set $p
                (struct.new $pair
                  (i64.add (struct.get $pair 0 (local.get $p)) (i64.const 3))
                  (i64.xor (struct.get $pair 1 (local.get $p))
                    (struct.get $pair 0 (local.get $p)))))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i64.add (struct.get $pair 0 (local.get $p)) (struct.get $pair 1 (local.get $p))))
          (func (export "through") (param $n i32) (result i64) (call $call (local.get $n)))
          (func (export "endless") (loop $l (br $l))))
        """

    private func instance(
        _ compiler: Engine.Compiler, isMetered: Bool = false, every: Duration? = .milliseconds(1)
    ) throws -> Instance {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "pause") { (_: Caller) async in }
        linker.define("host", "call") { (caller: Caller, number: Int32) throws -> Int64 in
            let instance = try #require(caller.instance)
            return try instance.function("mix", as: ((Int32) -> Int64).self)(number)
        }
        let store = Store(engine)
        if isMetered { store.fuel = 1 << 50 }
        try store.yieldGuests(every: every)
        return try linker.instantiate(Module(engine, text: Self.computing), in: store)
    }

    /// How often others had their turn while `work` ran, on the same actor.
    @MainActor
    private static func turns<Result>(
        during work: @MainActor () async throws -> Result
    ) async throws -> (Result, turns: Int) {
        var turns = 0
        let other = Task { @MainActor in
            while !Task.isCancelled {
                turns += 1
                await Task.yield()
            }
        }
        let result = try await work()
        other.cancel()
        return (result, turns)
    }

    @Test(arguments: compilers, [false, true])
    func othersHaveTheirTurn(compiler: Engine.Compiler, isMetered: Bool) async throws {
        for name in ["mix", "objects"] {
            let calm = try instance(compiler, isMetered: isMetered, every: nil)
            let count: Int32 = 8_000_000
            let expected = try await calm.function(name, as: ((Int32) -> Int64).self)
                .callAsync(count)
            let (result, turns) = try await Self.turns { @MainActor in
                let instance = try instance(compiler, isMetered: isMetered)
                let function = try instance.function(name, as: ((Int32) -> Int64).self)
                let result = try await function.callAsync(count)
                if isMetered {
                    #expect(
                        instance.store.statistics.fuelUsed == calm.store.statistics.fuelUsed)
                }
                return result
            }
            #expect(result == expected)
            #expect(turns > 3, "\(name)")
        }
    }

    @Test(arguments: compilers)
    func whatTheHostHasCalledIsNotLeft(compiler: Engine.Compiler) async throws {
        let expected = try await instance(compiler, every: nil)
            .function("mix", as: ((Int32) -> Int64).self).callAsync(3_000_000)
        let result = try await instance(compiler)
            .function("through", as: ((Int32) -> Int64).self).callAsync(3_000_000)
        #expect(result == expected)
    }

    @Test(arguments: compilers)
    func guestsEndWhileTheyAreAway(compiler: Engine.Compiler) async throws {
        for _ in 0..<5 {
            let task = Task {
                try await instance(compiler).function("endless", as: (() -> Void).self).callAsync()
            }
            try await Task.sleep(for: .milliseconds(5))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        let late = try instance(compiler)
        late.store.setDeadline(after: .milliseconds(10))
        let trap = await #expect(throws: Trap.self) {
            try await late.function("endless", as: (() -> Void).self).callAsync()
        }
        #expect(trap?.code == .interrupted)
        #expect(trap?.backtrace.count == 1)
    }

    /// More guests than threads, none of which waits: all go on, and all end.
    @Test(arguments: compilers)
    func manyGuestsShareTheThreads(compiler: Engine.Compiler) async throws {
        let expected = try await instance(compiler, every: nil)
            .function("mix", as: ((Int32) -> Int64).self).callAsync(400_000)
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    try await instance(compiler).function("mix", as: ((Int32) -> Int64).self)
                        .callAsync(400_000)
                }
            }
            for try await result in group { #expect(result == expected) }
        }
    }

    @MainActor
    @Test(arguments: compilers)
    func theStoreIsBusyMeanwhile(compiler: Engine.Compiler) async throws {
        let instance = try instance(compiler)
        let mix = try instance.function("mix", as: ((Int32) -> Int64).self)
        var refused = 0
        let other = Task { @MainActor in
            while !Task.isCancelled {
                do {
                    _ = try mix(1)
                } catch AsynchronousCallError.storeIsBusy {
                    refused += 1
                } catch AsynchronousCallError.isSynchronous {
                }
                await Task.yield()
            }
        }
        _ = try await mix.callAsync(8_000_000)
        other.cancel()
        #expect(refused > 0)
    }

    /// Each object that it makes is looked at after a thousand others.
    private static let making = """
        (module
          (type $node (struct (field i32) (field i32)))
          (type $nodes (array (mut (ref null $node))))
          (func (export "make") (param $rounds i32) (result i32)
            (local $nodes (ref $nodes)) (local $i i32) (local $k i32)
            (local $node (ref null $node))
            (local.set $nodes (array.new_default $nodes (i32.const 1024)))
            (loop $next
              (local.set $k (i32.and (local.get $i) (i32.const 1023)))
              (local.set $node (array.get $nodes (local.get $nodes) (local.get $k)))
              (if (i32.eqz (ref.is_null (local.get $node)))
                (then
                  (if (i32.ne
                        (i32.xor (struct.get $node 0 (local.get $node)) (i32.const -1))
                        (struct.get $node 1 (local.get $node)))
                    (then (return (i32.const 0))))))
              (array.set $nodes (local.get $nodes) (local.get $k)
                (struct.new $node (local.get $i) (i32.xor (local.get $i) (i32.const -1))))
              (br_if $next
                (i32.lt_u
                  (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                  (local.get $rounds))))
            (i32.const 1)))
        """

    /// Where one job runs after the other.
    private final class Serial: TaskExecutor {
        private let queue = DispatchQueue(label: "turns")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            // SAFETY: each job that is enqueued is run once.
            queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    /// A store and its guest, which only the jobs of one executor use.
    private final class Shared: @unchecked Sendable {
        // SAFETY: no two of these jobs run at once.
        let store: Store
        let make: TypedFunction<Int32, Int32>
        let tag: Apus.Tag
        var putOff = 0
        var isDone = false

        init(_ compiler: Engine.Compiler) throws {
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            store = Store(Engine(configuration))
            try store.yieldGuests(every: .milliseconds(1))
            let module = try Module(store.engine, text: YieldingGuestTests.making)
            let instance = try Linker(store.engine).instantiate(module, in: store)
            make = try instance.function("make", as: ((Int32) -> Int32).self)
            tag = try Apus.Tag(store, parameters: [])
        }

        /// Collects, or has more exceptions than are made without a collection, while the guest
        /// has yielded.
        func collect(_ makesExceptions: Bool) throws {
            let before = store.statistics.collections
            if makesExceptions {
                for _ in 0..<1100 { _ = try WasmException(tag) }
            } else {
                store.collectObjects()
            }
            #expect(store.statistics.collections == before)
            putOff += 1
        }
    }

    /// What the host does while a guest has yielded collects nothing, but later.
    @Test(arguments: compilers, [false, true])
    func collectionsArePutOff(compiler: Engine.Compiler, makesExceptions: Bool) async throws {
        let serial = Serial()
        let shared = try Shared(compiler)
        let guest = Task(executorPreference: serial) {
            defer { shared.isDone = true }
            return try await shared.make.callAsync(3_000_000)
        }
        let other = Task(executorPreference: serial) {
            while !shared.isDone {
                do {
                    _ = try shared.make(1)
                } catch AsynchronousCallError.storeIsBusy {
                    try shared.collect(makesExceptions)
                } catch AsynchronousCallError.isSynchronous {
                }
                await Task.yield()
            }
        }
        let isWhole = try await guest.value
        try await other.value
        #expect(isWhole == 1)
        #expect(shared.putOff > 0)
        let before = shared.store.statistics.collections
        _ = try await shared.make.callAsync(1)
        #expect(shared.store.statistics.collections == before + 1)
        #expect(shared.store.exceptionCount == 0)
    }

    @Test func guestsThatPollCannot() throws {
        var configuration = Engine.Configuration()
        configuration.interruption = .polling
        let store = Store(Engine(configuration))
        #expect(throws: AsynchronousCallError.cannotYield) {
            try store.yieldGuests(every: .milliseconds(1))
        }
        try store.yieldGuests(every: nil)
    }
}
