import ApusABI
import Testing

@Suite struct BoundsChecksTests {
    private static let load32 = "(param i32) (result i32)"
    private static let load64 = "(param i64) (result i32)"

    /// 32 bits and an offset below 2 GiB do not reach beyond what is reserved.
    @Test func mostAccessesAreNotCompared() throws {
        let function = "\(Self.load32) (i32.load offset=0x7FFFFFFF (local.get 0))"
        let code = try FunctionCode(function, in: "(memory 1)")
        #expect(code.names == ["mov", "mov"])
        let far = try FunctionCode(
            "\(Self.load32) (i32.load offset=0x80000000 (local.get 0))", in: "(memory 1)")
        #expect(far.names.contains("cmp"))
        #expect(far.names.contains("ja"))
    }

    /// Of addresses of 64 bits only the address is compared: what an offset adds ends in the guard.
    @Test func longAddressesAreCompared() throws {
        let code = try FunctionCode(
            "\(Self.load64) (i32.load offset=8 (local.get 0))", in: "(memory i64 1)")
        #expect(code.names == ["xor", "cmp", "jae", "cmovb", "mov", "mov"])
        #expect(code.body[1].hasPrefix("cmp rdi, qword ptr [r15"))
        // The access goes by what was masked.
        #expect(code.body.last == "mov eax, dword ptr [r11 + 1*rcx + 8]")
        #expect(code.body[3] == "cmovb rcx, rdi")
    }

    /// The end of an access is compared where nothing is left to the processor.
    @Test func endsAreCompared() throws {
        let code = try FunctionCode(
            "\(Self.load32) (i32.load offset=8 (local.get 0))", in: "(memory 1)"
        ) { $0.alwaysChecksBounds = true }
        #expect(code.names == ["xor", "lea", "cmp", "ja", "lea", "cmovbe", "mov", "mov"])
        // Eight and four bytes more than the address.
        #expect(code.body[1] == "lea r11, [rdi + 12]")
        #expect(code.body[4] == "lea r11, [rdi + 8]")
        let plain = try FunctionCode(
            "\(Self.load32) (i32.load (local.get 0))", in: "(memory 1)"
        ) { $0.alwaysChecksBounds = true }
        #expect(plain.names == ["xor", "lea", "cmp", "ja", "cmovbe", "mov", "mov"])
    }

    /// So are those of a memory with pages of a byte.
    @Test func smallPagesAreCompared() throws {
        let code = try FunctionCode(
            "\(Self.load32) (i32.load8_u (local.get 0))", in: "(memory 1 (pagesize 1))")
        #expect(code.body.contains("lea r11, [rdi + 1]"))
    }

    @Test func masksAreLeftOutIfTheyAreNotWanted() throws {
        let code = try FunctionCode(
            "\(Self.load64) (i32.load offset=8 (local.get 0))", in: "(memory i64 1)"
        ) { $0.masksCheckedAccesses = false }
        #expect(code.names == ["cmp", "jae", "mov", "mov"])
        #expect(code.body.last == "mov eax, dword ptr [r11 + 1*rdi + 8]")
    }

    /// What is within the least size of a memory always is.
    @Test func constantAddresses() throws {
        func names(_ address: Int, _ module: String) throws -> [String] {
            try FunctionCode("(result i32) (i32.load (i32.const \(address)))", in: module) {
                $0.alwaysChecksBounds = true
            }.names
        }
        #expect(try names(0xFFFC, "(memory 1)") == ["mov", "mov"])
        #expect(try names(0xFFFD, "(memory 1)").contains("cmp"))
        #expect(try names(0, "(memory 0)").contains("jb"))
    }

    /// An end that no memory can have is out of bounds, whatever the address.
    @Test func whatIsAlwaysOutside() throws {
        let code = try FunctionCode(
            "\(Self.load64) (i32.load offset=0x400000000000 (local.get 0))", in: "(memory i64 1)")
        #expect(code.names.first == "ud2")
        #expect(code.traps.first == .memoryOutOfBounds)
    }

    /// An end that may not fit 64 bits is not reckoned: the address is compared with the last one
    /// at which there is room.
    @Test func sumsDoNotOverflow() throws {
        let code = try FunctionCode(
            "\(Self.load64) (i32.load offset=8 (local.get 0))", in: "(memory i64 1)"
        ) { $0.alwaysChecksBounds = true }
        #expect(code.body[1].hasPrefix("mov r11, qword ptr [r15"))
        #expect(code.body[2...3] == ["sub r11, 12", "cmp rdi, r11"])
        #expect(code.names[4] == "ja")
        // A memory that may be smaller than that has no such address.
        let empty = try FunctionCode(
            "\(Self.load64) (i32.load offset=8 (local.get 0))", in: "(memory i64 0)"
        ) { $0.alwaysChecksBounds = true }
        #expect(empty.names[3] == "jb")
        #expect(empty.traps.count { $0 == .memoryOutOfBounds } == code.traps.count + 1)
    }
}
