internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// Comparisons, joined with the branch, `if`, `select` or `i32.eqz` that follows (4.3.2, 4.3.3).
extension BaselineCompiler {
    /// `eqz`
    mutating func translateTest(_ type: ValueClass, _ analysis: borrowing BodyAnalysis) {
        compareWithZero(type, .e, analysis)
    }

    mutating func isConditionConsumer(_ opcode: UInt8) -> Bool {
        // Between two instructions a guest may stop.
        if hasStopPoints { return false }
        return opcode == 0x0D || opcode == 0x04 || opcode == 0x45 || opcode == 0x1B
    }

    /// `condition` of comparing the popped operand with zero.
    mutating func compareWithZero(
        _ type: ValueClass, _ condition: Condition, _ analysis: borrowing BodyAnalysis
    ) {
        let operand = pop()
        if operand.isConstant {
            let isZero = operand.bits == 0
            return push(.constant(.i32, isZero == (condition == .e) ? 1 : 0))
        }
        if let address = frameAddress(operand) {
            code.alu(.cmp, type.width, address, immediate: 0)
            return consume(.flag(condition), analysis)
        }
        let value = take(operand)
        emitBoolean(value, nil, condition, analysis) { code in
            code.test(type.width, value.register, value.register)
        }
    }

    mutating func translateIntegerCompare(
        _ type: ValueClass, _ comparison: Comparison, _ analysis: borrowing BodyAnalysis
    ) {
        var right = pop()
        var left = pop()
        var condition = comparison.condition
        if left.isConstant {
            if right.isConstant { return pushComparison(type, comparison, left.bits, right.bits) }
            swap(&left, &right)
            condition = condition.withSwappedOperands
        }
        if right.isConstant, right.bits == 0, condition == .e || condition == .ne {
            push(left)
            return compareWithZero(type, condition, analysis)
        }
        let width = type.width
        if let immediate = right.immediate {
            if let address = frameAddress(left) {
                code.alu(.cmp, width, address, immediate: immediate)
                return consume(.flag(condition), analysis)
            }
            let a = take(left)
            return emitBoolean(a, nil, condition, analysis) { code in
                if immediate == 0 {
                    code.test(width, a.register, a.register)
                } else {
                    code.alu(.cmp, width, a.register, immediate: immediate)
                }
            }
        }
        if let address = frameAddress(right) {
            let a = take(left)
            return emitBoolean(a, nil, condition, analysis) { code in
                code.alu(.cmp, width, a.register, address)
            }
        }
        let a = take(left)
        let b = take(right)
        emitBoolean(a, b, condition, analysis) { code in
            code.alu(.cmp, width, a.register, b.register)
        }
    }

    private mutating func pushComparison(
        _ type: ValueClass, _ comparison: Comparison, _ left: UInt64, _ right: UInt64
    ) {
        let holds =
            type == .i32
            ? comparison.holds(
                UInt32(truncatingIfNeeded: left), UInt32(truncatingIfNeeded: right))
            : comparison.holds(left, right)
        push(.constant(.i32, holds ? 1 : 0))
    }

    /// Emits the comparison and hands its condition to whoever comes next.
    @inline(__always)
    private mutating func emitBoolean(
        _ a: GeneralValue, _ b: GeneralValue?, _ condition: Condition,
        _ analysis: borrowing BodyAnalysis, _ compare: (inout CodeBuffer) -> Void
    ) {
        if isConditionConsumer(reader.peekByte()) {
            compare(&code)
            release(a)
            if let b { release(b) }
            return consume(.flag(condition), analysis)
        }
        // The result's register is cleared before, unless it is being compared.
        let result = generalDestination()
        let target = result.general
        let isFresh = target != a.register && target != b?.register
        if isFresh { code.zero(target) }
        compare(&code)
        release(a)
        if let b { release(b) }
        code.set(condition, target)
        if !isFresh { code.moveZeroExtended(from: .w8, target, target) }
        finish(result, .i32)
    }

    /// The flags hold a condition: the next instruction uses it, or it becomes an i32.
    mutating func consume(_ condition: FlagCondition, _ analysis: borrowing BodyAnalysis) {
        if hasStopPoints { return materializeCondition(condition) }
        var condition = condition
        while reader.peekByte() == 0x45 {
            _ = reader.readByte()
            condition = condition.inverted
        }
        switch reader.peekByte() {
        case 0x0D:
            _ = reader.readByte()
            translateBrIf(.flags(condition), analysis)
        case 0x04:
            _ = reader.readByte()
            translateIf(.flags(condition), analysis)
        case 0x1B:
            _ = reader.readByte()
            emitSelect(condition)
        default: materializeCondition(condition)
        }
    }

    private mutating func materializeCondition(_ condition: FlagCondition) {
        let result = generalDestination()
        let target = result.general
        let scratch = CallingConvention.scratch
        switch condition {
        case .flag(let flag): code.set(flag, target)
        case .floatEqual:
            code.set(.np, scratch)
            code.set(.e, target)
            code.alu(.and, .w32, target, scratch)
        case .floatNotEqual:
            code.set(.p, scratch)
            code.set(.ne, target)
            code.alu(.or, .w32, target, scratch)
        }
        code.moveZeroExtended(from: .w8, target, target)
        finish(result, .i32)
    }

    // MARK: Floats

    mutating func translateFloatCompare(
        _ type: ValueClass, _ comparison: Comparison, _ analysis: borrowing BodyAnalysis
    ) {
        let right = pop()
        let left = pop()
        // “Above” is false of unordered operands, “below” is not: so less is greater, turned.
        switch comparison {
        case .less, .lessSigned, .lessUnsigned:
            compareFloats(type, right, left)
            consume(.flag(.a), analysis)
        case .lessOrEqual, .lessOrEqualSigned, .lessOrEqualUnsigned:
            compareFloats(type, right, left)
            consume(.flag(.ae), analysis)
        case .greater, .greaterSigned, .greaterUnsigned:
            compareFloats(type, left, right)
            consume(.flag(.a), analysis)
        case .greaterOrEqual, .greaterOrEqualSigned, .greaterOrEqualUnsigned:
            compareFloats(type, left, right)
            consume(.flag(.ae), analysis)
        case .equal:
            compareFloats(type, left, right)
            consume(.floatEqual, analysis)
        case .notEqual:
            compareFloats(type, left, right)
            consume(.floatNotEqual, analysis)
        }
    }

    private mutating func compareFloats(_ type: ValueClass, _ left: Operand, _ right: Operand) {
        let a = takeFloat(left)
        if let address = floatMemory(right) {
            code.compareFloat(type.floatWidth, a.register, address)
        } else {
            let b = takeFloat(right)
            code.compareFloat(type.floatWidth, a.register, b.register)
            release(b)
        }
        release(a)
    }
}

extension Comparison {
    /// The condition that an integer comparison leaves in the flags.
    var condition: Condition {
        switch self {
        case .equal: .e
        case .notEqual: .ne
        case .lessSigned, .less: .l
        case .lessUnsigned: .b
        case .greaterSigned, .greater: .g
        case .greaterUnsigned: .a
        case .lessOrEqualSigned, .lessOrEqual: .le
        case .lessOrEqualUnsigned: .be
        case .greaterOrEqualSigned, .greaterOrEqual: .ge
        case .greaterOrEqualUnsigned: .ae
        }
    }
}

extension Condition {
    /// The condition of comparing the other way round.
    var withSwappedOperands: Condition {
        switch self {
        case .l: .g
        case .g: .l
        case .le: .ge
        case .ge: .le
        case .b: .a
        case .a: .b
        case .be: .ae
        case .ae: .be
        case .e, .ne, .o, .no, .s, .ns, .p, .np: self
        }
    }
}
