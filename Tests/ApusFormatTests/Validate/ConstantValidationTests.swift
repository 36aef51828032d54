import ApusCollections
import ApusFormat
import Testing

/// Constants of structures and arrays. Specification: 3.4.14.
@Suite struct ConstantValidationTests {
    /// Types: 0 a structure, 1 an array of bytes, 2 one of references that are never null.
    private func error(
        _ type: ValueType, _ instructions: ConstantExpression.Instruction...
    ) throws -> ModuleError? {
        var builder = ModuleBuilder()
        builder.addTypes([SubType(.structure([FieldType(.i64), FieldType(.i16)]))])
        builder.addTypes([SubType(.array(FieldType(.i8, isMutable: true)))])
        builder.addTypes([SubType(.array(FieldType(.reference(.i31, nullable: false))))])
        builder.addGlobal(GlobalType(.i32, isMutable: false), ConstantExpression([.i32Const(3)]))
        builder.addGlobal(
            GlobalType(type, isMutable: false), ConstantExpression(instructions))
        builder.addTable(
            TableType(element: .reference(.eq, nullable: false), limits: SizeLimits(minimum: 1)),
            ConstantExpression([.i32Const(1), .refI31]))
        builder.addElements(
            ElementSegment(
                mode: .passive, type: .reference(.any, nullable: true),
                initializers: .expressions([ConstantExpression([.structNew(0, .defaults)])])))
        let module = try builder.build()
        // What is built is what was said.
        #expect(module.globalInitializers[1] == ConstantExpression(instructions))
        #expect(module.globalInitializers[1].usesAggregates)
        do throws(ModuleError) {
            try ModuleValidator.validate(module)
            return nil
        } catch { return error }
    }

    private func reference(_ index: UInt32) -> ValueType {
        .reference(HeapType(typeIndex: index), nullable: false)
    }

    @Test func structures() throws {
        #expect(
            try error(reference(0), .i64Const(1), .i32Const(2), .structNew(0, .values)) == nil)
        #expect(try error(reference(0), .structNew(0, .defaults)) == nil)
        #expect(
            try error(reference(0), .i64Const(1), .i64Const(2), .structNew(0, .values))?.message
                == "type mismatch: expected i32, found i64 in a constant")
        #expect(
            try error(reference(0), .i32Const(2), .structNew(0, .values))?.message
                == "type mismatch: an operand is missing in a constant")
        #expect(
            try error(reference(0), .structNew(1, .defaults))?.message
                == "type mismatch: type 1 is an array type, not a structure type")
        #expect(try error(reference(0), .structNew(7, .defaults))?.message == "unknown type 7")
    }

    @Test func arrays() throws {
        let any = ValueType.reference(.array, nullable: true)
        #expect(try error(any, .i32Const(1), .globalGet(0), .arrayNew(1, .values)) == nil)
        #expect(try error(any, .globalGet(0), .arrayNew(1, .defaults)) == nil)
        #expect(
            try error(any, .i32Const(1), .i32Const(2), .arrayNewFixed(1, count: 2)) == nil)
        #expect(try error(any, .arrayNewFixed(2, count: 0)) == nil)
        #expect(
            try error(any, .globalGet(0), .arrayNew(2, .defaults))?.message
                == "type mismatch: type 2 has a field without a default value")
        #expect(
            try error(any, .i32Const(1), .arrayNewFixed(1, count: 2))?.message
                == "type mismatch: an operand is missing in a constant")
        #expect(try error(any, .arrayNewFixed(1, count: 10_001))?.kind == .limit)
    }

    @Test func references() throws {
        let extern = ValueType.reference(.extern, nullable: false)
        #expect(try error(extern, .i32Const(1), .refI31, .externConvertAny) == nil)
        #expect(
            try error(.externref, .refNull(.none), .externConvertAny) == nil)
        #expect(
            try error(extern, .refNull(.none), .externConvertAny)?.message
                == "type mismatch: constant expression gives [externref], not [(ref extern)]")
        #expect(
            try error(.reference(.any, nullable: true), .refNull(.func), .anyConvertExtern)?
                .message == "type mismatch: expected externref, found funcref in a constant")
    }
}
