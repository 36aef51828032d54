public import ApusFormat

/// Modules that apply one numeric instruction to operands in every form: parameters, constants,
/// memory; the result as a value or in a condition. Compilers treat each combination on its own.
public struct OperandForms: Sendable {
    /// Name of the instruction's opcode, for messages.
    public let name: String
    public let bytes: [UInt8]
    /// Types of the exported functions’ parameters: those of the instruction's operands.
    public let parameters: [ValueType]

    /// One for each numeric instruction.
    public static let all: [OperandForms] = [ValueType.i32, .i64, .f32, .f64].flatMap { type in
        NumericOperation.giving(type).map { OperandForms($0) }
    }

    /// All edge values of a number type.
    public static func edges(_ type: ValueType) -> [ReferenceValue] {
        EdgeValues.of(type).map { ReferenceValue(bits: $0, type: type) }
    }

    /// How one operand is given.
    private enum Operand {
        case parameter
        case constant(UInt64)
        case memory
        /// A copy in another local, which is changed before the operand is used.
        case oldLocal
    }

    /// What is done with the result.
    private enum Use: CaseIterable { case value, ifElse, branchIf, select, negated }

    private init(_ operation: NumericOperation) {
        name = operation.opcode.map { String($0, radix: 16) }.joined(separator: " ")
        parameters = operation.operands
        var shape = ModuleShape()
        shape.types = [
            FunctionType(operation.operands, [operation.result]),
            FunctionType(operation.operands, [.i32]),
        ]
        shape.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        var bodies: [[UInt8]] = []
        let uses = operation.result == .i32 ? Use.allCases : [.value]
        for use in uses {
            for operands in Self.combinations(operation.operands) {
                shape.functions.append(use == .value ? 0 : 1)
                bodies.append(Self.body(operation, operands, use))
            }
        }
        bytes = shape.encode(bodies)
    }

    private static func combinations(_ types: [ValueType]) -> [[Operand]] {
        func forms(_ type: ValueType) -> [Operand] { EdgeValues.of(type).map { .constant($0) } }
        if types.count == 1 {
            return [[.parameter], [.memory], [.oldLocal]] + forms(types[0]).map { [$0] }
        }
        let plain: [Operand] = [.parameter, .memory, .oldLocal]
        return plain.flatMap { left in plain.map { [left, $0] } }
            + forms(types[1]).map { [.parameter, $0] } + forms(types[0]).map { [$0, .parameter] }
            + forms(types[0]).prefix(12).map { [$0, .memory] }
            + forms(types[1]).prefix(12).map { [.memory, $0] }
    }

    private static func body(
        _ operation: NumericOperation, _ operands: [Operand], _ use: Use
    ) -> [UInt8] {
        var code = BinaryWriter()
        let types = operation.operands
        code.unsigned(1)
        code.unsigned(1)
        code.type(types[0])
        for (index, operand) in operands.enumerated() {
            if case .memory = operand { store(&code, index, types[index]) }
        }
        if use == .branchIf { code.raw([0x02, 0x40]) }
        if use == .select { code.raw([0x41, 7, 0x41, 9]) }
        for (index, operand) in operands.enumerated() { push(&code, operand, index, types[index]) }
        code.raw(operation.opcode)
        switch use {
        case .value: break
        case .ifElse: code.raw([0x04, 0x7F, 0x41, 1, 0x05, 0x41, 2, 0x0B])
        case .branchIf: code.raw([0x0D, 0, 0x41, 3, 0x0F, 0x0B, 0x41, 4])
        case .select: code.raw([0x1B])
        case .negated: code.raw([0x45, 0x04, 0x7F, 0x41, 5, 0x05, 0x41, 6, 0x0B])
        }
        code.byte(0x0B)
        return code.bytes
    }

    private static func store(_ code: inout BinaryWriter, _ index: Int, _ type: ValueType) {
        code.raw([0x41, 16, 0x20, UInt8(index)])
        code.raw([UInt8(0x36 + offset(type)), 0, UInt8(index * 8)])
    }

    private static func push(
        _ code: inout BinaryWriter, _ operand: Operand, _ index: Int, _ type: ValueType
    ) {
        let local = UInt8(index)
        switch operand {
        case .parameter: code.raw([0x20, local])
        case .memory: code.raw([0x41, 16, UInt8(0x28 + offset(type)), 0, local * 8])
        case .oldLocal:
            code.raw([0x20, local])
            constant(&code, type, 0)
            code.raw([0x21, local])
        case .constant(let bits): constant(&code, type, bits)
        }
    }

    /// Of a type in the rows of opcodes that go i32, i64, f32, f64.
    private static func offset(_ type: ValueType) -> Int { Int(0x7F - type.bits) }

    private static func constant(_ code: inout BinaryWriter, _ type: ValueType, _ bits: UInt64) {
        code.byte(UInt8(0x41 + offset(type)))
        switch type {
        case .i32: code.signed(Int64(Int32(truncatingIfNeeded: bits)))
        case .i64: code.signed(Int64(bitPattern: bits))
        case .f32: code.word(bits, byteCount: 4)
        default: code.word(bits, byteCount: 8)
        }
    }
}

extension OperandForms: CustomStringConvertible {
    public var description: String { "opcode \(name)" }
}
