/// An initialiser: instructions that compute one constant. Specification: 3.4.14.
public struct ConstantExpression: Hashable, Sendable {
    /// In evaluation order, without the final `end`.
    public var instructions: [Instruction]

    public init(_ instructions: [Instruction]) { self.instructions = instructions }

    /// The instructions that constant expressions are made of.
    public enum Instruction: Hashable, Sendable {
        case i32Const(Int32)
        case i64Const(Int64)
        case f32Const(bits: UInt32)
        case f64Const(bits: UInt64)
        case v128Const(low: UInt64, high: UInt64)
        case globalGet(UInt32)
        case refNull(HeapType)
        case refFunc(UInt32)
        case i32Add, i32Sub, i32Mul
        case i64Add, i64Sub, i64Mul
        // Garbage collection: types are given by their indices.
        case structNew(UInt32, AggregateInitializer)
        case arrayNew(UInt32, AggregateInitializer)
        case arrayNewFixed(UInt32, count: UInt32)
        case refI31
        case anyConvertExtern, externConvertAny
    }

    /// Whether it has an instruction of garbage collection.
    public var usesAggregates: Bool {
        instructions.contains { instruction in
            switch instruction {
            case .structNew, .arrayNew, .arrayNewFixed, .refI31, .anyConvertExtern,
                .externConvertAny:
                true
            case .i32Const, .i64Const, .f32Const, .f64Const, .v128Const, .globalGet, .refNull,
                .refFunc, .i32Add, .i32Sub, .i32Mul, .i64Add, .i64Sub, .i64Mul:
                false
            }
        }
    }
}
