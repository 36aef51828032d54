import ApusAssembler
import Testing

@Suite struct CodeBufferTests {
    @Test func appending() {
        var buffer = CodeBuffer()
        buffer.append(1)
        buffer.append(2, 3)
        buffer.append(contentsOf: [4, 5].span)
        buffer.append32(0x8765_4321)
        buffer.append64(0x0123_4567_89AB_CDEF)
        #expect(buffer.hex == "0102030405" + "21436587" + "efcdab8967452301")
        #expect(buffer.count == 17)
        buffer.removeAll()
        #expect(buffer.count == 0)
        #expect(buffer.hex == "")
    }

    @Test func growthKeepsWhatIsThere() {
        var buffer = CodeBuffer()
        for value in 0..<100_000 as Range<UInt32> { buffer.append32(value) }
        #expect(buffer.count == 400_000)
        let bytes = buffer.span
        var wrong = 0
        for value in 0..<100_000 where bytes.unsigned32(at: 4 * value) != UInt32(value) {
            wrong += 1
        }
        #expect(wrong == 0)
    }

    @Test func patching() {
        var buffer = CodeBuffer()
        buffer.append64(0)
        buffer.patch32(at: 1, 0x0403_0201)
        buffer.patch32(at: 4, .max)
        #expect(buffer.hex == "00010203" + "ffffffff")
        var failed = buffer.hasFailed
        #expect(!failed)
        buffer.patch32(at: 5, 0)
        failed = buffer.hasFailed
        #expect(failed)
        #expect(buffer.hex == "00010203" + "ffffffff")
    }

    @Test(arguments: [-1, 6, Int.min, .max]) func patchingOutside(offset: Int) {
        var buffer = CodeBuffer()
        buffer.append64(0)
        buffer.patch32(at: offset, .max)
        let failed = buffer.hasFailed
        #expect(failed)
        #expect(buffer.hex == "0000000000000000")
    }

    @Test func limit() {
        var buffer = CodeBuffer(countLimit: 10_000)
        let label = buffer.makeLabel()
        for _ in 0..<10_000 {
            buffer.jump(label)
            buffer.moveImmediate(.rax, .max >> 1)
        }
        buffer.bind(label)
        let failed = buffer.hasFailed
        #expect(failed)
        #expect(buffer.count <= 10_000)
        buffer.removeAll()
        for _ in 0..<9_000 { buffer.ret() }
        let failedAgain = buffer.hasFailed
        #expect(!failedAgain)
        #expect(buffer.count == 9_000)
    }

    @Test func registerNumbers() {
        #expect(GPR(rawValue: 15) == .r15)
        #expect(GPR(rawValue: 16) == nil)
        #expect(XMM(rawValue: 15) == .xmm15)
        #expect(XMM(rawValue: 255) == nil)
        #expect(GPR.allCases.map(\.rawValue) == Array(0..<16))
        #expect(XMM.allCases.map(\.rawValue) == Array(0..<16))
    }
}
