import ApusABI
import Testing

@Suite struct VariablesTests {
    static let locals: [CodeRule] = [
        CodeRule("reading a local is nothing to do", "(param i32) (drop (local.get 0))", []),
        CodeRule(
            "a result goes to the local that is set",
            "(param i32 i32) (local.set 1 (i32.add (local.get 0) (i32.const 5)))",
            ["lea r8d, [rdi + 5]"]),
        CodeRule(
            "which may be what it is made of",
            "(param i32) (local.set 0 (i32.add (local.get 0) (i32.const 1)))", ["add edi, 1"]),
        CodeRule(
            "and can be read on",
            """
            (param i32 i32) (result i32)
            (i32.shl (local.tee 1 (i32.add (local.get 0) (i32.const 5))) (i32.const 4))
            """,
            ["lea r8d, [rdi + 5]", "mov eax, r8d", "shl eax, 4"]),
        CodeRule(
            "a local set to itself stays", "(param externref) (local.set 0 (local.get 0))", []),
        CodeRule(
            "a constant goes there at once", "(param i32) (local.set 0 (i32.const 7))",
            ["mov edi, 7"]),
        CodeRule(
            "what was read before it is set keeps its value",
            "(param i32) (result i32) (local.get 0) (local.set 0 (i32.const 7))",
            ["mov eax, edi", "mov edi, 7"]),
        CodeRule(
            "also if the next instruction's result goes there",
            """
            (param i32) (result i32)
            (local.get 0) (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            """,
            ["mov eax, edi", "add edi, 1"]),
    ]

    @Test(arguments: locals)
    func homes(_ rule: CodeRule) throws { try rule.check() }

    /// References live in the frame.
    @Test func localsInTheFrame() throws {
        let code = try FunctionCode("(param externref externref) (local.set 0 (local.get 1))")
        #expect(code.names == ["mov", "mov"])
        #expect(code.body[0].hasPrefix("mov r11, qword ptr [rbp"))
        #expect(code.body[1].hasPrefix("mov qword ptr [rbp"))
        // What is in a register need not be read again.
        let tee = try FunctionCode(
            "(result externref) (local externref) (local.tee 0 (table.get 0 (i32.const 0)))",
            in: "(table 1 externref)")
        #expect(tee.rest.first == "mov rax, rcx")
    }

    private static let globals = """
        (global $a (mut i32) (i32.const 0)) (global $b (mut f64) (f64.const 0))
        (global $c (mut i64) (i64.const 0))
        """

    static let ownGlobals: [CodeRule] = [
        CodeRule(
            "is read by its place in the context", "(result i32) (global.get $a)",
            ["mov eax, dword ptr [r15 + …"]),
        CodeRule(
            "into the local that is set", "(param i32) (local.set 0 (global.get $a))",
            ["mov edi, dword ptr [r15 + …"]),
        CodeRule(
            "a constant is stored as it is", "(global.set $a (i32.const 7))",
            ["mov dword ptr [r15 + …"]),
        CodeRule(
            "also if it is a float whose bits fit", "(global.set $b (f64.const 0))",
            ["mov qword ptr [r15 + …"]),
        CodeRule(
            "others go through a register", "(global.set $c (i64.const 0x80000000))",
            ["mov eax, 2147483648", "mov qword ptr [r15 + …"]),
        CodeRule(
            "locals do not", "(param f64) (global.set $b (local.get 0))",
            ["vmovsd qword ptr [r15 + …"]),
    ]

    @Test(arguments: ownGlobals)
    func aGlobal(_ rule: CodeRule) throws { try rule.check(in: Self.globals) }

    @Test func importedGlobalsAreReachedThroughTheirAddress() throws {
        let code = try FunctionCode(
            "(result i32) (global.get 0)", in: #"(import "" "" (global (mut i32)))"#)
        #expect(code.body.count == 2)
        #expect(code.body[0].hasPrefix("mov r11, qword ptr [r15"))
        #expect(code.body[1] == "mov eax, dword ptr [r11]")
    }
}
