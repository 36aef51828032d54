import Apus
import Testing

/// What a store tells of itself.
struct StatisticsTests {
    private static let text = """
        (module
          (import "host" "f" (func $f))
          (memory (export "memory") 1 3)
          (table 4 8 funcref)
          (func (export "grow") (drop (memory.grow (i32.const 1))))
          (func (export "divide") (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))
          (func (export "host") (call $f)))
        """

    private func instance(_ body: @escaping () throws -> Void = {}) throws -> Instance {
        let engine = Engine()
        var linker = Linker(engine)
        let store = Store(engine)
        let function = try Function(store, FunctionType()) { _, _ in
            try body()
            return []
        }
        linker.define("host", "f", function)
        return try linker.instantiate(Module(engine, text: Self.text), in: store)
    }

    @Test func countsWhatThereIs() throws {
        let instance = try instance()
        let store = instance.store
        #expect(store.statistics.instances == 1)
        #expect(store.statistics.memoryBytes == 65536)
        #expect(store.statistics.tableElements == 4)
        #expect(store.statistics.peakTableBytes == 32)
        #expect(store.statistics.instantiationTime > .zero)
        for _ in 0..<3 { try instance.function("grow", as: (() -> Void).self)() }
        #expect(store.statistics.memoryBytes == 3 << 16)
        #expect(store.statistics.peakMemoryBytes == 3 << 16)
        #expect(store.statistics.growths == 2)
        #expect(store.statistics.failedGrowths == 1)
        #expect(store.statistics.traps == 0)
        #expect(store.statistics.fuelUsed == 0)
    }

    @Test func countsTraps() throws {
        let instance = try instance { throw TestError(number: 1) }
        let divide = try instance.function("divide", as: ((Int32) -> Void).self)
        for _ in 0..<4 { #expect(trap { try divide(0) } != nil) }
        try divide(1)
        #expect(instance.store.statistics.traps == 4)
        // An error of the host's is none.
        let host = try instance.function("host", as: (() -> Void).self)
        #expect(throws: TestError.self) { try host() }
        #expect(instance.store.statistics.traps == 4)
        instance.store.interruptHandle.interrupt()
        #expect(trap { try divide(1) }?.code == .interrupted)
        #expect(instance.store.statistics.traps == 5)
    }

    @Test func fuelUsedOutlivesRefills() throws {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        let engine = Engine(configuration)
        let module = try Module(
            engine,
            text: """
                (module (func (export "run") (param i32) (loop $l
                  (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                  (br_if $l (local.get 0)))))
                """)
        let store = Store(engine)
        let run = try Instance(store, module).function("run", as: ((Int32) -> Void).self)
        store.fuel = 1000
        try run(10)
        #expect(store.statistics.fuelUsed == 60)
        store.fuel = 5
        #expect(store.statistics.fuelUsed == 60)
        #expect(trap { try run(10) }?.code == .outOfFuel)
        #expect(store.statistics.fuelUsed == 60 + 5 - store.fuel)
        store.fuel = .max
        try run(100)
        #expect(store.statistics.fuelUsed >= 660 && store.statistics.fuelUsed <= 665)
    }

    // MARK: Call hooks

    /// Notes each crossing of `work`.
    private func events(_ store: Store, _ work: () throws -> Void) rethrows -> [CallEvent] {
        var events: [CallEvent] = []
        store.callHook = { events.append($0) }
        defer { store.callHook = nil }
        try work()
        return events
    }

    @Test func hookSeesEachCrossing() throws {
        var again: (() throws -> Void)?
        let instance = try instance { try again?() }
        let store = instance.store
        let grow = try instance.function("grow", as: (() -> Void).self)
        let divide = try instance.function("divide", as: ((Int32) -> Void).self)
        let host = try instance.function("host", as: (() -> Void).self)
        #expect(try events(store) { try grow() } == [.enteringWasm, .leavingWasm])
        #expect(
            try events(store) { try host() } == [
                .enteringWasm, .enteringHost, .leavingHost, .leavingWasm,
            ])
        again = { try divide(1) }
        #expect(
            try events(store) { try host() } == [
                .enteringWasm, .enteringHost, .enteringWasm, .leavingWasm, .leavingHost,
                .leavingWasm,
            ])
        // However it ends.
        #expect(events(store) { _ = trap { try divide(0) } } == [.enteringWasm, .leavingWasm])
        again = { throw TestError(number: 2) }
        #expect(
            events(store) { _ = try? host() } == [
                .enteringWasm, .enteringHost, .leavingHost, .leavingWasm,
            ])
        #expect(store.callHook == nil)
        again = nil
        try host()
    }

    @Test(arguments: CallEvent.allCases) func hookMayEndTheCall(_ event: CallEvent) throws {
        let calls = Counter()
        let instance = try instance { calls.add() }
        let host = try instance.function("host", as: (() -> Void).self)
        instance.store.callHook = { if $0 == event { throw TestError(number: 3) } }
        #expect(throws: TestError(number: 3)) { try host() }
        #expect(calls.total == (event == .enteringWasm || event == .enteringHost ? 0 : 1))
        instance.store.callHook = nil
        try host()
    }

    @Test func hookSeesStartFunctions() throws {
        let engine = Engine()
        let store = Store(engine)
        let module = try Module(engine, text: "(module (func $f) (start $f))")
        #expect(
            try events(store) { try Instance(store, module) } == [.enteringWasm, .leavingWasm])
    }
}
