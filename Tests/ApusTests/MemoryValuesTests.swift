import Apus
import Testing

/// Values and texts in a guest's memory.
struct MemoryValuesTests {
    private func memory() throws -> Memory {
        var module = TestModule()
        module.memory(1)
        return try makeInstance(module).memory
    }

    @Test func valuesOfAllTypes() throws {
        let memory = try memory()
        try memory.store(true, at: 1)
        try memory.store(Float(1.5), at: 3)
        try memory.store(-2.25, at: 9)
        let vector = Vector128(low: 0x0102_0304_0506_0708, high: 0x090A_0B0C_0D0E_0F10)
        try memory.store(vector, at: 17)
        #expect(try memory.load(Bool.self, at: 1))
        #expect(try !memory.load(Bool.self, at: 2))
        #expect(try memory.load(Float.self, at: 3) == 1.5)
        #expect(try memory.load(Double.self, at: 9) == -2.25)
        #expect(try memory.load(Vector128.self, at: 17) == vector)
        #expect(try memory.read(at: 17, count: 2) == [8, 7])
        #expect(throws: MemoryError.self) { try memory.load(Vector128.self, at: 65521) }
        #expect(throws: MemoryError.self) { try memory.store(1.0, at: 65529) }
        #expect(throws: MemoryError.self) { try memory.load(Bool.self, at: 65536) }
    }

    @Test(arguments: TextEncoding.allCases)
    func textsOfAllEncodings(encoding: TextEncoding) throws {
        let memory = try memory()
        let text = encoding == .latin1 ? "Grüße" : "Grüße, 世界 🌍"
        let count = try memory.write(text, at: 7, encoding: encoding)
        #expect(try memory.string(at: 7, count: count, encoding: encoding) == text)
        #expect(try memory.string(at: 7, count: 0, encoding: encoding) == "")
        #expect(throws: MemoryError.self) {
            try memory.string(at: 65535, count: 2, encoding: encoding)
        }
    }

    @Test func whatIsNoText() throws {
        let memory = try memory()
        #expect(throws: MemoryError.unrepresentableText(.latin1)) {
            try memory.write("世", at: 0, encoding: .latin1)
        }
        try memory.write([0x00, 0xD8, 0x41, 0x00], at: 4)
        #expect(throws: MemoryError.malformedText(address: 4, .utf16)) {
            try memory.string(at: 4, count: 4, encoding: .utf16)
        }
        #expect(throws: MemoryError.malformedText(address: 4, .utf16)) {
            try memory.string(at: 4, count: 3, encoding: .utf16)
        }
        #expect(throws: MemoryError.malformedText(address: 5, .utf8)) {
            try memory.string(at: 5, count: 1, encoding: .utf8)
        }
    }
}
