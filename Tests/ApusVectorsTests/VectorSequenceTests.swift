import ApusFormat
import Testing

@testable import ApusVectors

/// What plans and sequences say of themselves.
@Suite struct VectorSequenceTests {
    @Test func kindsAreInTheOrderOfTheirOperands() {
        #expect(VectorSequence(.complement, .i32x4).operandCount == 1)
        #expect(VectorSequence(.shiftRightUnsignedByConstant, .i8x16).operandCount == 1)
        #expect(VectorSequence(.notEqual, .i8x16).operandCount == 2)
        #expect(VectorSequence(.shiftRightUnsigned, .i8x16).operandCount == 2)
        #expect(VectorSequence(.bitselect, .i8x16).operandCount == 3)
        #expect(VectorSequence(.dotAddDeterministic, .i32x4).operandCount == 3)
    }
}
