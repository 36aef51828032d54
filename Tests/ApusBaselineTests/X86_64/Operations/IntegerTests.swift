import ApusABI
import Testing

@Suite struct IntegerTests {
    private static let i32 = "(param i32 i32) (result i32)"
    private static let i64 = "(param i64 i64) (result i64)"

    // MARK: Addition and subtraction

    static let sums: [CodeRule] = [
        CodeRule(
            "a constant is part of the addition, which has a result of its own",
            "\(i32) (i32.add (local.get 0) (i32.const 5))", ["lea eax, [rdi + 5]"]),
        CodeRule(
            "on whichever side it is", "\(i32) (i32.add (i32.const 5) (local.get 0))",
            ["lea eax, [rdi + 5]"]),
        CodeRule(
            "what is taken off is added", "\(i32) (i32.sub (local.get 0) (i32.const 5))",
            ["lea eax, [rdi - 5]"]),
        CodeRule(
            "but for the number without a negative",
            "\(i32) (i32.sub (local.get 0) (i32.const 0x80000000))",
            ["mov eax, 2147483648", "mov ecx, edi", "sub ecx, eax"]),
        CodeRule(
            "a constant that does not fit has a register, which gets the sum",
            "\(i64) (i64.add (local.get 0) (i64.const 0x100000000))",
            ["movabs rax, 4294967296", "add rax, rdi"]),
        CodeRule("0 is nothing to add", "\(i32) (i32.add (local.get 0) (i32.const 0))", []),
        CodeRule("nor to take off", "\(i64) (i64.sub (local.get 0) (i64.const 0))", []),
        CodeRule(
            "what is taken off 0 is negated", "\(i32) (i32.sub (i32.const 0) (local.get 0))",
            ["mov eax, edi", "neg eax"]),
        CodeRule(
            "a sum of two locals is an address",
            "\(i32) (i32.add (local.get 0) (local.get 1))", ["lea eax, [rdi + 1*r8]"]),
        CodeRule(
            "a sum with an operand of our own is in its register",
            "\(i32) (i32.add (i32.add (local.get 0) (i32.const 5)) (local.get 1))",
            ["lea eax, [rdi + 5]", "add eax, r8d"]),
        CodeRule(
            "so if that is the second one",
            "\(i32) (i32.add (local.get 1) (i32.add (local.get 0) (i32.const 5)))",
            ["lea eax, [rdi + 5]", "add eax, r8d"]),
        CodeRule(
            "what is taken from a local goes elsewhere",
            "\(i32) (i32.sub (local.get 1) (i32.add (local.get 0) (i32.const 5)))",
            ["lea eax, [rdi + 5]", "mov ecx, r8d", "sub ecx, eax"]),
        CodeRule(
            "a local that is taken off its own difference is negated first",
            "(param i32 i32) (local.set 1 (i32.sub (local.get 0) (local.get 1)))",
            ["neg edi", "add edi, r8d"]),
        CodeRule(
            "what is in the frame is read there",
            "\(i32) local.get 0 local.get 1 block end i32.sub",
            [
                "mov qword ptr [rbp…", "mov qword ptr [rbp…", "mov eax, dword ptr [rbp…",
                "sub eax, dword ptr [rbp…",
            ]),
    ]

    @Test(arguments: sums)
    func additionAndSubtraction(_ rule: CodeRule) throws { try rule.check() }

    /// What is known is not computed, but for what may trap.
    @Test func constantsAreFolded() throws {
        for (operation, result) in [
            ("i32.mul (i32.const 6) (i32.const 7)", "42"),
            ("i32.shr_s (i32.const -64) (i32.const 33)", "\(UInt32(bitPattern: -32))"),
            ("i32.rotl (i32.const 0x80000001) (i32.const 1)", "3"),
            ("i32.rem_u (i32.const 44) (i32.const 7)", "2"),
            ("i32.clz (i32.const 1)", "31"),
            ("i32.extend8_s (i32.const 0x80)", "\(UInt32(bitPattern: -128))"),
        ] {
            let code = try FunctionCode("(result i32) (\(operation))")
            #expect(code.body == [], "\(operation)")
            #expect(code.rest.first == "mov eax, \(result)", "\(operation)")
        }
        let division = try FunctionCode("(result i32) (i32.div_u (i32.const 6) (i32.const 0))")
        #expect(division.traps.contains(.integerDivideByZero))
    }

    // MARK: Bits

    static let bits: [CodeRule] = [
        CodeRule(
            "a mask of bytes is a move", "\(i32) (i32.and (local.get 0) (i32.const 0xFF))",
            ["movzx eax, dil"]),
        CodeRule(
            "of two, too", "\(i32) (i32.and (i32.const 0xFFFF) (local.get 0))",
            ["movzx eax, di"]),
        CodeRule(
            "and of four", "\(i64) (i64.and (local.get 0) (i64.const 0xFFFFFFFF))",
            ["mov eax, edi"]),
        CodeRule(
            "a mask of all bits is nothing",
            "\(i32) (i32.and (local.get 0) (i32.const -1))", []),
        CodeRule(
            "other masks are part of the instruction",
            "\(i32) (i32.and (local.get 0) (i32.const 0xFE))", ["mov eax, edi", "and eax, 254"]),
        CodeRule(
            "no bits are nothing to set", "\(i32) (i32.or (local.get 0) (i32.const 0))", []),
        CodeRule("nor to change", "\(i64) (i64.xor (i64.const 0) (local.get 0))", []),
        CodeRule(
            "a result is where the second operand was, if that is ours",
            "\(i32) (i32.or (local.get 1) (i32.add (local.get 0) (i32.const 5)))",
            ["lea eax, [rdi + 5]", "or eax, r8d"]),
    ]

    @Test(arguments: bits)
    func masks(_ rule: CodeRule) throws { try rule.check() }

    // MARK: Multiplication

    static let products: [CodeRule] = [
        CodeRule(
            "once is nothing to do", "\(i32) (i32.mul (local.get 0) (i32.const 1))", []),
        CodeRule(
            "powers of two are shifts", "\(i64) (i64.mul (local.get 0) (i64.const 16))",
            ["mov rax, rdi", "shl rax, 4"]),
        CodeRule(
            "twice is an address", "\(i32) (i32.mul (local.get 0) (i32.const 2))",
            ["lea eax, [rdi + 1*rdi]"]),
        CodeRule(
            "other constants are part of the instruction",
            "\(i32) (i32.mul (i32.const 7) (local.get 0))", ["imul eax, edi, 7"]),
        CodeRule(
            "what is in the frame is read there",
            "\(i32) local.get 0 local.get 1 block end i32.mul",
            [
                "mov qword ptr [rbp…", "mov qword ptr [rbp…", "mov eax, dword ptr [rbp…",
                "imul eax, dword ptr [rbp…",
            ]),
    ]

    /// One more than what addresses are scaled by.
    @Test(arguments: [3, 5, 9])
    func sumsWithMultiples(_ factor: Int) throws {
        let code = try FunctionCode("\(Self.i32) (i32.mul (local.get 0) (i32.const \(factor)))")
        #expect(code.body == ["lea eax, [rdi + \(factor - 1)*rdi]"])
    }

    @Test(arguments: products)
    func multiplication(_ rule: CodeRule) throws { try rule.check() }

    // MARK: Shifts

    static let shifts: [CodeRule] = [
        CodeRule(
            "a constant count is part of the instruction, modulo the bits",
            "\(i32) (i32.shl (local.get 0) (i32.const 37))", ["mov eax, edi", "shl eax, 5"]),
        CodeRule(
            "no bits are nothing to shift by",
            "\(i64) (i64.shr_s (local.get 0) (i64.const 64))", []),
        CodeRule(
            "a result of ours is shifted where it is",
            "\(i32) (i32.shr_u (i32.add (local.get 0) (i32.const 5)) (i32.const 3))",
            ["lea eax, [rdi + 5]", "shr eax, 3"]),
    ]

    @Test(arguments: shifts)
    func constantShifts(_ rule: CodeRule) throws { try rule.check() }

    static let newShifts: [CodeRule] = [
        CodeRule(
            "a count may be in any register", "\(i32) (i32.shl (local.get 0) (local.get 1))",
            ["shlx eax, edi, r8d"]),
        CodeRule(
            "a rotation is to the right", "\(i32) (i32.rotl (local.get 0) (i32.const 5))",
            ["rorx eax, edi, 27"]),
        CodeRule(
            "so it stays if it is", "\(i64) (i64.rotr (local.get 0) (i64.const 5))",
            ["rorx rax, rdi, 5"]),
        CodeRule(
            "but for counts that are not known, which are in cl",
            "\(i32) (i32.rotl (local.get 0) (local.get 1))",
            ["mov ecx, r8d", "mov eax, edi", "rol eax, cl"]),
    ]

    @Test(arguments: newShifts)
    func shiftsOfNewerProcessors(_ rule: CodeRule) throws { try rule.check() }

    static let oldShifts: [CodeRule] = [
        CodeRule(
            "counts are in cl", "\(i32) (i32.shr_s (local.get 0) (local.get 1))",
            ["mov ecx, r8d", "mov eax, edi", "sar eax, cl"]),
        CodeRule(
            "a rotation goes where it goes", "\(i32) (i32.rotl (local.get 0) (i32.const 5))",
            ["mov eax, edi", "rol eax, 5"]),
    ]

    @Test(arguments: oldShifts)
    func shiftsOfOlderProcessors(_ rule: CodeRule) throws { try rule.check(on: []) }

    /// What is shifted must not be where the count goes: here the third operand is in rdx, and the
    /// second one, which is to be shifted, in rcx.
    @Test func whatIsInTheWayOfACountMoves() throws {
        let code = try FunctionCode(
            """
            (param i32 i32 i32) (result i32)
            (i32.add (local.get 0) (i32.const 1))
            (i32.add (local.get 1) (i32.const 2))
            (i32.add (local.get 2) (i32.const 3))
            i32.shl i32.xor
            """, on: [])
        #expect(
            code.body == [
                "lea eax, [rdi + 1]", "lea ecx, [r8 + 2]", "lea edx, [r9 + 3]", "mov esi, ecx",
                "mov ecx, edx", "shl esi, cl", "xor eax, esi",
            ])
    }

    // MARK: Unary

    @Test(arguments: [
        ("i32.clz", ["lzcnt eax, edi"]), ("i32.ctz", ["tzcnt eax, edi"]),
        ("i32.popcnt", ["popcnt eax, edi"]), ("i32.extend8_s", ["movsx eax, dil"]),
        ("i32.extend16_s", ["movsx eax, di"]),
    ])
    func oneInstruction(_ operation: String, _ code: [String]) throws {
        #expect(try FunctionCode("\(Self.i32) (\(operation) (local.get 0))").body == code)
    }

    /// Without an instruction for it: of 0, bit scans say nothing but that it is 0.
    @Test func bitScansAreMendedForZero() throws {
        let leading = try FunctionCode("\(Self.i64) (i64.clz (local.get 0))", on: [])
        #expect(
            leading.body == [
                "bsr rax, rdi", "mov r11d, 127", "cmove rax, r11", "xor rax, 63",
            ])
        let trailing = try FunctionCode("\(Self.i32) (i32.ctz (local.get 0))", on: [])
        #expect(trailing.body == ["bsf eax, edi", "mov r11d, 32", "cmove eax, r11d"])
    }

    /// Nor does it take the registers of locals or operands.
    @Test func bitsAreCountedWithoutAnInstructionForIt() throws {
        let code = try FunctionCode("\(Self.i32) (i32.popcnt (local.get 0))", on: [])
        #expect(!code.names.contains("popcnt"))
        #expect(code.names.suffix(3) == ["imul", "shr", "mov"])
        #expect(!code.body.contains { $0.contains(" edi,") || $0.contains(" r8d,") })
    }
}
