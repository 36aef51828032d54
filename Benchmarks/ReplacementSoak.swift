import Apus
import Foundation
import Synchronization

/// Calls whose code is replaced in the midst of a loop, by the million, while they are told to stop
/// at random times.
enum ReplacementSoak {
    private static let functionCount = 40
    private static let threadCount = 4
    private static let rounds = 5000

    /// Functions that have loops in each other and locals of each kind; each gives a sum that says
    /// whether any round or local was lost.
    private static var text: String {
        let functions = (0..<functionCount).map { number in
            """
            (func (export "f\(number)") (param $n i32) (result i64)
              (local $sum i64) (local $inner i32) (local $x f64) (local $v v128)
              (loop $outer
                (local.set $inner (i32.const \(3 + number % 5)))
                (loop $next
                  (local.set $sum
                    (i64.add (i64.mul (local.get $sum) (i64.const \(2 * number + 3)))
                      (i64.extend_i32_u (i32.xor (local.get $n) (local.get $inner)))))
                  (local.set $x (f64.add (local.get $x) (f64.const 0.5)))
                  (local.set $v (i32x4.add (local.get $v) (i32x4.splat (local.get $inner))))
                  (br_if $next
                    (local.tee $inner (i32.sub (local.get $inner) (i32.const 1)))))
                (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
              (i64.add
                (i64.add (local.get $sum) (i64.trunc_sat_f64_s (local.get $x)))
                (i64.extend_i32_s (i32x4.extract_lane 3 (local.get $v)))))
            """
        }
        return "(module \(functions.joined(separator: "\n")))"
    }

    private final class Tally: Sendable {
        let wrong = Atomic(0)
        let stopped = Atomic(0)
        let calls = Atomic(0)
        let isDone = Atomic(false)
    }

    /// Makes modules, and calls their functions on several threads, until code was replaced
    /// `count` times at least. Returns whether all results were right.
    static func run(_ count: Int) throws -> Bool {
        let expected = try expected()
        var configuration = Engine.Configuration()
        configuration.tiering.threshold = 20
        configuration.tiering.isSynchronous = true
        let engine = Engine(configuration)
        let tally = Tally()
        var replaced = 0
        let bytes = ProcessUsage.residentBytes
        while replaced < count {
            let module = try Module(engine, text: text)
            try call(module, expected, tally)
            // Whoever has code made that begins at a loop goes on in it.
            replaced += module.tiers?.optimizations.count { $0.loop != nil && $0.succeeded } ?? 0
        }
        print(
            replaced, "replacements or more in", tally.calls.load(ordering: .relaxed), "calls,",
            tally.stopped.load(ordering: .relaxed), "of them stopped,",
            tally.wrong.load(ordering: .relaxed), "wrong; resident memory",
            ProcessUsage.residentBytes - bytes, "bytes more")
        return tally.wrong.load(ordering: .relaxed) == 0
    }

    /// What each function gives, in code of the baseline compiler alone.
    private static func expected() throws -> [Int64] {
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        let engine = Engine(configuration)
        let instance = try Instance(Store(engine), Module(engine, text: text))
        return try (0..<functionCount).map {
            try instance.function("f\($0)", as: ((Int32) -> Int64).self)(Int32(rounds))
        }
    }

    /// Calls each function on each of some threads, which begin together; somebody tells all of
    /// them to stop now and then.
    private static func call(_ module: Module, _ expected: [Int64], _ tally: Tally) throws {
        let handles = Mutex<[InterruptHandle]>([])
        let running = Atomic(threadCount)
        let group = DispatchGroup()
        for _ in 0..<threadCount {
            Thread.detachNewThread(in: group) {
                defer { running.subtract(1, ordering: .releasing) }
                let store = Store(module.engine)
                handles.withLock { $0.append(store.interruptHandle) }
                guard let instance = try? Instance(store, module) else { return }
                for number in 0..<functionCount {
                    call(instance, number, expected[number], tally)
                }
            }
        }
        var random = SystemRandomNumberGenerator()
        while running.load(ordering: .acquiring) > 0 {
            usleep(UInt32.random(in: 0..<200, using: &random))
            handles.withLock { $0.randomElement(using: &random) }?.interrupt()
        }
        group.wait()
    }

    private static func call(
        _ instance: Instance, _ number: Int, _ expected: Int64, _ tally: Tally
    ) {
        tally.calls.add(1, ordering: .relaxed)
        do {
            let function = try instance.function("f\(number)", as: ((Int32) -> Int64).self)
            let found = try function(Int32(rounds))
            if found != expected { tally.wrong.add(1, ordering: .relaxed) }
        } catch let trap as Trap where trap.code == .interrupted {
            tally.stopped.add(1, ordering: .relaxed)
        } catch {
            print(error)
            tally.wrong.add(1, ordering: .relaxed)
        }
    }
}

extension Thread {
    /// Runs `body` on a thread of its own, which is in `group` until it ends.
    fileprivate static func detachNewThread(
        in group: DispatchGroup, _ body: @escaping @Sendable () -> Void
    ) {
        group.enter()
        detachNewThread {
            body()
            group.leave()
        }
    }
}
