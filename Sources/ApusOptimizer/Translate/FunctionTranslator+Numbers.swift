internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Numbers (4.3, 4.6.1): an operator for each.
extension FunctionTranslator {
    private mutating func pushUnary(_ operation: Operator, _ type: IRType) {
        let operand = pop()
        push(builder.value(ApusIR.Instruction(operation, type, operand)))
    }

    private mutating func pushBinary(_ operation: Operator, _ type: IRType) {
        let right = pop()
        let left = pop()
        push(builder.value(ApusIR.Instruction(operation, type, left, right)))
    }

    mutating func translateUnary(_ type: IRType, _ unary: UnaryOperator) {
        let operation: Operator =
            switch unary {
            case .countLeadingZeros: .countLeadingZeros
            case .countTrailingZeros: .countTrailingZeros
            case .populationCount: .populationCount
            case .extend8Signed: .extend8Signed
            case .extend16Signed: .extend16Signed
            case .extend32Signed: .extend32Signed
            case .absolute: .absolute
            case .negate: .negate
            case .squareRoot: .squareRoot
            case .ceiling: .ceiling
            case .floor: .floor
            case .truncate: .truncate
            case .nearest: .nearest
            }
        pushUnary(operation, type)
    }

    mutating func translateBinary(_ type: IRType, _ binary: BinaryOperator) {
        let operation: Operator =
            switch binary {
            case .add: type.isFloat ? .floatAdd : .add
            case .subtract: type.isFloat ? .floatSubtract : .subtract
            case .multiply: type.isFloat ? .floatMultiply : .multiply
            case .divideSigned: .divideSigned
            case .divideUnsigned: .divideUnsigned
            case .remainderSigned: .remainderSigned
            case .remainderUnsigned: .remainderUnsigned
            case .and: .and
            case .or: .or
            case .xor: .xor
            case .shiftLeft: .shiftLeft
            case .shiftRightSigned: .shiftRightSigned
            case .shiftRightUnsigned: .shiftRightUnsigned
            case .rotateLeft: .rotateLeft
            case .rotateRight: .rotateRight
            case .divide: .floatDivide
            case .minimum: .minimum
            case .maximum: .maximum
            case .copySign: .copySign
            }
        pushBinary(operation, type)
    }

    mutating func translateTest(_ type: IRType) {
        let zero = builder.constant(type, 0)
        compare(.equal, pop(), zero)
    }

    private mutating func compare(_ condition: IntegerCondition, _ left: Value, _ right: Value) {
        push(
            builder.value(
                ApusIR.Instruction(.compare, .i32, left, right, immediate: condition.rawValue)))
    }

    mutating func translateCompare(_ type: NumberType, _ comparison: Comparison) {
        let right = pop()
        let left = pop()
        if type.isInteger { return compare(Self.condition(comparison), left, right) }
        push(
            builder.value(
                ApusIR.Instruction(
                    .floatCompare, .i32, left, right,
                    immediate: Self.floatCondition(comparison).rawValue)))
    }

    private static func condition(_ comparison: Comparison) -> IntegerCondition {
        switch comparison {
        case .equal: .equal
        case .notEqual: .notEqual
        case .lessSigned, .less: .lessSigned
        case .lessUnsigned: .lessUnsigned
        case .greaterSigned, .greater: .greaterSigned
        case .greaterUnsigned: .greaterUnsigned
        case .lessOrEqualSigned, .lessOrEqual: .lessOrEqualSigned
        case .lessOrEqualUnsigned: .lessOrEqualUnsigned
        case .greaterOrEqualSigned, .greaterOrEqual: .greaterOrEqualSigned
        case .greaterOrEqualUnsigned: .greaterOrEqualUnsigned
        }
    }

    private static func floatCondition(_ comparison: Comparison) -> FloatCondition {
        switch comparison {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less, .lessSigned, .lessUnsigned: .less
        case .greater, .greaterSigned, .greaterUnsigned: .greater
        case .lessOrEqual, .lessOrEqualSigned, .lessOrEqualUnsigned: .lessOrEqual
        case .greaterOrEqual, .greaterOrEqualSigned, .greaterOrEqualUnsigned: .greaterOrEqual
        }
    }

    mutating func translateConversion(_ conversion: Conversion) {
        let operation: Operator =
            switch conversion {
            case .i32WrapI64: .wrap
            case .i64ExtendI32Signed: .extendSigned
            case .i64ExtendI32Unsigned: .extendUnsigned
            case .f32DemoteF64: .demote
            case .f64PromoteF32: .promote
            case .i32ReinterpretF32, .i64ReinterpretF64, .f32ReinterpretI32, .f64ReinterpretI64:
                .bitcast
            case .f32ConvertI32Signed, .f32ConvertI64Signed, .f64ConvertI32Signed,
                .f64ConvertI64Signed:
                .convertSigned
            case .f32ConvertI32Unsigned, .f32ConvertI64Unsigned, .f64ConvertI32Unsigned,
                .f64ConvertI64Unsigned:
                .convertUnsigned
            case .i32TruncF32Signed, .i32TruncF64Signed, .i64TruncF32Signed, .i64TruncF64Signed:
                .truncateSigned
            case .i32TruncF32Unsigned, .i32TruncF64Unsigned, .i64TruncF32Unsigned,
                .i64TruncF64Unsigned:
                .truncateUnsigned
            case .i32TruncSatF32Signed, .i32TruncSatF64Signed, .i64TruncSatF32Signed,
                .i64TruncSatF64Signed:
                .truncateSaturatingSigned
            case .i32TruncSatF32Unsigned, .i32TruncSatF64Unsigned, .i64TruncSatF32Unsigned,
                .i64TruncSatF64Unsigned:
                .truncateSaturatingUnsigned
            }
        pushUnary(operation, IRType(conversion.result))
    }

    /// Numbers of 128 bits as two of 64, the low half first (the wide arithmetic proposal).
    mutating func translateWide(_ wide: WideOperator) {
        switch wide {
        case .multiplySigned, .multiplyUnsigned:
            let right = pop()
            let left = pop()
            push(builder.value(ApusIR.Instruction(.multiply, .i64, left, right)))
            let high: Operator =
                wide == .multiplySigned ? .multiplyHighSigned : .multiplyHighUnsigned
            push(builder.value(ApusIR.Instruction(high, .i64, left, right)))
        case .add128, .subtract128: translateWideSum(isSum: wide == .add128)
        }
    }

    private mutating func translateWideSum(isSum: Bool) {
        let rightHigh = pop()
        let rightLow = pop()
        let leftHigh = pop()
        let leftLow = pop()
        let operation: Operator = isSum ? .add : .subtract
        let low = builder.value(ApusIR.Instruction(operation, .i64, leftLow, rightLow))
        // A sum that is less than what was added to has wrapped; a difference has if what is
        // taken away was more than there was.
        let carry = builder.value(
            ApusIR.Instruction(
                .compare, .i32, isSum ? low : leftLow, isSum ? leftLow : rightLow,
                immediate: IntegerCondition.lessUnsigned.rawValue))
        let wideCarry = builder.value(ApusIR.Instruction(.extendUnsigned, .i64, carry))
        let high = builder.value(ApusIR.Instruction(operation, .i64, leftHigh, rightHigh))
        push(low)
        push(builder.value(ApusIR.Instruction(operation, .i64, high, wideCarry)))
    }

    mutating func translateSelect() {
        let condition = pop()
        let ifNot = pop()
        let ifSo = pop()
        push(
            builder.value(
                ApusIR.Instruction(
                    .select, builder.function.type(ifSo), condition, ifSo, ifNot)))
    }
}
