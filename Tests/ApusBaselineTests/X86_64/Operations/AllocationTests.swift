import ApusABI
import Testing

@Suite struct AllocationTests {
    private static func new(_ fields: Int) throws -> FunctionCode {
        try FunctionCode(
            "(result (ref $t)) (struct.new_default $t)",
            in: "(type $t (struct \(String(repeating: "(field i64)", count: fields))))")
    }

    /// Where there is room an object is made without a call, which is put off.
    @Test func objectsAreMadeWhereThereIsRoom() throws {
        let code = try Self.new(3)
        #expect(code.names.contains("ja"))
        #expect(!code.names.contains("call"))
        // A header and three fields.
        #expect(code.body.contains { $0.hasSuffix(" + 32]") && $0.hasPrefix("lea r11, [rax") })
        #expect(code.rest.contains { $0.hasPrefix("call") })
        #expect(code.rest.contains { $0.hasPrefix("jmp") })
        #expect(code.callCount == 1)
    }

    /// Large ones are the runtime's: 2048 bytes with the header.
    @Test func largeObjectsAreNot() throws {
        #expect(try Self.new(255).names.contains("ja"))
        let large = try Self.new(256)
        #expect(large.names.contains("call"))
        #expect(!large.names.contains("ja"))
        #expect(large.body.last == "mov rax, r11")
    }

    /// The length of an array is part of its header, and 0 already there.
    @Test func lengthsAreWritten() throws {
        func new(_ count: Int) throws -> FunctionCode {
            try FunctionCode(
                """
                (result (ref $t))
                (array.new_fixed $t \(count) \(String(repeating: "(i64.const 0)", count: count)))
                """, in: "(type $t (array i64))")
        }
        #expect(try new(3).body.contains("mov dword ptr [rax + 4], 3"))
        #expect(try !new(0).body.contains { $0.hasPrefix("mov dword ptr [rax + 4]") })
    }
}
