import Testing

@testable import Apus
@testable import ApusRuntime

/// Guests that call functions of the host which call them again, many times in each other.
@Suite struct NestedCallTests {
    private static let guest = """
        (module (import "host" "call" (func $call (param i32) (result i32)))
          (func (export "go") (param i32) (result i32) (call $call (local.get 0))))
        """

    /// What a host function that is called so deep looks at, of as many calls as there are.
    private func seen(depth: Int32, wanted: Int, isAsynchronous: Bool) async throws -> Int {
        let engine = Engine()
        let store = Store(engine)
        let counter = Counter()
        @Sendable func look(_ caller: Caller) throws {
            var count = 0
            try caller.store.runtime.forEachOuterActivation { _, _, _, _ in
                count += 1
                return count < wanted
            }
            counter.add(count)
            throw TestError(number: 7)
        }
        @Sendable func again(_ caller: Caller) throws -> TypedFunction<Int32, Int32> {
            guard let instance = caller.instance else { throw TestError(number: 0) }
            return try instance.function("go", as: ((Int32) -> Int32).self)
        }
        var linker = Linker(engine)
        if isAsynchronous {
            linker.define("host", "call") { (caller: Caller, left: Int32) async throws -> Int32 in
                if left == 0 { try look(caller) }
                return try await again(caller).callAsync(left - 1)
            }
        } else {
            linker.define("host", "call") { (caller: Caller, left: Int32) throws -> Int32 in
                if left == 0 { try look(caller) }
                return try again(caller)(left - 1)
            }
        }
        let go = try linker.instantiate(Module(engine, text: Self.guest), in: store)
            .function("go", as: ((Int32) -> Int32).self)
        await #expect(throws: TestError(number: 7)) {
            if isAsynchronous { try await go.callAsync(depth) } else { try go(depth) }
        }
        #expect(store.lastBacktrace.count == 1)
        return counter.total
    }

    /// All calls were gone through for each that an error left, whatever was wanted of them.
    @Test(arguments: [false, true]) func nobodyLooksFurtherThanNeeded(async: Bool) async throws {
        #expect(try await seen(depth: 200, wanted: 5, isAsynchronous: async) == 5)
        #expect(try await seen(depth: 20, wanted: 100, isAsynchronous: async) == 21)
    }
}
