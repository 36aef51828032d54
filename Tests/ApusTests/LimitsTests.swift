import Apus
import Testing

/// What guests may use, and how they learn that it is not more.
struct LimitsTests {
    private static let growing = """
        (module
          (memory (export "memory") 1)
          (memory $second 1)
          (table $t (export "table") 2 externref)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "growSecond") (param i32) (result i32)
            (memory.grow $second (local.get 0)))
          (func (export "growTable") (param i32) (result i32)
            (table.grow $t (ref.null extern) (local.get 0)))
          (func (export "loop") (loop $l (br $l))))
        """

    private func instance(
        _ limits: Limits?, _ configuration: Engine.Configuration = .init(),
        _ limiter: (any ResourceLimiter)? = nil
    ) throws -> Instance {
        let engine = Engine(configuration)
        let store = Store(engine, limits: limits)
        store.limiter = limiter
        return try Instance(store, Module(engine, text: Self.growing))
    }

    private func resourceError(_ work: () throws -> Void) -> ResourceError? {
        do {
            try work()
            return nil
        } catch {
            return error as? ResourceError
        }
    }

    @Test func defaultsAreFinite() {
        let limits = Store(Engine()).limits
        #expect(limits == Limits())
        #expect(limits.memoryBytes == 1 << 32)
        #expect(limits.tableElements == 10_000_000)
        #expect(limits.memories == 10_000)
        #expect(limits.tables == 10_000)
        #expect(limits.instances == 10_000)
        #expect(limits.stackBytes == 1 << 20)
        #expect(limits.moduleBytes == 1 << 30)
        #expect(limits.functions == 1_000_000)
        #expect(limits.types == 250_000)
    }

    @Test func memoriesShareTheirLimit() throws {
        let instance = try instance(Limits(memoryBytes: 5 << 16))
        let grow = try instance.function("grow", as: ((Int32) -> Int32).self)
        let growSecond = try instance.function("growSecond", as: ((Int32) -> Int32).self)
        #expect(try grow(4) == -1)
        #expect(try grow(2) == 1)
        #expect(try growSecond(2) == -1)
        #expect(try growSecond(1) == 1)
        #expect(try grow(1) == -1)
        #expect(try grow(0) == 3)
        #expect(try instance.memory.grow(by: 1) == nil)
        #expect(instance.store.statistics.memoryBytes == 5 << 16)
        #expect(instance.store.statistics.failedGrowths == 4)
        let error = resourceError {
            _ = try Memory(instance.store, MemoryType(limits: SizeLimits(minimum: 1)))
        }
        #expect(
            error?.description == "linear memory of the store: 393216 exceeds the limit of 327680")
    }

    @Test func tablesShareTheirLimit() throws {
        let instance = try instance(Limits(tableElements: 10))
        let grow = try instance.function("growTable", as: ((Int32) -> Int32).self)
        #expect(try grow(9) == -1)
        #expect(try grow(4) == 2)
        let type = TableType(element: .externref, limits: SizeLimits(minimum: 4))
        #expect(try Table(instance.store, type).count == 4)
        #expect(try grow(1) == -1)
        #expect(try instance.table("table").grow(by: 1) == nil)
        let error = resourceError { _ = try Table(instance.store, type) }
        #expect(error?.description == "table elements of the store: 14 exceeds the limit of 10")
        #expect(instance.store.statistics.tableElements == 10)
        #expect(instance.store.statistics.tableBytes == 80)
    }

    @Test func instancesAreCounted() throws {
        let engine = Engine()
        let store = Store(engine, limits: Limits(instances: 2))
        let empty = try Module(engine, text: "(module)")
        let starting = try Module(engine, text: "(module (func $f unreachable) (start $f))")
        try Instance(store, empty)
        // Others may refer to an instance whose start function trapped.
        #expect(trap { try Instance(store, starting) }?.code == .unreachable)
        let error = resourceError { try Instance(store, empty) }
        #expect(error?.description == "instances of the store: 3 exceeds the limit of 2")
        #expect(store.statistics.instances == 2)
        let none = Store(engine, limits: Limits(instances: -1))
        #expect(resourceError { try Instance(none, empty) }?.limit == 0)
    }

    /// What a failed instantiation would have used can be used by others.
    @Test func failedInstantiationsUseNothing() throws {
        let engine = Engine()
        let store = Store(engine, limits: Limits(memoryBytes: 3 << 16, tableElements: 5))
        let large = try Module(engine, text: "(module (memory 2) (table 6 funcref))")
        for _ in 0..<5 {
            let error = resourceError { try Instance(store, large) }
            #expect(error?.resource == .storeTables)
            #expect(error?.requested == 6)
            #expect(error?.limit == 5)
        }
        #expect(store.statistics.memoryBytes == 0)
        #expect(store.statistics.instances == 0)
        #expect(store.statistics.failedGrowths == 5)
        try Instance(store, Module(engine, text: "(module (memory 3) (table 5 funcref))"))
    }

    @Test func modulesAreMeasuredWhenTheyAreCompiled() throws {
        var configuration = Engine.Configuration()
        configuration.limits.functions = 2
        configuration.limits.moduleBytes = 40
        let engine = Engine(configuration)
        _ = try Module(engine, text: "(module (func) (func))")
        let functions = resourceError {
            _ = try Module(engine, text: #"(module (import "" "" (func)) (func) (func))"#)
        }
        #expect(functions?.description == "functions of the module: 3 exceeds the limit of 2")
        let text = "(module (memory 1) (data \"0123456789012345678901234567890123456789\"))"
        let bytes = resourceError { _ = try Module(engine, text: text) }
        #expect(bytes?.resource == .moduleBytes)
        #expect(bytes?.limit == 40)
        #expect(resourceError { try Module.validate(engine, text: text) }?.resource == .moduleBytes)
    }

    /// An engine has numbers for two million types: one module is not to have them all.
    @Test func noModuleTakesAllTypesOfItsEngine() throws {
        var configuration = Engine.Configuration()
        let text = "(module (type (func)) (type (func)) (type (array i8)) (type (struct)))"
        let compiled = try Module(Engine(configuration), text: text).serialize()
        configuration.limits.types = 3
        let engine = Engine(configuration)
        _ = try Module(engine, text: "(module (type (func)) (type (func)) (type (func)))")
        let types = resourceError { _ = try Module(engine, text: text) }
        #expect(types?.description == "types of the module: 4 exceeds the limit of 3")
        #expect(resourceError { try Module.validate(engine, text: text) }?.resource == .types)
        #expect(resourceError { _ = try Module(engine, precompiled: compiled) } == types)
    }

    @Test func storesHaveTheirOwnStack() throws {
        // All frames of a function are of one size where there is only one compiler.
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        let engine = Engine(configuration)
        let module = try Module(
            engine,
            text: """
                (module
                  (global $depth (mut i32) (i32.const 0))
                  (func $f
                    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
                    (call $f))
                  (func (export "run") (call $f))
                  (func (export "depth") (result i32) (global.get $depth)))
                """)
        func depth(_ stackBytes: Int) throws -> Int32 {
            let store = Store(engine, limits: Limits(stackBytes: stackBytes))
            let instance = try Instance(store, module)
            let run = try instance.function("run", as: (() -> Void).self)
            #expect(trap { try run() }?.code == .stackExhausted)
            return try instance.function("depth", as: (() -> Int32).self)()
        }
        let small = try depth(32 << 10)
        let large = try depth(256 << 10)
        #expect(small > 100)
        #expect(large > 6 * small && large < 10 * small)
    }

    @Test func fuelAndDeadlineComeWithTheStore() throws {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        let metered = try instance(Limits(fuel: 1000), configuration)
        let burn = try metered.function("loop", as: (() -> Void).self)
        #expect(trap { try burn() }?.code == .outOfFuel)
        #expect(metered.store.statistics.fuelUsed == 1000)
        let timed = try instance(Limits(deadline: .milliseconds(200)))
        #expect(timed.store.deadline != nil)
        let run = try timed.function("loop", as: (() -> Void).self)
        #expect(trap { try run() }?.code == .interrupted)
        #expect(timed.store.statistics.traps == 1)
    }

    /// Remembers what it was asked, and answers as it is told.
    private final class Judge: ResourceLimiter {
        var asked: [Growth] = []
        var failures: [ResourceError] = []
        var answer: (Growth) throws -> Bool = { _ in true }

        func allows(_ growth: Growth) throws -> Bool {
            asked.append(growth)
            return try answer(growth)
        }

        func growthFailed(_ growth: Growth, _ error: ResourceError) { failures.append(error) }
    }

    @Test func limiterSeesAllAndDecides() throws {
        let judge = Judge()
        let instance = try instance(Limits(memoryBytes: 10 << 16), .init(), judge)
        #expect(
            judge.asked == [
                Growth(.memory, current: 0, desired: 65536),
                Growth(.memory, current: 0, desired: 65536),
                Growth(.table, current: 0, desired: 2),
            ])
        judge.asked = []
        let grow = try instance.function("grow", as: ((Int32) -> Int32).self)
        let growTable = try instance.function("growTable", as: ((Int32) -> Int32).self)
        #expect(try grow(1) == 1)
        judge.answer = { $0.resource == .memory }
        #expect(try grow(1) == 2)
        #expect(try growTable(1) == -1)
        #expect(try instance.table("table").grow(by: 3) == nil)
        #expect(
            judge.asked == [
                Growth(.memory, current: 65536, desired: 131072),
                Growth(.memory, current: 131072, desired: 196608),
                Growth(.table, current: 2, desired: 3), Growth(.table, current: 2, desired: 5),
            ])
        #expect(judge.failures.map(\.isVetoed) == [true, true])
        #expect(judge.failures.first?.description == "table: 3 is not allowed by the limiter")
        // What the limits forbid it is not asked, but told.
        judge.asked = []
        #expect(try grow(100) == -1)
        #expect(judge.asked.isEmpty)
        #expect(judge.failures.last?.resource == .storeMemory)
        #expect(judge.failures.last?.limit == 10 << 16)
        let type = MemoryType(limits: SizeLimits(minimum: 1))
        judge.answer = { _ in false }
        #expect(resourceError { _ = try Memory(instance.store, type) }?.isVetoed == true)
    }

    /// What a limiter makes of a table while it is asked about something else is what the guest
    /// finds then.
    @Test(arguments: Engine.Compiler.allCases, ["memory", "array", "table"])
    func limitersMayGrowTables(compiler: Engine.Compiler, asker: String) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let judge = Judge()
        let store = Store(engine)
        store.limiter = judge
        let module = try Module(
            engine,
            text: """
                (module (type $a (array (mut i64))) (memory 1 100)
                  (table $t (export "t") 5 10000 externref) (table $u 1 100 externref)
                  (func (export "memory") (param i32) (result i32)
                    (drop (ref.is_null (table.get $t (i32.const 1))))
                    (drop (memory.grow (i32.const 1)))
                    (i32.add (i32.mul (i32.const 2) (table.size $t))
                      (ref.is_null (table.get $t (local.get 0)))))
                  (func (export "table") (param i32) (result i32)
                    (drop (ref.is_null (table.get $t (i32.const 1))))
                    (drop (table.grow $u (ref.null extern) (i32.const 1)))
                    (i32.add (i32.mul (i32.const 2) (table.size $t))
                      (ref.is_null (table.get $t (local.get 0)))))
                  (func (export "array") (param i32) (result i32)
                    (drop (ref.is_null (table.get $t (i32.const 1))))
                    (drop (array.new_default $a (i32.const 100000)))
                    (i32.add (i32.mul (i32.const 2) (table.size $t))
                      (ref.is_null (table.get $t (local.get 0))))))
                """)
        let instance = try Instance(store, module)
        let table = try instance.table("t")
        var isGrowing = false
        judge.answer = { _ in
            if isGrowing { return true }
            isGrowing = true
            _ = try table.grow(by: 5000)
            return true
        }
        let function = try instance.function(asker, as: ((Int32) -> Int32).self)
        #expect(try function(5004) == 2 * 5005 + 1)
        #expect(isGrowing)
    }

    @Test func limiterMayEndTheGuest() throws {
        let judge = Judge()
        let instance = try instance(nil, .init(), judge)
        judge.answer = { _ in throw TestError(number: 5) }
        let grow = try instance.function("grow", as: ((Int32) -> Int32).self)
        let growTable = try instance.function("growTable", as: ((Int32) -> Int32).self)
        #expect(throws: TestError(number: 5)) { try grow(1) }
        #expect(throws: TestError(number: 5)) { try growTable(1) }
        #expect(throws: TestError(number: 5)) { try instance.memory.grow(by: 1) }
        #expect(throws: TestError(number: 5)) {
            try Instance(instance.store, Module(instance.store.engine, text: Self.growing))
        }
        judge.answer = { _ in true }
        #expect(try grow(1) == 1)
        #expect(try growTable(1) == 2)
    }

    /// Those of instances and others count together, and the limiter hears of the one too many.
    @Test func memoriesAndTablesAreCounted() throws {
        let judge = Judge()
        let engine = Engine()
        let store = Store(engine, limits: Limits(memories: 3, tables: 2))
        store.limiter = judge
        let two = try Module(engine, text: "(module (memory 1) (memory 1) (table 1 funcref))")
        try Instance(store, two)
        #expect(throws: ResourceError(.memoryCount, requested: 4, limit: 3)) {
            try Instance(store, two)
        }
        // What could be had of it was given back.
        #expect(store.statistics.memories == 2 && store.statistics.tables == 1)
        #expect(store.statistics.memoryBytes == 2 << 16 && store.statistics.instances == 1)
        let type = MemoryType(limits: SizeLimits(minimum: 0))
        let memory = try Memory(store, type)
        let error = resourceError { _ = try Memory(store, type) }
        #expect(
            error?.description == "linear memories of the store: 4 exceeds the limit of 3")
        // One that is there may grow, also from nothing.
        #expect(try memory.grow(by: 1) == 0)
        let table = TableType(element: .funcref, limits: SizeLimits(minimum: 1))
        _ = try Table(store, table)
        #expect(throws: ResourceError(.tableCount, requested: 3, limit: 2)) {
            try Table(store, table)
        }
        #expect(judge.failures.map(\.resource) == [.memoryCount, .memoryCount, .tableCount])
        #expect(store.statistics.failedGrowths == 3)
        let none = Store(engine, limits: Limits(memories: -1))
        #expect(resourceError { _ = try Memory(none, type) }?.limit == 0)
    }

    /// Has nothing for anybody.
    private final class Refusal: MemorySupplier {
        func reserve(_ demand: MemoryDemand) -> (any SuppliedMemory)? { nil }
    }

    /// What nobody but the allocator or the system is against is told, too.
    @Test func limiterHearsOfWhatTheAllocatorRefuses() throws {
        let supplier = Refusal()
        let engine = Engine(.init(allocator: .onDemand(.init(memorySupplier: supplier))))
        let judge = Judge()
        let store = Store(engine)
        store.limiter = judge
        let module = try Module(engine, text: "(module (table 1 funcref) (memory 1 2))")
        #expect(resourceError { try Instance(store, module) }?.resource == .suppliedMemory)
        let type = MemoryType(limits: SizeLimits(minimum: 1))
        #expect(resourceError { _ = try Memory(store, type) }?.resource == .suppliedMemory)
        #expect(judge.failures.map(\.resource) == [.suppliedMemory, .suppliedMemory])
        #expect(judge.failures.map(\.isVetoed) == [false, false])
        #expect(store.statistics.failedGrowths == 2 && store.statistics.instances == 0)
        #expect(store.statistics.memories == 0 && store.statistics.tables == 0)
        #expect(engine.configuration.allocator != Engine.Configuration().allocator)
        #expect(engine.configuration.allocator == .onDemand(.init(memorySupplier: supplier)))
    }

    /// A limiter sees what the type forbids as well, with the maximum it names.
    @Test func typesMaximaAreFailures() throws {
        let judge = Judge()
        let engine = Engine()
        let store = Store(engine)
        store.limiter = judge
        let memory = try Memory(store, MemoryType(limits: SizeLimits(minimum: 1, maximum: 2)))
        #expect(judge.asked.last?.maximum == 131072)
        #expect(try memory.grow(by: 2) == nil)
        #expect(judge.failures.map(\.limit) == [131072])
        #expect(judge.failures.map(\.requested) == [196608])
    }

    /// Asks for more itself the first times it is asked.
    private final class Greedy: ResourceLimiter {
        private var times = 0
        private var more: () throws -> Void = {}
        private(set) var asked: [UInt64] = []

        func wants(_ times: Int = 2, more: @escaping () throws -> Void) {
            self.times = times
            self.more = more
            asked = []
        }

        func allows(_ growth: Growth) throws -> Bool {
            asked.append(growth.desired)
            times -= 1
            if times >= 0 { try more() }
            return true
        }
    }

    @Test func aLimiterThatGrowsThingsItselfPassesNoLimit() throws {
        let limiter = Greedy()
        let instance = try instance(
            Limits(memoryBytes: 5 << 16, tableElements: 5), .init(), limiter)
        let memory = try instance.memory
        limiter.wants { _ = try memory.grow(by: 1) }
        // Two more pages of this memory by the limiter, and the three of the guest do not fit.
        #expect(try instance.function("grow", as: ((Int32) -> Int32).self)(3) == -1)
        #expect(memory.pageCount == 3)
        #expect(instance.store.statistics.memoryBytes == 4 << 16)
        let table = try instance.table("table")
        limiter.wants { _ = try table.grow(by: 1) }
        #expect(try instance.function("growTable", as: ((Int32) -> Int32).self)(2) == -1)
        #expect(table.count == 4)
        limiter.wants(1) { _ = try table.grow(by: 1) }
        #expect(try table.grow(by: 1) == nil)
        #expect(instance.store.statistics.tableElements == 5)
    }

    @Test func whatALimiterLeavesIsWhatTheGuestSees() throws {
        let limiter = Greedy()
        let instance = try instance(Limits(memoryBytes: 9 << 16), .init(), limiter)
        let memory = try instance.memory
        limiter.wants { _ = try memory.grow(by: 1) }
        // The old size is that when the guest's own pages are added.
        #expect(try instance.function("grow", as: ((Int32) -> Int32).self)(3) == 3)
        #expect(memory.pageCount == 6)
        // Of each growth that happens it was asked as it happened.
        #expect(limiter.asked.map { $0 >> 16 } == [4, 2, 2, 3, 6])
    }

    private static let growingShared = """
        (module (import "e" "m" (memory 1 100 shared))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        """

    /// The function of a guest of `store` that grows `shared`.
    private func grower(
        of shared: SharedMemory, in store: Store
    ) throws -> TypedFunction<Int32, Int32> {
        var linker = Linker(store.engine)
        linker.define("e", "m", shared)
        let module = try Module(store.engine, text: Self.growingShared)
        return try linker.instantiate(module, in: store)
            .function("grow", as: ((Int32) -> Int32).self)
    }

    @Test func whatOthersGrowMeanwhileIsAskedAbout() throws {
        let engine = Engine()
        let type = MemoryType(limits: SizeLimits(minimum: 9, maximum: 100))
        let shared = try SharedMemory(engine, type)
        let judge = Judge()
        judge.answer = { growth in
            // What another thread may do at any time.
            if growth.current == 9 << 16 { shared.grow(by: 1) }
            return growth.desired <= 10 << 16
        }
        let store = Store(engine)
        store.limiter = judge
        let grow = try grower(of: shared, in: store)
        #expect(try grow(1) == -1)
        #expect(judge.asked.map { $0.desired >> 16 } == [10, 11])
        #expect(judge.failures.map { $0.requested >> 16 } == [11])
        #expect(shared.pageCount == 10)
    }

    @Test func whatOthersHaveAddedToASharedMemoryCounts() throws {
        let engine = Engine()
        let type = MemoryType(limits: SizeLimits(minimum: 1, maximum: 100))
        let shared = try SharedMemory(engine, type)
        let judge = Judge()
        let store = Store(engine, limits: Limits(memoryBytes: 5 << 16))
        store.limiter = judge
        let grow = try grower(of: shared, in: store)
        #expect(try grow(1) == 1)
        #expect(shared.grow(by: 2) == 2)
        #expect(try grow(2) == -1)
        #expect(judge.failures.map(\.resource) == [.storeMemory])
        #expect(judge.failures.map { $0.requested >> 16 } == [6])
        #expect(try grow(1) == 4)
        #expect(try grow(1) == -1)
        #expect(store.statistics.memoryBytes == 2 << 16)
    }

    @Test func aLimiterThatInstantiatesPassesNoLimit() throws {
        let engine = Engine()
        let module = try Module(engine, text: "(module (memory 1))")
        let store = Store(engine, limits: Limits(instances: 2))
        let limiter = Greedy()
        limiter.wants { _ = try Instance(store, module) }
        store.limiter = limiter
        #expect(throws: ResourceError(.instances, requested: 3, limit: 2)) {
            try Instance(store, module)
        }
        #expect(store.statistics.instances == 2)
        #expect(store.statistics.memoryBytes == 2 << 16)
    }

    @Test func typesOfTheHostHaveTheLimitsOfModules() throws {
        let store = Store(Engine())
        let many = FunctionType(Array(repeating: .i32, count: 1001), [])
        #expect(throws: ResourceError(.parameters, requested: 1001, limit: 1000)) {
            try Function(store, many) { _, _ in [] }
        }
        let empty = SizeLimits(minimum: 5, maximum: 2)
        #expect(throws: ResourceError(.memory, requested: 5 << 16, limit: 2 << 16)) {
            try Memory(store, MemoryType(limits: empty))
        }
        #expect(throws: ResourceError(.table, requested: 5, limit: 2)) {
            try Table(store, TableType(element: .funcref, limits: empty))
        }
        let unknown = ValueType.reference(HeapType(typeIndex: 77), nullable: true)
        #expect(throws: ResourceError(.foreignType, requested: 77)) {
            try Function(store, FunctionType([unknown], [])) { _, _ in [] }
        }
    }
}
