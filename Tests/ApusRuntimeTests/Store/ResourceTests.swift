import ApusABI
import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

@Suite struct ResourceTests {
    /// All that asks the system for something, in a life from engine to trap.
    private static func life() throws {
        let environment = try makeEnvironment()
        let store = try RuntimeStore(environment)
        let functions: [TestFunction] = [.callImport, .callRuntime, .unreachable]
        var parts = parts(functions, imported: 1)
        parts.memories = [
            MemoryType(limits: SizeLimits(minimum: 1)), MemoryType(limits: SizeLimits(minimum: 0)),
        ]
        parts.tables = [TableType(element: .funcref, limits: SizeLimits(minimum: 4))]
        parts.globals = [GlobalType(.i64, isMutable: true)]
        parts.globalInitializers = [ConstantExpression([.i64Const(1)])]
        let module = try load(functions, parts, in: environment)
        let host = try store.makeHostFunction(sixToOne) { frame in
            _ = try frame.store.makeExternal("object")
            _ = try frame.store.makeMemory(MemoryType(limits: SizeLimits(minimum: 1)))
        }
        _ = try store.makeTable(TableType(element: .externref, limits: SizeLimits(minimum: 1)))
        _ = try store.makeGlobal(GlobalType(.i32, isMutable: true), bits: 1)
        let guest = Guest(
            store: store,
            state: try store.instantiate(
                module, Imports([.function(host)], for: module, in: store)))
        try guest.call("f0")
        _ = guest.memories[0].grow(by: 1)
        _ = guest.tables[0].grow(by: 100, 0)
        #expect(trap { try guest.call("f2") } == .unreachable)
    }

    @Test func eachRefusalIsAnErrorAndLeaksNothing() async {
        await #expect(processExitsWith: .success) {
            try Self.life()
            let mappings = apus_live_mappings()
            let allocations = apus_live_allocations()
            var refused = 0
            for request in 1...200 as ClosedRange<Int64> {
                apus_fail_request(request)
                do {
                    try Self.life()
                    if apus_requests_until_failure() > 0 { break }
                } catch {
                    #expect(error is ResourceError)
                }
                refused += 1
                #expect(apus_live_mappings() == mappings, "request \(request)")
                #expect(apus_live_allocations() == allocations, "request \(request)")
            }
            apus_fail_request(0)
            #expect(refused > 15 && refused < 100)
            try Self.life()
        }
    }

    @Test func modulesAndStoresGiveEverythingBack() async {
        await #expect(processExitsWith: .success) {
            try Self.life()
            let mappings = apus_live_mappings()
            let allocations = apus_live_allocations()
            for _ in 0..<300 { try Self.life() }
            #expect(apus_live_mappings() == mappings)
            #expect(apus_live_allocations() == allocations)
        }
    }

    @Test func refusalsSayWhatWasAskedFor() {
        let limit = ResourceError(.table, requested: 11, limit: 10)
        #expect("\(limit)" == "table: 11 exceeds the limit of 10")
        let system = ResourceError(.memory, requested: 65536, errorNumber: 12)
        #expect("\(system)" == "linear memory: the system refused 65536 (error 12)")
    }
}
