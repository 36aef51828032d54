import ApusABI
import Testing

@Suite struct VectorArithmeticTests {
    private static let binary = "(param v128 v128) (result v128)"

    static let operations: [CodeRule] = [
        CodeRule(
            "two locals leave a result of its own",
            "\(binary) (i32x4.add (local.get 0) (local.get 1))", ["vpaddd xmm0, xmm6, xmm7"]),
        CodeRule(
            "a constant in front is an operand behind, if the order does not matter",
            "\(binary) (i32x4.add (v128.const i64x2 1 2) (local.get 0))",
            ["vpaddd xmm0, xmm6, [rip…"]),
        CodeRule(
            "else it is loaded",
            "\(binary) (i32x4.sub (v128.const i64x2 1 2) (local.get 0))",
            ["vmovaps xmm0, [rip…", "vpsubd xmm0, xmm0, xmm6"]),
        CodeRule(
            "greater is less the other way round",
            "\(binary) (i32x4.lt_s (local.get 0) (local.get 1))", ["vpcmpgtd xmm0, xmm7, xmm6"]),
        CodeRule(
            "an operand of ours gets the result",
            "\(binary) (i8x16.add (local.get 0) (i8x16.add (local.get 0) (local.get 1)))",
            ["vpaddb xmm0, xmm6, xmm7", "vpaddb xmm0, xmm6, xmm0"]),
        CodeRule(
            "also of an instruction with a number in it",
            "\(binary) (f32x4.lt (local.get 0) (f32x4.add (local.get 0) (local.get 1)))",
            ["vaddps xmm0, xmm6, xmm7", "vcmpps xmm0, xmm6, xmm0, 1"]),
    ]

    @Test(arguments: operations)
    func twoOperands(_ rule: CodeRule) throws { try rule.check() }

    // MARK: Shifts

    static let shifts: [CodeRule] = [
        CodeRule(
            "a known count is part of the instruction, modulo the lane's bits",
            "\(binary) (i16x8.shl (local.get 0) (i32.const 19))", ["vpsllw xmm0, xmm6, 3"]),
        CodeRule(
            "none is nothing to do", "\(binary) (i64x2.shr_u (local.get 0) (i32.const 64))", []),
        CodeRule(
            "another is masked, in a register that is not the local's",
            "(param v128 i32) (result v128) (i32x4.shr_s (local.get 0) (local.get 1))",
            ["mov eax, edi", "and eax, 31", "vmovd xmm15, eax", "vpsrad xmm0, xmm6, xmm15"]),
    ]

    @Test(arguments: shifts)
    func shiftsOfLanes(_ rule: CodeRule) throws { try rule.check() }

    // MARK: Three operands

    /// The sum replaces one factor, where the processor has such an instruction.
    @Test func fusedProducts() throws {
        let function = """
            (param v128 v128 v128) (result v128)
            (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))
            """
        #expect(try FunctionCode(function).names == ["vmovaps", "vfmadd213ps"])
        #expect(try !FunctionCode(function, on: [.avx]).names.contains("vfmadd213ps"))
    }

    static let choices: [CodeRule] = [
        CodeRule(
            "what is put together of locals changes none of them",
            """
            (param v128 v128 v128) (result v128)
            (v128.bitselect (local.get 0) (local.get 1) (local.get 2))
            """, ["vpandn xmm15, xmm8, xmm7", "vpand xmm0, xmm6, xmm8", "vpor xmm0, xmm0, xmm15"])
    ]

    @Test(arguments: choices)
    func threeOperands(_ rule: CodeRule) throws { try rule.check() }
}
