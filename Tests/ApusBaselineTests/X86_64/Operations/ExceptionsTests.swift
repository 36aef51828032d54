import ApusABI
import Testing

@Suite struct ExceptionsTests {
    private static let module = "(tag $t (param i32 i64)) (tag $u) (func $f)"

    /// Nothing is done where a block begins or ends whose calls have handlers.
    @Test func tryTablesCostNothing() throws {
        let plain = try FunctionCode("(block (call $f))", in: Self.module)
        let code = try FunctionCode(
            "(block (try_table (catch_all 0) (call $f)))", in: Self.module)
        #expect(plain.names == ["call"])
        #expect(code.names == ["call"])
    }

    /// An exception finds the stack as its thrower had it: rsp is made of rbp. Behind it values go
    /// to the label's slots.
    @Test func landings() throws {
        let code = try FunctionCode(
            """
            (block (result i32 i64) (try_table (catch $t 0) (call $f)) (return))
            drop drop
            """, in: Self.module)
        let landing = try #require(code.rest.firstIndex { $0.hasPrefix("lea rsp, [rbp -") })
        let values = code.rest[(landing + 1)...]
        #expect(
            values.prefix(4).map { String($0.prefix { $0 != "[" }) } == [
                "mov r11, qword ptr ", "mov qword ptr ", "mov r11, qword ptr ", "mov qword ptr ",
            ])
        let first = ExceptionField.values
        #expect(values.first == "mov r11, qword ptr [rax + \(first)]")
        #expect(values.dropFirst(2).first == "mov r11, qword ptr [rax + \(first + 8)]")
    }

    /// The only value that a label takes is in its register at once.
    @Test func oneValueLandsInARegister() throws {
        let code = try FunctionCode(
            "(block (result i32) (try_table (catch $v 0) (call $f)) (return)) drop",
            in: "(tag $v (param i32)) (func $f)")
        #expect(code.rest.contains("mov eax, dword ptr [rax + \(ExceptionField.values)]"))
        // The exception itself is there already.
        let reference = try FunctionCode(
            "(block (result exnref) (try_table (catch_all_ref 0) (call $f)) (return)) drop",
            in: Self.module)
        let landing = try #require(reference.rest.firstIndex { $0.hasPrefix("lea rsp") })
        #expect(reference.rest[landing + 1].hasPrefix("jmp"))
    }

    /// Locals are in their slots when an exception may come, whatever keeps their registers.
    @Test func localsAreWrittenBeforeCalls() throws {
        func stores(_ body: String) throws -> Int {
            let code = try FunctionCode(
                """
                (param i32) (result i32)
                (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) \(body)
                  (br_if 0 (local.get 0)))
                (local.get 0)
                """, in: Self.module)
            return code.body.count { $0.hasPrefix("mov dword ptr [rbp") }
        }
        #expect(try stores("(call $f)") == 0)
        #expect(try stores("(block (try_table (catch_all 0) (call $f)))") == 1)
    }

    /// An exception is made, gets its values, and is thrown; nothing comes back.
    @Test func throwing() throws {
        let code = try FunctionCode(
            "(param i32 i64) (throw $t (local.get 0) (local.get 1))", in: Self.module)
        let make = try #require(
            code.body.firstIndex(of: "mov eax, \(RuntimeFunction.exceptionMake.rawValue)"))
        let thrown = try #require(
            code.body.firstIndex(of: "mov eax, \(RuntimeFunction.exceptionThrow.rawValue)"))
        let first = ExceptionField.values
        let stores = code.body[make..<thrown].filter { $0.hasPrefix("mov qword ptr [rax") }
        #expect(stores.count == 2)
        #expect(stores.first?.hasPrefix("mov qword ptr [rax + \(first)]") == true)
        #expect(stores.last?.hasPrefix("mov qword ptr [rax + \(first + 8)]") == true)
        #expect(code.body.last == "ud2")
        #expect(code.traps.contains(.unreachable))
    }
}
