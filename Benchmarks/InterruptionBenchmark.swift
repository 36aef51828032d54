import Apus
import Foundation

/// How long after its deadline a guest goes on, in microseconds: programs that never end, stopped
/// at random moments.
enum InterruptionBenchmark {
    private static let programs = [
        ("loop", #"(module (func (export "run") (loop $l br $l)))"#),
        (
            "stores",
            """
            (module (memory 16) (func (export "run") (local i32) (loop $l
              (i32.store (i32.and (local.get 0) (i32.const 0xffff0)) (local.get 0))
              (local.set 0 (i32.add (local.get 0) (i32.const 16)))
              (br $l))))
            """
        ),
        (
            "recursion",
            """
            (module
              (func $f (param i32)
                (if (i32.eqz (local.get 0)) (then (return)))
                (call $f (i32.sub (local.get 0) (i32.const 1)))
                (call $f (i32.sub (local.get 0) (i32.const 1))))
              (func (export "run") (call $f (i32.const 80))))
            """
        ),
        (
            "tail calls",
            """
            (module (func $f (return_call $g)) (func $g (return_call $f))
              (func (export "run") (return_call $f)))
            """
        ),
        (
            "fills",
            """
            (module (memory 4096) (func (export "run") (loop $l
              (memory.fill (i32.const 0) (i32.const 7) (i32.const 0xfff0000)) (br $l))))
            """
        ),
        (
            "runtime calls",
            """
            (module (memory 1)
              (func (export "run") (loop $l (drop (memory.grow (i32.const 0))) (br $l))))
            """
        ),
        (
            "host calls",
            """
            (module (import "host" "nothing" (func $nothing))
              (func (export "run") (loop $l (call $nothing) (br $l))))
            """
        ),
        (
            "host waits",
            """
            (module (import "host" "wait" (func $wait))
              (func (export "run") (loop $l (call $wait) (br $l))))
            """
        ),
    ]

    /// Stops each program `count` times.
    static func run(_ count: Int) throws {
        let engine = Engine()
        var random = SystemRandomNumberGenerator()
        var all: [Double] = []
        for (name, text) in programs {
            let module = try Module(engine, text: text)
            var late: [Double] = []
            for _ in 0..<count {
                let wait = Duration.microseconds(Int.random(in: 0...2000, using: &random))
                late.append(try lateness(module, after: wait))
            }
            report(name, late)
            all += late
        }
        report("all", all)
    }

    private static func lateness(_ module: Module, after wait: Duration) throws -> Double {
        let store = Store(module.engine)
        var linker = Linker(module.engine)
        linker.define("host", "nothing") { () -> Void in }
        linker.define("host", "wait") { () -> Void in usleep(1_000_000) }
        let run = try linker.instantiate(module, in: store)
            .function("run", as: (() -> Void).self)
        let deadline = ContinuousClock.now + wait
        store.deadline = deadline
        do {
            try run()
        } catch let trap as Trap where trap.code == .interrupted {
            return Stopwatch.seconds(deadline.duration(to: .now)) * 1e6
        }
        return .infinity
    }

    private static func report(_ name: String, _ times: [Double]) {
        let sorted = times.sorted()
        let median = sorted[sorted.count / 2]
        let percentile = sorted[sorted.count * 99 / 100]
        print(
            "apus interruption, \(name):",
            String(
                format: "median %.0f, 99th percentile %.0f, most %.0f", median, percentile,
                sorted.last ?? 0))
    }
}
