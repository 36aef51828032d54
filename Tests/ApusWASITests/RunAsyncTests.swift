import Apus
import Synchronization
import Testing

@_spi(ApusCLI) @testable import ApusWASI

/// Programs in asynchronous calls.
@Suite(.serialized) struct RunAsyncTests {
    /// A module that can sleep for nanoseconds, and end with a status.
    private static func module(_ functions: String) throws -> Module {
        try Module(
            Engine(),
            text: """
                (module
                  (import "wasi_snapshot_preview1" "poll_oneoff"
                    (func $poll (param i32 i32 i32 i32) (result i32)))
                  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                  (memory (export "memory") 1)
                  (global $i (mut i32) (i32.const 0))
                  (func $sleep (param $nanoseconds i64)
                    (i32.store (i32.const 16) (i32.const 1))
                    (i64.store (i32.const 24) (local.get $nanoseconds))
                    (drop (call $poll
                      (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512))))
                  \(functions))
                """)
    }

    private static var systemClock: WASI {
        var wasi = WASI()
        wasi.clock = .system
        return wasi
    }

    private static let initializing =
        #"(func (export "_initialize") (global.set $i (i32.add (global.get $i) (i32.const 7))))"#
    private static let hour = "(call $sleep (i64.const 3600_000_000_000))"

    private static let programs: [(functions: String, status: Int32)] = [
        (#"(func (export "_start") (call $sleep (i64.const 1000)) (call $exit (i32.const 3)))"#, 3),
        (#"(func (export "_start"))"#, 0),
        (initializing, 0),
        ("\(initializing) (func (export \"\") (result i32) (global.get $i))", 7),
        ("\(initializing) (func (export \"\") (call $exit (global.get $i)))", 7),
        ("(func $s (call $sleep (i64.const 1000)) (call $exit (i32.const 6))) (start $s)", 6),
    ]

    @Test func givesTheStatus() async throws {
        for (functions, status) in Self.programs {
            let module = try Self.module(functions)
            let wasi = Self.systemClock
            let found = try await wasi.runAsync(module, in: Store(module.engine))
            #expect(found == status, "\(functions)")
        }
    }

    @Test func throwsWhatEndsTheProgram() async throws {
        let trapping = try Self.module(#"(func (export "_start") unreachable)"#)
        let trap = await #expect(throws: Trap.self) {
            try await WASI().runAsync(trapping, in: Store(trapping.engine))
        }
        #expect(trap?.code == .unreachable)
        let none = try Self.module(#"(func (export "run"))"#)
        await #expect(throws: ExportError.self) {
            try await WASI().runAsync(none, in: Store(none.engine))
        }
    }

    @Test func reactorsAreInitializedOnce() async throws {
        let get = #"(func (export "get") (result i32) (global.get $i))"#
        let end = #"(func (export "end") (call $exit (global.get $i)))"#
        let module = try Self.module(Self.initializing + get + end)
        let wasi = WASI()
        let instance = try await wasi.instantiateAsync(module, in: Store(module.engine))
        let function = try instance.function("get", as: (() -> Int32).self)
        #expect(try await function.callAsync() == 7)
        let status = try await wasi.statusAsync { _ = try await function.callAsync() }
        #expect(status == 0)
        let ended = try await wasi.statusAsync {
            _ = try await instance.function("end").callAsync()
        }
        #expect(ended == 7)
    }

    /// All sleep at once, on however few threads: else the last ones would never begin.
    @Test(.timeLimit(.minutes(30))) func sleepersTakeNoThreadsAndAreCancelled() async throws {
        let module = try Self.module("(func (export \"_start\") \(Self.hour))")
        let begun = Begun()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    begun.count.add(1, ordering: .relaxed)
                    await #expect(throws: CancellationError.self) {
                        try await Self.systemClock.runAsync(module, in: Store(module.engine))
                    }
                }
            }
            while begun.count.load(ordering: .relaxed) < 100 {
                try await Task.sleep(for: .milliseconds(5))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private final class Begun: Sendable {
        let count = Atomic(0)
    }

    @Test func streamsEndWithTheProgram() async throws {
        let module = try Self.module(#"(func (export "_start"))"#)
        let output = StreamedOutput()
        var wasi = WASI()
        wasi.standardOutput = .stream(output)
        #expect(try await wasi.runAsync(module, in: Store(module.engine)) == 0)
        for await _ in output {}
    }

    /// A program with threads is stopped as well.
    @Test(.timeLimit(.minutes(10))) func threadsAreCancelled() async throws {
        let engine = Engine()
        let begun = Begun()
        var wasi = WASI()
        wasi.threadObserver = { _, _ in
            begun.count.add(1, ordering: .relaxed)
            return {}
        }
        let module = try Module(
            engine,
            text: """
                (module
                  (import "env" "memory" (memory 1 1 shared))
                  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
                  (func (export "wasi_thread_start") (param i32 i32) (loop (br 0)))
                  (func (export "_start")
                    (drop (call $spawn (i32.const 0)))
                    (loop (br 0))))
                """)
        let task = Task.detached { [wasi] in try await wasi.runAsync(module, in: Store(engine)) }
        while begun.count.load(ordering: .relaxed) == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
