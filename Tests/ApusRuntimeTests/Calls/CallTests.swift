import ApusABI
import ApusFormat
import Testing

@testable import ApusRuntime

private struct Refusal: Error, Equatable { var number: Int }

@Suite struct CallTests {
    private func store() throws -> RuntimeStore { try RuntimeStore(makeEnvironment()) }

    /// An instance whose "f0" calls `body`.
    private func instance(
        _ store: RuntimeStore, _ body: @escaping HostFunction.Body
    ) throws -> Guest {
        let host = try store.makeHostFunction(sixToOne, body)
        return try store.instance(
            [.callImport], parts([.callImport], imported: 1), [.function(host)])
    }

    @Test func hostFunctionSeesArgumentsAndGivesResults() throws {
        let instance = try instance(store()) { frame in
            #expect(frame.count == 6)
            frame[0] = frame[0] * 100 + frame[1] * 10 + frame[5]
        }
        #expect(try instance.call("f0", 1, 2, 0, 0, 0, 3) == 123)
    }

    @Test func hostFunctionKnowsWhoCalled() throws {
        let store = try store()
        var caller: InstanceState?
        let host = try store.makeHostFunction(sixToOne) { frame in caller = frame.caller }
        let instance = try store.instance(
            [.callImport], parts([.callImport], imported: 1), [.function(host)])
        try instance.call("f0")
        #expect(caller === instance.state)
        try store.call(host, [])
        #expect(caller == nil)
    }

    @Test func errorsOfHostFunctionsPassThrough() throws {
        let instance = try instance(store()) { _ in throw Refusal(number: 7) }
        for _ in 0..<3 {
            #expect(throws: Refusal(number: 7)) { try instance.call("f0") }
        }
        #expect(instance.store.pendingError == nil)
    }

    @Test func errorsPassThroughNestedActivations() throws {
        let store = try store()
        var depth = 0
        var deferred = 0
        var again: FunctionReference?
        let instance = try instance(store) { frame in
            depth += 1
            defer { deferred += 1 }
            if depth == 5 { throw Refusal(number: depth) }
            try frame.store.call(again!, [])
        }
        again = instance.function(1)
        #expect(throws: Refusal(number: 5)) { try instance.call("f0") }
        #expect(deferred == 5)
    }

    @Test func hostFunctionMayCatchATrapAndGoOn() throws {
        let store = try store()
        let other = try store.instance([.unreachable])
        let instance = try instance(store) { frame in
            let code = trap { try other.call("f0") }
            frame[0] = UInt64(code?.rawValue ?? 0)
        }
        #expect(try instance.call("f0") == UInt64(TrapCode.unreachable.rawValue))
    }

    @Test func storesNest() throws {
        let other = try RuntimeStore(makeEnvironment()).instance([.unreachable, .divide])
        let instance = try instance(store()) { frame in
            #expect(trap { try other.call("f0") } == .unreachable)
            frame[0] = try other.call("f1", 42, 2)
        }
        #expect(try instance.call("f0") == 21)
        let trapping = try instance.store.instance([.unreachable])
        #expect(trap { try trapping.call("f0") } == .unreachable)
    }

    @Test func functionsOfOtherInstancesRunInTheirOwnContext() throws {
        let store = try store()
        var memory = parts([.load])
        memory.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        let library = try store.instance([.load], memory)
        #expect(library.memories[0].store(UInt32(9), at: 16))
        let user = try store.instance(
            [.callImport], parts([.callImport], imported: 1),
            [.function(try #require(library.function(0)))])
        #expect(try user.call("f0", 16) == 9)
        let imported = try #require(user.function(0))
        #expect(imported.instance === library.state)
        #expect(imported.functionIndex == 0)
        #expect(try store.call(imported, [16]) == 9)
    }

    @Test func runtimeFunctionsReachCompiledCode() throws {
        var parts = parts([.callRuntime])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1, maximum: 3))]
        let instance = try store().instance([.callRuntime], parts)
        func call(_ function: RuntimeFunction, _ a: UInt64, _ b: UInt64 = 0) throws -> UInt64 {
            try instance.call("f0", UInt64(function.rawValue), a, b)
        }
        #expect(instance.memories[0].pageCount == 1)
        #expect(try call(.memoryGrow, 0, 2) == 1)
        #expect(instance.memories[0].pageCount == 3)
        #expect(try call(.memoryGrow, 0, 1) == 0xFFFF_FFFF)
    }

    @Test func threadsUseOneModuleEachInItsStore() async throws {
        let environment = try makeEnvironment()
        let functions: [TestFunction] = [.unreachable, .divide]
        let module = try load(functions, parts(functions), in: environment)
        await withTaskGroup(of: Bool.self) { group in
            for number in 1...8 as ClosedRange<UInt64> {
                group.addTask {
                    do {
                        let store = try RuntimeStore(environment)
                        let instance = Guest(
                            store: store,
                            state: try store.instantiate(
                                Imports([], for: module, in: store)))
                        for _ in 0..<200 {
                            let code = trap { try instance.call("f0") }
                            guard code == .unreachable,
                                try instance.call("f1", number * 6, 6) == number
                            else { return false }
                        }
                        return true
                    } catch {
                        return false
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
