import Apus
import Testing

/// Why guests stop, and what is told about it.
struct TrapTests {
    private struct Case: CustomTestStringConvertible {
        var code: TrapCode
        var text: String
        var body: [UInt8]
        var testDescription: String { text }
    }

    private static let cases = [
        Case(code: .unreachable, text: "unreachable", body: Code.unreachable),
        Case(
            code: .integerDivideByZero, text: "integer divide by zero",
            body: Code.i32(1) + Code.get(0) + Code.i32Divide + Code.drop),
        Case(
            code: .integerOverflow, text: "integer overflow",
            body: Code.i32(.min) + Code.get(0) + Code.i32(1) + Code.i32Subtract + Code.i32Divide
                + Code.drop),
        Case(
            code: .invalidConversionToInteger, text: "invalid conversion to integer",
            body: Code.f64(.nan) + Code.i32TruncateF64 + Code.drop),
        Case(
            code: .memoryOutOfBounds, text: "out of bounds memory access",
            body: Code.i32(-4) + Code.i32Load() + Code.drop),
        Case(
            code: .memoryOutOfBounds, text: "out of bounds memory access",
            body: Code.i32(65533) + Code.i32(1) + Code.i32Store()),
        Case(
            code: .tableOutOfBounds, text: "out of bounds table access",
            body: Code.i32(4) + Code.tableGet() + Code.drop),
        Case(
            code: .undefinedElement, text: "undefined element",
            body: Code.i32(4) + Code.callIndirect(0)),
        Case(
            code: .uninitializedElement, text: "uninitialized element",
            body: Code.i32(1) + Code.callIndirect(0)),
        Case(
            code: .indirectCallTypeMismatch, text: "indirect call type mismatch",
            body: Code.i32(0) + Code.callIndirect(0)),
    ]

    @Test(arguments: cases) private func texts(_ example: Case) throws {
        var module = TestModule()
        _ = module.type([], [])
        module.memory(1)
        module.table(.funcref, 4)
        let inner = module.function("inner", [.i32], [], example.body)
        module.name(inner, "the inner one")
        module.function("outer", Code.i32(0) + Code.call(inner))
        module.elements(at: 0, [inner])
        let instance = try makeInstance(module)
        let outer = try instance.function("outer", as: (() -> Void).self)
        for _ in 0..<3 {
            let trap = trap { try outer() }
            #expect(trap?.code == example.code)
            #expect(trap?.code.description == example.text)
            #expect(trap?.backtrace.map(\.function) == [0, 1])
            #expect(trap?.backtrace.map(\.name) == ["the inner one", "outer"])
        }
    }

    @Test func descriptionNamesFunctionsAndOffsets() throws {
        var module = TestModule()
        let inner = module.function(nil, Code.unreachable)
        module.function("outer", Code.call(inner))
        let bytes = module.bytes
        let instance = try makeInstance(module)
        let trap = try #require(trap { try instance.function("outer", as: (() -> Void).self)() })
        let offset = try #require(trap.backtrace.first?.offset)
        // The `unreachable`, and the `call` that has not returned.
        #expect(bytes[offset] == 0x00)
        #expect(bytes[offset + 1] == 0x0B)
        let callOffset = try #require(trap.backtrace.last?.offset)
        #expect(bytes[callOffset] == 0x10)
        #expect(
            trap.description == """
                trap: unreachable
                  at function 0 (module+0x\(String(offset, radix: 16)))
                  at outer (module+0x\(String(callOffset, radix: 16)))
                """)
    }

    @Test func startFunctionsTrap() throws {
        var module = TestModule()
        module.start = module.function(nil, Code.unreachable)
        let found = trap { _ = try makeInstance(module) }
        #expect(found?.code == .unreachable)
        #expect(found?.backtrace.count == 1)
    }

    /// A guest goes on as if nothing had been after any number of traps. In a process of its own,
    /// so that the memory that is measured is its own.
    @Test func trapsLeaveNothingBehind() async {
        await #expect(processExitsWith: .success) {
            stopKeepingErrors()
            var module = TestModule()
            let host = module.importFunction("env", "f")
            module.memory(1)
            module.function("load", Code.i32(-1) + Code.i32Load() + Code.drop)
            module.function("host", Code.call(host))
            module.function(
                "add", [.i32, .i32], [.i32], Code.get(0) + Code.get(1) + Code.i32Add)
            let instance = try makeInstance(module) {
                $0.define("env", "f") { throw TestError(number: 1) }
            }
            let load = try instance.function("load", as: (() -> Void).self)
            let callHost = try instance.function("host", as: (() -> Void).self)
            let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
            let rounds = TrapTests.isOptimized ? 500_000 : 10_000
            func trapOften() throws -> Int {
                var caught = 0
                for _ in 0..<rounds {
                    do { try load() } catch is Trap { caught += 1 }
                    do { try callHost() } catch is TestError { caught += 1 }
                }
                return caught
            }
            #expect(try trapOften() == 2 * rounds)
            let before = residentBytes()
            #expect(try trapOften() == 2 * rounds)
            #expect(try add(1, 2) == 3)
            // Had each trap left but 64 bytes, it would be more. The system counts in steps that
            // may be off by half of this.
            #expect(residentBytes() - before < 1 << 20)
        }
    }

    private static let deep = """
        (module
          (import "host" "fail" (func $fail (param i32)))
          (func $inner (param i32) (call $fail (local.get 0)))
          (func $outer (export "outer") (param i32) (call $inner (local.get 0))))
        """

    private func deep(
        _ fail: @escaping @Sendable (Caller, Int32) throws -> Void
    ) throws -> TypedFunction<Void, Int32> {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "fail", fail)
        let instance = try linker.instantiate(Module(engine, text: Self.deep), in: Store(engine))
        return try instance.function("outer", as: ((Int32) -> Void).self)
    }

    @Test func trapsOfTheHostTellWhereTheGuestWas() throws {
        let outer = try deep { _, _ in throw Trap(.unreachable, "of the host") }
        let trap = try #require(trap { try outer(1) })
        #expect(trap.message == "of the host")
        #expect(trap.backtrace.map(\.name) == ["inner", "outer"])
        #expect(outer.function.store.lastBacktrace.map(\.name) == ["inner", "outer"])
    }

    @Test func errorsOfTheHostComeUnchangedAndTheStoreKnowsWhereTheGuestWas() throws {
        let outer = try deep { _, number in throw TestError(number: Int(number)) }
        let store = outer.function.store
        #expect(store.lastBacktrace.isEmpty)
        #expect(throws: TestError(number: 3)) { try outer(3) }
        #expect(store.lastBacktrace.map(\.name) == ["inner", "outer"])
        #expect(throws: TestError(number: 4)) { try outer.function.call([.i32(4)]) }
        #expect(store.lastBacktrace.map(\.name) == ["inner", "outer"])
    }

    @Test func guestsAroundHostFunctionsAreNamedOnce() throws {
        let outer = try deep { caller, depth in
            if depth == 0 { throw Trap(.unreachable) }
            let again = try caller.instance?.function("outer", as: ((Int32) -> Void).self)
            try again?(depth - 1)
        }
        let trap = try #require(trap { try outer(2) })
        let names = trap.backtrace.map(\.name)
        #expect(names == ["inner", "outer", "inner", "outer", "inner", "outer"])
    }

    @Test func trapsNameTheGuestsOfAllStoresTheyLeave() throws {
        let inner = try deep { _, _ in throw Trap(.unreachable) }
        nonisolated(unsafe) let call = inner
        let outer = try deep { _, _ in try unsafe call(1) }
        let trap = try #require(trap { try outer(1) })
        #expect(trap.backtrace.map(\.name) == ["inner", "outer", "inner", "outer"])
        #expect(outer.function.store.lastBacktrace.count == 2)
    }

    /// Whether the tests are built for release, and many rounds take little time.
    private static var isOptimized: Bool {
        var isOptimized = true
        assert(
            {
                isOptimized = false
                return true
            }())
        return isOptimized
    }
}
