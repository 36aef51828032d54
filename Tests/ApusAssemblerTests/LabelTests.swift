import ApusAssembler
import Testing

@Suite struct LabelTests {
    @Test func jumpTable() {
        var buffer = CodeBuffer()
        buffer.nop(bytes: 3)
        let before = buffer.makeLabel()
        let table = buffer.makeLabel()
        let after = buffer.makeLabel()
        buffer.bind(before)
        buffer.ret()
        buffer.align(to: 4)
        buffer.bind(table)
        let origin = buffer.count
        buffer.append32(label: before, relativeTo: origin)
        buffer.append32(label: after, relativeTo: origin)
        buffer.append32(label: table, relativeTo: origin)
        buffer.append32(label: after, relativeTo: origin)
        buffer.bind(after)
        let bytes = buffer.span
        #expect(origin == 4)
        #expect(bytes.signed32(at: 4) == -1)
        #expect(bytes.signed32(at: 8) == 16)
        #expect(bytes.signed32(at: 12) == 0)
        #expect(bytes.signed32(at: 16) == 16)
    }

    @Test func labelsOfTheNextFunction() {
        var buffer = CodeBuffer()
        for _ in 0..<3 {
            let start = buffer.count
            buffer.resetLabels()
            let label = buffer.makeLabel()
            buffer.jump(.e, label)
            buffer.ret()
            buffer.bind(label)
            #expect(Jump(buffer.span, at: start)?.target == start + 7)
        }
    }

    @Test func binding() {
        var buffer = CodeBuffer()
        let unused = buffer.makeLabel()
        let used = buffer.makeLabel()
        buffer.bind(unused)
        for _ in 0..<1000 { buffer.jump(used) }
        buffer.bind(used)
        for index in 0..<1000 {
            #expect(Jump(buffer.span, at: 5 * index)?.target == 5000)
        }
    }

    @Test func unboundLabelsFail() {
        var buffer = CodeBuffer()
        let label = buffer.makeLabel()
        _ = buffer.makeLabel()
        buffer.emitConstants()
        var failed = buffer.hasFailed
        #expect(!failed)
        buffer.jump(label)
        buffer.emitConstants()
        failed = buffer.hasFailed
        #expect(failed)
    }

    @Test func functionsGivenUpLeaveNothing() {
        var buffer = CodeBuffer()
        buffer.jump(buffer.makeLabel(), near: true)
        buffer.loadFloat(.f64, .xmm0, Address(constant: buffer.constant64(1)))
        buffer.resetLabels()
        let start = buffer.count
        buffer.ret()
        buffer.emitConstants()
        let failed = buffer.hasFailed
        #expect(!failed)
        #expect(buffer.count == start + 1)
    }
}
