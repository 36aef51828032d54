import Apus
import ApusLocks
import ApusWASI
import Testing

/// What the threads of a program may have together.
@Suite struct ThreadLimitsTests {
    /// A program with `parts` whose threads do `thread`, with room for a number in `$n`. The first
    /// one does `main`.
    private static func program(_ parts: String = "", thread: String, main: String) -> String {
        """
        (module
          (import "any" "name" (memory $shared 1 1 shared))
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          \(parts)
          (func (export "wasi_thread_start") (param $tid i32) (param $arg i32) (local $n i32)
            \(thread))
          (func (export "_start") (local $i i32)
            \(main)))
        """
    }

    /// Makes ten threads and waits until each has arrived; the status is what they have counted.
    private static let askTen = """
        (loop $again
          (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then unreachable))
          (br_if $again (i32.lt_u
            (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
        (block $done (loop $wait
          (br_if $done (i32.eq
            (local.tee $i (i32.atomic.load (i32.const 0))) (i32.const 10)))
          (drop (memory.atomic.wait32 (i32.const 0) (local.get $i) (i64.const -1)))
          (br $wait)))
        (call $exit (i32.atomic.load (i32.const 4)))
        """
    /// When all ten are there, counts how often `grow` did not give -1, arrives, and stays.
    private static func growAll(_ grow: String) -> String {
        """
        (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
        (drop (memory.atomic.notify (i32.const 8) (i32.const -1)))
        (block $met (loop $meet
          (br_if $met (i32.eq (local.tee $n (i32.atomic.load (i32.const 8))) (i32.const 10)))
          (drop (memory.atomic.wait32 (i32.const 8) (local.get $n) (i64.const -1)))
          (br $meet)))
        (loop $again
          (if (i32.ne \(grow) (i32.const -1))
            (then (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))) (br $again))))
        (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
        (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))
        (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1)))
        """
    }
    /// Makes a hundred threads, each when the one before has ended.
    private static let makeHundred = """
        (loop $again
          (br_if $again (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)))
          (br_if $again (i32.lt_u
            (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
        """

    private static func run(
        _ text: String, _ limits: Limits, _ limiter: (any ResourceLimiter)? = nil,
        threads: Int = 128, isMetered: Bool = false
    ) throws -> (status: Int32, store: Store) {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = isMetered
        let store = Store(Engine(configuration), limits: limits)
        store.limiter = limiter
        return (try run(text, in: store, threads: threads), store)
    }

    private static func run(
        _ text: String, in store: Store, threads: Int = 128
    ) throws -> Int32 {
        var wasi = WASI()
        wasi.threadLimit = threads
        return try wasi.run(Module(store.engine, text: text), in: store)
    }

    /// Says yes up to a size, and what it has said yes to.
    private final class Judge: SharedResourceLimiter {
        private let most: UInt64
        private let allowed = SystemMutex<[Growth]>([])

        init(most: UInt64) { self.most = most }

        var growths: [Growth] { allowed.withLock { $0 } }

        func allows(_ growth: Growth) -> Bool {
            guard growth.desired <= most else { return false }
            allowed.withLock { $0.append(growth) }
            return true
        }
    }

    /// One that nobody may call from another thread.
    private final class Unshared: ResourceLimiter {
        func allows(_ growth: Growth) -> Bool { true }
    }

    // MARK: Limits

    @Test func limitsAreForAllThreads() throws {
        let text = Self.program(
            "(memory $own 1)", thread: Self.growAll("(memory.grow $own (i32.const 1))"),
            main: Self.askTen)
        let (status, store) = try Self.run(text, Limits(memoryBytes: 20 << 16))
        // Besides the one they share, and the one that each of the eleven has.
        #expect(status == 8)
        #expect(store.statistics.peakMemoryBytes == 20 << 16)
        #expect(store.statistics.growths == 8)
        #expect(store.statistics.failedGrowths == 10)
        // What they had is the store's again.
        #expect(store.statistics.memoryBytes == 2 << 16)
        #expect(store.statistics.memories == 2)
        #expect(store.statistics.instances == 1)
    }

    @Test func tablesAreBoundedForAll() throws {
        let text = Self.program(
            "(table $own 2 funcref)",
            thread: Self.growAll("(table.grow $own (ref.null func) (i32.const 3))"),
            main: Self.askTen)
        let (status, store) = try Self.run(text, Limits(tableElements: 43))
        #expect(status == 7)
        #expect(store.statistics.peakTableElements == 43)
        #expect(store.statistics.tableElements == 2)
    }

    @Test func heapsAreBoundedForAll() throws {
        let parts = """
            (type $a (array (mut i64))) (type $l (struct (field (ref $a) (ref null $l))))
            (global $all (mut (ref null $l)) (ref.null $l))
            """
        let thread = """
            (loop $again
              (global.set $all (struct.new $l
                (array.new_default $a (i32.const 8192)) (global.get $all)))
              (br $again))
            """
        let store = Store(Engine(), limits: Limits(heapBytes: 16 << 20))
        let text = Self.program(parts, thread: thread, main: Self.askTen)
        let trap = #expect(throws: Trap.self) { try Self.run(text, in: store) }
        #expect(trap?.code == .heapExhausted)
        // What the heaps of all had together.
        #expect((8 << 20...16 << 20).contains(store.statistics.peakHeapBytes))
        #expect(store.statistics.heapBytes == 0)
        #expect(store.statistics.traps > 0)
    }

    @Test(arguments: [\Limits.instances, \.memories])
    func thingsAreCountedForAll(limit: any WritableKeyPath<Limits, Int> & Sendable) throws {
        var limits = Limits()
        limits[keyPath: limit] = 6
        let text = Self.program(
            "(memory 1)", thread: Self.growAll("(i32.const -1)"),
            main: Self.askTen)
        let error = #expect(throws: ResourceError.self) { try Self.run(text, limits) }
        #expect(error?.requested == 7)
        #expect(error?.limit == 6)
    }

    /// Threads that have ended have nothing any more.
    @Test func whatThreadsHadIsGivenBack() throws {
        let text = Self.program(
            "(memory 1)", thread: "(drop (memory.grow 1 (i32.const 1)))", main: Self.makeHundred)
        let (_, store) = try Self.run(text, Limits(memoryBytes: 4 << 16), threads: 2)
        // The end may come before the last one's growth.
        #expect((99...100).contains(store.statistics.growths))
        #expect(store.statistics.memoryBytes == 2 << 16)
    }

    /// A shared memory stays as large when the threads have gone that made it so.
    @Test func sharedMemoriesStayCounted() throws {
        let text = """
            (module
              (import "any" "name" (memory 1 8 shared))
              (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
              (func (export "wasi_thread_start") (param i32 i32)
                (drop (memory.grow (i32.const 1))))
              (func (export "_start") (local $i i32) \(Self.makeHundred)))
            """
        let (_, store) = try Self.run(text, Limits(memoryBytes: 5 << 16), threads: 2)
        #expect(store.statistics.growths == 4)
        #expect(store.statistics.memoryBytes == 5 << 16)
    }

    // MARK: The limiter

    @Test func theLimiterIsAskedForAll() throws {
        let judge = Judge(most: 3 << 16)
        let text = Self.program(
            "(memory $own 1)", thread: Self.growAll("(memory.grow $own (i32.const 1))"),
            main: Self.askTen)
        let (status, store) = try Self.run(text, Limits(), judge)
        #expect(status == 20)
        // Those that are made, one for each thread and a shared one, and what they grow.
        #expect(judge.growths.count == 12 + 20)
        #expect(store.statistics.failedGrowths == 10)
    }

    @Test func limitersOfOneThreadAreForNoOthers() throws {
        let text = Self.program(thread: "", main: "(drop (call $spawn (i32.const 0)))")
        #expect(throws: WASI.LimiterError.self) { try Self.run(text, Limits(), Unshared()) }
        // Without threads there is nobody else to ask it.
        let alone = #"(module (import "a" "b" (memory 1 1 shared)) (func (export "_start")))"#
        #expect(try Self.run(alone, Limits(), Unshared()).status == 0)
    }

    // MARK: Fuel

    @Test func unusedFuelIsForOthers() throws {
        let text = Self.program(thread: "", main: Self.makeHundred)
        let (_, store) = try Self.run(
            text, Limits(fuel: 1 << 40), threads: 2, isMetered: true)
        // Half of it a hundred times would have been all.
        #expect(store.fuel > 1 << 39)
        #expect(store.statistics.fuelUsed + store.fuel == 1 << 40)
    }
}
