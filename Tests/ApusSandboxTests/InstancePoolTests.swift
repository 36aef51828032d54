import Apus
import ApusLocks
import ApusSandbox
import Testing

/// Instances for one use, of which there are so many at once.
struct InstancePoolTests {
    private static let guest = """
        (module
          (memory (export "memory") 1)
          (func (export "touch") (result i32)
            (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
            (i32.load8_u (i32.const 0)))
          (func (export "fail") (unreachable)))
        """

    private func pool(_ slots: Int) throws -> InstancePool {
        var configuration = Engine.Configuration()
        configuration.allocator = .pooling(.init(instances: slots, memoryBytes: 1 << 20))
        let engine = Engine(configuration)
        return InstancePool(try Linker(engine).prepare(Module(engine, text: Self.guest)))
    }

    private final class Present: Sendable {
        private let counts = SystemMutex((now: 0, most: 0))

        var most: Int { counts.withLock { $0.most } }

        func enter() { counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }

        func leave() { counts.withLock { $0.now -= 1 } }
    }

    /// Many more than there are slots wait, and each gets an instance that nobody has touched.
    @Test func whoFindsNoRoomWaits() async throws {
        let pool = try pool(3)
        #expect(pool.count == 3)
        let present = Present()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    try await pool.withInstance { instance in
                        present.enter()
                        await Task.yield()
                        let touch = try instance.function("touch", as: (() -> Int32).self)
                        #expect(try await touch.callAsync() == 1)
                        present.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(present.most <= 3)
    }

    /// A failed call gives its slot back.
    @Test func failuresLeaveRoom() async throws {
        let pool = try pool(1)
        for _ in 0..<3 {
            await #expect(throws: Trap.self) {
                try await pool.withInstance { instance in
                    try await instance.function("fail", as: (() -> Void).self).callAsync()
                }
            }
        }
        #expect(pool.module.module.engine.allocatorStatistics.instancesInUse == 0)
    }

    @Test func whoWaitsMayGiveUp() async throws {
        let pool = try pool(1)
        try await pool.withInstance { _ in
            let waiting = Task { try await pool.withInstance { _ in } }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
        try await pool.withInstance { _ in }
    }
}
