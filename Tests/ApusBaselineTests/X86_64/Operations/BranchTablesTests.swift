import ApusABI
import Testing

@Suite struct BranchTablesTests {
    /// Nothing is to be decided.
    @Test func aTableOfNothingIsABranch() throws {
        let code = try FunctionCode("(param i32) (block (br_table 0 (local.get 0)))")
        #expect(code.names == ["jmp"])
        // An index of ours is nobody's then.
        let owned = try FunctionCode(
            """
            (param i32)
            (block (br_table 0 (i32.add (local.get 0) (i32.const 1))))
            (drop (i32.add (local.get 0) (i32.const 2)))
            """)
        #expect(owned.names == ["lea", "jmp", "lea"])
        #expect(owned.body.last == "lea eax, [rdi + 2]")
    }

    /// The index is moved into the table, which has one place more: no branch can be foreseen
    /// wrongly.
    @Test func theIndexIsBoundedWithoutABranch() throws {
        let code = try FunctionCode(
            "(param i32) (block (block (br_table 0 1 0 1 (local.get 0))) (nop))")
        #expect(
            code.names.prefix(8) == [
                "mov", "mov", "cmp", "cmovae", "lea", "movsxd", "add", "jmp",
            ])
        #expect(code.body[1...3] == ["mov r11d, 3", "cmp eax, r11d", "cmovae eax, r11d"])
        #expect(code.body.count { $0.hasPrefix(".long") } == 4)
    }

    /// What is behind the table is for the last index. Labels that take nothing are in it
    /// themselves, and need no code on the way.
    @Test func labelsWithoutValuesHaveNoStubs() throws {
        let code = try FunctionCode(
            "(param i32) (block (block (br_table 0 1 0 1 (local.get 0))) (nop))")
        let table = try #require(code.names.lastIndex(of: ".long"))
        #expect(code.names[(table + 1)...] == ["jmp"])
    }

    /// Labels that take values have code that moves them, each label once.
    @Test func labelsWithValuesHaveStubs() throws {
        let code = try FunctionCode(
            """
            (param i32 i32) (result i32)
            (block (result i32)
              (block (result i32) (br_table 0 1 0 0 1 (local.get 1) (local.get 0)))
              (return (i32.add (i32.const 1))))
            """)
        let table = try #require(code.names.lastIndex(of: ".long"))
        let stubs = code.body[(table + 1)...].prefix { !$0.hasPrefix("add") }
        // The result goes to eax, twice in stubs and once for what is beyond the table.
        #expect(stubs.count { $0 == "mov eax, r8d" } == 3)
    }
}
