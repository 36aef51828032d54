import ApusABI
import Testing

@Suite struct CodeRelocationTests {
    @Test(arguments: [CodeRelocation.Kind.counts, .hits, .code, .pointer, .heat, .takeover])
    func whatIsWrittenDownIsRead(_ kind: CodeRelocation.Kind) throws {
        let offset: UInt32 = kind.isOfCounts ? 7_654_321 : 0
        let relocation = CodeRelocation(kind, codeOffset: 9, function: 3, bodyOffset: offset)
        let read = try #require(CodeRelocation(relocation.words))
        #expect(read.kind == kind)
        #expect(read.codeOffset == 9)
        #expect(read.function == 3)
        #expect(read.bodyOffset == offset)
    }

    @Test func whatIsNoneIsRefused() {
        // Code with counters is not written down.
        #expect(CodeRelocation((0, 0, UInt32(CodeRelocation.Kind.counter.rawValue))) == nil)
        #expect(CodeRelocation((0, 0, 7)) == nil)
        #expect(CodeRelocation((0, 0, 0xFF)) == nil)
        // Only counts are those of an instruction.
        #expect(CodeRelocation((0, 0, 0x100)) == nil)
    }
}
