@_spi(ApusC) import Apus
import Testing

/// Functions and objects of the host as values of guests; tables and globals.
struct ReferenceTests {
    /// Counts itself out when it goes.
    private final class Guest {
        let gone: Counter
        init(_ gone: Counter) { self.gone = gone }
        deinit { gone.add() }
    }

    @Test func objectsComeBackAsTheyWere() throws {
        var module = TestModule()
        module.function("same", [.externref], [.externref], Code.get(0))
        let instance = try makeInstance(module)
        let same = try instance.function(
            "same", as: ((ExternReference?) -> ExternReference?).self)
        let object = Guest(Counter())
        #expect(try same(ExternReference(object))?.value as? Guest === object)
        #expect(try same(ExternReference("text"))?.value as? String == "text")
        #expect(try same(nil) == nil)
    }

    @Test func objectsAreReleasedWhenTheGuestLetsGo() throws {
        var module = TestModule()
        module.table(.externref, 4)
        module.global("kept", .externref, isMutable: true, [0xD0, 0x6F])
        module.function("forget", [.externref], [], [])
        module.function("keep", [.externref], [], Code.get(0) + Code.globalSet(0))
        module.function("put", [.i32, .externref], [], Code.get(0) + Code.get(1) + Code.tableSet())
        let gone = Counter()
        do {
            let instance = try makeInstance(module)
            let forget = try instance.function("forget", as: ((ExternReference?) -> Void).self)
            let keep = try instance.function("keep", as: ((ExternReference?) -> Void).self)
            let put = try instance.function("put", as: ((Int32, ExternReference?) -> Void).self)
            for _ in 0..<5000 { try forget(ExternReference(Guest(gone))) }
            #expect(gone.total > 0)
            try keep(ExternReference(Guest(gone)))
            try put(2, ExternReference(Guest(gone)))
            instance.store.releaseUnreachableReferences()
            #expect(instance.store.externalReferenceCount == 2)
            #expect(gone.total == 5000)
            try keep(nil)
            instance.store.releaseUnreachableReferences()
            #expect(gone.total == 5001)
            guard case .external(let kept) = try instance.table("table").get(2) else {
                Issue.record("not an object")
                return
            }
            #expect(kept?.value is Guest)
        }
        #expect(gone.total == 5002)
    }

    /// Collects when it goes.
    private final class Sweeper {
        let number: Int
        private weak let store: Store?

        init(_ number: Int, _ store: Store) {
            self.number = number
            self.store = store
        }

        deinit { if number % 100 == 5 { store?.collectObjects() } }
    }

    @Test func argumentsAreKeptWhenWhatGoesCollects() throws {
        var module = TestModule()
        module.function("same", [.externref], [.externref], Code.get(0))
        let instance = try makeInstance(module)
        let store = instance.store
        let same = try instance.function(
            "same", as: ((ExternReference?) -> ExternReference?).self)
        for number in 0..<3000 {
            let back = try same(ExternReference(Sweeper(number, store)))
            try #require((back?.value as? Sweeper)?.number == number)
        }
        #expect(store.externalReferenceCount < 2000)
    }

    @Test func valuesOfExceptionsAreKeptWhenWhatGoesCollects() throws {
        let store = Store(Engine())
        let tag = try Tag(store, parameters: [.externref])
        for number in 0..<3000 {
            let value = Value.external(ExternReference(Sweeper(number, store)))
            let exception = try WasmException(tag, [value])
            guard case .external(let back)? = try exception.values(in: store).first else {
                Issue.record("not an object")
                return
            }
            try #require((back?.value as? Sweeper)?.number == number)
        }
        #expect(store.exceptionCount < 2000)
    }

    /// A reference whose object has gone is no address of another one.
    @Test func referencesToWhatHasGoneAreNotFollowed() throws {
        let store = Store(Engine())
        let bits = try Value.external(ExternReference(1)).bits(in: store)
        store.collectObjects()
        #expect(throws: ResourceError.self) { try Value(bits, of: .externref, in: store) }
    }

    /// A host function that throws while a reference is on the guest's stack.
    @Test func objectsOnTheStackSurvive() throws {
        var module = TestModule()
        let collect = module.importFunction("env", "collect")
        module.function(
            "through", [.externref], [.externref], Code.call(collect) + Code.get(0))
        let gone = Counter()
        let instance = try makeInstance(module) {
            $0.define("env", "collect") { (caller: Caller) in
                caller.store.releaseUnreachableReferences()
            }
        }
        let through = try instance.function(
            "through", as: ((ExternReference?) -> ExternReference?).self)
        #expect(try through(ExternReference(Guest(gone)))?.value is Guest)
        #expect(gone.total == 0)
    }

    @Test func functionsGoThroughTablesOfOtherInstances() throws {
        let engine = Engine()
        let store = Store(engine)
        var owner = TestModule()
        owner.table(.funcref, 4)
        let type = owner.type([], [.i32])
        owner.function("call", [.i32], [.i32], Code.get(0) + Code.callIndirect(type))
        var user = TestModule()
        user.importTable("owner", "table", 1, nil)
        user.global("number", .i32, isMutable: false, Code.i32(7))
        user.elements(at: 1, [user.function(nil, [], [.i32], Code.globalGet(0))])
        var linker = Linker(engine)
        let first = try linker.instantiate(Module(engine, bytes: owner.bytes), in: store)
        try linker.define("owner", first)
        try linker.instantiate(Module(engine, bytes: user.bytes), in: store)
        let call = try first.function("call", as: ((Int32) -> Int32).self)
        #expect(try call(1) == 7)
        let table = try first.table("table")
        try table.set(2, .function(Function(store) { Int32(11) }))
        #expect(try call(2) == 11)
        try table.set(3, .function(Function(store) { Int64(11) }))
        #expect(trap { _ = try call(3) }?.code == .indirectCallTypeMismatch)
        #expect(trap { _ = try call(0) }?.code == .uninitializedElement)
        #expect(trap { _ = try call(4) }?.code == .undefinedElement)
        guard case .function(let taken?) = try table.get(1) else {
            Issue.record("no function")
            return
        }
        #expect(try taken.typed(as: (() -> Int32).self)() == 7)
    }

    @Test func tablesGrowAndKeepTheirBounds() throws {
        let store = Store(Engine())
        let type = TableType(element: .externref, limits: SizeLimits(minimum: 1, maximum: 3))
        let table = try Table(store, type, initial: .external(ExternReference(1)))
        #expect(try table.grow(by: 2, .external(ExternReference(2))) == 1)
        #expect(try table.grow(by: 1) == nil)
        #expect(table.count == 3)
        guard case .external(let last) = try table.get(2) else {
            Issue.record("not an object")
            return
        }
        #expect(last?.value as? Int == 2)
        #expect(trap { _ = try table.get(3) }?.code == .tableOutOfBounds)
        #expect(trap { _ = try table.get(-1) }?.code == .tableOutOfBounds)
        #expect(trap { try table.set(3, .external(nil)) }?.code == .tableOutOfBounds)
        #expect(throws: TypeError.self) { try table.set(0, .i32(0)) }
        #expect(throws: TypeError.self) { try table.set(0, .function(nil)) }
    }

    @Test func globalsKeepTheirTypes() throws {
        let store = Store(Engine())
        let fixed = try Global(store, .f64(1.5))
        #expect(try fixed.value.description == "f64(1.5)")
        #expect(throws: TypeError.self) { try fixed.set(.f64(2)) }
        let free = try Global(store, .i64(1), isMutable: true)
        try free.set(.i64(-1))
        #expect(try free.value.description == "i64(-1)")
        #expect(throws: TypeError.self) { try free.set(.i32(1)) }
    }
}
