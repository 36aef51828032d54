import ApusABI
import Testing

@Suite struct ResultsTests {
    /// What no register is left for is where the caller has said, and moves to its slots.
    @Test func resultsOfCalls() throws {
        let code = try FunctionCode(
            "(result i32) (call $f) drop drop drop drop drop",
            in: "(func $f (result i32 i32 i32 i32 i32 i32) unreachable)")
        #expect(
            code.body.prefix(3) == [
                "sub rsp, 32", "lea r11, [rsp + 16]", "mov qword ptr [rsp + 8], r11",
            ])
        #expect(code.names[3...] == ["call", "mov", "mov", "mov", "mov", "add"])
        // The callee has taken the arguments.
        #expect(code.body[4] == "mov r11, qword ptr [rsp]")
        #expect(code.body[6] == "mov r11, qword ptr [rsp + 8]")
        #expect(code.body[5] != code.body[7])
        #expect(code.body[8] == "add rsp, 16")
    }

    /// Results move to their registers at once.
    @Test func registersAreExchanged() throws {
        let code = try FunctionCode(
            """
            (param i32 i32) (result i32 i32)
            (i32.add (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 2))
            """)
        // The second one is in rcx, and goes to rdx.
        #expect(code.rest.prefix(3) == ["mov rdx, rcx", "leave", "ret"])
    }

    /// What is on top of nothing else needs no move.
    @Test func aResultThatIsInPlaceStays() throws {
        let code = try FunctionCode(
            "(param i32) (result i32) (i32.add (local.get 0) (i32.const 1))")
        #expect(code.rest == ["leave", "ret"])
    }

    /// The fifth general result is where the caller says, by way of the scratch register.
    @Test func theRestIsTheCallersArea() throws {
        let code = try FunctionCode(
            """
            (param i32) (result i32 i32 i32 i32 i32 f32)
            (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (local.get 0) (f32.const 0)
            """)
        #expect(code.rest[0].hasPrefix("mov r11, qword ptr [rbp +"))
        #expect(code.rest[1] == "mov qword ptr [r11], rdi")
        // Floats have registers of their own.
        #expect(code.rest.contains("vxorps xmm0, xmm0, xmm0"))
        // The word that said where it is goes with the arguments.
        #expect(code.rest.last == "ret 16")
    }

    /// A value that is in no register goes through one of the vectors, for the scratch has the
    /// address.
    @Test func constantsForTheAreaGoThroughAVector() throws {
        let code = try FunctionCode(
            """
            (result i32 i32 i32 i32 i32)
            (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
            """)
        #expect(code.rest.prefix(2) == ["mov r11d, 5", "vmovq xmm15, r11"])
        #expect(code.rest[3] == "vmovsd qword ptr [r11], xmm15")
    }

    /// A return on a condition is jumped over, and who goes on finds the operands as they were.
    @Test func returnsOnConditions() throws {
        let code = try FunctionCode(
            """
            (param i32) (result i32)
            (i32.add (local.get 0) (i32.const 1)) (br_if 0 (local.get 0)) (i32.const 2) i32.shl
            """)
        #expect(code.names == ["lea", "test", "je", "leave", "ret", "shl"])
        #expect(code.body.last == "shl eax, 2")
    }
}
