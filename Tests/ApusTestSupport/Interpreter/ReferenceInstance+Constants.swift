internal import ApusCollections
internal import ApusFormat

/// Constant expressions. Specification: 3.4.14.
extension ReferenceInstance {
    func evaluate(_ expression: ConstantExpression) throws -> ModelVector {
        var stack: [ModelVector] = []
        for instruction in expression.instructions { try evaluate(instruction, &stack) }
        return stack[0]
    }

    private func evaluate(
        _ instruction: ConstantExpression.Instruction, _ stack: inout [ModelVector]
    ) throws {
        func push(_ bits: UInt64) { stack.append(ModelVector(low: bits)) }
        func integers(_ combine: (UInt64, UInt64) -> UInt64) {
            let right = stack.removeLast().low
            push(combine(stack.removeLast().low, right))
        }
        func narrow(_ value: UInt64) -> UInt64 { value & 0xFFFF_FFFF }
        switch instruction {
        case .i32Const(let value): push(UInt64(UInt32(bitPattern: value)))
        case .i64Const(let value): push(UInt64(bitPattern: value))
        case .f32Const(let bits): push(UInt64(bits))
        case .f64Const(let bits): push(bits)
        case .v128Const(let low, let high): stack.append(ModelVector(low: low, high: high))
        case .globalGet(let index): stack.append(store.globals[globals[Int(index)]].cell)
        case .refNull: push(0)
        case .refFunc(let index): push(UInt64(functions[Int(index)]) + 1)
        case .i32Add: integers { narrow($0 &+ $1) }
        case .i32Sub: integers { narrow($0 &- $1) }
        case .i32Mul: integers { narrow($0 &* $1) }
        case .i64Add: integers { $0 &+ $1 }
        case .i64Sub: integers { $0 &- $1 }
        case .i64Mul: integers { $0 &* $1 }
        case .refI31:
            push(
                ReferenceStore.smallInteger(UInt32(truncatingIfNeeded: stack.removeLast().low)))
        case .anyConvertExtern, .externConvertAny: break
        case .structNew(let type, let values):
            let fields = store.fields(types.numbers[Int(type)])
            let given = values == .values ? take(fields.count, &stack) : fields.map { _ in .init() }
            if values == .defaults { store.spentFuel += store.fuel(structure: fields) }
            push(try make(type, zip(fields, given).map { $0.packed($1) }))
        case .arrayNew(let type, let values):
            let count = Int(stack.removeLast().low)
            try store.reserve(count)
            store.spentFuel += store.fuel(arrayOf: element(type), count)
            let given = values == .values ? stack.removeLast() : ModelVector()
            push(try make(type, Array(repeating: element(type).packed(given), count: count)))
        case .arrayNewFixed(let type, let count):
            push(try make(type, take(Int(count), &stack).map(element(type).packed)))
        }
    }

    private func element(_ type: UInt32) -> FieldType {
        store.fields(types.numbers[Int(type)])[0]
    }

    private func take(_ count: Int, _ stack: inout [ModelVector]) -> [ModelVector] {
        let taken = Array(stack.suffix(count))
        stack.removeLast(count)
        return taken
    }

    private func make(_ type: UInt32, _ fields: [ModelVector]) throws -> UInt64 {
        try store.allocate(types.numbers[Int(type)], fields)
    }
}
