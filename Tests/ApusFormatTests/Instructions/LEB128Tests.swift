import Testing

@testable import ApusFormat

@Suite struct LEB128Tests {
    /// `value` in `count` bytes, of which it may not need all, then bytes that are not its own.
    private func word(_ value: UInt64, count: Int) -> UInt64 {
        var word: UInt64 = 0xDEAD_BEEF_DEAD_BEEF
        for place in 0..<count {
            let septet = value >> UInt64(7 * place) & 0x7F
            let byte = septet | (place < count - 1 ? 0x80 : 0)
            word &= ~(0xFF << UInt64(8 * place))
            word |= byte << UInt64(8 * place)
        }
        return word
    }

    @Test(arguments: 1...8)
    func numbersAreTakenOutOfAWord(count: Int) {
        let bits = UInt64(7 * count)
        let all = UInt64.max >> (64 - bits)
        var values = [0, 1, all, all >> 1, (all >> 1) + 1, 0x55_5555_5555_5555 & all]
        for place in 0..<bits { values.append(1 << place) }
        for value in values {
            let short = LEB128.Short(word(value, count: count))
            #expect(short.hasEnded && short.byteCount == count)
            #expect(short.value == value)
            let isNegative = value >> (bits - 1) != 0
            #expect(short.signed == Int64(bitPattern: isNegative ? value | ~all : value))
        }
    }

    @Test func numbersThatGoOnAreToldApart() {
        #expect(!LEB128.Short(0x8080_8080_8080_8080).hasEnded)
        #expect(!LEB128.Short(.max).hasEnded)
        #expect(LEB128.Short(0x0080_8080_8080_8080).hasEnded)
        #expect(LEB128.Short(0).byteCount == 1)
    }
}
