import ApusABI
import Testing

@Suite struct VectorTests {
    private static let binary = "(param v128 v128) (result v128)"

    static let lanes: [CodeRule] = [
        CodeRule(
            "the first lane is moved",
            "(param v128) (result i32) (i32x4.extract_lane 0 (local.get 0))", ["vmovd eax, xmm6"]),
        CodeRule(
            "another is taken out",
            "(param v128) (result i64) (i64x2.extract_lane 1 (local.get 0))",
            ["vpextrq rax, xmm6, 1"]),
        CodeRule(
            "a sign is extended",
            "(param v128) (result i32) (i8x16.extract_lane_s 3 (local.get 0))",
            ["vpextrb eax, xmm6, 3", "movsx eax, al"]),
        CodeRule(
            "a float's first lane is there already",
            """
            (param v128 v128) (result f32)
            (f32x4.extract_lane 0 (v128.and (local.get 0) (local.get 1)))
            """, ["vpand xmm0, xmm6, xmm7"]),
        CodeRule(
            "others move down", "(param v128) (result f64) (f64x2.extract_lane 1 (local.get 0))",
            ["vpshufd xmm0, xmm6, 238"]),
        CodeRule(
            "a lane is put into a vector",
            """
            (param v128 i32) (result v128)
            (i16x8.replace_lane 2 (local.get 0) (local.get 1))
            """, ["vpinsrw xmm0, xmm6, edi, 2"]),
        CodeRule(
            "a float is in all lanes at once",
            "(param f64) (result v128) (f64x2.splat (local.get 0))",
            ["vmovddup xmm0, xmm6"]),
    ]

    @Test(arguments: lanes)
    func lanesOfVectors(_ rule: CodeRule) throws { try rule.check() }

    // MARK: Conditions

    /// A test of lanes is a comparison, whose flags the next instruction takes.
    @Test func testsLeaveFlags() throws {
        let any = try FunctionCode("(param v128) (block (br_if 0 (v128.any_true (local.get 0))))")
        #expect(any.names == ["vptest", "jne"])
        let all = try FunctionCode(
            "(param v128) (if (i32x4.all_true (local.get 0)) (then))")
        #expect(all.names.suffix(2) == ["vptest", "jne"])
    }

    @Test func masksOfLanes() throws {
        let code = try FunctionCode("(param v128) (result i32) (i8x16.bitmask (local.get 0))")
        #expect(code.body == ["vpmovmskb eax, xmm6"])
    }

    // MARK: Constants and memory

    /// A constant is an operand in memory; without AVX it is aligned there, which frames are not.
    @Test func constantsAreOperands() throws {
        let constant = "\(Self.binary) (v128.xor (local.get 0) (v128.const i64x2 1 2))"
        #expect(try FunctionCode(constant).body[0].hasPrefix("vpxor xmm0, xmm6, [rip"))
        let old = try FunctionCode(constant, on: [])
        #expect(old.body.last?.hasPrefix("pxor xmm0, [rip") == true)
    }

    @Test func operandsInTheFrame() throws {
        let function = "\(Self.binary) local.get 0 local.get 1 block end v128.xor"
        let new = try FunctionCode(function)
        #expect(new.body.last?.hasPrefix("vpxor xmm0, xmm0, [rbp") == true)
        let old = try FunctionCode(function, on: [])
        #expect(old.body.last == "pxor xmm0, xmm1")
    }

    @Test func lanesOfMemory() throws {
        let load = try FunctionCode(
            "(param i32 v128) (result v128) (v128.load32_lane 2 (local.get 0) (local.get 1))",
            in: "(memory 1)")
        #expect(load.body.last == "vpinsrd xmm0, xmm0, dword ptr [r11 + 1*rdi], 2")
        let store = try FunctionCode(
            "(param i32 v128) (v128.store8_lane 5 (local.get 0) (local.get 1))", in: "(memory 1)")
        #expect(store.body.last == "vpextrb byte ptr [r11 + 1*rdi], xmm6, 5")
        #expect(store.traps == [.memoryOutOfBounds])
    }
}
