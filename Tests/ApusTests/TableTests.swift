import Apus
import Testing

/// Tables that the host makes.
struct TableTests {
    @Test(arguments: [ValueType.i32, .i64, .f32, .f64, .v128, ValueType(bits: 0x12)])
    func elementsAreReferences(_ type: ValueType) throws {
        let store = Store(Engine())
        let zero = Value.zero(type)
        #expect(
            throws: TypeError(
                expected: [.funcref, .externref], found: [type], place: "the elements of a table")
        ) {
            try Table(
                store, TableType(element: type, limits: SizeLimits(minimum: 3)), initial: zero)
        }
    }

    @Test func referencesThatTheHostHasNoValuesOfAreRefused() throws {
        let store = Store(Engine())
        let limits = SizeLimits(minimum: 1)
        for heap in [HeapType.i31, .any, .exn] {
            let type = ValueType.reference(heap, nullable: true)
            #expect(try Table(store, TableType(element: type, limits: limits)).count == 1)
            #expect(throws: TypeError.self) {
                try Table(
                    store, TableType(element: type, limits: limits),
                    initial: .external(ExternReference(1)))
            }
        }
        let nothing = ValueType.reference(.noextern, nullable: true)
        #expect(throws: TypeError.self) {
            try Table(
                store, TableType(element: nothing, limits: limits),
                initial: .external(ExternReference(1)))
        }
        #expect(try Table(store, TableType(element: .externref, limits: limits)).count == 1)
    }

    // MARK: A limiter that collects

    private final class Thing {}

    /// Frees what it can before more is taken.
    private final class Frugal: ResourceLimiter, AsynchronousResourceLimiter {
        private unowned let store: Store
        init(_ store: Store) { self.store = store }

        func allows(_ growth: Growth) -> Bool {
            store.collectObjects()
            return true
        }

        nonisolated(nonsending) func allows(_ growth: Growth) async throws -> Bool {
            store.collectObjects()
            return true
        }

        func growthFailed(_ growth: Growth, _ error: ResourceError) {}
    }

    private static let type = TableType(
        element: .externref, limits: SizeLimits(minimum: 1, maximum: 100))

    private func expect(_ thing: Thing, at index: Int, of table: Table) throws {
        guard case .external(let found) = try table.get(index) else {
            Issue.record("no reference to the host's")
            return
        }
        #expect(found?.value as? Thing === thing)
    }

    @Test func newElementsAreKeptWhileTheLimiterIsAsked() throws {
        let store = Store(Engine())
        store.limiter = Frugal(store)
        let things = (0..<2).map { _ in Thing() }
        let table = try Table(store, Self.type, initial: .external(ExternReference(things[0])))
        try expect(things[0], at: 0, of: table)
        try table.grow(by: 2, .external(ExternReference(things[1])))
        try expect(things[0], at: 0, of: table)
        try expect(things[1], at: 2, of: table)
        #expect(store.externalReferenceCount == 2)
        // Only the table keeps them.
        try table.set(1, .external(nil))
        try table.set(2, .external(nil))
        store.collectObjects()
        #expect(store.externalReferenceCount == 1)
    }

    @Test func newElementsAreKeptWhileTheLimiterIsWaitedFor() async throws {
        let store = Store(Engine())
        let table = try Table(store, Self.type)
        store.asynchronousLimiter = Frugal(store)
        let thing = Thing()
        try await table.growAsync(by: 2, .external(ExternReference(thing)))
        try expect(thing, at: 2, of: table)
    }
}
