internal import ApusCollections
internal import ApusFormat

/// The numeric operators on cells. Specification: 4.3 “Numerics”.
enum ReferenceArithmetic {
    static func unary(_ type: NumberType, _ operation: UnaryOperator, _ cell: UInt64) -> UInt64 {
        switch type {
        case .i32: UInt64(integer(operation, UInt32(truncatingIfNeeded: cell)))
        case .i64: integer(operation, cell)
        case .f32: UInt64(float(operation, float32(cell)).bitPattern)
        case .f64: float(operation, float64(cell)).bitPattern
        }
    }

    static func binary(
        _ type: NumberType, _ operation: BinaryOperator, _ left: UInt64, _ right: UInt64
    ) throws(ReferenceTrap) -> UInt64 {
        switch type {
        case .i32:
            let left = UInt32(truncatingIfNeeded: left)
            return UInt64(try integer(operation, left, UInt32(truncatingIfNeeded: right)))
        case .i64: return try integer(operation, left, right)
        case .f32: return UInt64(float(operation, float32(left), float32(right)).bitPattern)
        case .f64: return float(operation, float64(left), float64(right)).bitPattern
        }
    }

    static func compare(
        _ type: NumberType, _ comparison: Comparison, _ left: UInt64, _ right: UInt64
    ) -> Bool {
        switch type {
        case .i32:
            let left = UInt32(truncatingIfNeeded: left)
            return integer(comparison, left, UInt32(truncatingIfNeeded: right))
        case .i64: return integer(comparison, left, right)
        case .f32: return float(comparison, float32(left), float32(right))
        case .f64: return float(comparison, float64(left), float64(right))
        }
    }

    static func float32(_ cell: UInt64) -> Float {
        Float(bitPattern: UInt32(truncatingIfNeeded: cell))
    }

    static func float64(_ cell: UInt64) -> Double { Double(bitPattern: cell) }

    // MARK: Integers (4.3.2)

    private static func integer<Word: ReferenceWord>(
        _ operation: UnaryOperator, _ value: Word
    ) -> Word {
        switch operation {
        case .countLeadingZeros: Word(value.leadingZeroBitCount)
        case .countTrailingZeros: Word(value.trailingZeroBitCount)
        case .populationCount: Word(value.nonzeroBitCount)
        case .extend8Signed: Word(truncatingIfNeeded: Int8(truncatingIfNeeded: value))
        case .extend16Signed: Word(truncatingIfNeeded: Int16(truncatingIfNeeded: value))
        case .extend32Signed: Word(truncatingIfNeeded: Int32(truncatingIfNeeded: value))
        default: preconditionFailure("\(operation) is no operator of integers")
        }
    }

    private static func integer<Word: ReferenceWord>(
        _ operation: BinaryOperator, _ left: Word, _ right: Word
    ) throws(ReferenceTrap) -> Word {
        let distance = right % Word(Word.bitWidth)
        switch operation {
        case .add: return left &+ right
        case .subtract: return left &- right
        case .multiply: return left &* right
        case .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned:
            return try divide(operation, left, right)
        case .and: return left & right
        case .or: return left | right
        case .xor: return left ^ right
        case .shiftLeft: return left &<< distance
        case .shiftRightSigned:
            return Word(
                truncatingIfNeeded: Word.Signed(truncatingIfNeeded: left)
                    &>> Word.Signed(truncatingIfNeeded: distance))
        case .shiftRightUnsigned: return left &>> distance
        case .rotateLeft: return left &<< distance | left &>> (0 &- distance)
        case .rotateRight: return left &>> distance | left &<< (0 &- distance)
        default: preconditionFailure("\(operation) is no operator of integers")
        }
    }

    private static func divide<Word: ReferenceWord>(
        _ operation: BinaryOperator, _ left: Word, _ right: Word
    ) throws(ReferenceTrap) -> Word {
        if right == 0 { throw .integerDivideByZero }
        let signedLeft = Word.Signed(truncatingIfNeeded: left)
        let signedRight = Word.Signed(truncatingIfNeeded: right)
        let overflows = signedLeft == Word.Signed.min && signedRight == -1
        switch operation {
        case .divideUnsigned: return left / right
        case .remainderUnsigned: return left % right
        case .divideSigned:
            if overflows { throw .integerOverflow }
            return Word(truncatingIfNeeded: signedLeft / signedRight)
        default:
            return overflows ? 0 : Word(truncatingIfNeeded: signedLeft % signedRight)
        }
    }

    private static func integer<Word: ReferenceWord>(
        _ comparison: Comparison, _ left: Word, _ right: Word
    ) -> Bool {
        let signedLeft = Word.Signed(truncatingIfNeeded: left)
        let signedRight = Word.Signed(truncatingIfNeeded: right)
        return switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .lessSigned: signedLeft < signedRight
        case .lessUnsigned: left < right
        case .greaterSigned: signedLeft > signedRight
        case .greaterUnsigned: left > right
        case .lessOrEqualSigned: signedLeft <= signedRight
        case .lessOrEqualUnsigned: left <= right
        case .greaterOrEqualSigned: signedLeft >= signedRight
        case .greaterOrEqualUnsigned: left >= right
        default: preconditionFailure("\(comparison) compares no integers")
        }
    }

    // MARK: Floats (4.3.3)

    private static func float<Number: BinaryFloatingPoint>(
        _ operation: UnaryOperator, _ value: Number
    ) -> Number {
        switch operation {
        // Of the sign only, also of a NaN.
        case .absolute: Number(sign: .plus, of: value)
        case .negate: Number(sign: value.sign == .plus ? .minus : .plus, of: value)
        case .squareRoot: value.squareRoot()
        case .ceiling: value.rounded(.up)
        case .floor: value.rounded(.down)
        case .truncate: value.rounded(.towardZero)
        case .nearest: value.rounded(.toNearestOrEven)
        default: preconditionFailure("\(operation) is no operator of floats")
        }
    }

    private static func float<Number: BinaryFloatingPoint>(
        _ operation: BinaryOperator, _ left: Number, _ right: Number
    ) -> Number {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .minimum: least(left, right)
        case .maximum: -least(-left, -right)
        case .copySign: Number(sign: right.sign, of: left)
        default: preconditionFailure("\(operation) is no operator of floats")
        }
    }

    /// The lesser number, -0 being less than 0; a NaN if either is one.
    private static func least<Number: BinaryFloatingPoint>(
        _ left: Number, _ right: Number
    ) -> Number {
        if left.isNaN || right.isNaN { return .nan }
        if left == right { return left.sign == .minus ? left : right }
        return left < right ? left : right
    }

    private static func float<Number: BinaryFloatingPoint>(
        _ comparison: Comparison, _ left: Number, _ right: Number
    ) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .greater: left > right
        case .lessOrEqual: left <= right
        case .greaterOrEqual: left >= right
        default: preconditionFailure("\(comparison) compares no floats")
        }
    }
}

/// Words of integers: unsigned, with the signed numbers of the same bits.
protocol ReferenceWord: FixedWidthInteger & UnsignedInteger {
    associatedtype Signed: FixedWidthInteger & SignedInteger
}

extension UInt32: ReferenceWord { typealias Signed = Int32 }

extension UInt64: ReferenceWord { typealias Signed = Int64 }

extension BinaryFloatingPoint {
    /// `value` with another sign, which for a NaN keeps the rest of its bits.
    init(sign: FloatingPointSign, of value: Self) {
        self = value.sign == sign ? value : -value
    }
}
