import ApusABI
import Testing

@testable import ApusBaseline

@Suite struct DivisionTests {
    private static let i32 = "(param i32 i32) (result i32)"
    private static let i64 = "(param i64 i64) (result i64)"

    static let constants: [CodeRule] = [
        CodeRule("by 1 is nothing", "\(i32) (i32.div_s (local.get 0) (i32.const 1))", []),
        CodeRule(
            "by powers of two is a shift, if there is no sign",
            "\(i64) (i64.div_u (local.get 0) (i64.const 16))", ["mov rax, rdi", "shr rax, 4"]),
        CodeRule(
            "and what remains is a mask", "\(i32) (i32.rem_u (local.get 0) (i32.const 8))",
            ["mov eax, edi", "and eax, 7"]),
        CodeRule(
            "which may be a move", "\(i64) (i64.rem_u (local.get 0) (i64.const 256))",
            ["movzx eax, dil"]),
        CodeRule(
            "of 32 bits is a product of 64",
            "\(i32) (i32.div_u (local.get 0) (i32.const 10))",
            ["mov eax, 3435973837", "imul rax, rdi", "shr rax, 35"]),
    ]

    @Test(arguments: constants)
    func divisionByConstants(_ rule: CodeRule) throws { try rule.check() }

    private static func names(_ body: String) throws -> [String] {
        try FunctionCode(body).names
    }

    /// Nothing of 32 bits is divided by a constant, which then cannot trap.
    @Test(arguments: ["div_s", "div_u", "rem_s", "rem_u"], [3, 7, 10, 641, -5, Int32.max])
    func reciprocals(_ operation: String, _ divisor: Int32) throws {
        let code = try FunctionCode(
            "\(Self.i32) (i32.\(operation) (local.get 0) (i32.const \(divisor)))")
        #expect(code.names.contains("imul"))
        #expect(!code.names.contains("div") && !code.names.contains("idiv"))
        #expect(code.traps == [])
    }

    /// What a product with the reciprocal and shifts come to, step by step as the code does it.
    private static func quotient(_ dividend: UInt32, _ divisor: Divisor32) -> UInt32 {
        if divisor.isSigned {
            let dividend = Int64(Int32(bitPattern: dividend))
            let product = dividend &* Int64(bitPattern: divisor.reciprocal)
            let sign = UInt32(UInt64(bitPattern: product) >> 63)
            let quotient = UInt32(truncatingIfNeeded: product >> Int64(32 + divisor.shift)) &+ sign
            return divisor.divisor < 0 ? 0 &- quotient : quotient
        }
        let product = UInt64(dividend) &* (divisor.reciprocal & 0xFFFF_FFFF)
        if divisor.needsAddition {
            let high = UInt32(product >> 32)
            return (((dividend &- high) >> 1) &+ high) >> UInt32(divisor.shift - 1)
        }
        return UInt32(truncatingIfNeeded: product >> UInt64(32 + divisor.shift))
    }

    /// Each reciprocal gives the right quotients, of dividends at the ends and near multiples.
    @Test func reciprocalsAreRight() throws {
        let divisors: [UInt32] =
            Array(2...200) + [641, 1000, 65535, 65536, 65537, 6_700_417, 0x7FFF_FFFF]
            + (1...200).map { 0 &- $0 } + [0x8000_0000, 0x8000_0001, 0xAAAA_AAAB]
        for bits in divisors {
            for isSigned in [false, true] {
                // Powers of two without a sign are shifts.
                if !isSigned, bits.nonzeroBitCount == 1 { continue }
                guard let divisor = Divisor32(UInt64(bits), isSigned: isSigned) else { continue }
                var dividends: [UInt32] = [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, .max]
                for multiple in [1, 2, 3, 0x1234, UInt32.max / bits] as [UInt32] {
                    let product = bits &* multiple
                    dividends += [product &- 1, product, product &+ 1]
                }
                for dividend in dividends {
                    let expected =
                        isSigned
                        ? UInt32(bitPattern: Int32(bitPattern: dividend) / Int32(bitPattern: bits))
                        : dividend / bits
                    #expect(Self.quotient(dividend, divisor) == expected, "\(dividend), \(divisor)")
                }
            }
        }
    }

    /// A reciprocal of 33 bits has its highest one added by hand.
    @Test func reciprocalsThatDoNotFit() throws {
        let seven = try Self.names("\(Self.i32) (i32.div_u (local.get 0) (i32.const 7))")
        #expect(seven.contains("sub") && seven.contains("add"))
        let ten = try Self.names("\(Self.i32) (i32.div_u (local.get 0) (i32.const 10))")
        #expect(!ten.contains("sub"))
    }

    /// The processor divides where it has to: by -1, which may trap, by the least integer, and
    /// numbers of 64 bits.
    @Test(arguments: [
        "(param i32) (result i32) (i32.div_s (local.get 0) (i32.const -1))",
        "(param i32) (result i32) (i32.div_s (local.get 0) (i32.const 0x80000000))",
        "(param i64) (result i64) (i64.div_s (local.get 0) (i64.const 10))",
    ])
    func otherConstants(_ function: String) throws {
        let code = try FunctionCode(function)
        #expect(code.names.contains("idiv"))
        // It is known not to be 0.
        #expect(!code.traps.contains(.integerDivideByZero))
        #expect(code.traps.contains(.integerOverflow))
    }

    // MARK: Unknown divisors

    @Test func theDividendIsInTwoRegisters() throws {
        let signed = try FunctionCode("\(Self.i32) (i32.div_s (local.get 0) (local.get 1))")
        #expect(signed.names == ["mov", "test", "je", "cdq", "idiv"])
        #expect(signed.body.first == "mov eax, edi")
        #expect(signed.traps == [.integerOverflow, .integerDivideByZero])
        let unsigned = try FunctionCode("\(Self.i32) (i32.div_u (local.get 0) (local.get 1))")
        #expect(unsigned.names == ["mov", "test", "je", "xor", "div"])
        #expect(unsigned.body.contains("xor edx, edx"))
        #expect(unsigned.traps == [.integerDivideByZero])
    }

    /// The processor would stop at the quotient of the least integer and -1.
    @Test func remaindersOfMinusOneAreNotAskedFor() throws {
        let unknown = try FunctionCode("\(Self.i64) (i64.rem_s (local.get 0) (local.get 1))")
        #expect(unknown.body.contains("cmp r8, -1"))
        #expect(unknown.traps == [.integerDivideByZero])
        let known = try Self.names("\(Self.i64) (i64.rem_s (local.get 0) (i64.const 10))")
        #expect(known == ["mov", "mov", "cqo", "idiv"])
        let minusOne = try Self.names("\(Self.i64) (i64.rem_s (local.get 0) (i64.const -1))")
        #expect(minusOne.contains("cmp"))
    }

    static let others: [CodeRule] = [
        CodeRule(
            "a dividend of ours that is in rax stays there, and so does its divisor",
            """
            \(i32)
            (i32.add (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 2)) i32.div_u
            """,
            [
                "lea eax, [rdi + 1]", "lea ecx, [r8 + 2]", "test ecx, ecx", "je …",
                "xor edx, edx", "div ecx",
            ]),
        CodeRule(
            "an operand below that is in rax or rdx moves",
            """
            \(i32)
            (i32.add (local.get 0) (i32.const 1))
            (i32.div_u (local.get 1) (i32.add (local.get 0) (i32.const 2))) i32.xor
            """,
            [
                "lea eax, [rdi + 1]", "lea ecx, [rdi + 2]", "mov rdx, rax", "mov eax, r8d",
                "mov rsi, rdx", "test ecx, ecx", "je …", "xor edx, edx", "div ecx", "xor esi, eax",
            ]),
        CodeRule(
            "a divisor that is there goes through the scratch register",
            "\(i32) (i32.div_u (local.get 1) (i32.add (local.get 0) (i32.const 2)))",
            [
                "lea eax, [rdi + 2]", "mov r11d, eax", "mov eax, r8d", "test r11d, r11d", "je …",
                "xor edx, edx", "div r11d",
            ]),
    ]

    @Test(arguments: others)
    func registersAreMadeFree(_ rule: CodeRule) throws { try rule.check() }

    @Test func resultsGoToTheLocalThatIsSet() throws {
        let code = try FunctionCode(
            "(param i32 i32) (local.set 0 (i32.rem_u (local.get 0) (local.get 1)))")
        #expect(code.body.last == "mov edi, edx")
    }
}
