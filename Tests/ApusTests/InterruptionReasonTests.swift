import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A guest that is stopped says by what.
struct InterruptionReasonTests {
    private static func forever(
        in store: Store
    ) throws -> TypedFunction<Void> {
        let text = #"(module (func (export "run") (loop $l (br $l))))"#
        return try Instance(store, Module(store.engine, text: text))
            .function("run", as: (() -> Void).self)
    }

    @Test func deadlinesTellHowLongTheyWere() throws {
        let store = Store(Engine(), limits: Limits(deadline: .milliseconds(20)))
        let run = try Self.forever(in: store)
        let first = trap { try run() }
        #expect(first?.interruption == .deadline(after: .milliseconds(20)))
        #expect(
            first?.description.hasPrefix(
                "trap: interrupted: the time limit of 0.02 seconds has passed\n  at run ") == true)
        // Not begun at all.
        #expect(trap { try run() }?.interruption == .deadline(after: .milliseconds(20)))
        store.deadline = .now + .milliseconds(5)
        let second = trap { try run() }
        #expect(second?.interruption == .deadline(after: nil))
        #expect(second?.message == "the deadline has passed")
        store.deadline = nil
        let third = trap { try store.withDeadline(.milliseconds(7)) { try run() } }
        #expect(third?.interruption == .deadline(after: .milliseconds(7)))
        #expect(store.deadline == nil)
    }

    /// The stricter deadline holds, and says so.
    @Test func innerDeadlinesDoNotExtendOuterOnes() throws {
        let store = Store(Engine())
        let run = try Self.forever(in: store)
        let end = trap {
            try store.withDeadline(.milliseconds(5)) {
                try store.withDeadline(.seconds(100)) { try run() }
            }
        }
        #expect(end?.interruption == .deadline(after: .milliseconds(5)))
    }

    @Test func handlesAreTold() throws {
        let store = Store(Engine())
        let run = try Self.forever(in: store)
        store.interruptHandle.interrupt()
        #expect(store.isInterrupted)
        let end = trap { try run() }
        #expect(end?.interruption == .request)
        #expect(end?.message == "the host has asked for it")
        #expect(!store.isInterrupted)
    }

    @Test func cancelledTasksEndInACancellationError() async throws {
        let task = Task {
            let store = Store(Engine())
            let run = try Self.forever(in: store)
            try await store.withTaskCancellation {
                // Whoever looks sees the trap; each call of the scope ends in one.
                for _ in 0..<2 { #expect(trap { try run() }?.interruption == .cancellation) }
                try run()
            }
        }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func requestsOutliveScopesOfOthers() async throws {
        let store = Store(Engine())
        let run = try Self.forever(in: store)
        let handle = store.interruptHandle
        try await store.withTaskCancellation { handle.interrupt() }
        #expect(trap { try run() }?.interruption == .request)
    }

    @Test func otherLimitsAreNamedToo() throws {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        let store = Store(Engine(configuration), limits: Limits(stackBytes: 64 << 10, fuel: 1000))
        let text = """
            (module (func (export "run") (loop $l (br $l)))
              (func $deep (export "deep") (call $deep)))
            """
        let instance = try Instance(store, Module(store.engine, text: text))
        let spent = trap { try instance.function("run", as: (() -> Void).self)() }
        #expect(spent?.message == "the limit was 1000")
        #expect(spent?.interruption == nil)
        store.fuel = 1 << 40
        let deep = trap { try instance.function("deep", as: (() -> Void).self)() }
        #expect(deep?.message == "guests may use 65536 bytes of stack")
    }
}
