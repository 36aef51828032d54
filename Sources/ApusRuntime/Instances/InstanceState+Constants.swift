internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// Constant expressions, as instances evaluate them. Specification: 3.4.14.
extension InstanceState {
    typealias ConstantValue = (low: UInt64, high: UInt64)

    /// The value of a valid constant expression, as cells hold it. Throws if it makes an object for
    /// which there is no room.
    func evaluate(_ expression: ConstantExpression) throws -> ConstantValue {
        // Nearly all have one instruction.
        if expression.instructions.count == 1, !expression.usesAggregates {
            return constant(expression.instructions[0])
        }
        var stack: [ConstantValue] = []
        // All that has been on the stack stays in use meanwhile.
        let pinned = store.pinned.count
        defer { store.pinned.removeLast(store.pinned.count - pinned) }
        for instruction in expression.instructions {
            do {
                try evaluate(instruction, &stack)
            } catch let failure as ObjectFailure {
                throw trap(failure.code)
            }
            store.pinned.append(stack.last?.low ?? 0)
        }
        return stack.last ?? (0, 0)
    }

    private func evaluate(
        _ instruction: ConstantExpression.Instruction, _ stack: inout [ConstantValue]
    ) throws {
        func pop() -> ConstantValue { stack.popLast() ?? (0, 0) }
        switch instruction {
        case .i32Add, .i32Sub, .i32Mul, .i64Add, .i64Sub, .i64Mul:
            let right = pop()
            stack.append((instruction.combine(pop().low, right.low) ?? 0, 0))
        case .structNew(let type, let initializer):
            let count = initializer == .values ? module.module.types.fieldTypes(Int(type)).count : 0
            let values = Array(stack.suffix(count))
            stack.removeLast(values.count)
            stack.append((try makeStructure(Int(type), values), 0))
        case .arrayNew(let type, let initializer):
            let length = UInt32(truncatingIfNeeded: pop().low)
            let value = initializer == .values ? pop() : (0, 0)
            stack.append((try makeArray(Int(type), length: length, value), 0))
        case .arrayNewFixed(let type, let count):
            let values = Array(stack.suffix(Int(count)))
            stack.removeLast(values.count)
            stack.append((try makeArray(Int(type), values), 0))
        case .refI31:
            let bits = UInt32(truncatingIfNeeded: pop().low) << 1
            stack.append((UInt64(bits) | UInt64(ObjectLayout.integerBit), 0))
        // The same reference, whatever its type is called.
        case .anyConvertExtern, .externConvertAny: break
        default: stack.append(constant(instruction))
        }
    }

    /// Takes `cost` from the store's fuel, as code does for the same instructions.
    private func pay(_ cost: UInt64) throws {
        guard store.pay(cost, isDone: false) else { throw trap(.outOfFuel) }
    }

    /// An object of zeros, which costs `cost` besides its instruction, if it can be made.
    private func makeObject(
        _ type: Int, length: UInt32 = 0, for cost: UInt64 = 0
    ) throws -> UInt64 {
        guard store.canPay(cost) else { throw trap(.outOfFuel) }
        let object = try store.makeObject(module.sharedTypes.ids[type], length: length)
        // A limiter may have been asked meanwhile, and have set what there is.
        try pay(cost)
        return object
    }

    private func makeStructure(_ type: Int, _ values: [ConstantValue]) throws -> UInt64 {
        let fields = module.module.types.fieldTypes(type)
        var cost: UInt64 = 0
        // With values, each of them has been paid for.
        if values.isEmpty {
            var end = ObjectLayout.headerBytes
            for field in fields {
                end = ObjectLayout.offset(of: field.storage, after: end)
                end += ObjectLayout.bytes(of: field.storage)
            }
            cost = FuelCost.ofStructure(bytes: UInt64(ObjectLayout.objectBytes(end)))
        }
        let object = try makeObject(type, for: cost)
        var end = ObjectLayout.headerBytes
        for (field, value) in zip(fields, values) {
            let place = ObjectLayout.offset(of: field.storage, after: end)
            end = place + ObjectLayout.bytes(of: field.storage)
            store.write(object, field.storage, at: place, value)
        }
        return object
    }

    /// An array of `length` times `value`.
    private func makeArray(
        _ type: Int, length: UInt32, _ value: ConstantValue
    ) throws -> UInt64 {
        let field = module.module.types.fieldTypes(type).first
        let unit = field.map { UInt64(ObjectLayout.bytes(of: $0.storage)) } ?? 0
        let array = try makeObject(
            type, length: length, for: FuelCost.ofBytes(UInt64(length) * unit))
        if let field {
            // Elements that are never null would be, if it was broken off.
            while !store.fill(array, field.storage, value) { try store.checkInterruption() }
        }
        return array
    }

    /// An array of `values`, of which there are no more than the module's bytes allow.
    private func makeArray(_ type: Int, _ values: [ConstantValue]) throws -> UInt64 {
        let length = UInt32(truncatingIfNeeded: values.count)
        let array = try makeObject(type, length: length)
        guard let field = module.module.types.fieldTypes(type).first else { return array }
        var place = ObjectLayout.headerBytes
        for value in values {
            store.write(array, field.storage, at: place, value)
            place += ObjectLayout.bytes(of: field.storage)
        }
        return array
    }

    private func constant(_ instruction: ConstantExpression.Instruction) -> ConstantValue {
        switch instruction {
        case .i32Const(let value): (UInt64(UInt32(bitPattern: value)), 0)
        case .i64Const(let value): (UInt64(bitPattern: value), 0)
        case .f32Const(let bits): (UInt64(bits), 0)
        case .f64Const(let bits): (bits, 0)
        case .v128Const(let low, let high): (low, high)
        case .globalGet(let index): (globals[Int(index)].bits, globals[Int(index)].highBits)
        case .refFunc(let index): (function(Int(index))?.bits ?? 0, 0)
        case .refNull, .i32Add, .i32Sub, .i32Mul, .i64Add, .i64Sub, .i64Mul, .structNew, .arrayNew,
            .arrayNewFixed, .refI31, .anyConvertExtern, .externConvertAny:
            (0, 0)
        }
    }
}
