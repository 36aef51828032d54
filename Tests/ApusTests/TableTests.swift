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
}
