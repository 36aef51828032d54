import ApusLocks
import Testing

@_spi(ApusCLI) @testable import Apus

/// What the guests of an engine have in common, and none of them can take from the others.
@Suite struct SharedEngineTests {
    // MARK: Compilers

    /// A function is compiled by one thread at a time; who waits for it stops when its own guest is
    /// to stop, whoever the other thread compiles for.
    @Test(arguments: [Engine.Interruption.standard, .polling])
    func waitingForACompilerEnds(_ interruption: Engine.Interruption) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.interruption = interruption
        let module = try Module(
            Engine(configuration),
            text: "(module (func (export \"seven\") (result i32) (i32.const 7)))")
        let tiers = try #require(module.loaded.functionCompiler as? ModuleTiers)
        let store = Store(module.engine)
        let seven = try Instance(store, module).function("seven", as: (() -> Int32).self)
        // As long as another thread compiles.
        tiers.baseline.withLock { _ in
            store.setDeadline(after: .milliseconds(20))
            #expect(trap { _ = try seven() }?.code == .interrupted)
        }
        #expect(module.tiers?.compiledFunctions == 0)
        store.deadline = nil
        #expect(try seven() == 7)
    }

    /// Large functions of one module, more of them than there are threads, do not keep another
    /// module's small one waiting for all of them.
    @Test(.timeLimit(.minutes(5))) func aGiantKeepsNobodyWaiting() throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.tiering.threshold = 3
        let engine = Engine(configuration)
        let work = (0..<5000).map { number in
            "(local.set 0 (i32.xor (i32.mul (local.get 0) (i32.const \(number))) (local.get 1)))"
        }.joined(separator: "\n")
        let count = WorkerThreads.processorCount * 2
        let functions = (0..<count).map { number in
            """
            (func (export "\(number)") (param i32 i32) (result i32) \(work) (local.get 0))
            """
        }
        let giants = try Module(engine, text: "(module \(functions.joined(separator: "\n")))")
        let small = try Module(
            engine, text: "(module (func (export \"run\") (result i32) (i32.const 7)))")
        let store = Store(engine)
        let large = try Instance(store, giants)
        for number in 0..<count {
            let giant = try large.function("\(number)", as: ((Int32, Int32) -> Int32).self)
            for _ in 0..<10 { _ = try giant(1, 2) }
        }
        let run = try Instance(store, small).function("run", as: (() -> Int32).self)
        while small.tiers?.optimizations.isEmpty == true { #expect(try run() == 7) }
        #expect(giants.tiers?.optimizations.count ?? 0 < count)
    }

    // MARK: Stacks

    private static let recursive = """
        (module (import "host" "again" (func $again (param i32) (result i32)))
          (func (export "go") (param i32) (result i32) (call $again (local.get 0))))
        """

    /// Calls a guest from the function that it waits for, `depth` times.
    private static func go(_ prepared: PreparedModule, depth: Int32) async throws -> Int32 {
        try await prepared.instantiate(in: Store(prepared.module.engine))
            .function("go", as: ((Int32) -> Int32).self).callAsync(depth)
    }

    private static func prepare(_ stacks: Engine.GuestStacks) throws -> PreparedModule {
        var configuration = Engine.Configuration()
        configuration.guestStacks = stacks
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "again") { (caller: Caller, left: Int32) async throws -> Int32 in
            guard left > 0, let instance = caller.instance else { return 0 }
            let go = try instance.function("go", as: ((Int32) -> Int32).self)
            return try await go.callAsync(left - 1) + 1
        }
        return try linker.prepare(Module(engine, text: recursive))
    }

    @Test func noStoreTakesAllStacks() async throws {
        let prepared = try Self.prepare(.init(limit: 1000, limitPerStore: 5))
        #expect(try await Self.go(prepared, depth: 4) == 4)
        for _ in 0..<3 {
            let error = await #expect(throws: ResourceError.self) {
                try await Self.go(prepared, depth: 5)
            }
            #expect(
                error?.description == "stacks of the store's guests: 6 exceeds the limit of 5")
        }
        // Those of others are none of its own.
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<20 { group.addTask { try await Self.go(prepared, depth: 4) } }
            for try await depth in group { #expect(depth == 4) }
        }
    }

    /// Without a limit of its own a store has a share of the engine's.
    @Test(arguments: [(16_384, 256), (2048, 32), (500, 16), (10, 10)])
    func aStoresShareOfStacks(limit: Int, share: Int32) async throws {
        let prepared = try Self.prepare(.init(limit: limit, bytes: 1 << 18, hostBytes: 1 << 16))
        #expect(try await Self.go(prepared, depth: share - 1) == share - 1)
        let error = await #expect(throws: ResourceError.self) {
            try await Self.go(prepared, depth: share)
        }
        #expect(error?.resource == .storeStacks)
        #expect(error?.limit == UInt64(share))
    }

    // MARK: Tables

    private static func tables(
        _ minimum: Int32, _ allocator: Engine.Allocator
    ) throws -> Module {
        try Module(
            Engine(.init(allocator: allocator)),
            text: """
                (module (table $t \(minimum) 1000000 externref)
                  (func (export "grow") (param i32) (result i32)
                    (table.grow $t (ref.null extern) (local.get 0)))
                  (func (export "fill") (param externref)
                    (table.fill $t (i32.const 0) (local.get 0) (table.size $t)))
                  (func (export "last") (result externref)
                    (table.get $t (i32.sub (table.size $t) (i32.const 1)))))
                """)
    }

    /// Looks whether the table of a new instance is as it should be, and fills it.
    private static func use(
        _ module: Module, _ minimum: Int32, growingBy count: Int32 = 0
    ) throws {
        let instance = try Instance(Store(module.engine), module)
        let last = try instance.function("last", as: (() -> ExternReference?).self)
        #expect(try last() == nil)
        let grow = try instance.function("grow", as: ((Int32) -> Int32).self)
        #expect(try grow(count) == minimum)
        #expect(try last() == nil)
        let fill = try instance.function("fill", as: ((ExternReference?) -> Void).self)
        try fill(ExternReference(1))
        #expect(try last() != nil)
    }

    /// An instance that is kept for its module's next one keeps little of what its tables had: in
    /// a pool the system has the rest again, elsewhere all of it goes.
    @Test func largeTablesAreNotKept() throws {
        let pool = Engine.Pool(instances: 2, memoryBytes: 1 << 16, tableElements: 1 << 20)
        let pooled = try Self.tables(1, .pooling(pool))
        for count in [500, 900_000, 500, 900_000] as [Int32] {
            try Self.use(pooled, 1, growingBy: count)
            #expect(pooled.engine.allocatorStatistics.warmInstances == 1)
        }
        for (minimum, kept) in [(500, 1), (400_000, 0)] as [(Int32, Int)] {
            let module = try Self.tables(minimum, .onDemand(.init()))
            for _ in 0..<2 { try Self.use(module, minimum) }
            #expect(module.engine.allocatorStatistics.warmInstances == kept)
        }
    }

    // MARK: Address space

    /// Unused instances do not keep the address space of a hundred memories each.
    @Test func manyMemoriesAreNotKept() throws {
        for (count, kept) in [(1, 1), (4, 1), (5, 0)] {
            let text = "(module \(String(repeating: "(memory 0)", count: count)))"
            let module = try Module(Engine(), text: text)
            for _ in 0..<2 { try Instance(Store(module.engine), module) }
            #expect(module.engine.allocatorStatistics.warmInstances == kept)
        }
    }
}
