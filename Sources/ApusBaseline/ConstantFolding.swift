internal import ApusFormat

extension BinaryOperator {
    var isCommutative: Bool {
        @inline(__always) get {
            switch self {
            case .add, .multiply, .and, .or, .xor: true
            default: false
            }
        }
    }

    /// The value of the operation on constants; nil where it could trap.
    func folded<Word: FixedWidthInteger & UnsignedInteger>(_ a: Word, _ b: Word) -> Word? {
        let bits = Word(Word.bitWidth)
        let count = b & (bits - 1)
        switch self {
        case .add: return a &+ b
        case .subtract: return a &- b
        case .multiply: return a &* b
        case .and: return a & b
        case .or: return a | b
        case .xor: return a ^ b
        case .shiftLeft: return a &<< b
        case .shiftRightUnsigned: return a &>> b
        case .shiftRightSigned: return arithmeticShift(a, b)
        case .rotateLeft: return (a &<< count) | (a &>> (bits &- count))
        case .rotateRight: return (a &>> count) | (a &<< (bits &- count))
        case .divideUnsigned: return b == 0 ? nil : a / b
        case .remainderUnsigned: return b == 0 ? nil : a % b
        case .divideSigned, .remainderSigned, .divide, .minimum, .maximum, .copySign: return nil
        }
    }

    private func arithmeticShift<Word: FixedWidthInteger & UnsignedInteger>(
        _ a: Word, _ b: Word
    ) -> Word {
        let count = b & Word(Word.bitWidth - 1)
        let isNegative = a.leadingZeroBitCount == 0
        let shifted = a &>> count
        return isNegative ? shifted | ~(Word.max &>> count) : shifted
    }
}

extension UnaryOperator {
    /// The value of an integer operation on a constant.
    func folded<Word: FixedWidthInteger & UnsignedInteger>(_ a: Word) -> Word {
        switch self {
        case .countLeadingZeros: Word(a.leadingZeroBitCount)
        case .countTrailingZeros: Word(a.trailingZeroBitCount)
        case .populationCount: Word(a.nonzeroBitCount)
        case .extend8Signed: Word(truncatingIfNeeded: Int8(truncatingIfNeeded: a))
        case .extend16Signed: Word(truncatingIfNeeded: Int16(truncatingIfNeeded: a))
        case .extend32Signed: Word(truncatingIfNeeded: Int32(truncatingIfNeeded: a))
        case .absolute, .negate, .squareRoot, .ceiling, .floor, .truncate, .nearest: a
        }
    }
}

extension Comparison {
    /// Whether the comparison holds of integer constants.
    func holds<Word: FixedWidthInteger & UnsignedInteger>(_ a: Word, _ b: Word) -> Bool {
        // Flipping the highest bit turns signed order into unsigned order.
        let flip = Word(1) &<< Word(Word.bitWidth - 1)
        return switch self {
        case .equal: a == b
        case .notEqual: a != b
        case .lessUnsigned, .less: a < b
        case .greaterUnsigned, .greater: a > b
        case .lessOrEqualUnsigned, .lessOrEqual: a <= b
        case .greaterOrEqualUnsigned, .greaterOrEqual: a >= b
        case .lessSigned: a ^ flip < b ^ flip
        case .greaterSigned: a ^ flip > b ^ flip
        case .lessOrEqualSigned: a ^ flip <= b ^ flip
        case .greaterOrEqualSigned: a ^ flip >= b ^ flip
        }
    }
}
