import ApusABI
import ApusFormat
import Testing

@testable import ApusRuntime

private final class Canary {
    let onDeath: () -> Void
    init(_ onDeath: @escaping () -> Void) { self.onDeath = onDeath }
    deinit { onDeath() }
}

@Suite struct ExternalTests {
    private func store() throws -> RuntimeStore { try RuntimeStore(makeEnvironment()) }

    @Test func anyValueIsKeptBehindItsHandle() throws {
        let store = try store()
        let text = try store.makeExternal("text")
        let number = try store.makeExternal(42)
        #expect(text != 0 && number != 0 && text != number)
        #expect(store.external(text) as? String == "text")
        #expect(store.external(number) as? Int == 42)
        #expect(store.external(0) == nil)
        #expect(store.external(.max) == nil)
    }

    @Test func tablesAndGlobalsKeepObjects() throws {
        let store = try store()
        var dead = 0
        let table = try store.makeTable(
            TableType(element: .externref, limits: SizeLimits(minimum: 2)))
        let global = try store.makeGlobal(GlobalType(.externref, isMutable: true), bits: 0)
        _ = table.set(1, try store.makeExternal(Canary { dead += 1 }))
        global.bits = try store.makeExternal(Canary { dead += 1 })
        _ = try store.makeExternal(Canary { dead += 1 })
        store.collectExternals()
        #expect(dead == 1)
        #expect(store.externalCount == 2)
        _ = table.fill(0, 0, 2)
        store.collectExternals()
        #expect(dead == 2)
        global.bits = 0
        store.collectExternals()
        #expect(dead == 3)
        #expect(store.externalCount == 0)
    }

    @Test func staleHandlesNameNothing() throws {
        let store = try store()
        let stale = try store.makeExternal(1)
        store.collectExternals()
        let fresh = try store.makeExternal(2)
        #expect(stale != fresh)
        #expect(store.external(stale) == nil)
        #expect(store.external(fresh) as? Int == 2)
    }

    @Test func storeLetsGoOfEverything() throws {
        var dead = 0
        do {
            let store = try store()
            for _ in 0..<10 { _ = try store.makeExternal(Canary { dead += 1 }) }
        }
        #expect(dead == 10)
    }

    @Test func suspendedFramesKeepObjects() throws {
        let store = try store()
        var dead = 0
        var collected = 0
        let host = try store.makeHostFunction(sixToOne) { frame in
            _ = try frame.store.makeExternal(Canary { collected += 1 })
            frame.store.collectExternals()
        }
        let instance = try store.instance(
            [.keep], parts([.keep], imported: 1), [.function(host)])
        let result = try instance.call("f0", try store.makeExternal(Canary { dead += 1 }))
        #expect(dead == 0)
        #expect(store.external(result) is Canary)
        store.collectExternals()
        #expect(dead == 1)
        #expect(collected <= 1)
    }

    @Test func objectsThatComeAndGoDoNotPileUp() throws {
        let store = try store()
        var live = 0
        var most = 0
        let host = try store.makeHostFunction(sixToOne) { frame in
            live += 1
            most = max(most, live)
            frame[0] = try frame.store.makeExternal(Canary { live -= 1 })
        }
        let instance = try store.instance(
            [.callImport], parts([.callImport], imported: 1), [.function(host)])
        for _ in 0..<10_000 { try instance.call("f0") }
        #expect(most < 3000)
        store.collectExternals()
        #expect(live == 0)
    }

    /// The places of many objects that are gone are not looked through for each thousand.
    @Test func placesOfObjectsThatAreGoneCount() throws {
        let store = try store()
        for _ in 0..<100_000 { _ = try store.makeExternal(1) }
        store.collectExternals()
        #expect(store.externalCount == 0)
        for _ in 0..<6000 { _ = try store.makeExternal(1) }
        #expect(!store.externals.needsCollection)
        for _ in 0..<1000 { _ = try store.makeExternal(1) }
        #expect(store.externals.needsCollection)
    }

    @Test func deinitialisersMayUseTheStore() throws {
        let store = try store()
        var reborn: UInt64 = 0
        _ = try store.makeExternal(
            Canary { reborn = (try? store.makeExternal("again")) ?? 0 })
        store.collectExternals()
        #expect(store.external(reborn) as? String == "again")
    }
}
