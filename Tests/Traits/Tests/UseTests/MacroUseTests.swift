import Apus
import ApusMacros
import Testing

@WasmExports
protocol Calculator {
    func add(_ left: Int32, to right: Int32) throws -> Int32
    @WasmName("get-both") func both() throws -> (Int32, Int64)
    func reset() throws
    func halves(of vector: Vector128) throws -> (Vector128, Int64)
    nonisolated(nonsending) func wait(_ time: Int32) async throws -> Int32
}

@WasmImports("env")
struct Clock {
    let now: Int64

    func log(_ caller: Caller, start: Int32, count: Int32) throws {
        guard try caller.memory.string(at: start, count: count) == "reset" else {
            throw Unexpected()
        }
    }

    @WasmName("get-now") func time() -> Int64 { now }

    func swap(_ vector: Vector128) -> Vector128 {
        Vector128(low: vector.high, high: vector.low)
    }

    func pause(milliseconds: Int32) async throws -> Int32 {
        await Task.yield()
        return milliseconds + 1
    }

    struct Unexpected: Error {}
}

/// What the macros make compiles, and calls what it should.
@Suite struct MacroUseTests {
    private static let guest = """
        (module
          (import "env" "log" (func $log (param i32 i32)))
          (import "env" "get-now" (func $now (result i64)))
          (import "env" "swap" (func $swap (param v128) (result v128)))
          (import "env" "pause" (func $pause (param i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "reset")
          (func (export "add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1)))
          (func (export "get-both") (result i32 i64) (i32.const 7) (call $now))
          (func (export "reset") (call $log (i32.const 8) (i32.const 5)))
          (func (export "halves") (param v128) (result v128 i64)
            (call $swap (local.get 0)) (i64x2.extract_lane 1 (local.get 0)))
          (func (export "wait") (param i32) (result i32) (call $pause (local.get 0))))
        """

    private func instance(_ guest: String) async throws -> Instance {
        let engine = Engine()
        var linker = Linker(engine)
        Clock(now: 1234).define(in: &linker)
        return try linker.instantiate(Module(engine, text: guest), in: Store(engine))
    }

    @Test func clientsCallGuests() async throws {
        let instance = try await instance(Self.guest)
        let calculator = try CalculatorClient(instance)
        #expect(try await calculator.wait(4) == 5)
    }

    @Test func clientsCallGuestsWithoutWaiting() throws {
        let engine = Engine()
        var linker = Linker(engine)
        Clock(now: 1234).define(in: &linker)
        let synchronous = Self.guest.replacing(
            "(import \"env\" \"pause\" (func $pause (param i32) (result i32)))", with: ""
        ).replacing("(call $pause (local.get 0))", with: "(local.get 0)")
        let instance = try linker.instantiate(
            Module(engine, text: synchronous), in: Store(engine))
        let calculator = try CalculatorClient(instance)
        #expect(try calculator.add(2, to: 3) == 5)
        #expect(try calculator.both() == (7, 1234))
        try calculator.reset()
        let (swapped, upper) = try calculator.halves(of: Vector128(low: 5, high: 6))
        #expect(swapped == Vector128(low: 6, high: 5))
        #expect(upper == 6)
    }

    /// Both ways, types are compared before anything is called.
    @Test func typesAreCompared() throws {
        let engine = Engine()
        var linker = Linker(engine)
        Clock(now: 0).define(in: &linker)
        let wrong = try Module(
            engine, text: #"(module (import "env" "get-now" (func (result i32))))"#)
        #expect(throws: LinkError.self) { try linker.prepare(wrong) }
        let other = try Instance(
            Store(engine),
            Module(engine, text: #"(module (func (export "add") (param i64)))"#))
        #expect(throws: ExportError.self) { try CalculatorClient(other) }
    }
}
