import ApusABI
import Testing

@Suite struct TailCallsTests {
    /// The frame goes, and nothing returns here.
    @Test func anOwnFunctionIsJumpedTo() throws {
        let code = try FunctionCode(
            "(param i32) (result i32) (return_call $f (local.get 0))",
            in: "(func $f (param i32) (result i32) unreachable)")
        #expect(code.names.last == "jmp")
        #expect(!code.all.contains { $0.hasPrefix("call") })
        #expect(code.body.contains("vmovq rbp, xmm13"))
        #expect(code.callCount == 0)
    }

    @Test func functionsThatAreReplacedAreJumpedToThroughTheirRecords() throws {
        let code = try FunctionCode("(return_call $f)", in: "(func $f)") {
            $0.linkage = .table(nil)
        }
        #expect(code.body.last?.hasPrefix("jmp qword ptr [rip") == true)
    }

    /// Stack arguments move to where this function's were, the last one first.
    @Test func argumentsTakeTheFramesPlace() throws {
        let many = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)"
        let code = try FunctionCode(
            """
            (return_call $f (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
              (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (i32.const 9))
            """, in: "(func $f \(many))")
        #expect(
            code.body.prefix(3) == [
                "sub rsp, 16", "mov dword ptr [rsp], 8", "mov dword ptr [rsp + 8], 9",
            ])
        let moves = code.body.filter { $0.hasPrefix("vmovsd xmm15") }
        #expect(moves == ["vmovsd xmm15, qword ptr [rsp + 8]", "vmovsd xmm15, qword ptr [rsp]"])
    }

    /// Who leaves the instance leaves a frame behind that brings the context back, unless the
    /// function returns to such a frame, or stays.
    @Test func leavingTheInstance() throws {
        let code = try FunctionCode("(return_call 0)", in: #"(import "" "" (func))"#)
        #expect(code.body.contains("cmp r11, r15"))
        #expect(code.body.suffix(3) == ["vmovq r15, xmm11", "vmovq r11, xmm12", "jmp r11"])
        let reference = try FunctionCode(
            "(param (ref $f)) (return_call_ref $f (local.get 0))", in: "(type $f (func))")
        #expect(reference.body.suffix(3) == ["vmovq r15, xmm11", "vmovq r11, xmm12", "jmp r11"])
        #expect(reference.traps.contains(.nullFunctionReference))
    }

    /// Where results that have no register go is said on.
    @Test func theResultAreaIsHandedOn() throws {
        let code = try FunctionCode(
            "(result i32 i32 i32 i32 i32) (return_call $f)",
            in: "(func $f (result i32 i32 i32 i32 i32) unreachable)")
        #expect(code.body[1].hasPrefix("mov r11, qword ptr [rbp +"))
        #expect(code.body[2] == "mov qword ptr [rsp + 8], r11")
    }
}
