import ApusFormat
import ApusRuntime
import Testing

@testable import Apus

/// Cells of 32-bit values whose other half is dirty, on the way into guests and back from hosts:
/// nothing of it is to be seen.
@Suite struct UpperHalfTests {
    private static let dirt: UInt64 = 0xDEAD_BEEF_0000_0000

    /// More parameters than there are registers for.
    private static let integers = 10
    private static let floats = 12

    /// Functions that would show what is above a parameter: as an address, widened, compared.
    private static let text = """
        (module
          (type $host (func (result \(repeated("i32", integers)) \(repeated("f32", floats)))))
          (import "host" "values" (func $values (type $host)))
          (memory 1)
          (func $widen (export "widen")
            (param \(repeated("i32", integers)) \(repeated("f32", floats)))
            (result \(repeated("i64", integers + floats)))
            \((0..<integers).map { "(i64.extend_i32_u (local.get \($0)))" }.joined())
            \((integers..<integers + floats).map {
                "(i64.extend_i32_u (i32.reinterpret_f32 (local.get \($0))))"
            }.joined()))
          (func (export "load") (param \(repeated("i32", integers))) (result i32)
            \((0..<integers).map { "(i32.load8_u offset=3 (local.get \($0)))" }.joined())
            \(repeated("(i32.add)", integers - 1)))
          (func (export "branch") (param \(repeated("i32", integers))) (result i32)
            (local i32)
            \((0..<integers).map {
                "(if (local.get \($0)) (then (local.set \(integers) (i32.const 1))))"
            }.joined())
            (local.get \(integers)))
          (func (export "returned") (result \(repeated("i64", integers + floats)))
            (call $values) (call $widen)))
        """

    private static func repeated(_ text: String, _ count: Int) -> String {
        Array(repeating: text, count: count).joined(separator: " ")
    }

    /// Compilers, what registers are given out by, and whether code can be debugged.
    private static let compilations: [(Engine.Compiler, seed: UInt64?, isDebuggable: Bool)] = [
        (.baseline, nil, false), (.optimizing, nil, false), (.optimizing, 6, false),
        (.optimizing, nil, true),
    ]

    private func instantiate(
        _ compiler: Engine.Compiler, seed: UInt64?, isDebuggable: Bool
    ) throws -> Instance {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.allocationSeed = seed
        configuration.isDebuggable = isDebuggable
        let engine = Engine(configuration)
        let store = Store(engine)
        let types =
            Array(repeating: ValueType.i32, count: Self.integers)
            + Array(repeating: ValueType.f32, count: Self.floats)
        let host = try store.runtime.makeHostFunction(FunctionType([], types)) { frame in
            for index in 0..<types.count { frame[index] = Self.dirt | UInt64(index + 1) }
        }
        var linker = Linker(engine)
        linker.define("host", "values", .function(try Function(host, in: store)))
        return try linker.instantiate(Module(engine, text: Self.text), in: store)
    }

    /// Calls with every cell dirty.
    private func call(
        _ instance: Instance, _ name: String, _ values: [UInt64]
    ) throws -> [UInt64] {
        let runtime = try instance.store.runtime
        let target = try runtime.target(try instance.function(name).reference)
        var cells = values.map { $0 | Self.dirt }
        while cells.count < target.cellCount { cells.append(Self.dirt) }
        var span = cells.mutableSpan
        try runtime.call(target, &span)
        return cells
    }

    @Test(arguments: compilations)
    func argumentsAreOnlyTheirLowerHalf(
        compiler: Engine.Compiler, seed: UInt64?, isDebuggable: Bool
    ) throws {
        let instance = try instantiate(compiler, seed: seed, isDebuggable: isDebuggable)
        let values = (0..<UInt64(Self.integers + Self.floats)).map { $0 * 0x0101_0101 }
        #expect(try call(instance, "widen", values).prefix(values.count) == values[...])
        let addresses = (0..<UInt64(Self.integers)).map { $0 * 7 }
        #expect(try UInt32(truncatingIfNeeded: call(instance, "load", addresses)[0]) == 0)
        let zeros = Array(repeating: 0 as UInt64, count: Self.integers)
        #expect(try UInt32(truncatingIfNeeded: call(instance, "branch", zeros)[0]) == 0)
    }

    @Test(arguments: compilations)
    func resultsAreOnlyTheirLowerHalf(
        compiler: Engine.Compiler, seed: UInt64?, isDebuggable: Bool
    ) throws {
        let instance = try instantiate(compiler, seed: seed, isDebuggable: isDebuggable)
        let values = (1...UInt64(Self.integers + Self.floats)).map { $0 }
        #expect(try call(instance, "returned", []).prefix(values.count) == values[...])
    }
}
