import ApusFormat
import Testing

/// What is on the stack before an instruction, as debuggers ask.
@Suite struct OperandTypeTests {
    private func validator() throws -> FunctionValidator {
        let module = try ValidationFixture.module(
            FunctionType([.i64], [.i32]), locals: [.f32, .f32, .v128]
        ) {
            $0.i32(1)
            $0.emit(.block, BlockType.empty)
            $0.f64(bits: 0)
            $0.emit(.drop)
            $0.emit(.br, 0)
            $0.emit(.nop)
            $0.emit(.end)
        }
        try ModuleValidator.validate(module)
        return FunctionValidator(module)
    }

    @Test func operandsBeforeEachInstruction() throws {
        var validator = try validator()
        let offsets = try validator.instructionOffsets(of: 1)
        var types: [[ValueType]?] = []
        for offset in offsets {
            types.append(try validator.operandTypes(before: offset, in: 1))
        }
        // Nothing reaches what follows the branch; behind the block there is its end.
        #expect(types == [[], [.i32], [.i32], [.i32, .f64], [.i32], nil, nil, [.i32]])
        let between = try validator.operandTypes(before: offsets[0] + 1, in: 1)
        #expect(between == nil)
    }

    @Test func localsOfAllKinds() throws {
        var validator = try validator()
        let types = try validator.localTypes(of: 1)
        #expect(types == [.i64, .f32, .f32, .v128])
    }
}
