import ApusABI
import Testing

@Suite struct AggregatesTests {
    private static let types = """
        (type $pair (struct (field (mut i32)) (field (mut i8)) (field (mut f64))))
        (type $bytes (array (mut i8))) (type $words (array (mut i64))) (type $vectors (array v128))
        """

    // MARK: Structures

    static let fields: [CodeRule] = [
        CodeRule(
            "a field is at its place behind the header, and null faults",
            "(param (ref null $pair)) (result i32) (struct.get $pair 0 (local.get 0))",
            ["mov rax, qword ptr [rbp…", "mov eax, dword ptr [rax + 8]"]),
        CodeRule(
            "a packed one is extended",
            "(param (ref null $pair)) (result i32) (struct.get_s $pair 1 (local.get 0))",
            ["mov rax, qword ptr [rbp…", "movsx eax, byte ptr [rax + 12]"]),
        CodeRule(
            "without a sign, too",
            "(param (ref null $pair)) (result i32) (struct.get_u $pair 1 (local.get 0))",
            ["mov rax, qword ptr [rbp…", "movzx eax, byte ptr [rax + 12]"]),
        CodeRule(
            "a float is read into its own register",
            "(param (ref null $pair)) (result f64) (struct.get $pair 2 (local.get 0))",
            ["mov rax, qword ptr [rbp…", "vmovsd xmm0, qword ptr [rax + 16]"]),
        CodeRule(
            "written is as much as the field has",
            "(param (ref null $pair) i32) (struct.set $pair 1 (local.get 0) (local.get 1))",
            ["mov rax, qword ptr [rbp…", "mov byte ptr [rax + 12], dil"]),
    ]

    @Test(arguments: fields)
    func structures(_ rule: CodeRule) throws { try rule.check(in: Self.types) }

    /// A field that is too far away for null to fault.
    @Test func farFieldsAreTestedFor() throws {
        let near = try FunctionCode(
            "(param (ref null $far)) (result i64) (struct.get $far 510 (local.get 0))",
            in: "(type $far (struct \(String(repeating: "(field i64)", count: 512))))")
        #expect(!near.names.contains("test"))
        let far = try FunctionCode(
            "(param (ref null $far)) (result i64) (struct.get $far 511 (local.get 0))",
            in: "(type $far (struct \(String(repeating: "(field i64)", count: 512))))")
        #expect(far.body.contains("test rax, rax"))
        #expect(far.traps.count { $0 == .nullStructureReference } == 2)
    }

    /// A new object is all zeros: those are not written again.
    @Test func zerosAreNotWritten() throws {
        func stores(_ value: Int) throws -> Int {
            try FunctionCode(
                """
                (result (ref $pair))
                (struct.new $pair (i32.const \(value)) (i32.const \(value)) (f64.const 0))
                """, in: Self.types
            ).body.count { $0.hasSuffix("], \(value)") && $0.contains("[rax + ") }
        }
        #expect(try stores(7) == 2)
        #expect(try stores(0) == 0)
        let defaults = try FunctionCode(
            "(result (ref $pair)) (struct.new_default $pair)", in: Self.types)
        let zeros = try FunctionCode(
            "(result (ref $pair)) (struct.new $pair (i32.const 0) (i32.const 0) (f64.const 0))",
            in: Self.types)
        #expect(zeros.body == defaults.body)
    }

    // MARK: Arrays

    /// Of a length that is known to be short they are made in line, with their elements.
    @Test func shortArrays() throws {
        func code(_ length: Int, isMetered: Bool = false) throws -> FunctionCode {
            try FunctionCode(
                "(param i64) (result (ref $words)) (array.new $words (local.get 0) "
                    + "(i32.const \(length)))", in: Self.types
            ) { $0.isFuelMetered = isMetered }
        }
        // Where there is no room, a stub is called.
        #expect(try code(8).body.count { $0.hasPrefix("mov qword ptr [rax + ") } == 8)
        #expect(try code(0).callCount == 1)
        let call = "mov eax, \(RuntimeFunction.arrayNewFilled.rawValue)"
        #expect(try !code(8).body.contains(call))
        #expect(try code(9).body.contains(call))
        #expect(try code(8, isMetered: true).body.contains(call))
    }

    /// Null is noticed where the length is read; an index that is too large is 0 to who goes on
    /// before that is known.
    @Test func elementsAreCheckedAndMasked() throws {
        let code = try FunctionCode(
            """
            (param (ref null $words) i32) (result i64)
            (array.get $words (local.get 0) (local.get 1))
            """, in: Self.types)
        #expect(code.names == ["mov", "xor", "cmp", "jae", "cmovb", "mov"])
        #expect(code.body[2] == "cmp edi, dword ptr [rax + 4]")
        #expect(code.body.last == "mov rcx, qword ptr [rax + 8*rcx + 8]")
        #expect(code.traps == [.nullArrayReference, .arrayOutOfBounds])
    }

    /// No address has a scale of 16.
    @Test func indicesOfVectorsAreShifted() throws {
        let code = try FunctionCode(
            """
            (param (ref null $vectors) i32) (result v128)
            (array.get $vectors (local.get 0) (local.get 1))
            """, in: Self.types)
        #expect(code.body.contains("shl rcx, 4"))
    }

    @Test func aLengthIsALoad() throws {
        let code = try FunctionCode(
            "(param (ref null $bytes)) (result i32) (array.len (local.get 0))", in: Self.types)
        #expect(code.body.last == "mov eax, dword ptr [rax + 4]")
        #expect(code.traps == [.nullArrayReference])
    }

    /// Elements that are listed are written here, the length into the header.
    @Test func fixedArraysAreMadeHere() throws {
        let code = try FunctionCode(
            "(result (ref $bytes)) (array.new_fixed $bytes 2 (i32.const 5) (i32.const 6))",
            in: Self.types)
        #expect(code.body.contains("mov dword ptr [rax + 4], 2"))
        #expect(code.body.suffix(2) == ["mov byte ptr [rax + 8], 5", "mov byte ptr [rax + 9], 6"])
    }

    @Test(arguments: [
        ("(drop (array.new_default $words (local.get 1)))", RuntimeFunction.arrayNew),
        ("(drop (array.new $words (i64.const 1) (local.get 1)))", .arrayNewFilled),
        ("(drop (array.new $vectors (v128.const i64x2 1 1) (local.get 1)))", .arrayNewVectors),
        ("(drop (array.new_data $words 0 (local.get 1) (local.get 1)))", .arrayNewData),
        (
            """
            (array.copy $words $words
              (local.get 0) (local.get 1) (local.get 0) (local.get 1) (local.get 1))
            """,
            .arrayCopy
        ),
        (
            "(array.fill $words (local.get 0) (local.get 1) (i64.const 1) (local.get 1))",
            .arrayFill
        ),
        (
            "(array.init_data $words 0 (local.get 0) (local.get 1) (local.get 1) (local.get 1))",
            .arrayInitData
        ),
    ])
    func theRuntimeDoesTheRest(_ instruction: String, _ function: RuntimeFunction) throws {
        let code = try FunctionCode(
            "(param (ref null $words) i32) \(instruction)", in: Self.types + #"(data "")"#)
        #expect(code.body.contains("mov eax, \(function.rawValue)"))
    }

    /// The runtime takes a float as its bits, a vector as an address.
    @Test func elementsForTheRuntime() throws {
        let floats = "(type $floats (array (mut f32)))"
        let constant = try FunctionCode(
            "(result (ref $floats)) (array.new $floats (f32.const 1) (i32.const 9))", in: floats)
        #expect(constant.body.contains("mov edx, 1065353216"))
        let local = try FunctionCode(
            "(param f32) (result (ref $floats)) (array.new $floats (local.get 0) (i32.const 9))",
            in: floats)
        #expect(local.body.contains { $0.hasPrefix("mov eax, dword ptr [rbp") })
        let vector = try FunctionCode(
            "(param v128) (result (ref $vectors)) (array.new $vectors (local.get 0) (i32.const 9))",
            in: Self.types)
        #expect(vector.body.contains { $0.hasPrefix("lea rax, [rbp") })
    }
}
