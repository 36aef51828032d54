import Apus
import ApusWASI
import Foundation

/// Threads of guests: what it takes them to wait for each other, beside threads of the system, and
/// to end together.
enum ThreadsBenchmark {
    static func run(_ groups: Int) throws {
        try takingTurns(rounds: 100_000)
        try locking(rounds: 2_000_000)
        try ending(threads: 64, times: 50)
        try leaving(groups)
    }

    // MARK: Two threads

    private static let program = """
        (module
          (import "env" "memory" (memory 1 1 shared))
          (func $await (param $turn i32)
            (local $seen i32)
            (block $mine
              (loop $again
                (br_if $mine
                  (i32.eq
                    (local.tee $seen (i32.atomic.load (i32.const 64))) (local.get $turn)))
                (drop
                  (memory.atomic.wait32 (i32.const 64) (local.get $seen) (i64.const -1)))
                (br $again))))
          (func (export "turns") (param $self i32) (param $rounds i32)
            (loop $again
              (call $await (local.get $self))
              (i32.atomic.store (i32.const 64) (i32.xor (local.get $self) (i32.const 1)))
              (drop (memory.atomic.notify (i32.const 64) (i32.const 1)))
              (br_if $again
                (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
          ;; 0: the lock, 1 if somebody has it, 2 if others wait.
          (func $lock
            (if (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)))
              (then (return)))
            (loop $again
              (if (i32.eqz (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2))) (then (return)))
              (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))
              (br $again)))
          (func $unlock
            (if (i32.eq (i32.atomic.rmw.xchg (i32.const 0) (i32.const 0)) (i32.const 2))
              (then (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
          (func (export "locks") (param $self i32) (param $rounds i32)
            (loop $again
              (call $lock)
              (i32.store (i32.const 128) (i32.add (i32.load (i32.const 128)) (i32.const 1)))
              (call $unlock)
              (br_if $again
                (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))
        """

    /// Nanoseconds that each of `rounds` rounds of two threads takes which do `work`.
    private static func measure(
        rounds: Int, _ work: @escaping @Sendable (_ thread: Int) -> Void
    ) -> Double {
        let start = ContinuousClock.now
        let group = DispatchGroup()
        for number in 0..<2 {
            group.enter()
            let thread = Thread {
                work(number)
                group.leave()
            }
            thread.stackSize = 4 << 20
            thread.start()
        }
        group.wait()
        return Stopwatch.seconds(start.duration(to: .now)) / Double(rounds) * 1e9
    }

    private static func guests(_ name: String, rounds: Int) throws -> Double {
        let engine = Engine()
        var type = MemoryType(limits: SizeLimits(minimum: 1, maximum: 1))
        type.isShared = true
        var linker = Linker(engine)
        linker.define("env", "memory", try SharedMemory(engine, type))
        let prepared = try linker.prepare(Module(engine, text: program))
        return measure(rounds: rounds) { number in
            let function = try? prepared.instantiate(in: Store(engine)).function(
                name, as: ((Int32, Int32) -> Void).self)
            try? function?(Int32(number), Int32(rounds))
        }
    }

    /// Something of the system's that threads have together. Never freed.
    // SAFETY: only handed to the system, which lets threads use it at once.
    @safe
    private struct Shared<Thing>: @unchecked Sendable {
        let place: UnsafeMutablePointer<Thing>

        init(_ thing: Thing) {
            unsafe place = .allocate(capacity: 1)
            unsafe place.initialize(to: thing)
        }
    }

    private static func takingTurns(rounds: Int) throws {
        let semaphores = (0..<2).map { _ in Shared(sem_t()) }
        for (number, semaphore) in semaphores.enumerated() {
            unsafe sem_init(semaphore.place, 0, number == 0 ? 1 : 0)
        }
        let native = measure(rounds: rounds) { number in
            for _ in 0..<rounds {
                unsafe sem_wait(semaphores[number].place)
                unsafe sem_post(semaphores[1 - number].place)
            }
        }
        report("taking turns", try guests("turns", rounds: rounds), native)
    }

    private static func locking(rounds: Int) throws {
        let mutex = unsafe Shared(pthread_mutex_t())
        let count = Shared(0)
        unsafe pthread_mutex_init(mutex.place, nil)
        let native = measure(rounds: rounds) { _ in
            for _ in 0..<rounds {
                unsafe pthread_mutex_lock(mutex.place)
                unsafe count.place.pointee &+= 1
                unsafe pthread_mutex_unlock(mutex.place)
            }
        }
        report("one lock", try guests("locks", rounds: rounds), native)
    }

    private static func report(_ name: String, _ guests: Double, _ native: Double) {
        print(
            "apus threads, \(name):",
            String(
                format: "%.0f ns a round, the system's own %.0f, ratio %.2f", guests, native,
                guests / native))
    }

    // MARK: Groups

    private static func group(of threads: Int) -> String {
        """
        (module
          (import "env" "memory" (memory 1 1 shared))
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (func (export "wasi_thread_start") (param i32 i32) (loop $l (br $l)))
          (func (export "_start") (local $i i32)
            (loop $again
              (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then unreachable))
              (br_if $again (i32.lt_u
                (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const \(threads)))))
            (loop $l (br $l))))
        """
    }

    private static func ending(threads: Int, times: Int) throws {
        let engine = Engine()
        let module = try Module(engine, text: group(of: threads))
        var late: [Double] = []
        for _ in 0..<times {
            let store = Store(engine)
            let deadline = ContinuousClock.now + .milliseconds(300)
            store.deadline = deadline
            do {
                _ = try WASI().run(module, in: store)
            } catch let trap as Trap where trap.code == .interrupted {
                late.append(Stopwatch.seconds(deadline.duration(to: .now)) * 1e3)
            }
        }
        late.sort()
        print(
            "apus threads, from the deadline of \(threads) to their end:",
            String(
                format: "median %.1f ms, most %.1f ms", late[late.count / 2], late.last ?? 0))
    }

    private static func leaving(_ groups: Int) throws {
        let engine = Engine()
        let text = group(of: 4).replacing("(loop $l (br $l))))", with: "))")
        let module = try Module(engine, text: text)
        func state() throws -> (threads: Int, bytes: Int, descriptors: Int) {
            let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
            return (tasks.count, ProcessUsage.residentBytes, ProcessUsage.descriptorCount)
        }
        for _ in 0..<100 { _ = try WASI().run(module, in: Store(engine)) }
        let before = try state()
        for _ in 0..<groups { _ = try WASI().run(module, in: Store(engine)) }
        let after = try state()
        print(
            "apus threads, after \(groups) groups: threads \(after.threads - before.threads),",
            "descriptors \(after.descriptors - before.descriptors),",
            "resident bytes \(after.bytes - before.bytes) more")
    }
}
