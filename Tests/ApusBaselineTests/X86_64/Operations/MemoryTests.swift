import ApusABI
import Testing

@Suite struct MemoryTests {
    private static let load = "(param i32) (result i32)"
    private static let base = "mov r11, qword ptr [r15 + \(ContextField.memoryBase)]"

    static let accesses: [CodeRule] = [
        CodeRule(
            "an offset is part of the address",
            "\(load) (i32.load offset=8 (local.get 0))",
            [base, "mov eax, dword ptr [r11 + 1*rdi + 8]"]),
        CodeRule(
            "so is a constant address", "\(load) (i32.load offset=8 (i32.const 16))",
            [base, "mov eax, dword ptr [r11 + 24]"]),
        CodeRule(
            "which has no sign", "\(load) (i32.load (i32.const -16))",
            ["mov r11d, 4294967280", "add r11, qword ptr [r15 + …", "mov eax, dword ptr [r11]"]),
        CodeRule(
            "what is read is where its address was, if that is ours",
            "\(load) (i32.load (i32.add (local.get 0) (i32.const 5)))",
            ["lea eax, [rdi + 5]", base, "mov eax, dword ptr [r11 + 1*rax]"]),
        CodeRule(
            "or in the local that is set", "(param i32) (local.set 0 (i32.load (local.get 0)))",
            [base, "mov edi, dword ptr [r11 + 1*rdi]"]),
        CodeRule(
            "narrow numbers are extended", "\(load) (i32.load8_s (local.get 0))",
            [base, "movsx eax, byte ptr [r11 + 1*rdi]"]),
        CodeRule(
            "32 bits without a sign are a plain load",
            "(param i32) (result i64) (i64.load32_u (local.get 0))",
            [base, "mov eax, dword ptr [r11 + 1*rdi]"]),
        CodeRule(
            "a constant is stored as it is",
            "(param i32) (i32.store16 (local.get 0) (i32.const 7))",
            [base, "mov word ptr [r11 + 1*rdi], 7"]),
        CodeRule(
            "a float as its bits", "(param i32) (f32.store (local.get 0) (f32.const 1))",
            [base, "mov dword ptr [r11 + 1*rdi], 1065353216"]),
        CodeRule(
            "64 bits if a sign makes them of 32",
            "(param i32) (i64.store (local.get 0) (i64.const -1))",
            [base, "mov qword ptr [r11 + 1*rdi], -1"]),
        CodeRule(
            "others by a register", "(param i32) (i64.store (local.get 0) (i64.const 0x80000000))",
            ["mov eax, 2147483648", base, "mov qword ptr [r11 + 1*rdi], rax"]),
        CodeRule(
            "locals from where they are",
            "(param i32 i32) (i32.store8 offset=3 (local.get 0) (local.get 1))",
            [base, "mov byte ptr [r11 + 1*rdi + 3], r8b"]),
    ]

    @Test(arguments: accesses)
    func loadsAndStores(_ rule: CodeRule) throws { try rule.check(in: "(memory 1)") }

    /// Whoever accesses memory 0 more than once keeps its base in a register.
    @Test func theBaseHasAHome() throws {
        let code = try FunctionCode(
            "(param i32) (result i32) (i32.add (i32.load (local.get 0)) (i32.load (local.get 0)))",
            in: "(memory 1)")
        #expect(
            code.body == [
                "mov eax, dword ptr [r8 + 1*rdi]", "mov ecx, dword ptr [r8 + 1*rdi]",
                "add eax, ecx",
            ])
        // Of other memories the base is read each time.
        let other = try FunctionCode(
            """
            (param i32) (result i32)
            (i32.add (i32.load 1 (local.get 0)) (i32.load 1 (local.get 0)))
            """, in: "(memory 1) (memory 1)")
        #expect(other.body.filter { $0.hasPrefix("mov r11, qword ptr [r15") }.count == 2)
    }

    /// What calls may move is read again.
    @Test func theBaseIsReadAfterCalls() throws {
        let code = try FunctionCode(
            """
            (param i32)
            (loop (i32.store (local.get 0) (i32.const 0))
              (drop (memory.grow (i32.const 1))) (br_if 0 (i32.load (local.get 0))))
            """, in: "(memory 1)")
        let grown = try #require(code.body.firstIndex { $0.hasPrefix("call") })
        #expect(code.body[grown...].contains { $0.contains("[r15 + \(ContextField.memoryBase)]") })
    }

    /// Every access may trap, and no other instruction.
    @Test func accessesMayTrap() throws {
        let code = try FunctionCode(
            "(param i32) (i32.store (local.get 0) (i32.load (local.get 0)))", in: "(memory 1)")
        #expect(code.traps == [.memoryOutOfBounds, .memoryOutOfBounds])
        let size = try FunctionCode("(result i32) (memory.size)", in: "(memory 1)")
        #expect(size.names == ["mov", "shr"])
        #expect(size.body.last == "shr rax, 16")
        #expect(size.traps == [])
        // Pages of a byte need no shift.
        let bytes = try FunctionCode("(result i32) (memory.size)", in: "(memory 1 (pagesize 1))")
        #expect(bytes.names == ["mov"])
    }

    /// The address of an imported memory's record is in the context.
    @Test func sharedMemoriesAreReachedThroughTheirRecords() throws {
        let code = try FunctionCode(
            "(result i32) (memory.size)", in: #"(import "" "" (memory 1 1 shared))"#)
        #expect(code.names == ["mov", "mov", "shr"])
        #expect(code.body[1].hasPrefix("mov rax, qword ptr [r11"))
    }

    @Test(arguments: [
        ("(drop (memory.grow (i32.const 1)))", RuntimeFunction.memoryGrow),
        ("(memory.fill (i32.const 0) (i32.const 0) (i32.const 100))", .memoryFill),
        ("(memory.copy (i32.const 0) (i32.const 0) (i32.const 100))", .memoryCopy),
        ("(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 100))", .memoryCopy),
        ("(data.drop 0)", .dataDrop),
    ])
    func theRuntimeDoesTheRest(_ instruction: String, _ function: RuntimeFunction) throws {
        let code = try FunctionCode(instruction, in: #"(memory 1) (data "a")"#)
        #expect(code.body.contains("mov eax, \(function.rawValue)"))
        #expect(code.body.last == "call qword ptr [r15 + \(ContextField.runtimeCall)]")
        #expect(code.callCount == 1)
    }
}
