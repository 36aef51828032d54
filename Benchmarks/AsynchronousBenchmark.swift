import Apus
import Foundation

/// What calls cost whose guests run on stacks of their own, in nanoseconds.
///
/// Prints one line for each figure, `apus NAME VALUE`.
enum AsynchronousBenchmark {
    private static let guest = """
        (module
          (import "host" "wait" (func $wait (param i32) (result i32)))
          (import "host" "yield" (func $yield))
          (func (export "nop"))
          (func (export "add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1)))
          (func (export "waits") (param $count i32) (result i32)
            (loop $next
              (drop (call $wait (local.get $count)))
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (local.get $count))
          (func (export "yields") (param $count i32) (result i32)
            (loop $next
              (call $yield)
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (local.get $count)))
        """

    static func run() async throws {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "wait") { (_: Caller, number: Int32) async -> Int32 in number }
        linker.define("host", "yield") { (_: Caller) async in await Task.yield() }
        let instance = try linker.instantiate(
            Module(engine, text: guest), in: Store(engine))
        try await calls(instance)
        try await waits(instance)
    }

    private static func calls(_ instance: Instance) async throws {
        let count = 300_000
        let nop = try instance.function("nop", as: (() -> Void).self)
        try await report("async_nop", per: count) {
            for _ in 0..<count { try await nop.callAsync() }
        }
        let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
        try await report("async_add", per: count) {
            for index in 0..<count {
                _ = try await add.callAsync(Int32(truncatingIfNeeded: index), 3)
            }
        }
    }

    private static func waits(_ instance: Instance) async throws {
        let count: Int32 = 100_000
        for (export, name) in [("waits", "async_suspend_resume"), ("yields", "async_yield")] {
            let loop = try instance.function(export, as: ((Int32) -> Int32).self)
            try await report(name, per: Int(count)) { _ = try await loop.callAsync(count) }
        }
        try await report("task_yield", per: Int(count)) {
            for _ in 0..<count { await Task.yield() }
        }
    }

    private static func report(
        _ name: String, per count: Int, isolation: isolated (any Actor)? = #isolation,
        _ work: () async throws -> Void
    ) async throws {
        var seconds: [Double] = []
        for _ in 0..<9 {
            let start = ContinuousClock.now
            try await work()
            seconds.append(Stopwatch.seconds(start.duration(to: .now)))
        }
        let median = seconds.sorted()[seconds.count / 2]
        print("apus", name, String(format: "%.2f", median / Double(count) * 1e9))
    }
}
