import ApusABI
import Testing

@Suite struct FloatTests {
    private static let f32 = "(param f32 f32) (result f32)"
    private static let f64 = "(param f64 f64) (result f64)"

    static let arithmetic: [CodeRule] = [
        CodeRule(
            "two locals leave a result of its own",
            "\(f64) (f64.sub (local.get 0) (local.get 1))", ["vsubsd xmm0, xmm6, xmm7"]),
        CodeRule(
            "an operand of ours gets the result, on either side",
            "\(f64) (f64.sub (local.get 0) (f64.mul (local.get 0) (local.get 1)))",
            ["vmulsd xmm0, xmm6, xmm7", "vsubsd xmm0, xmm6, xmm0"]),
        CodeRule(
            "a constant is read where it is",
            "\(f32) (f32.mul (local.get 0) (f32.const 3))", ["vmulss xmm0, xmm6, dword ptr [rip…"]),
        CodeRule(
            "but 0 is made", "\(f64) (f64.add (local.get 0) (f64.const 0))",
            ["vxorps xmm0, xmm0, xmm0", "vaddsd xmm0, xmm6, xmm0"]),
        CodeRule(
            "what is in the frame is read there",
            "\(f64) local.get 0 local.get 1 block end f64.div",
            [
                "vmovsd qword ptr [rbp…", "vmovsd qword ptr [rbp…", "vmovsd xmm0, qword ptr [rbp…",
                "vdivsd xmm0, xmm0, qword ptr [rbp…",
            ]),
        CodeRule(
            "a sign is changed by a constant", "\(f32) (f32.neg (local.get 0))",
            ["vxorps xmm0, xmm6, [rip…"]),
        CodeRule(
            "or taken away", "\(f64) (f64.abs (local.get 0))",
            ["vandps xmm0, xmm6, [rip…"]),
        CodeRule(
            "or taken from another number",
            "\(f32) (f32.copysign (local.get 0) (local.get 1))",
            [
                "vandps xmm15, xmm7, [rip…", "vandps xmm0, xmm6, [rip…",
                "vorps xmm0, xmm15, xmm0",
            ]),
        CodeRule(
            "the processor rounds", "\(f32) (f32.nearest (local.get 0))",
            ["vroundss xmm0, xmm6, xmm6, 8"]),
        CodeRule(
            "a local that is set is where the result goes",
            "(param f64 f64) (local.set 1 (f64.sqrt (local.get 0)))",
            ["vsqrtsd xmm7, xmm6, xmm6"]),
    ]

    @Test(arguments: arithmetic)
    func instructions(_ rule: CodeRule) throws { try rule.check() }

    static let twoOperands: [CodeRule] = [
        CodeRule(
            "the first operand moves to the result",
            "\(f64) (f64.sub (local.get 0) (local.get 1))",
            ["movaps xmm0, xmm6", "subsd xmm0, xmm7"]),
        CodeRule(
            "a second one that gets the result is kept meanwhile",
            "\(f64) (f64.sub (local.get 0) (f64.mul (local.get 0) (local.get 1)))",
            [
                "movaps xmm0, xmm6", "mulsd xmm0, xmm7", "movaps xmm15, xmm0",
                "movaps xmm0, xmm6", "subsd xmm0, xmm15",
            ]),
    ]

    @Test(arguments: twoOperands)
    func instructionsWithoutAVX(_ rule: CodeRule) throws { try rule.check(on: []) }

    /// Of zeros of different sign, the least is what has any sign and the greatest what has both;
    /// what has no order comes of a sum.
    @Test(arguments: [("min", "vorps"), ("max", "vandps")])
    func extremes(_ operation: String, _ ofZeros: String) throws {
        let code = try FunctionCode("\(Self.f64) (f64.\(operation) (local.get 0) (local.get 1))")
        #expect(
            code.names == [
                "vucomisd", "jne", "jp", ofZeros, "jmp", "vaddsd", "jmp", "v\(operation)sd",
            ])
    }

    /// Constants of signs are operands in memory there, too.
    @Test func signsWithoutAVX() throws {
        let code = try FunctionCode("\(Self.f32) (f32.neg (local.get 0))", on: [])
        #expect(code.names == ["movaps", "xorps"])
    }
}
