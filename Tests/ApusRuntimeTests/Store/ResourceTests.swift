import ApusABI
import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

@Suite struct ResourceTests {
    enum Kind: CaseIterable { case onDemand, pooling }

    private static func environment(_ kind: Kind) throws -> RuntimeEnvironment {
        switch kind {
        case .onDemand: return try makeEnvironment()
        case .pooling:
            var limits = InstanceLimits()
            limits.memories = 2
            limits.memoryBytes = 1 << 20
            limits.tables = 1
            limits.tableElements = 200
            limits.contextBytes = 1 << 14
            let pool = try PoolingInstanceAllocator(PoolConfiguration(instances: 2, limits: limits))
            return try RuntimeEnvironment(trampolines: HandMadeTrampolines(), allocator: pool)
        }
    }

    /// All that asks the system for something, in a life from engine to trap and to the next
    /// instances of the same module and of another one.
    private static func life(_ kind: Kind) throws {
        let environment = try environment(kind)
        let module = try module(environment)
        try life(module, environment)
        try life(module, environment)
        let other = try load([.unreachable], parts([.unreachable]), in: environment)
        let replaceable = try load(
            [.unreachable], parts([.unreachable]), .replaceable, in: environment)
        _ = try replaceable.install(image([.constant(1)]))
        let stores = try (0..<2).map { _ in try RuntimeStore(environment) }
        for store in stores {
            _ = try store.instantiate(Imports([], for: other, in: store))
        }
    }

    private static func module(_ environment: RuntimeEnvironment) throws -> LoadedModule {
        let functions: [TestFunction] = [.callImport, .callRuntime, .unreachable]
        var parts = parts(functions, imported: 1, bytes: [1, 2, 3])
        parts.memories = [
            MemoryType(limits: SizeLimits(minimum: 1)), MemoryType(limits: SizeLimits(minimum: 0)),
        ]
        parts.tables = [TableType(element: .funcref, limits: SizeLimits(minimum: 4))]
        parts.tableInitializers = [nil]
        parts.globals = [GlobalType(.i64, isMutable: true)]
        parts.globalInitializers = [ConstantExpression([.i64Const(1)])]
        parts.data = [
            DataSegment(
                mode: .active(memory: 0, offset: ConstantExpression([.i32Const(5)])),
                contents: 0..<3)
        ]
        return try load(functions, parts, in: environment)
    }

    private static func life(_ module: LoadedModule, _ environment: RuntimeEnvironment) throws {
        let store = try RuntimeStore(environment)
        let host = try store.makeHostFunction(sixToOne) { frame in
            _ = try frame.store.makeExternal("object")
            _ = try frame.store.makeMemory(MemoryType(limits: SizeLimits(minimum: 1)))
        }
        _ = try store.makeTable(TableType(element: .externref, limits: SizeLimits(minimum: 1)))
        _ = try store.makeGlobal(GlobalType(.i32, isMutable: true), bits: 1)
        let guest = Guest(
            store: store,
            state: try store.instantiate(
                Imports([.function(host)], for: module, in: store)))
        #expect(guest.memories[0].read(5, at: 4) == [0, 1, 2, 3, 0])
        try guest.call("f0")
        _ = guest.memories[0].grow(by: 1)
        _ = guest.tables[0].grow(by: 100, 0)
        #expect(trap { try guest.call("f2") } == .unreachable)
    }

    private static func living() -> [Int64] {
        [apus_live_mappings(), apus_live_allocations(), apus_live_images()]
    }

    private static func refuseEach(_ kind: Kind) throws {
        try life(kind)
        let living = living()
        var refused = 0
        for request in 1...300 as ClosedRange<Int64> {
            apus_fail_request(request)
            do {
                try life(kind)
                if apus_requests_until_failure() > 0 { break }
            } catch {
                #expect(error is ResourceError)
            }
            refused += 1
            #expect(Self.living() == living, "request \(request)")
        }
        apus_fail_request(0)
        #expect(refused > 15 && refused < 150)
        try life(kind)
    }

    @Test func eachRefusalIsAnErrorAndLeaksNothing() async {
        await #expect(processExitsWith: .success) { try Self.refuseEach(.onDemand) }
    }

    @Test func eachRefusalToAPoolIsAnErrorAndLeaksNothing() async {
        await #expect(processExitsWith: .success) { try Self.refuseEach(.pooling) }
    }

    @Test func modulesAndStoresGiveEverythingBack() async {
        await #expect(processExitsWith: .success) {
            for kind in Kind.allCases {
                try Self.life(kind)
                let living = Self.living()
                for _ in 0..<300 { try Self.life(kind) }
                #expect(Self.living() == living)
            }
        }
    }

    @Test func refusalsSayWhatWasAskedFor() {
        let limit = ResourceError(.table, requested: 11, limit: 10)
        #expect("\(limit)" == "table: 11 exceeds the limit of 10")
        let system = ResourceError(.memory, requested: 65536, errorNumber: 12)
        #expect("\(system)" == "linear memory: the system refused 65536 (error 12)")
    }
}
