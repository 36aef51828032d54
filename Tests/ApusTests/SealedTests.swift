import Testing

/// What programs that import Apus cannot write, because a reference that they made up would have
/// a guest reach what is not its own.
struct SealedTests {
    /// What the compiler says of a program that imports Apus; nil: it is right.
    private func complaints(_ program: String) throws -> String? {
        let (status, text) = try SwiftCompiler.run(["-typecheck"], "import Apus\n" + program)
        return status == 0 ? nil : text
    }

    @Test func whatIsOpenCompiles() throws {
        #expect(
            try complaints(
                """
                func types<each T: WasmValue>(_: repeat (each T).Type) -> [ValueType] {
                    var all: [ValueType] = []
                    for type in repeat (each T).self { all.append(type.valueType) }
                    return all
                }
                let all = types(
                    Int32.self, Double.self, Vector128.self, Function?.self, ExternReference?.self)
                """) == nil)
    }

    @Test(arguments: [
        // Conformances that choose the bits of a reference, or of a vector.
        """
        struct Forged: WasmReference {
            var bits: UInt64
            static var nullableConversion: WasmConversion<Forged?> {
                WasmConversion(
                    .funcref, read: { bits, _ in Forged(bits: bits) },
                    write: { forged, _ in forged?.bits ?? 0 })
            }
        }
        """,
        """
        struct Forged: WasmValue {
            static var wasmConversion: WasmConversion<Forged> {
                WasmConversion(.v128, read: { _, _ in Forged() }, write: { _, _ in 1 })
            }
        }
        """,
        // Bits of a reference, and a reference of bits.
        "func bits(_ f: Function?, _ store: Store) throws -> UInt64 { try f.cell(store) }",
        """
        func made(_ bits: UInt64, _ store: Store) throws -> Function? {
            try Function?.fromCell(bits, store)
        }
        """,
        """
        func made(_ bits: UInt64, _ store: Store) throws -> Function? {
            try Function.nullableConversion.read(bits, { store })
        }
        """,
        "func bits(_ function: Function) -> UInt64 { function.reference.bits }",
    ])
    func referencesCannotBeMadeUp(_ program: String) throws {
        let complaints = try #require(try complaints(program))
        #expect(complaints.contains("is inaccessible due to 'internal' protection level"))
    }

    @Test func conversionsOfOneTypeAreNoneOfAnother() throws {
        let complaints = try complaints(
            """
            struct Forged: WasmReference {
                static var nullableConversion: WasmConversion<Forged?> {
                    Function.nullableConversion
                }
            }
            """)
        #expect(complaints?.contains("cannot convert") == true)
    }
}
