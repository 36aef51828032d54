import Apus
import ApusLocks
import ApusSandbox
import Testing

/// Tasks that use a sandbox: of functions that its guest waits for, cancelled ones, and many.
@Suite struct SandboxTaskTests {
    private static let guest = """
        (module
          (import "host" "call" (func $call (param i32) (result i32)))
          (global $number (mut i32) (i32.const 0))
          (func (export "count") (result i32)
            (global.set $number (i32.add (global.get $number) (i32.const 1)))
            (global.get $number))
          (func (export "call") (param i32) (result i32) (call $call (local.get 0)))
          (func (export "endless") (loop $l (br $l))))
        """

    /// The sandbox that functions of the host find.
    private final class Known: Sendable {
        private let place = SystemMutex<Sandbox?>(nil)

        var sandbox: Sandbox? {
            get { place.withLock { $0 } }
            set { place.withLock { $0 = newValue } }
        }
    }

    private func sandbox(
        _ call: @escaping @Sendable (Int32) async throws -> Int32 = { $0 }
    ) throws -> Sandbox {
        var configuration = Sandbox.Configuration()
        // Other tests may keep all threads for long.
        configuration.deadline = .seconds(1000)
        return Sandbox(try Module(Engine(), text: Self.guest), configuration) { linker in
            linker.define("host", "call") { (_: Caller, number: Int32) async throws -> Int32 in
                try await call(number)
            }
        }
    }

    // MARK: From within

    /// They waited for each other for ever.
    @Test(.timeLimit(.minutes(10)), arguments: 0..<4)
    func aGuestsFunctionDoesNotWaitForTheGuest(kind: Int) async throws {
        let known = Known()
        let sandbox = try sandbox { number in
            guard let sandbox = known.sandbox else { return -1 }
            switch kind {
            case 0: return try await sandbox.call("count", as: Int32.self)
            case 1: try await sandbox.reset()
            case 2: return try await sandbox.run()
            default: return try await sandbox.withInstance { _ in number }
            }
            return 0
        }
        known.sandbox = sandbox
        #expect(try await sandbox.call("count", as: Int.self) == 1)
        await #expect(throws: SandboxError.waitsForItself) {
            try await sandbox.call("call", 1, as: Int.self)
        }
        #expect(try await sandbox.call("count", as: Int.self) == 1)
        known.sandbox = nil
    }

    /// One that waits for nothing is done when the guest is.
    @Test(.timeLimit(.minutes(10))) func aGuestsFunctionMayLeaveACallBehind() async throws {
        let known = Known()
        let (results, later) = AsyncStream<Int>.makeStream()
        let sandbox = try sandbox { number in
            guard let sandbox = known.sandbox else { return -1 }
            Task {
                later.yield((try? await sandbox.call("count", as: Int.self)) ?? -1)
                later.finish()
            }
            return number
        }
        known.sandbox = sandbox
        #expect(try await sandbox.call("call", 3, as: Int.self) == 3)
        for await count in results { #expect(count == 1) }
        known.sandbox = nil
    }

    /// Another sandbox may be called, and what that throws is what the guest's caller sees.
    @Test(.timeLimit(.minutes(10))) func aGuestsFunctionMayCallOthers() async throws {
        let other = try sandbox { _ in throw SandboxError.noAllocator }
        let sandbox = try sandbox { try await other.call("call", $0, as: Int32.self) }
        await #expect(throws: SandboxError.noAllocator) {
            try await sandbox.call("call", 1, as: Int.self)
        }
    }

    // MARK: Cancellation

    /// The guest had been let go of, with all that it knew.
    @Test func whoIsCancelledBeforeLeavesTheGuestAlone() async throws {
        let sandbox = try sandbox()
        #expect(try await sandbox.call("count", as: Int.self) == 1)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await sandbox.call("count", as: Int.self)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await sandbox.call("count", as: Int.self) == 2)
    }

    /// It went on until its deadline.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func guestsThatAreCalledByInstanceStopWithTheirTask(waits: Bool) async throws {
        var configuration = Sandbox.Configuration()
        configuration.deadline = .seconds(1000)
        let sandbox = try Sandbox(
            text: """
                (module
                  (func (export "count") (result i32) (i32.const 1))
                  (func (export "endless") (loop $l (br $l))))
                """, configuration)
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let task = Task {
            if waits {
                try await sandbox.withInstance { instance in
                    begin.yield()
                    let endless = try instance.function("endless", as: (() -> Void).self)
                    try await endless.callAsync()
                }
            } else {
                try await sandbox.withInstance { instance in
                    begin.yield()
                    try instance.function("endless", as: (() -> Void).self)()
                }
            }
        }
        for await _ in begun { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await sandbox.call("count", as: Int.self) == 1)
    }

    @Test func instancesMayBeWaitedFor() async throws {
        let sandbox = try sandbox { $0 + 1 }
        let number = try await sandbox.withInstance { instance in
            let call = try instance.function("call", as: ((Int32) -> Int32).self)
            return try await call.callAsync(call.callAsync(1))
        }
        #expect(number == 3)
    }

    // MARK: Many

    @Test func tenThousandUseOnePool() async throws {
        let module = try Module(
            Engine(), text: "(module (func (export \"same\") (param i32) (result i32) local.get 0))"
        )
        let pool = SandboxPool(SandboxTemplate(module), count: 4)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<10_000 {
                group.addTask {
                    try await pool.withSandbox { try await $0.call("same", number, as: Int.self) }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 49_995_000)
    }
}
