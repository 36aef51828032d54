import ApusABI
import ApusAssembler
import Testing

/// Both compilers name registers by these numbers.
@Suite struct PhysicalRegisterTests {
    @Test func eachRegisterHasANumberOfItsOwn() {
        let general = GPR.allCases.map { PhysicalRegister($0) }
        let vectors = XMM.allCases.map { PhysicalRegister($0) }
        #expect(Set(general + vectors).count == 32)
        #expect((general + vectors).allSatisfy { $0.index < 32 && !$0.isNone })
        #expect(PhysicalRegister.none.isNone)
    }

    @Test func numbersAreReadBack() {
        for register in GPR.allCases {
            #expect(PhysicalRegister(register).general == register)
            #expect(!PhysicalRegister(register).isVector)
        }
        for register in XMM.allCases {
            #expect(PhysicalRegister(register).vector == register)
            #expect(PhysicalRegister(register).isVector)
        }
    }
}
