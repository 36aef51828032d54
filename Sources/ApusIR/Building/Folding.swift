internal import ApusCollections

// Used by: `Builder`, for operands that are constants.

/// Arithmetic on constants of i32 and i64, which are bits, zero-extended from their type.
enum Folding {
    /// `bits` as a number with a sign.
    @inline(__always)
    static func signed(_ bits: UInt64, _ type: IRType) -> Int64 {
        type == .i32
            ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }

    /// The low bits that `type` has.
    @inline(__always)
    static func trim(_ bits: UInt64, _ type: IRType) -> UInt64 {
        type == .i32 ? bits & 0xFFFF_FFFF : bits
    }

    /// What an operator makes of two constants, nil if it traps or is none of arithmetic.
    static func binary(
        _ op: Operator, _ type: IRType, _ a: UInt64, _ b: UInt64
    ) -> UInt64? {
        let count = b & UInt64(type.bits - 1)
        switch op {
        case .add: return trim(a &+ b, type)
        case .subtract: return trim(a &- b, type)
        case .multiply: return trim(a &* b, type)
        case .and: return a & b
        case .or: return a | b
        case .xor: return a ^ b
        case .shiftLeft: return trim(a &<< count, type)
        case .shiftRightUnsigned: return a &>> count
        case .shiftRightSigned:
            return trim(UInt64(bitPattern: signed(a, type) &>> Int64(count)), type)
        case .rotateLeft: return rotate(a, left: count, type)
        case .rotateRight:
            return rotate(a, left: (UInt64(type.bits) - count) & UInt64(type.bits - 1), type)
        case .multiplyHighUnsigned where type == .i64: return a.multipliedFullWidth(by: b).high
        case .multiplyHighSigned where type == .i64:
            let product = Int64(bitPattern: a).multipliedFullWidth(by: Int64(bitPattern: b))
            return UInt64(bitPattern: product.high)
        default: return division(op, type, a, b)
        }
    }

    private static func division(
        _ op: Operator, _ type: IRType, _ a: UInt64, _ b: UInt64
    ) -> UInt64? {
        if b == 0 { return nil }
        let left = signed(a, type)
        let right = signed(b, type)
        switch op {
        case .divideUnsigned: return a / b
        case .remainderUnsigned: return a % b
        case .divideSigned:
            let smallest = type == .i32 ? Int64(Int32.min) : .min
            if left == smallest, right == -1 { return nil }
            return trim(UInt64(bitPattern: left / right), type)
        case .remainderSigned:
            return right == -1 ? 0 : trim(UInt64(bitPattern: left % right), type)
        default: return nil
        }
    }

    private static func rotate(_ a: UInt64, left count: UInt64, _ type: IRType) -> UInt64 {
        if count == 0 { return a }
        return trim(a &<< count | a &>> (UInt64(type.bits) - count), type)
    }

    /// What an operator makes of a constant of type `source`.
    static func unary(
        _ op: Operator, _ type: IRType, _ source: IRType, _ a: UInt64
    ) -> UInt64? {
        switch op {
        case .countLeadingZeros: UInt64(a.leadingZeroBitCount - (64 - type.bits))
        case .countTrailingZeros: UInt64(min(a.trailingZeroBitCount, type.bits))
        case .populationCount: UInt64(a.nonzeroBitCount)
        case .extend8Signed: trim(UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: a))), type)
        case .extend16Signed: trim(UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: a))), type)
        case .extend32Signed, .extendSigned:
            UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: a)))
        case .extendUnsigned: a
        case .wrap: a & 0xFFFF_FFFF
        case .byteSwap: type == .i32 ? a.byteSwapped &>> 32 : a.byteSwapped
        case .bitcast: source.bits == type.bits ? a : nil
        default: nil
        }
    }

    static func compare(
        _ condition: IntegerCondition, _ type: IRType, _ a: UInt64, _ b: UInt64
    ) -> Bool {
        let left = signed(a, type)
        let right = signed(b, type)
        return switch condition {
        case .equal: a == b
        case .notEqual: a != b
        case .lessSigned: left < right
        case .greaterOrEqualSigned: left >= right
        case .greaterSigned: left > right
        case .lessOrEqualSigned: left <= right
        case .lessUnsigned: a < b
        case .greaterOrEqualUnsigned: a >= b
        case .greaterUnsigned: a > b
        case .lessOrEqualUnsigned: a <= b
        }
    }
}
