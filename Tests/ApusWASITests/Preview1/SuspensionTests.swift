import Apus
import ApusWASI
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Guests of asynchronous calls that wait for the host's world.
@Suite(.serialized) struct SuspensionTests {
    /// Waits for a clock, or for a descriptor to be read from, or for both.
    private static let waiting = """
        (module
          (import "wasi_snapshot_preview1" "poll_oneoff"
            (func $poll (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "sleep") (param $nanoseconds i64) (result i32)
            (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (local.get $nanoseconds))
            (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512)))
          (func (export "read") (param $descriptor i32) (result i32)
            (i32.store8 (i32.const 8) (i32.const 1))
            (i32.store (i32.const 16) (local.get $descriptor))
            (drop (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512)))
            ;; The type of the one event, and how many bytes there are.
            (i32.add
              (i32.mul (i32.load8_u (i32.const 266)) (i32.const 100))
              (i32.load (i32.const 272)))))
        """

    /// With a world of its own.
    private func prepare(_ wasi: WASI, _ module: Module? = nil) throws -> PreparedModule {
        let module = try module ?? Module(Engine(), text: Self.waiting)
        var linker = Linker(module.engine)
        try wasi.define(in: &linker)
        return try linker.prepare(module)
    }

    private var systemClock: WASI {
        var wasi = WASI()
        wasi.clock = .system
        return wasi
    }

    private func sleep(
        _ prepared: PreparedModule, _ duration: Duration, limits: Limits? = nil
    ) async throws -> Int32 {
        let store = Store(prepared.module.engine, limits: limits)
        let sleep = try prepared.instantiate(in: store)
            .function("sleep", as: ((Int64) -> Int32).self)
        let nanoseconds = duration / .nanoseconds(1)
        return try await sleep.callAsync(Int64(nanoseconds))
    }

    /// All sleep at once, on however few threads: else the last ones would never begin.
    @Test(.timeLimit(.minutes(30))) func sleepersTakeNoThreads() async throws {
        let wasi = systemClock
        let module = try Module(Engine(), text: Self.waiting)
        let sleepers = Sleepers()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    let prepared = try prepare(wasi, module)
                    sleepers.count.add(1, ordering: .relaxed)
                    await #expect(throws: CancellationError.self) {
                        try await sleep(prepared, .seconds(3600))
                    }
                }
            }
            while sleepers.count.load(ordering: .relaxed) < 100 {
                try await Task.sleep(for: .milliseconds(5))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private final class Sleepers: Sendable {
        let count = Atomic(0)
    }

    @Test func sleepersAreWoken() async throws {
        let prepared = try prepare(systemClock)
        let error = await #expect(throws: Trap.self) {
            try await sleep(prepared, .seconds(60), limits: Limits(deadline: .milliseconds(20)))
        }
        #expect(error?.interruption == .deadline(after: .milliseconds(20)))
        let task = Task { try await sleep(prepared, .seconds(60)) }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func simulatedTimeDoesNotPass() async throws {
        let start = ContinuousClock.now
        #expect(try await sleep(prepare(WASI()), .seconds(3600)) == 0)
        #expect(start.duration(to: .now) < .seconds(1800))
    }

    @Test func descriptorsAreWaitedFor() async throws {
        var ends: [Int32] = [0, 0]
        let stream = Int32(SOCK_STREAM.rawValue)
        guard unsafe socketpair(AF_UNIX, stream, 0, &ends) == 0 else {
            Issue.record("no sockets: \(errno)")
            return
        }
        defer { for end in ends { close(end) } }
        var wasi = systemClock
        wasi.sockets = [ends[0]]
        let prepared = try prepare(wasi)
        let store = Store(prepared.module.engine)
        let read = try prepared.instantiate(in: store).function("read", as: ((Int32) -> Int32).self)
        let other = ends[1]
        let writer = Task {
            try await Task.sleep(for: .milliseconds(30))
            let bytes: [UInt8] = [1, 2, 3]
            return unsafe write(other, bytes, bytes.count)
        }
        #expect(try await read.callAsync(3) == 103)
        #expect(try await writer.value == 3)
    }
}
