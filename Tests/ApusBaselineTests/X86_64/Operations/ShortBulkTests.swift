import ApusABI
import Testing

@Suite struct ShortBulkTests {
    private static func fill(_ length: Int) throws -> FunctionCode {
        try FunctionCode(
            "(param i32 i32) (memory.fill (local.get 0) (local.get 1) (i32.const \(length)))",
            in: "(memory 1)")
    }

    private static func copy(
        _ length: String, in module: String = "(memory 1)",
        _ choose: (inout ModuleEnvironment) -> Void = { _ in }
    ) throws -> FunctionCode {
        try FunctionCode(
            "(param i32 i32) (memory.copy (local.get 0) (local.get 1) (\(length)))", in: module,
            choose)
    }

    /// Two pieces that may overlap; the last byte is touched before the first one is written.
    @Test func twoPieces() throws {
        let code = try Self.copy("i32.const 7")
        let accesses = code.body.filter { $0.contains("[") && !$0.contains("r15") }
        #expect(accesses.count == 5)
        // All is read first: four bytes, and the last four.
        #expect(accesses[0].hasPrefix("mov ") && accesses[1].hasSuffix(" + 3]"))
        #expect(accesses[2].hasPrefix("test byte ptr") && accesses[2].contains(" + 6], 0"))
        #expect(accesses[3].hasPrefix("mov dword ptr"))
        #expect(accesses[4].contains(" + 3],"))
        #expect(code.traps == .init(repeating: .memoryOutOfBounds, count: 5))
    }

    /// One piece covers powers of two.
    @Test(arguments: [1, 2, 4, 8, 16])
    func onePiece(_ length: Int) throws {
        let code = try Self.copy("i32.const \(length)")
        #expect(code.traps.count == 2)
        #expect(!code.names.contains("test"))
    }

    @Test func vectors() throws {
        let code = try Self.copy("i32.const 32")
        #expect(code.names.count { $0 == "vmovups" } == 4)
    }

    /// Whatever is longer, not known, metered or checked is for the runtime.
    @Test func theRuntimeDoesTheRest() throws {
        #expect(try Self.copy("i32.const 32").callCount == 0)
        #expect(try Self.copy("i32.const 33").callCount == 1)
        #expect(try Self.copy("local.get 0").callCount == 1)
        #expect(try Self.copy("i32.const 8") { $0.isFuelMetered = true }.callCount == 1)
        #expect(try Self.copy("i32.const 8") { $0.alwaysChecksBounds = true }.callCount == 1)
        #expect(try Self.copy("i32.const 8", in: "(memory 1 (pagesize 1))").callCount == 1)
    }

    /// Of nothing only the addresses are compared.
    @Test func nothing() throws {
        let code = try Self.copy("i32.const 0")
        #expect(code.names == ["cmp", "ja", "cmp", "ja"])
        #expect(try Self.fill(0).names == ["cmp", "ja"])
        for segment in ["", "(i32.const 0) "] {
            let code = try FunctionCode(
                "(param i32 i32) (memory.init 0 (local.get 0) (local.get 1) (i32.const 0))",
                in: "(memory 1) (data \(segment)\"abcdefgh\")")
            #expect(code.names == ["cmp", "ja", "cmp", "ja"])
        }
    }

    // MARK: Fills

    @Test func aByteIsRepeated() throws {
        let code = try Self.fill(5)
        #expect(code.body.contains("movzx eax, al"))
        #expect(code.names.contains("imul"))
        let constant = try FunctionCode(
            "(param i32) (memory.fill (local.get 0) (i32.const 0x1AB) (i32.const 8))",
            in: "(memory 1)")
        #expect(constant.body.contains("movabs rax, \(Int64(bitPattern: 0xABAB_ABAB_ABAB_ABAB))"))
        #expect(!constant.names.contains("imul"))
    }

    // MARK: Segments

    /// What is beyond the segment, or may have been dropped, is not read.
    @Test func segmentsAreCompared() throws {
        func compile(_ source: Int) throws -> FunctionCode {
            try FunctionCode(
                """
                (param i32)
                (memory.init 0 (local.get 0) (i32.const \(source)) (i32.const 4))
                """, in: #"(memory 1) (data "abcdefgh")"#)
        }
        let code = try compile(4)
        #expect(code.callCount == 0)
        #expect(code.names.prefix(2) == ["cmp", "jb"])
        #expect(code.body[0].hasSuffix(", 8"))
        // The runtime traps.
        #expect(try compile(5).callCount == 1)
    }
}
