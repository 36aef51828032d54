import ApusAssembler
import Testing

@Suite struct ConstantPoolTests {
    @Test func layout() {
        var buffer = CodeBuffer()
        let small = buffer.constant32(0x4444_4444)
        let medium = buffer.constant64(0x8888_8888_8888_8888)
        let large = buffer.constant128(0x1111_1111_1111_1111, 0x2222_2222_2222_2222)
        buffer.loadFloat(.f32, .xmm0, Address(constant: small))
        buffer.loadFloat(.f64, .xmm1, Address(constant: medium))
        buffer.floatAnd(.xmm2, .xmm2, Address(constant: large))
        buffer.emitConstants()
        // 8 bytes of code each, padding to 32, then 16, 8 and 4 bytes.
        #expect(
            buffer.hex == "c5fa100530000000" + "c5fb100d20000000" + "c5e8541508000000"
                + "cccccccccccccccc" + "11111111111111112222222222222222"
                + "8888888888888888" + "44444444")
    }

    @Test func equalConstantsAreShared() {
        var buffer = CodeBuffer()
        let first = buffer.constant64(42)
        #expect(buffer.constant64(42) == first)
        #expect(buffer.constant64(43) != first)
        let small = buffer.constant32(42)
        #expect(small != first)
        #expect(buffer.constant32(42) == small)
        let large = buffer.constant128(42, 0)
        #expect(buffer.constant128(42, 0) == large)
        #expect(buffer.constant128(0, 42) != large)
    }

    @Test func unusedConstantsTakeNoRoom() {
        var buffer = CodeBuffer()
        _ = buffer.constant64(42)
        buffer.ret()
        buffer.emitConstants()
        #expect(buffer.count == 1)
    }

    @Test func theNextFunctionHasItsOwn() {
        var buffer = CodeBuffer()
        for value in [7, 8, 7] as [UInt64] {
            buffer.align(to: 16)
            let start = buffer.count
            buffer.loadFloat(.f64, .xmm0, Address(constant: buffer.constant64(value)))
            buffer.emitConstants()
            #expect(buffer.count == start + 16)
            let bytes = buffer.span
            #expect(bytes.signed32(at: start + 4) == 0)
            #expect(bytes.unsigned32(at: start + 8) == UInt32(value))
        }
    }

    @Test func displacementsCountFromTheEndOfTheInstruction() {
        var buffer = CodeBuffer()
        let constant = buffer.constant32(1)
        let place = Address(constant: constant)
        buffer.alu(.cmp, .w32, place, immediate: 1)
        buffer.alu(.cmp, .w32, place, immediate: 1000)
        buffer.alu(.cmp, .w16, place, immediate: 1000)
        buffer.vector(.pshufd, .xmm1, place, immediate: 1)
        buffer.emitConstants()
        let bytes = buffer.span
        let target = buffer.count - 4
        for (displacement, end) in [(2, 7), (9, 17), (20, 26), (30, 35)] {
            #expect(bytes.signed32(at: displacement) == target - end)
        }
    }

    @Test func manyConstants() {
        var buffer = CodeBuffer()
        for value in 0..<5000 as Range<UInt64> {
            buffer.loadFloat(.f64, .xmm0, Address(constant: buffer.constant64(value * 77)))
        }
        buffer.emitConstants()
        let bytes = buffer.span
        for value in 0..<5000 {
            let end = 8 * (value + 1)
            let place = end + bytes.signed32(at: end - 4)
            #expect(bytes.unsigned32(at: place) == UInt32(value * 77))
        }
    }
}
