import ApusABI
import ApusAssembler
import Testing

@Suite struct RuntimeFunctionTests {
    @Test func runtimeFunctionsFitTheArgumentRegisters() {
        #expect(
            RuntimeFunction.allCases.allSatisfy { $0.parameterCount <= RuntimeCall.argumentCount })
        #expect(RuntimeFunction.allCases.map(\.rawValue) == Array(0..<28))
    }

    /// Each argument has a register to itself, and none is the one that says which function.
    @Test func argumentsHaveDifferentRegisters() {
        let registers = (0..<RuntimeCall.argumentCount).map(RuntimeCall.argument)
        #expect(Set(registers).count == RuntimeCall.argumentCount)
        #expect(!registers.contains(RuntimeCall.function))
        // It is the context's, which the stub puts there.
        #expect(!registers.contains(.rdi))
    }
}
