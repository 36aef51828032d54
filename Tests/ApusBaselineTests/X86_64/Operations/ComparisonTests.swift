import ApusABI
import Testing

@Suite struct ComparisonTests {
    private static let i32 = "(param i32 i32) (result i32)"
    private static let none = "(param i32 i32)"
    private static let less = "(i32.lt_s (local.get 0) (local.get 1))"

    // MARK: Who comes next

    static let consumers: [CodeRule] = [
        CodeRule(
            "a branch takes the flags", "\(none) (block (br_if 0 \(less)))",
            ["cmp edi, r8d", "jl …"]),
        CodeRule(
            "an if goes where its condition does not hold", "\(none) (if \(less) (then))",
            ["cmp edi, r8d", "jge …"]),
        CodeRule(
            "a choice takes them", "\(i32) (select (local.get 0) (local.get 1) \(less))",
            ["cmp edi, r8d", "mov eax, r8d", "cmovl eax, edi"]),
        CodeRule(
            "what is turned round before is the other condition",
            "\(none) (block (br_if 0 (i32.eqz \(less))))", ["cmp edi, r8d", "jge …"]),
        CodeRule(
            "twice is none", "\(none) (block (br_if 0 (i32.eqz (i32.eqz \(less)))))",
            ["cmp edi, r8d", "jl …"]),
        CodeRule(
            "a result is cleared before, for what sets it writes a byte", "\(i32) \(less)",
            ["xor eax, eax", "cmp edi, r8d", "setl al"]),
        CodeRule(
            "unless it is being compared", "\(none) (local.set 0 \(less))",
            ["cmp edi, r8d", "setl dil", "movzx edi, dil"]),
        CodeRule(
            "and the other condition is set, too", "\(i32) (i32.eqz \(less))",
            ["cmp edi, r8d", "setge al", "movzx eax, al"]),
    ]

    @Test(arguments: consumers)
    func theNextInstructionTakesTheFlags(_ rule: CodeRule) throws { try rule.check() }

    /// Between two instructions a guest may stop, and there a condition is an operand.
    @Test func conditionsAreOperandsWhereGuestsStop() throws {
        let function = "\(Self.none) (block (br_if 0 \(Self.less)))"
        let code = try FunctionCode(function, hasStopPoints: true)
        // It is known that it is to be one before what says so is compared.
        #expect(code.names.contains("setl") && !code.names.contains("movzx"))
        #expect(!code.names.contains("jl"))
    }

    // MARK: Integers

    static let integers: [CodeRule] = [
        CodeRule(
            "with 0 is a test", "\(none) (block (br_if 0 (i32.eqz (local.get 0))))",
            ["test edi, edi", "je …"]),
        CodeRule(
            "also where 0 is written",
            "\(none) (block (br_if 0 (i32.ne (i32.const 0) (local.get 0))))",
            ["test edi, edi", "jne …"]),
        CodeRule(
            "and for what has a sign",
            "\(none) (block (br_if 0 (i32.ge_s (local.get 0) (i32.const 0))))",
            ["test edi, edi", "jge …"]),
        CodeRule(
            "a constant is part of it",
            "\(none) (block (br_if 0 (i32.gt_u (local.get 0) (i32.const 7))))",
            ["cmp edi, 7", "ja …"]),
        CodeRule(
            "on the left it is compared the other way round",
            "\(none) (block (br_if 0 (i32.gt_u (i32.const 7) (local.get 0))))",
            ["cmp edi, 7", "jb …"]),
        CodeRule(
            "one that does not fit has a register",
            "(param i64) (block (br_if 0 (i64.le_s (local.get 0) (i64.const 0x80000000))))",
            ["mov eax, 2147483648", "cmp rdi, rax", "jle …"]),
        CodeRule(
            "what is known needs no comparison",
            "(block (br_if 0 (i32.lt_s (i32.const 1) (i32.const -1))))", []),
        CodeRule(
            "what is in the frame is compared there",
            "\(i32) local.get 0 block end i32.const 7 i32.lt_u if end i32.const 0",
            ["mov qword ptr [rbp…", "cmp dword ptr [rbp…", "jae …"]),
        CodeRule(
            "so is 0",
            "\(i32) local.get 0 block end i32.eqz if end i32.const 0",
            ["mov qword ptr [rbp…", "cmp dword ptr [rbp…", "jne …"]),
        CodeRule(
            "and a second operand",
            "\(i32) local.get 0 local.get 1 block end i32.lt_u",
            [
                "mov qword ptr [rbp…", "mov qword ptr [rbp…", "mov eax, dword ptr [rbp…",
                "xor ecx, ecx", "cmp eax, dword ptr [rbp…", "setb cl",
            ]),
    ]

    @Test(arguments: integers)
    func integerComparisons(_ rule: CodeRule) throws { try rule.check() }

    /// A branch that is known to be taken needs no comparison either.
    @Test func whatAlwaysHoldsJumps() throws {
        let code = try FunctionCode("(block (br_if 0 (i32.lt_s (i32.const -1) (i32.const 1))))")
        #expect(code.names == ["jmp"])
    }

    // MARK: Floats

    private static let floats = "(param f32 f32)"

    static let ordered: [CodeRule] = [
        CodeRule(
            "less is greater the other way round, which is false of what has no order",
            "\(floats) (block (br_if 0 (f32.lt (local.get 0) (local.get 1))))",
            ["vucomiss xmm7, xmm6", "ja …"]),
        CodeRule(
            "greater is as it is",
            "\(floats) (block (br_if 0 (f32.ge (local.get 0) (local.get 1))))",
            ["vucomiss xmm6, xmm7", "jae …"]),
        CodeRule(
            "its contrary holds of what has no order",
            "\(floats) (if (f32.lt (local.get 0) (local.get 1)) (then))",
            ["vucomiss xmm7, xmm6", "jbe …"]),
        CodeRule(
            "equal is nothing that has no order",
            "\(floats) (block (br_if 0 (f32.eq (local.get 0) (local.get 1))))",
            ["vucomiss xmm6, xmm7", "jp …", "je …"]),
        CodeRule(
            "which is unequal to all",
            "\(floats) (block (br_if 0 (f32.ne (local.get 0) (local.get 1))))",
            ["vucomiss xmm6, xmm7", "jne …", "jp …"]),
        CodeRule(
            "as a result both flags are set",
            "\(floats) (result i32) (f32.eq (local.get 0) (local.get 1))",
            [
                "vucomiss xmm6, xmm7", "setnp r11b", "sete al", "and eax, r11d",
                "movzx eax, al",
            ]),
        CodeRule(
            "or one of them",
            "\(floats) (result i32) (f32.ne (local.get 0) (local.get 1))",
            ["vucomiss xmm6, xmm7", "setp r11b", "setne al", "or eax, r11d", "movzx eax, al"]),
        CodeRule(
            "a constant is read where it is",
            "\(floats) (block (br_if 0 (f32.gt (local.get 0) (f32.const 1))))",
            ["vucomiss xmm6, dword ptr [rip…", "ja …"]),
    ]

    @Test(arguments: ordered)
    func floatComparisons(_ rule: CodeRule) throws { try rule.check() }
}
