internal import ApusCollections

/// Division by constants: shifts, or the upper half of a product.
extension Builder {
    mutating func simplifyDivision(_ instruction: inout Instruction) -> Value? {
        let type = instruction.type
        guard let divisor = constant(instruction.second) else { return nil }
        if divisor == 0 { return nil }
        if let bits = constant(instruction.first),
            let folded = Folding.binary(instruction.operator, type, bits, divisor)
        {
            return constant(type, folded)
        }
        let isMinusOne = divisor == Folding.trim(.max, type)
        instruction.immediate |= DivisionFlags.notZero.rawValue
        if !isMinusOne { instruction.immediate |= DivisionFlags.noOverflow.rawValue }
        switch instruction.operator {
        case .divideUnsigned: return quotientUnsigned(instruction.first, type, divisor)
        case .remainderUnsigned:
            if divisor.nonzeroBitCount == 1 {
                return value(
                    Instruction(.and, type, instruction.first, constant(type, divisor - 1)))
            }
            return quotientUnsigned(instruction.first, type, divisor)
                .map { remainder(instruction, of: $0) }
        case .divideSigned: return quotientSigned(instruction.first, type, divisor)
        default:
            if isMinusOne { return constant(type, 0) }
            return quotientSigned(instruction.first, type, divisor)
                .map { remainder(instruction, of: $0) }
        }
    }

    /// x - quotient * divisor.
    private mutating func remainder(_ instruction: Instruction, of quotient: Value) -> Value {
        let product = value(
            Instruction(.multiply, instruction.type, quotient, instruction.second))
        return value(Instruction(.subtract, instruction.type, instruction.first, product))
    }

    private mutating func shift(
        _ operation: Operator, _ type: IRType, _ operand: Value, by count: Int
    ) -> Value {
        value(Instruction(operation, type, operand, constant(type, UInt64(count))))
    }

    // MARK: Unsigned

    private mutating func quotientUnsigned(
        _ dividend: Value, _ type: IRType, _ divisor: UInt64
    ) -> Value? {
        if divisor == 1 { return dividend }
        if divisor.nonzeroBitCount == 1 {
            return shift(
                .shiftRightUnsigned, type, dividend, by: divisor.trailingZeroBitCount)
        }
        return type == .i32
            ? quotientUnsigned32(dividend, divisor) : quotientUnsigned64(dividend, divisor)
    }

    /// x * ⌈2^p / d⌉ >> p, exact where d * ⌈2^p / d⌉ - 2^p is at most 2^(p - 32).
    private mutating func quotientUnsigned32(_ dividend: Value, _ divisor: UInt64) -> Value {
        let wide = value(Instruction(.extendUnsigned, .i64, dividend))
        for power in UInt64(32)...63 {
            let factor = (1 &<< power) / divisor + 1
            let excess = factor * divisor - (1 &<< power)
            if factor > UInt64(UInt32.max) { break }
            guard excess <= 1 &<< (power - 32) else { continue }
            let product = value(Instruction(.multiply, .i64, wide, constant(.i64, factor)))
            let quotient = shift(.shiftRightUnsigned, .i64, product, by: Int(power))
            return value(Instruction(.wrap, .i32, quotient))
        }
        // The factor for p = 64 is always close enough for 32 bits.
        let factor = UInt64.max / divisor + 1
        let high = value(
            Instruction(.multiplyHighUnsigned, .i64, wide, constant(.i64, factor)))
        return value(Instruction(.wrap, .i32, high))
    }

    /// x * ⌈2^(64 + s) / d⌉ >> (64 + s). Where that factor has 65 bits its highest one is added by
    /// hand.
    private mutating func quotientUnsigned64(_ dividend: Value, _ divisor: UInt64) -> Value {
        let factor = UnsignedFactor(divisor)
        let high = value(
            Instruction(
                .multiplyHighUnsigned, .i64, dividend, constant(.i64, factor.bits)))
        guard factor.needsAddition else {
            return shift(.shiftRightUnsigned, .i64, high, by: factor.shift)
        }
        // (x - high) / 2 + high is (x + high) / 2 without losing the carry.
        let rest = value(Instruction(.subtract, .i64, dividend, high))
        let half = shift(.shiftRightUnsigned, .i64, rest, by: 1)
        let sum = value(Instruction(.add, .i64, half, high))
        return shift(.shiftRightUnsigned, .i64, sum, by: factor.shift - 1)
    }

    // MARK: Signed

    private mutating func quotientSigned(
        _ dividend: Value, _ type: IRType, _ bits: UInt64
    ) -> Value? {
        let divisor = Folding.signed(bits, type)
        if divisor == 1 { return dividend }
        if divisor == -1 { return nil }
        let magnitude = divisor.magnitude
        let quotient =
            magnitude.nonzeroBitCount == 1
            ? quotientOfPower(dividend, type, magnitude.trailingZeroBitCount)
            : type == .i32
                ? quotientSigned32(dividend, magnitude) : quotientSigned64(dividend, magnitude)
        if divisor > 0 { return quotient }
        return value(Instruction(.subtract, type, constant(type, 0), quotient))
    }

    /// By 2^power: rounds towards 0, so negative numbers first get 2^power - 1 more.
    private mutating func quotientOfPower(
        _ dividend: Value, _ type: IRType, _ power: Int
    ) -> Value {
        let sign =
            power == 1
            ? dividend : shift(.shiftRightSigned, type, dividend, by: power - 1)
        let bias = shift(.shiftRightUnsigned, type, sign, by: type.bits - power)
        let sum = value(Instruction(.add, type, dividend, bias))
        return shift(.shiftRightSigned, type, sum, by: power)
    }

    /// x * (⌊2^p / d⌋ + 1) >> p, and one more for negative numbers.
    private mutating func quotientSigned32(_ dividend: Value, _ divisor: UInt64) -> Value {
        // The least p from 32 on for which the factor is close enough for 31 bits.
        var power: UInt64 = 32
        while (1 &<< power) / divisor * divisor + divisor - (1 &<< power) > 1 &<< (power - 31) {
            power += 1
        }
        let factor = (1 &<< power) / divisor + 1
        let wide = value(Instruction(.extendSigned, .i64, dividend))
        let product = value(Instruction(.multiply, .i64, wide, constant(.i64, factor)))
        let shifted = shift(.shiftRightSigned, .i64, product, by: Int(power))
        let low = value(Instruction(.wrap, .i32, shifted))
        let sign = shift(.shiftRightUnsigned, .i32, dividend, by: 31)
        return value(Instruction(.add, .i32, low, sign))
    }

    private mutating func quotientSigned64(_ dividend: Value, _ divisor: UInt64) -> Value {
        let factor = SignedFactor(divisor)
        var high = value(
            Instruction(.multiplyHighSigned, .i64, dividend, constant(.i64, factor.bits)))
        if Int64(bitPattern: factor.bits) < 0 {
            high = value(Instruction(.add, .i64, high, dividend))
        }
        let shifted = shift(.shiftRightSigned, .i64, high, by: factor.shift)
        let sign = shift(.shiftRightUnsigned, .i64, dividend, by: 63)
        return value(Instruction(.add, .i64, shifted, sign))
    }
}

/// What to multiply with for an unsigned quotient of 64 bits, after Hacker's Delight.
private struct UnsignedFactor {
    var bits: UInt64
    var shift: Int
    /// The factor is 2^64 + `bits`.
    var needsAddition = false

    /// For divisors from 3 on that are no powers of 2.
    init(_ divisor: UInt64) {
        let limit: UInt64 = 1 &<< 63
        let bound = UInt64.max - (0 &- divisor) % divisor
        var power = 63
        var (quotient1, remainder1) = limit.quotientAndRemainder(dividingBy: bound)
        var (quotient2, remainder2) = (limit - 1).quotientAndRemainder(dividingBy: divisor)
        var difference: UInt64
        repeat {
            power += 1
            let exceeds1 = remainder1 >= bound &- remainder1
            quotient1 = quotient1 &* 2 &+ (exceeds1 ? 1 : 0)
            remainder1 = remainder1 &* 2 &- (exceeds1 ? bound : 0)
            let exceeds2 = remainder2 &+ 1 >= divisor &- remainder2
            if quotient2 >= (exceeds2 ? limit - 1 : limit) { needsAddition = true }
            quotient2 = quotient2 &* 2 &+ (exceeds2 ? 1 : 0)
            remainder2 = remainder2 &* 2 &+ 1 &- (exceeds2 ? divisor : 0)
            difference = divisor &- 1 &- remainder2
        } while power < 128
            && (quotient1 < difference || (quotient1 == difference && remainder1 == 0))
        bits = quotient2 &+ 1
        shift = power - 64
    }
}

/// What to multiply with for a signed quotient of 64 bits, after Hacker's Delight.
private struct SignedFactor {
    var bits: UInt64
    var shift: Int

    /// For divisors from 3 on that are no powers of 2.
    init(_ divisor: UInt64) {
        let limit: UInt64 = 1 &<< 63
        let bound = limit - 1 - limit % divisor
        var power = 63
        var (quotient1, remainder1) = limit.quotientAndRemainder(dividingBy: bound)
        var (quotient2, remainder2) = limit.quotientAndRemainder(dividingBy: divisor)
        var difference: UInt64
        repeat {
            power += 1
            quotient1 = quotient1 &* 2
            remainder1 = remainder1 &* 2
            if remainder1 >= bound {
                quotient1 &+= 1
                remainder1 &-= bound
            }
            quotient2 = quotient2 &* 2
            remainder2 = remainder2 &* 2
            if remainder2 >= divisor {
                quotient2 &+= 1
                remainder2 &-= divisor
            }
            difference = divisor &- remainder2
        } while quotient1 < difference || (quotient1 == difference && remainder1 == 0)
        bits = quotient2 &+ 1
        shift = power - 64
    }
}
