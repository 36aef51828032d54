import Apus
import Foundation
import Testing

/// Asynchronous calls of stores that nobody but the task can interrupt: from the second one on they
/// only say whose they are.
struct WatchedCallTests {
    private static let text = """
        (module (import "host" "wait" (func $wait))
          (func (export "short") (param i32) (result i32)
            (loop $l
              (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.const 7))
          (func (export "waits") (call $wait))
          (func (export "trap") unreachable)
          (func (export "endless") (loop $l (br $l))))
        """

    private static func prepare() throws -> PreparedModule {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "wait") { (_: Caller) async in await Task.yield() }
        return try linker.prepare(Module(engine, text: text))
    }

    /// Cancels `task` after a while, from a thread of its own: guests may have all of the tasks'.
    private static func cancel<Result>(_ task: Task<Result, any Error>, after microseconds: Int) {
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: Double(microseconds) / 1e6)
            task.cancel()
        }
    }

    /// A guest that never ends, after calls that did.
    @Test func endlessGuestsAreStopped() async throws {
        let prepared = try Self.prepare()
        for round in 0..<10 {
            let task = Task {
                let instance = try prepared.instantiate(in: Store(prepared.module.engine))
                let short = try instance.function("short", as: ((Int32) -> Int32).self)
                for _ in 0..<50 { #expect(try await short.callAsync(1) == 7) }
                // One that waits, or traps, and what comes behind it.
                if round % 3 == 1 {
                    try await instance.function("waits", as: (() -> Void).self).callAsync()
                } else if round % 3 == 2 {
                    let trap = try instance.function("trap", as: (() -> Void).self)
                    await #expect(throws: Trap.self) { try await trap.callAsync() }
                }
                for _ in 0..<50 { #expect(try await short.callAsync(1) == 7) }
                try await instance.function("endless", as: (() -> Void).self).callAsync()
            }
            Self.cancel(task, after: 5000)
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    /// Calls of all lengths, among which the task is cancelled: none after it, and the next task
    /// of the same store has nothing of it.
    @Test func nothingOfOneTaskIsLeftForTheNext() async throws {
        let prepared = try Self.prepare()
        let task = Task {
            let store = Store(prepared.module.engine)
            let instance = try prepared.instantiate(in: store)
            let short = try instance.function("short", as: ((Int32) -> Int32).self)
            var cancelled = 0
            for round in 0..<200 {
                // The store is this task's child's until that has ended.
                nonisolated(unsafe) let call = short
                let child = Task { () async throws -> Void in
                    var count: Int32 = 1
                    while true {
                        // SAFETY: the other task waits for this one, and uses nothing meanwhile.
                        let result = try await unsafe call.callAsync(count)
                        #expect(result == 7)
                        count = count &* 5 % 4093 &+ 1
                    }
                }
                Self.cancel(child, after: 100 + round * 37 % 3000)
                do { try await child.value } catch is CancellationError { cancelled += 1 }
                #expect(try await short.callAsync(3) == 7)
                #expect(!store.isInterrupted)
            }
            return cancelled
        }
        #expect(try await task.value == 200)
    }
}
