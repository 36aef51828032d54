import ApusCollections
import ApusFormat
import Testing

/// The signatures that validation goes by against what the instructions are.
@Suite struct ValidationRowTests {
    @Test(arguments: 0x45...0xC4)
    func rowAgreesWithTheTable(code: Int) throws {
        let row = try #require(Opcodes.opcode(prefix: 0, code: code))
        let (operands, result) = try #require(signature(of: row.operation))
        try validate(operands, code, result)
        for wrong in [ValueType.i32, .i64, .f32, .f64] {
            if wrong != result {
                #expect(throws: ModuleError.self) { try validate(operands, code, wrong) }
            }
            for place in operands.indices where operands[place] != wrong {
                var changed = operands
                changed[place] = wrong
                #expect(throws: ModuleError.self) { try validate(changed, code, result) }
            }
        }
        #expect(throws: ModuleError.self) { try validate(operands.dropLast(), code, result) }
    }

    /// Validates a function whose parameters are `operands` and that returns what the instruction
    /// makes of them.
    private func validate(_ operands: [ValueType], _ code: Int, _ result: ValueType) throws {
        var body: [UInt8] = [0]
        for place in operands.indices { body += [0x20, UInt8(place)] }
        body += [UInt8(code), 0x0B]
        var parts = DecodedModule.Parts(bytes: ByteStorage(body))
        parts.types = ModuleTypes([FunctionType(operands, [result])])
        parts.functions = [0]
        parts.bodies = [FunctionBody(start: 0, end: UInt32(body.count))]
        var validator = FunctionValidator(DecodedModule(parts))
        try validator.validate(0)
    }

    private func signature(of operation: ApusFormat.Operation) -> ([ValueType], ValueType)? {
        switch operation {
        case .unary(let type, _): ([type.valueType], type.valueType)
        case .binary(let type, _): ([type.valueType, type.valueType], type.valueType)
        case .test(let type): ([type.valueType], .i32)
        case .compare(let type, _): ([type.valueType, type.valueType], .i32)
        case .convert(let conversion): conversionTypes(conversion)
        default: nil
        }
    }

    private func conversionTypes(_ conversion: Conversion) -> ([ValueType], ValueType)? {
        switch conversion {
        case .i32WrapI64: ([.i64], .i32)
        case .i32TruncF32Signed, .i32TruncF32Unsigned, .i32ReinterpretF32: ([.f32], .i32)
        case .i32TruncF64Signed, .i32TruncF64Unsigned: ([.f64], .i32)
        case .i64ExtendI32Signed, .i64ExtendI32Unsigned: ([.i32], .i64)
        case .i64TruncF32Signed, .i64TruncF32Unsigned: ([.f32], .i64)
        case .i64TruncF64Signed, .i64TruncF64Unsigned, .i64ReinterpretF64: ([.f64], .i64)
        case .f32ConvertI32Signed, .f32ConvertI32Unsigned, .f32ReinterpretI32: ([.i32], .f32)
        case .f32ConvertI64Signed, .f32ConvertI64Unsigned: ([.i64], .f32)
        case .f32DemoteF64: ([.f64], .f32)
        case .f64ConvertI32Signed, .f64ConvertI32Unsigned: ([.i32], .f64)
        case .f64ConvertI64Signed, .f64ConvertI64Unsigned, .f64ReinterpretI64: ([.i64], .f64)
        case .f64PromoteF32: ([.f32], .f64)
        default: nil
        }
    }
}
