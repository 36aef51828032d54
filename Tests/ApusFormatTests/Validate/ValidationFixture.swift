import ApusCollections
import ApusFormat
import Testing

/// A module of one function under test, with something of everything around it.
///
/// Function 0 is imported, [i32] -> []; function 1 is the one under test; function 2 is [] -> [].
/// Tables 0 funcref and 1 externref, memory 0, globals 0 (imported, immutable i32) and 1 (mutable
/// i64), types 0 and 1 those of the functions. Segments: one element (funcref), one of data.
enum ValidationFixture {
    static func module(
        _ type: FunctionType = FunctionType(), locals: [ValueType] = [],
        _ emit: (inout InstructionEncoder) -> Void
    ) throws -> DecodedModule {
        var builder = ModuleBuilder()
        builder.importFunction("m", "f", FunctionType([.i32]))
        builder.importGlobal("m", "g", GlobalType(.i32, isMutable: false))
        builder.addTable(TableType(element: .funcref, limits: SizeLimits(minimum: 1)))
        builder.addTable(TableType(element: .externref, limits: SizeLimits(minimum: 1)))
        builder.addMemory(MemoryType(limits: SizeLimits(minimum: 1)))
        builder.addGlobal(
            GlobalType(.i64, isMutable: true), ConstantExpression([.i64Const(0)]))
        builder.addFunction(type, locals: locals, emit)
        builder.addFunction(FunctionType()) { _ in }
        builder.export("f", .function(1))
        builder.addElements(
            ElementSegment(mode: .passive, type: .funcref, initializers: .functions([1])))
        builder.addData(.passive, [1])
        return try builder.build()
    }

    /// Why the function is refused, nil if it is not, and where, counted from its code's start.
    static func error(
        _ type: FunctionType = FunctionType(), locals: [ValueType] = [],
        _ emit: (inout InstructionEncoder) -> Void
    ) throws -> (error: ModuleError, place: Int)? {
        let module = try module(type, locals: locals, emit)
        try ModuleValidator.validate(module)
        var validator = FunctionValidator(module)
        do {
            try validator.validate(1)
            return nil
        } catch {
            return (error, error.offset - validator.analysis.codeStart)
        }
    }

    /// A validator that has accepted the function.
    static func validator(
        _ type: FunctionType = FunctionType(), locals: [ValueType] = [],
        _ emit: (inout InstructionEncoder) -> Void
    ) throws -> FunctionValidator {
        var validator = FunctionValidator(try module(type, locals: locals, emit))
        try validator.validate(1)
        return validator
    }
}
