internal import ApusFormat

/// Expressions: code that leaves one value of a given type.
extension FunctionGenerator {
    private enum Form {
        case constant, local, numeric, chain, tee, select, global, load, `if`, block, loop, call
        case special, thenStatement, again, atomic, managed, read
    }

    mutating func expression(_ type: ValueType, depth: Int) {
        budget -= 1
        if depth <= 0 || budget <= 0 { return leaf(type) }
        let form: Form = choices.pick(weighted: [
            (8, .constant), (22, .local), (type.isReference ? 0 : 40, .numeric),
            (type.isReference ? 0 : 4, .chain), (4, .tee), (5, .select), (5, .global), (8, .load),
            (4, .if), (4, .block), (3, .loop), (6, .call), (5, .special), (4, .thenStatement),
            (repeats.expressions.isEmpty ? 0 : 12, .again),
            (shape.usesAtomics && type.isInteger ? 15 : 0, .atomic),
            (type.isManaged ? 40 : 0, .managed), (shape.aggregates.isEmpty ? 0 : 12, .read),
        ])
        switch form {
        case .constant: constant(type)
        case .local: leaf(type)
        case .numeric where type == .v128: vector(depth: depth)
        case .numeric: numeric(choices.pick(NumericOperation.giving(type)), depth: depth)
        case .chain: chain(type, depth: depth)
        case .tee: tee(type, depth: depth)
        case .select: select(type, depth: depth)
        case .global: global(type)
        case .load: type.isReference ? tableGet(type, depth: depth) : load(type, depth: depth)
        case .if: ifElse([type], depth: depth)
        case .block: block([type], depth: depth)
        case .loop: loop([type], depth: depth)
        case .call: if !call(giving: type, depth: depth) { leaf(type) }
        case .special: special(type, depth: depth)
        case .thenStatement:
            expression(type, depth: depth - 1)
            statements(1 + choices.below(2), depth: depth - 1)
        case .again: if !repeated(type) { leaf(type) }
        case .atomic: atomic(type, depth: depth)
        case .managed: managed(type, depth: depth)
        case .read where type == .i32 && choices.chance(40): managedTest(depth: depth)
        case .read: if !read(giving: type, depth: depth) { leaf(type) }
        }
    }

    mutating func expressions(_ types: [ValueType], depth: Int) {
        for type in types {
            expression(type, depth: depth)
            if choices.chance(4) { statement(depth: depth - 1) }
        }
    }

    private mutating func constant(_ type: ValueType) {
        if type == .v128 { return code.constant(choices.vector()) }
        if type.isOfFunctions && choices.chance(60) {
            let candidates = shape.functions(for: type)
            if !candidates.isEmpty { return op(0xD2, choices.pick(candidates)) }
        }
        code.constant(type, type.isReference ? 0 : choices.number(type))
    }

    private mutating func leaf(_ type: ValueType) {
        let candidates = locals(of: type)
        if candidates.isEmpty || choices.chance(15) { return constant(type) }
        op(0x20, choices.pick(candidates))
    }

    /// An i32 that is made to be tested.
    mutating func condition(depth: Int) {
        let tests = NumericOperation.giving(.i32).filter {
            $0.opcode[0] >= 0x45 && $0.opcode[0] <= 0x66
        }
        if depth <= 0 || choices.chance(30) { return expression(.i32, depth: depth - 1) }
        numeric(choices.pick(tests), depth: depth)
        if choices.chance(10) { op(0x45) }
    }

    mutating func numeric(_ operation: NumericOperation, depth: Int) {
        for (position, type) in operation.operands.enumerated() {
            let isLast = position == operation.operands.count - 1
            if isLast && operation.hazard != .none {
                hazardous(operation, type, depth: depth - 1)
            } else {
                expression(type, depth: depth - 1)
                if !isLast && choices.chance(8) { statement(depth: depth - 2) }
            }
        }
        code.raw(operation.opcode)
    }

    /// The last operand of an operation that may trap or show what is left open.
    private mutating func hazardous(_ operation: NumericOperation, _ type: ValueType, depth: Int) {
        switch operation.hazard {
        case .none:
            expression(type, depth: depth)
        case .divides where choices.chance(45):
            code.constant(type, choices.pick(EdgeValues.of(type)) | 1)
        case .divides:
            expression(type, depth: depth)
            if choices.chance(90) {
                code.constant(type, 1)
                op(type == .i32 ? 0x72 : 0x84)
            }
        case .truncates:
            if choices.chance(70) {
                // A 32-bit integer fits most targets; unsigned ones may still trap.
                expression(.i32, depth: depth)
                code.constant(.i32, 0x7F_FFFF)
                op(0x71)
                op(type == .f32 ? 0xB2 : 0xB7)
            } else {
                expression(type, depth: depth)
            }
        case .showsBits:
            settled(type, depth: depth)
        }
    }

    /// A float whose bits are the same everywhere: moved, not computed, or made canonical.
    mutating func settled(_ type: ValueType, depth: Int) {
        guard type.isFloat else { return expression(type, depth: depth) }
        switch choices.below(4) {
        case 0: constant(type)
        case 1:
            let integer: ValueType = type == .f32 ? .i32 : .i64
            expression(integer, depth: depth)
            op(type == .f32 ? 0xBE : 0xBF)
        default:
            expression(type, depth: depth)
            canonicalize(type)
        }
    }

    /// Many operands at once, then the operators: pressure on the registers.
    private mutating func chain(_ type: ValueType, depth: Int) {
        let operators = NumericOperation.giving(type).filter {
            $0.operands == [type, type] && $0.hazard == .none
        }
        let count = 2 + choices.below(type == .v128 ? 20 : 14)
        for _ in 0..<count { expression(type, depth: min(depth - 2, 1)) }
        for _ in 1..<count {
            if type == .v128 {
                emit(choices.pick(VectorOperation.binary))
            } else {
                code.raw(choices.pick(operators).opcode)
            }
        }
    }

    private mutating func tee(_ type: ValueType, depth: Int) {
        expression(type, depth: depth - 1)
        let targets = assignable.filter { locals[$0] == type }
        if !targets.isEmpty { op(0x22, choices.pick(targets)) }
    }

    private mutating func select(_ type: ValueType, depth: Int) {
        expression(type, depth: depth - 1)
        expression(type, depth: depth - 1)
        condition(depth: depth - 1)
        if type.isReference || choices.chance(20) {
            code.raw([0x1C, 1])
            code.type(type)
        } else {
            op(0x1B)
        }
    }

    private mutating func global(_ type: ValueType) {
        let candidates = shape.globals.indices.filter { shape.globals[$0].value == type }
        if candidates.isEmpty { leaf(type) } else { op(0x23, choices.pick(candidates)) }
    }

    /// Instructions that only some types have.
    private mutating func special(_ type: ValueType, depth: Int) {
        if type.isReference { return specialReference(type, depth: depth) }
        if shape.usesVectors && type != .v128 && choices.chance(40) {
            return ofVector(type, depth: depth)
        }
        guard type.isInteger else { return leaf(type) }
        let memories = shape.memories.indices.filter { shape.memories[$0].address == type }
        let tables = shape.tables.indices.filter { shape.tables[$0].address == type }
        switch choices.below(6) {
        case 0 where !memories.isEmpty: op(0x3F, choices.pick(Array(memories)))
        case 1 where !memories.isEmpty:
            code.address(choices.pick([0, 1, 1, 2, 3, 0x1_0000, -1]), is64: type == .i64)
            op(0x40, choices.pick(Array(memories)))
        case 2 where !tables.isEmpty:
            code.raw([0xFC, 16])
            code.unsigned(choices.pick(Array(tables)))
        case 3 where !tables.isEmpty:
            let table = choices.pick(Array(tables))
            expression(shape.tables[table].element, depth: depth - 1)
            // Without a maximum some engines take even what asks for all addresses.
            let isBounded = shape.tables[table].limits.maximum != nil
            let count = choices.pick(isBounded ? [0, 1, 2, 5, -1] : [0, 1, 2, 5])
            code.address(count, is64: type == .i64)
            code.raw([0xFC, 15])
            code.unsigned(table)
        case 4 where type == .i32:
            expression(choices.pick(shape.localTypes.filter(\.isReference)), depth: depth - 1)
            op(0xD1)
        case 4, 5: if type == .i64 { wide(depth: depth) } else { leaf(type) }
        default: leaf(type)
        }
    }

    /// One half, or the sum of both, of a result of 128 bits.
    private mutating func wide(depth: Int) {
        let operation = UInt8(choices.below(4))
        for _ in 0..<(operation < 2 ? 4 : 2) { expression(.i64, depth: depth - 1) }
        code.raw([0xFC, 19 + operation])
        switch choices.below(3) {
        case 0: op(0x1A)
        case 1: op(choices.pick([0x7C, 0x85]))
        default:
            let high = addLocal(.i64)
            op(0x21, high)
            op(0x1A)
            op(0x20, high)
        }
    }

    private mutating func specialReference(_ type: ValueType, depth: Int) {
        if type.isManaged { return managed(type, depth: depth) }
        let typed = shape.typedReferences
        if type == .externref, !shape.aggregates.isEmpty, choices.chance(40) {
            expression(.reference(.any, nullable: true), depth: depth - 1)
            return code.raw([0xFB, 27])
        }
        if type == .funcref, !typed.isEmpty, choices.chance(50) {
            return expression(choices.pick(typed), depth: depth - 1)
        }
        guard choices.chance(50) else { return leaf(type) }
        // Null now and then only: that is a trap.
        constant(type)
        if choices.chance(50) { expression(type, depth: depth - 1) } else { constant(type) }
        condition(depth: depth - 1)
        code.raw([0x1C, 1])
        code.type(type)
        if choices.chance(30) { op(0xD4) }
    }
}
