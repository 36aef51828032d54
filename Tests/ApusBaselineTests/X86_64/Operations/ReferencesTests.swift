import ApusABI
import Testing

@Suite struct ReferencesTests {
    // MARK: Null

    static let nulls: [CodeRule] = [
        CodeRule(
            "is a constant", "(result externref) (ref.null extern)", []),
        CodeRule(
            "is known to be null", "(result i32) (ref.is_null (ref.null extern))", []),
        CodeRule(
            "that a reference is null is asked where it is",
            "(param externref) (block (br_if 0 (ref.is_null (local.get 0))))",
            ["cmp qword ptr [rbp…", "je …"]),
        CodeRule(
            "or not", "(param externref) (block (br_if 0 (i32.eqz (ref.is_null (local.get 0)))))",
            ["cmp qword ptr [rbp…", "jne …"]),
    ]

    @Test(arguments: nulls)
    func null(_ rule: CodeRule) throws { try rule.check() }

    private static let type = "(type $f (func)) (func $null (result (ref null $f)) (ref.null $f))"

    /// What is not null goes on where it is.
    @Test func whatMustNotBeNullIsTested() throws {
        let code = try FunctionCode(
            "(result (ref $f)) (ref.as_non_null (call $null))", in: Self.type)
        #expect(code.body.contains("test rax, rax"))
        #expect(code.rest.first == "leave")
        #expect(code.traps.contains(.nullReference))
        let null = try FunctionCode(
            "(result (ref $f)) (ref.as_non_null (ref.null $f))", in: Self.type)
        #expect(null.names == ["ud2"])
    }

    @Test func branchesOnWhatIsKnown() throws {
        let taken = try FunctionCode(
            "(block (drop (br_on_null 0 (ref.null $f))))", in: Self.type)
        #expect(taken.names == ["jmp"])
        let passed = try FunctionCode(
            "(block (result (ref $f)) (br_on_non_null 0 (ref.null $f)) (unreachable)) drop",
            in: Self.type)
        #expect(passed.names == ["ud2"])
    }

    @Test func branchesOnNull() throws {
        let code = try FunctionCode(
            "(param (ref null $f)) (block (drop (br_on_null 0 (local.get 0))))", in: Self.type)
        #expect(code.names == ["cmp", "je"])
        let contrary = try FunctionCode(
            """
            (param (ref null $f))
            (block (result (ref $f)) (br_on_non_null 0 (local.get 0)) (return)) drop
            """, in: Self.type)
        // What the branch takes along is in its register meanwhile.
        #expect(contrary.names == ["cmp", "mov", "jne", "leave", "ret"])
    }

    /// Functions that are referred to have records in the context, in their order.
    @Test func functionsHaveRecordsInTheContext() throws {
        let code = try ["$a", "$b", "$c", "$e"].map { name in
            try FunctionCode(
                "(result funcref) (ref.func \(name))",
                in: """
                    (func $a) (func $b) (func $c) (func $d) (func $e)
                    (elem declare func $e $b $a $c)
                    """)
        }
        let places = code.compactMap { code -> Int? in
            guard code.names == ["lea"], code.body[0].hasPrefix("lea rax, [r15 + ") else {
                return nil
            }
            return Int(code.body[0].dropFirst("lea rax, [r15 + ".count).dropLast())
        }
        let bytes = places[1] - places[0]
        #expect(bytes > 0)
        #expect(places == [0, 1, 2, 3].map { places[0] + $0 * bytes })
    }

    // MARK: Tables

    /// An index beyond the table is 0 to who goes on before that is known.
    @Test func indicesAreCheckedAndMasked() throws {
        let code = try FunctionCode(
            "(param i32) (result externref) (table.get 0 (local.get 0))",
            in: "(table 10 externref)")
        #expect(code.names == ["xor", "cmp", "jae", "cmovb", "mov", "mov"])
        #expect(code.body[3] == "cmovb rax, rdi")
        #expect(code.body.last == "mov rax, qword ptr [r11 + 8*rax]")
        #expect(code.traps == [.tableOutOfBounds])
        let set = try FunctionCode(
            "(param i32) (table.set 0 (local.get 0) (ref.null extern))",
            in: "(table 10 externref)")
        #expect(set.body.last == "mov qword ptr [r11 + 8*rcx], rax")
    }

    @Test func importedTablesAreReachedThroughTheirRecords() throws {
        let own = try FunctionCode("(result i32) (table.size 0)", in: "(table 1 externref)")
        #expect(own.names == ["mov"])
        let imported = try FunctionCode(
            "(result i32) (table.size 0)", in: #"(import "" "" (table 1 externref))"#)
        #expect(imported.names == ["mov", "mov"])
        #expect(imported.body[1] == "mov rax, qword ptr [r11 + 8]")
    }

    @Test(arguments: [
        ("(drop (table.grow 0 (ref.null func) (i32.const 1)))", RuntimeFunction.tableGrow),
        ("(table.fill 0 (i32.const 0) (ref.null func) (i32.const 1))", .tableFill),
        ("(table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 1))", .tableCopy),
        ("(table.init 0 0 (i32.const 0) (i32.const 0) (i32.const 1))", .tableCopy),
        ("(elem.drop 0)", .elementDrop),
    ])
    func theRuntimeDoesTheRest(_ instruction: String, _ function: RuntimeFunction) throws {
        let code = try FunctionCode(instruction, in: "(table 1 funcref) (elem func)")
        #expect(code.body.contains("mov eax, \(function.rawValue)"))
        #expect(code.callCount == 1)
    }
}
