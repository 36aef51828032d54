import ApusABI
import ApusAssembler
import Testing

@Suite struct InstructionStartTests {
    private func start(_ write: (inout CodeBuffer) -> Void) -> InstructionStart {
        var code = CodeBuffer()
        write(&code)
        var start = InstructionStart()
        for index in 0..<min(code.count, InstructionStart.byteCount) { start.add(code.span[index]) }
        return start
    }

    /// What is told of an instruction is what the sequences of compiled code are made of.
    @Test func tellsWhatCompiledCodeDoes() {
        let restore = start { $0.restoreContext() }
        #expect(restore.restoresContext && !restore.entersFunction && !restore.changesFrame)
        let scratch = CallingConvention.scratch
        let entering = [
            start { $0.call(scratch) }, start { $0.jump(scratch) },
            start { $0.call(Address(scratch, FuncrefField.code)) },
            start { $0.jump(Address(scratch, FuncrefField.code)) },
        ]
        #expect(entering.allSatisfy { $0.entersFunction && !$0.restoresContext })
        let changing = [
            start { $0.push(.rbp) }, start { $0.move(.w64, .rbp, .rsp) }, start { $0.ret() },
        ]
        #expect(changing.allSatisfy { $0.changesFrame && !$0.restoresContext })
        let other = start { $0.load(.w64, CallingConvention.context, Address(.rbp, -16)) }
        #expect(!other.restoresContext && !other.changesFrame && !other.entersFunction)
    }
}
