import Apus
import ApusObservability
import ApusSandbox
import InMemoryLogging
import InMemoryTracing
import Logging
import MetricsTestKit
import Testing

@Suite struct ObservationTests {
    private static let guest = """
        (module
          (memory (export "memory") 2)
          (func (export "answer") (result i32) (i32.const 42))
          (func (export "fail") (unreachable)))
        """

    private let metrics = TestMetrics()
    private let tracer = InMemoryTracer()
    private let log = InMemoryLogHandler()
    private let observation: Observation

    init() {
        let handler = log
        var logger = Logger(label: "test") { _ in handler }
        logger.logLevel = .debug
        observation = Observation("test", logger: logger, tracer: tracer, metrics: metrics)
    }

    private func instance() throws -> Instance {
        let engine = Engine()
        let module = try observation.compile("guest") {
            try Module(engine, text: Self.guest)
        }
        return try observation.instantiate("guest") { try Instance(Store(engine), module) }
    }

    @Test func callsAreCounted() throws {
        let answer = try instance().function("answer", as: (() -> Int32).self)
        for _ in 0..<3 { #expect(try observation.call("answer") { try answer() } == 42) }
        #expect(
            try metrics.expectCounter("test.modules", [("origin", "compiled")]).values == [1])
        #expect(try metrics.expectTimer("test.compile.time").values.count == 1)
        #expect(try metrics.expectCounter("test.instantiations").totalValue == 1)
        #expect(try metrics.expectCounter("test.calls").totalValue == 3)
        #expect(try metrics.expectTimer("test.call.time").values.count == 3)
        #expect(
            tracer.finishedSpans.map(\.operationName)
                == ["wasm compile", "wasm instantiate", "wasm call", "wasm call", "wasm call"])
        #expect(log.entries.map { "\($0.message)" } == ["a module was compiled"])
    }

    @Test func instancesMayBeWaitedFor() async throws {
        let engine = Engine()
        let linker = Linker(engine)
        let module = try Module(engine, text: Self.guest)
        let instance = try await observation.instantiateAsync("guest") {
            try await linker.instantiateAsync(module, in: Store(engine))
        }
        let answer = try instance.function("answer", as: (() -> Int32).self)
        #expect(try await observation.callAsync("answer") { try await answer.callAsync() } == 42)
        #expect(try metrics.expectCounter("test.instantiations").totalValue == 1)
        #expect(
            tracer.finishedSpans.map(\.operationName) == ["wasm instantiate", "wasm call"])
    }

    @Test func trapsAreCountedByCode() throws {
        let fail = try instance().function("fail", as: (() -> Void).self)
        #expect(throws: Trap.self) { try observation.call("fail") { try fail() } }
        #expect(
            try metrics.expectCounter("test.traps", [("code", "\(TrapCode.unreachable)")])
                .totalValue == 1)
        #expect(try metrics.expectCounter("test.failures").totalValue == 1)
        #expect(log.entries.last?.metadata["code"] == "\(TrapCode.unreachable)")
        #expect(tracer.finishedSpans.last?.errors.count == 1)
    }

    @Test func poolsAreRecorded() async throws {
        var configuration = Engine.Configuration()
        configuration.allocator = .pooling(.init(instances: 2, memoryBytes: 1 << 20))
        let engine = Engine(configuration)
        let pool = InstancePool(
            try Linker(engine).prepare(Module(engine, text: Self.guest)))
        #expect(pool.count == 2)
        let answer = try await observation.withInstance(of: pool, "answer") { instance in
            observation.record(engine)
            return try await instance.function("answer", as: (() -> Int32).self).callAsync()
        }
        #expect(answer == 42)
        #expect(try metrics.expectGauge("test.pool.used").lastValue == 1)
        #expect(try metrics.expectGauge("test.pool.capacity").lastValue == 2)
        #expect(try metrics.expectRecorder("test.memory.bytes").values == [131_072])
    }
}
