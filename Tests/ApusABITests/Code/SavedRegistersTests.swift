import ApusABI
import ApusAssembler
import Testing

@Suite struct SavedRegistersTests {
    /// They lie one below the other, in the order of the convention, behind the context if the
    /// frame has room for one, whatever others a set of registers has.
    @Test(arguments: 0..<16, [false, true])
    func placesFollowFromTheSet(bits: Int, behindContext: Bool) {
        var registers = RegisterSet(PhysicalRegister(GPR.rcx))
        var expected: [[Int]] = []
        for (place, register) in CallingConvention.calleeSaved.enumerated()
        where bits >> place & 1 != 0 {
            registers.insert(RegisterSet(PhysicalRegister(register)))
            expected.append([place, (behindContext ? -16 : -8) - 8 * expected.count])
        }
        var found: [[Int]] = []
        SavedRegisters(registers, behindContext: behindContext).forEach { place, offset in
            found.append([place, Int(offset)])
        }
        #expect(found == expected)
    }

    @Test func thereAreAsManyAsTheConventionHas() {
        #expect(CallingConvention.calleeSaved.count == SavedRegisters.registerCount)
        for (place, register) in CallingConvention.calleeSaved.enumerated() {
            #expect(CallingConvention.keptRegister(place) == register)
        }
    }
}
