import ApusABI
import Testing

@Suite struct ParametricTests {
    private static let i32 = "(param i32 i32) (result i32)"

    static let choices: [CodeRule] = [
        CodeRule(
            "any condition is tested",
            "(param i32 i32 i32) (result i32) (select (local.get 0) (local.get 1) (local.get 2))",
            ["test r9d, r9d", "mov eax, r8d", "cmovne eax, edi"]),
        CodeRule(
            "in the frame, too",
            """
            \(i32) (local.get 0) (block) (local.set 1)
            (select (local.get 0) (i32.const 1) (local.get 1))
            """,
            [
                "mov qword ptr [rbp…", "mov r8d, dword ptr [rbp…", "test r8d, r8d", "mov eax, 1",
                "cmovne eax, edi",
            ]),
        CodeRule(
            "an operand of ours gets the result: the first one on the other condition",
            """
            \(i32) (select (i32.add (local.get 0) (i32.const 1)) (local.get 1)
              (i32.lt_s (local.get 0) (local.get 1)))
            """,
            ["lea eax, [rdi + 1]", "cmp edi, r8d", "cmovge eax, r8d"]),
        CodeRule(
            "the second one on this one",
            """
            \(i32) (select (local.get 1) (i32.add (local.get 0) (i32.const 1))
              (i32.lt_s (local.get 0) (local.get 1)))
            """,
            ["lea eax, [rdi + 1]", "cmp edi, r8d", "cmovl eax, r8d"]),
        CodeRule(
            "so does the local that is set",
            """
            (param i32 i32) (local.set 0 (select (local.get 0) (local.get 1)
              (i32.lt_s (local.get 0) (local.get 1))))
            """,
            ["cmp edi, r8d", "cmovge edi, r8d"]),
        CodeRule(
            "what floats are unequal by is two moves",
            """
            (param i32 i32 f32) (result i32)
            (select (local.get 0) (local.get 1) (f32.ne (local.get 2) (local.get 2)))
            """,
            ["vucomiss xmm6, xmm6", "mov eax, r8d", "cmovne eax, edi", "cmovp eax, edi"]),
        CodeRule(
            "what they are equal by is one that is jumped over",
            """
            (param i32 i32 f32) (result i32)
            (select (local.get 0) (local.get 1) (f32.eq (local.get 2) (local.get 2)))
            """,
            ["vucomiss xmm6, xmm6", "mov eax, r8d", "jne …", "jp …", "mov eax, edi"]),
    ]

    @Test(arguments: choices)
    func integers(_ rule: CodeRule) throws { try rule.check() }

    @Test(arguments: [(1, "rdi"), (0, "r8")])
    func theOtherIsNotKept(_ condition: Int, _ chosen: String) throws {
        let code = try FunctionCode(
            "\(Self.i32) (select (local.get 0) (local.get 1) (i32.const \(condition)))")
        #expect(code.all == ["mov rax, \(chosen)", "leave", "ret"])
    }

    static let floats: [CodeRule] = [
        CodeRule(
            "floats are chosen by a jump",
            "(param f32 f32 i32) (result f32) (select (local.get 0) (local.get 1) (local.get 2))",
            ["test edi, edi", "vmovaps xmm0, xmm6", "jne …", "vmovaps xmm0, xmm7"]),
        CodeRule(
            "a second operand of ours stays where it is",
            """
            (param f32 f32 i32) (result f32)
            (select (local.get 0) (f32.neg (local.get 1)) (local.get 2))
            """,
            ["vxorps xmm0, xmm7, [rip…", "test edi, edi", "je …", "vmovaps xmm0, xmm6"]
        ),
    ]

    @Test(arguments: floats)
    func vectorRegisters(_ rule: CodeRule) throws { try rule.check() }
}
