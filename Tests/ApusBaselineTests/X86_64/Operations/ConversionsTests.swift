import ApusABI
import Testing

@Suite struct ConversionsTests {
    static let integers: [CodeRule] = [
        CodeRule(
            "the low half of a local is moved",
            "(param i64) (result i32) (i32.wrap_i64 (local.get 0))", ["mov eax, edi"]),
        CodeRule(
            "in the frame it is there already",
            "(param i64) (result i32) local.get 0 block end i32.wrap_i64",
            ["mov qword ptr [rbp…"]),
        CodeRule(
            "a register has no bits above an i32",
            """
            (param i32) (result i64)
            (i64.extend_i32_u (i32.add (local.get 0) (i32.const 5)))
            """, ["lea eax, [rdi + 5]"]),
        CodeRule(
            "but that of a local has a new name",
            "(param i32) (result i64) (i64.extend_i32_u (local.get 0))", ["mov eax, edi"]),
        CodeRule(
            "a sign is extended", "(param i32) (result i64) (i64.extend_i32_s (local.get 0))",
            ["movsxd rax, edi"]),
        CodeRule(
            "an i32 without a sign is an i64 that has none",
            "(param i32) (result f64) (f64.convert_i32_u (local.get 0))",
            ["vxorps xmm0, xmm0, xmm0", "vcvtsi2sd xmm0, xmm0, rdi"]),
        CodeRule(
            "a number of four bytes to a float of eight",
            "(param i32) (result f64) (f64.convert_i32_s (local.get 0))",
            ["vxorps xmm0, xmm0, xmm0", "vcvtsi2sd xmm0, xmm0, edi"]),
    ]

    @Test(arguments: integers)
    func integerConversions(_ rule: CodeRule) throws { try rule.check() }

    @Test func constantsAreConverted() throws {
        for (conversion, result) in [
            ("(result i32) (i32.wrap_i64 (i64.const 0x100000007))", "mov eax, 7"),
            ("(result i64) (i64.extend_i32_s (i32.const -1))", "mov rax, -1"),
            ("(result i64) (i64.extend_i32_u (i32.const -1))", "mov eax, 4294967295"),
            ("(result i32) (i32.reinterpret_f32 (f32.const 1))", "mov eax, 1065353216"),
        ] {
            let code = try FunctionCode(conversion)
            #expect(code.body == [])
            #expect(code.rest.first == result)
        }
    }

    static let bits: [CodeRule] = [
        CodeRule(
            "bits change the register",
            "(param f32) (result i32) (i32.reinterpret_f32 (local.get 0))",
            ["vmovd eax, xmm6"]),
        CodeRule(
            "back, too", "(param i64) (result f64) (f64.reinterpret_i64 (local.get 0))",
            ["vmovq xmm0, rdi"]),
    ]

    @Test(arguments: bits)
    func reinterpretations(_ rule: CodeRule) throws { try rule.check() }

    @Test func bitsInTheFrameStay() throws {
        let code = try FunctionCode(
            "(param f64) (result i64) local.get 0 block end i64.reinterpret_f64")
        #expect(code.names == ["vmovsd"])
        #expect(code.rest.first?.hasPrefix("mov rax, qword ptr [rbp") == true)
    }

    // MARK: Floats to integers

    /// The processor's answer is looked at, and only the one that says that it failed any further.
    @Test func signedTruncation() throws {
        let code = try FunctionCode(
            "(param f64) (result i32) (i32.trunc_f64_s (local.get 0))")
        #expect(code.body.prefix(2) == ["vcvttsd2si eax, xmm6", "cmp eax, 1"])
        #expect(code.names[2] == "jno")
        #expect(code.traps == [.invalidConversionToInteger, .integerOverflow, .integerOverflow])
    }

    /// What fits 32 bits is the low half of what 64 hold.
    @Test func unsignedTruncation() throws {
        let code = try FunctionCode(
            "(param f64) (result i32) (i32.trunc_f64_u (local.get 0))")
        #expect(
            code.body.prefix(3) == ["vcvttsd2si rax, xmm6", "mov r11d, eax", "cmp r11, rax"])
        #expect(code.names[3] == "je")
    }

    @Test(arguments: ["i32", "i64"], ["f32", "f64"])
    func saturationTrapsNever(_ type: String, _ source: String) throws {
        for sign in ["s", "u"] {
            let code = try FunctionCode(
                """
                (param \(source)) (result \(type))
                (\(type).trunc_sat_\(source)_\(sign) (local.get 0))
                """)
            #expect(code.traps == [])
        }
    }

    /// A number above the signed range is halved, its lowest bit kept, and doubled.
    @Test func unsignedNumbersOf64Bits() throws {
        let code = try FunctionCode(
            "(param i64) (result f64) (f64.convert_i64_u (local.get 0))")
        #expect(code.body.contains("shr rax, 1"))
        #expect(code.body.contains("and r11d, 1"))
        #expect(code.body.last == "vaddsd xmm0, xmm0, xmm0")
        // The local is as it was.
        #expect(code.body.first == "mov rax, rdi")
    }
}
