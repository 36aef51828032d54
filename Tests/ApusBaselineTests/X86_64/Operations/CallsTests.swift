import ApusABI
import Testing

@Suite struct CallsTests {
    private static let table = """
        (type $f (func (param i32) (result i32))) (table 10 funcref)
        """

    /// Arguments go to their registers at once, whatever order that takes.
    @Test func argumentsAreMoved() throws {
        let code = try FunctionCode(
            "(param i32 i32) (result i32) (call $f (local.get 1) (local.get 0))",
            in: "(func $f (param i32 i32) (result i32) unreachable)")
        // Both are in the frame already: a call would destroy them.
        #expect(code.names == ["mov", "mov", "call"])
        #expect(code.body[0].hasPrefix("mov edi, dword ptr"))
        #expect(code.body[1].hasPrefix("mov esi, dword ptr"))
        #expect(code.callCount == 1)
        // The result is where it is to be returned.
        #expect(code.rest.first == "leave")
    }

    /// Arguments that no register is left for are below the return address, and the callee takes
    /// them away.
    @Test func manyArgumentsAreOnTheStack() throws {
        let code = try FunctionCode(
            """
            (call $f (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
              (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9))
            """, in: "(func $f (param i32 i32 i32 i32 i32 i32 i32 i32 i32))")
        #expect(code.body.prefix(2) == ["sub rsp, 16", "mov dword ptr [rsp], 9"])
        #expect(code.names.last == "call")
    }

    /// An operand of ours is in its slot while others run.
    @Test func operandsGoToTheirSlots() throws {
        let code = try FunctionCode(
            "(param i32) (result i32) (i32.add (i32.add (local.get 0) (i32.const 1)) (call $f))",
            in: "(func $f (result i32) unreachable)")
        #expect(code.names == ["mov", "add", "mov", "call", "mov", "add"])
        #expect(code.body[2].hasPrefix("mov qword ptr [rbp") && code.body[2].hasSuffix(", rax"))
        #expect(code.body[4].hasPrefix("mov ecx, dword ptr [rbp"))
    }

    /// A constant stays one.
    @Test func constantsAreNotKept() throws {
        let code = try FunctionCode(
            "(result i32) (i32.sub (i32.const 7) (call $f))",
            in: "(func $f (result i32) unreachable)")
        #expect(!code.body.contains { $0.contains("[rbp") })
    }

    /// The context is the callee's after a call that may leave the instance, and only then.
    @Test func contextsAreRestored() throws {
        let imported = try FunctionCode("(call 0)", in: #"(import "" "" (func))"#)
        #expect(imported.names == ["mov", "mov", "call", "mov"])
        #expect(imported.body[2] == "call r11")
        #expect(imported.body.last == "mov r15, qword ptr [rbp - 8]")
        let own = try FunctionCode("(call $f)", in: "(func $f)")
        #expect(own.names == ["call"])
    }

    /// With a table of functions calls go through its records.
    @Test func functionsThatAreReplacedAreCalledThroughTheirRecords() throws {
        let code = try FunctionCode("(call $f)", in: "(func $f)") { $0.linkage = .table(nil) }
        #expect(code.body.count == 1)
        #expect(code.body[0].hasPrefix("call qword ptr [rip"))
    }

    // MARK: Through tables and references

    /// An index that is out of bounds is 0 to who goes on before that is known; a type without
    /// subtypes is compared as it is.
    @Test func indicesAndTypesAreChecked() throws {
        let code = try FunctionCode(
            "(param i32) (result i32) (call_indirect (type $f) (local.get 0) (local.get 0))",
            in: Self.table)
        let mask = try #require(code.names.firstIndex(of: "cmovb"))
        #expect(code.names[(mask - 3)...mask] == ["xor", "cmp", "jae", "cmovb"])
        #expect(
            code.traps
                == [.uninitializedElement, .undefinedElement, .indirectCallTypeMismatch])
        #expect(!code.names.contains("shl"))
    }

    /// Of a type that may have subtypes, the supertypes of the callee's are looked at.
    @Test func supertypesAreLookedFor() throws {
        let code = try FunctionCode(
            "(param i32) (result i32) (call_indirect (type $f) (local.get 0) (local.get 0))",
            in: """
                (type $f (sub (func (param i32) (result i32)))) (table 10 funcref)
                """)
        #expect(code.body.contains("and ecx, \(TypeField.slotMask)"))
        #expect(code.body.contains("shl rcx, \(TypeField.recordSizeLog2)"))
    }

    /// Null is not asked for: reading its record faults.
    @Test func nullIsNotAskedFor() throws {
        let code = try FunctionCode(
            "(param (ref null $f)) (call_ref $f (local.get 0))", in: "(type $f (func))")
        #expect(code.names == ["mov", "mov", "call", "mov"])
        #expect(code.traps.contains(.nullFunctionReference))
    }

    // MARK: Locals

    /// A local that is used often enough is in a register that calls keep.
    @Test func busyLocalsSurviveCalls() throws {
        let code = try FunctionCode(
            """
            (param i32) (result i32)
            (loop (call $f) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 0)
            """, in: "(func $f)")
        // Without what aligns the loop.
        #expect(code.names.filter { $0 != "nop" } == ["call", "add", "test", "jne"])
        #expect(code.body.contains("add ebx, -1"))
    }
}
