import ApusLocks
import Testing

@testable import Apus

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
}
