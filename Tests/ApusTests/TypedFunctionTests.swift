import Apus
import Testing

/// Calls of guest functions with Swift types.
struct TypedFunctionTests {
    private let engine = Engine()

    private func instance(_ module: TestModule) throws -> Instance {
        try Instance(Store(engine), Module(engine, bytes: module.bytes))
    }

    @Test func addsTwoNumbers() throws {
        var module = TestModule()
        module.function(
            "add", [.i32, .i32], [.i32], Code.get(0) + Code.get(1) + Code.i32Add)
        let add = try instance(module).function("add", as: ((Int32, Int32) -> Int32).self)
        #expect(try add(2, 3) == 5)
        #expect(try add(.max, 1) == .min)
        let unsigned = try instance(module).function(
            "add", as: ((UInt32, UInt32) -> UInt32).self)
        #expect(try unsigned(.max, 2) == 1)
    }

    @Test func passesEachTypeUnchanged() throws {
        var module = TestModule()
        for (name, type) in [
            ("i32", ValueType.i32), ("i64", .i64), ("f32", .f32), ("f64", .f64),
        ] {
            module.function(name, [type], [type], Code.get(0))
        }
        let instance = try instance(module)
        let i32 = try instance.function("i32", as: ((Int32) -> Int32).self)
        let i64 = try instance.function("i64", as: ((Int64) -> Int64).self)
        let f32 = try instance.function("f32", as: ((Float) -> Float).self)
        let f64 = try instance.function("f64", as: ((Double) -> Double).self)
        for value: Int32 in [0, 1, -1, .min, .max] { #expect(try i32(value) == value) }
        for value: Int64 in [0, 1, -1, .min, .max, 1 << 32] { #expect(try i64(value) == value) }
        for value: Float in [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude] {
            #expect(try f32(value).bitPattern == value.bitPattern)
        }
        for value: Double in [0, -0.0, 1.5, -.infinity, .leastNonzeroMagnitude] {
            #expect(try f64(value).bitPattern == value.bitPattern)
        }
        let payload = Double(bitPattern: 0x7FF8_0000_DEAD_BEEF)
        #expect(try f64(payload).bitPattern == payload.bitPattern)
    }

    @Test func callsWithoutArgumentsAndResults() throws {
        var module = TestModule()
        module.global("count", .i32, isMutable: true, Code.i32(0))
        module.function(
            "tick", Code.globalGet(0) + Code.i32(1) + Code.i32Add + Code.globalSet(0))
        let instance = try instance(module)
        let tick = try instance.function("tick", as: (() -> Void).self)
        for _ in 0..<3 { try tick() }
        guard case .i32(3) = try instance.global("count").value else {
            Issue.record("the global is not 3")
            return
        }
    }

    @Test func returnsSeveralResults() throws {
        var module = TestModule()
        module.function(
            "swap", [.i32, .i64], [.i64, .i32], Code.get(1) + Code.get(0))
        module.function(
            "three", [.f64, .i32, .f32], [.f32, .f64, .i32],
            Code.get(2) + Code.get(0) + Code.get(1))
        let instance = try instance(module)
        let swap = try instance.function("swap", as: ((Int32, Int64) -> (Int64, Int32)).self)
        #expect(try swap(7, -9) == (-9, 7))
        let three = try instance.function(
            "three", as: ((Double, Int32, Float) -> (Float, Double, Int32)).self)
        #expect(try three(0.5, 4, 2.25) == (2.25, 0.5, 4))
    }

    /// More arguments and results than registers hold and than a call's usual cells.
    @Test func passesManyArgumentsAndResults() throws {
        let types: [ValueType] = (0..<20).map { $0 % 2 == 0 ? .i32 : .f64 }
        var module = TestModule()
        module.function(
            "reverse", types, types.reversed(), (0..<20).reversed().flatMap { Code.get($0) })
        let instance = try instance(module)
        typealias I = Int32
        typealias D = Double
        let reverse = try instance.function(
            "reverse",
            as: ((I, D, I, D, I, D, I, D, I, D, I, D, I, D, I, D, I, D, I, D) -> (
                D, I, D, I, D, I, D, I, D, I, D, I, D, I, D, I, D, I, D, I
            )).self)
        let result = try reverse(
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
        #expect(result.0 == 19)
        #expect(result.1 == 18)
        #expect(result.9 == 10)
        #expect(result.18 == 1)
        #expect(result.19 == 0)
        let values = (0..<20).map { $0 % 2 == 0 ? Value.i32(Int32($0)) : .f64(Double($0)) }
        let results = try instance.function("reverse").call(values)
        #expect(results.map(\.description) == values.reversed().map(\.description))
    }

    @Test func refusesOtherTypes() throws {
        var module = TestModule()
        module.function("add", [.i32, .i32], [.i32], Code.get(0) + Code.get(1) + Code.i32Add)
        module.memory(1)
        let instance = try instance(module)
        #expect(throws: ExportError.self) {
            try instance.function("add", as: ((Int32) -> Int32).self)
        }
        #expect(throws: ExportError.self) {
            try instance.function("add", as: ((Int32, Int32) -> Void).self)
        }
        do {
            _ = try instance.function("add", as: ((Int64, Int32) -> Int32).self)
            Issue.record("a function of other types was handed out")
        } catch let error as ExportError {
            #expect(
                error.description
                    == "export \"add\" is a function [i32 i32] -> [i32], "
                    + "not a function [i64 i32] -> [i32]")
        }
        do {
            _ = try instance.function("sub", as: (() -> Void).self)
            Issue.record("a function that is not there was handed out")
        } catch let error as ExportError {
            #expect(error.found == nil && error.name == "sub")
        }
        #expect(throws: ExportError.self) { try instance.function("memory") }
    }

    @Test func checksUntypedCalls() throws {
        var module = TestModule()
        module.function("negate", [.i32], [.i32], Code.i32(0) + Code.get(0) + Code.i32Subtract)
        let negate = try instance(module).function("negate")
        #expect(negate.type == FunctionType([.i32], [.i32]))
        guard case .i32(-5)? = try negate.call(.i32(5)).first else {
            Issue.record("wrong result")
            return
        }
        #expect(throws: TypeError.self) { try negate.call() }
        #expect(throws: TypeError.self) { try negate.call(.i64(5)) }
        #expect(throws: TypeError.self) { try negate.call(.i32(5), .i32(6)) }
    }
}
