import ApusABI
import Testing

@Suite struct WideTests {
    private static let four = "(param i64 i64 i64 i64) (result i64 i64)"
    private static let two = "(param i64 i64) (result i64 i64)"

    private static func sum(_ operation: String) -> String {
        "\(four) (\(operation) (local.get 0) (local.get 1) (local.get 2) (local.get 3))"
    }

    private static func product(_ operation: String) -> String {
        "\(two) (\(operation) (local.get 0) (local.get 1))"
    }

    static let rules: [CodeRule] = [
        CodeRule(
            "what the low halves carry goes into the high ones", sum("i64.add128"),
            ["mov rax, r8", "mov rcx, rdi", "add rcx, r9", "adc rax, r10"]),
        CodeRule(
            "what they borrow, too", sum("i64.sub128"),
            ["mov rax, r8", "mov rcx, rdi", "sub rcx, r9", "sbb rax, r10"]),
        CodeRule(
            "a product is where the processor leaves it", product("i64.mul_wide_u"),
            ["mov r11, r8", "mov rax, rdi", "mul r11"]),
        CodeRule(
            "with a sign likewise", product("i64.mul_wide_s"),
            ["mov r11, r8", "mov rax, rdi", "imul r11"]),
        CodeRule(
            "who is where the product goes moves",
            """
            (param i64 i64) (result i64)
            (i64.add (local.get 0) (i64.const 1))
            (i64.mul_wide_u (local.get 0) (local.get 1)) drop i64.add
            """,
            [
                "lea rax, [rdi + 1]", "mov r11, r8", "mov rcx, rax", "mov rax, rdi", "mul r11",
                "add rcx, rax",
            ]),
    ]

    @Test(arguments: rules)
    func halves(_ rule: CodeRule) throws { try rule.check() }
}
