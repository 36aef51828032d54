import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct ImportsTests {
    /// Whether `item` may stand for an import of type `expected`.
    private func matches(
        _ expected: ExternalType, _ store: RuntimeStore, _ item: ExternalItem?
    ) throws -> Bool {
        var parts = parts([])
        parts.imports = [Import(module: "m", name: "n", type: expected)]
        let module = try load([], parts, in: store.environment)
        do {
            _ = try Imports(item.map { [$0] } ?? [], for: module, in: store)
            return true
        } catch {
            #expect(error.index == 0)
            #expect((error.found == nil) == (item == nil))
            return false
        }
    }

    @Test func functionsMatchByType() throws {
        let store = try RuntimeStore(makeEnvironment())
        let host = try store.makeHostFunction(sixToOne) { _ in }
        #expect(try matches(.function(typeIndex: 0), store, .function(host)))
        #expect(try !matches(.function(typeIndex: 1), store, .function(host)))
        #expect(try !matches(.function(typeIndex: 0), store, nil))
        let other = try RuntimeStore(store.environment)
        let foreign = try other.makeHostFunction(sixToOne) { _ in }
        #expect(try !matches(.function(typeIndex: 0), store, .function(foreign)))
    }

    @Test func memoriesMatchByPresentSizeAndMaximum() throws {
        let store = try RuntimeStore(makeEnvironment())
        func type(_ minimum: UInt64, _ maximum: UInt64? = nil) -> MemoryType {
            MemoryType(limits: SizeLimits(minimum: minimum, maximum: maximum))
        }
        let memory = try store.makeMemory(type(1, 4))
        func fits(_ expected: MemoryType) throws -> Bool {
            try matches(.memory(expected), store, .memory(memory))
        }
        #expect(try fits(type(0)) && fits(type(1, 4)) && fits(type(0, 5)))
        #expect(try !fits(type(2)))
        #expect(try !fits(type(1, 3)))
        #expect(memory.grow(by: 1) == 1)
        #expect(try fits(type(2)))
        let endless = try store.makeMemory(type(1))
        #expect(try !matches(.memory(type(1, 4)), store, .memory(endless)))
    }

    @Test func tablesAndGlobalsMatchExactly() throws {
        let store = try RuntimeStore(makeEnvironment())
        let table = try store.makeTable(
            TableType(element: .funcref, limits: SizeLimits(minimum: 1)))
        let externals = TableType(element: .externref, limits: SizeLimits(minimum: 1))
        #expect(try matches(.table(table.type), store, .table(table)))
        #expect(try !matches(.table(externals), store, .table(table)))
        let global = try store.makeGlobal(GlobalType(.i32, isMutable: true), bits: 1)
        #expect(try matches(.global(global.type), store, .global(global)))
        #expect(try !matches(.global(GlobalType(.i32, isMutable: false)), store, .global(global)))
        #expect(try !matches(.global(GlobalType(.i64, isMutable: true)), store, .global(global)))
        #expect(try !matches(.global(global.type), store, .table(table)))
    }
}
