/// Comparisons, and what is asked of values that are only tested.
extension Builder {
    /// What decides whether `value`, an i32 or i64, is not 0: without comparisons with 0. With
    /// `isInverted`, `value` is not 0 exactly when the result is.
    public mutating func truth(_ value: Value) -> (value: Value, isInverted: Bool) {
        var value = value
        var isInverted = false
        while true {
            let made = function[value]
            guard made.operator == .compare, constant(made.second) == 0 else { break }
            // Only what is an i32 can stand where the comparison stood.
            guard function.type(made.first) == .i32 else { break }
            if made.integerCondition == .equal {
                isInverted.toggle()
            } else if made.integerCondition != .notEqual {
                break
            }
            value = made.first
        }
        return (value, isInverted)
    }

    mutating func simplifyComparison(_ instruction: inout Instruction) -> Value? {
        let type = function.type(instruction.first)
        var condition = instruction.integerCondition
        if constant(instruction.first) != nil, constant(instruction.second) == nil {
            swap(&instruction.a, &instruction.b)
            condition = condition.swapped
        }
        instruction.immediate = condition.rawValue
        if instruction.a == instruction.b { return boolean(isReflexive(condition)) }
        guard let bits = constant(instruction.second) else { return nil }
        if let left = constant(instruction.first) {
            return boolean(Folding.compare(condition, type, left, bits))
        }
        if let known = compareByWidth(instruction, condition, bits) { return known }
        if bits == 1, condition == .lessUnsigned {
            return compareWithZero(instruction, .equal, type)
        }
        guard bits == 0 else { return nil }
        switch condition {
        case .greaterUnsigned: return compareWithZero(instruction, .notEqual, type)
        case .lessOrEqualUnsigned: return compareWithZero(instruction, .equal, type)
        case .equal, .notEqual: return simplifyZeroTest(&instruction, condition)
        default: return nil
        }
    }

    private mutating func boolean(_ isTrue: Bool) -> Value { constant(.i32, isTrue ? 1 : 0) }

    private mutating func compareWithZero(
        _ instruction: Instruction, _ condition: IntegerCondition, _ type: IRType
    ) -> Value {
        value(
            Instruction(
                .compare, .i32, instruction.first, constant(type, 0),
                immediate: condition.rawValue))
    }

    private func isReflexive(_ condition: IntegerCondition) -> Bool {
        switch condition {
        case .equal, .greaterOrEqualSigned, .lessOrEqualSigned, .greaterOrEqualUnsigned,
            .lessOrEqualUnsigned:
            true
        default: false
        }
    }

    /// Comparisons with what a value cannot reach.
    private mutating func compareByWidth(
        _ instruction: Instruction, _ condition: IntegerCondition, _ bits: UInt64
    ) -> Value? {
        let largest = largest(instruction.first)
        switch condition {
        case .lessUnsigned:
            if bits == 0 { return boolean(false) }
            if largest < bits { return boolean(true) }
        case .greaterOrEqualUnsigned:
            if bits == 0 { return boolean(true) }
            if largest < bits { return boolean(false) }
        case .greaterUnsigned: if largest <= bits { return boolean(false) }
        case .lessOrEqualUnsigned: if largest <= bits { return boolean(true) }
        case .equal: if largest < bits { return boolean(false) }
        case .notEqual: if largest < bits { return boolean(true) }
        default: break
        }
        return nil
    }

    /// `x == 0` and `x != 0`.
    private mutating func simplifyZeroTest(
        _ instruction: inout Instruction, _ condition: IntegerCondition
    ) -> Value? {
        let inner = function[instruction.first]
        switch inner.operator {
        case .compare, .floatCompare:
            if condition == .notEqual { return instruction.first }
            var inverse = inner
            inverse.immediate =
                inner.operator == .compare
                ? inner.integerCondition.inverted.rawValue
                : inner.floatCondition.inverted.rawValue
            return value(inverse)
        case .subtract, .xor:
            return value(
                Instruction(
                    .compare, .i32, inner.first, inner.second, immediate: condition.rawValue))
        case .extendUnsigned, .extendSigned:
            let zero = constant(.i32, 0)
            return value(
                Instruction(.compare, .i32, inner.first, zero, immediate: condition.rawValue))
        default: return nil
        }
    }
}
