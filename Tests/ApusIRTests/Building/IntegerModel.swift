import ApusCollections
import ApusIR

/// What integer instructions mean, by Swift's integers and not by the compiler's arithmetic.
struct IntegerModel {
    /// Of parameters, by the numbers of their values.
    var inputs: [UInt32: UInt64] = [:]
    private var known: [UInt32: UInt64?] = [:]

    /// What `value` is, in its type's low bits; nil if making it traps.
    mutating func evaluate(_ value: Value, _ function: borrowing Function) -> UInt64? {
        if let input = inputs[value.number] { return input }
        if let result = known[value.number] { return result }
        let result = compute(function[value], function)
        known[value.number] = .some(result)
        return result
    }

    private mutating func compute(
        _ instruction: Instruction, _ function: borrowing Function
    ) -> UInt64? {
        if instruction.operator == .constant { return instruction.bits }
        guard let a = evaluate(instruction.first, function) else { return nil }
        let source = function.type(instruction.first)
        switch instruction.operator {
        case .wrap, .extendSigned, .extendUnsigned, .bitcast, .countLeadingZeros,
            .countTrailingZeros, .populationCount, .extend8Signed, .extend16Signed,
            .extend32Signed, .byteSwap:
            return Self.unary(instruction.operator, instruction.type, a)
        default: break
        }
        guard let b = evaluate(instruction.second, function) else { return nil }
        switch instruction.operator {
        case .compare:
            return Self.compare(instruction.integerCondition, source, a, b) ? 1 : 0
        case .select:
            guard let c = evaluate(instruction.third, function) else { return nil }
            return a != 0 ? b : c
        default: return Self.binary(instruction.operator, instruction.type, a, b)
        }
    }

    static func binary(_ op: Operator, _ type: IRType, _ a: UInt64, _ b: UInt64) -> UInt64? {
        type == .i32
            ? binary(op, UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: b)).map(
                UInt64.init)
            : binary(op, a, b)
    }

    private static func binary<Word: FixedWidthInteger & UnsignedInteger>(
        _ op: Operator, _ a: Word, _ b: Word
    ) -> Word? where Word.Magnitude == Word {
        let bits = Word(Word.bitWidth)
        let count = b % bits
        let isNegative = a >> (bits - 1) == 1
        switch op {
        case .add: return a &+ b
        case .subtract: return a &- b
        case .multiply: return a &* b
        case .multiplyHighUnsigned: return a.multipliedFullWidth(by: b).high
        case .multiplyHighSigned:
            // As unsigned, less what the signs stand for.
            let high = a.multipliedFullWidth(by: b).high
            return high &- (isNegative ? b : 0) &- (b >> (bits - 1) == 1 ? a : 0)
        case .and: return a & b
        case .or: return a | b
        case .xor: return a ^ b
        case .shiftLeft: return a << count
        case .shiftRightUnsigned: return a >> count
        case .shiftRightSigned: return isNegative ? ~(~a >> count) : a >> count
        case .rotateLeft: return count == 0 ? a : a << count | a >> (bits - count)
        case .rotateRight: return count == 0 ? a : a >> count | a << (bits - count)
        case .divideUnsigned: return b == 0 ? nil : a / b
        case .remainderUnsigned: return b == 0 ? nil : a % b
        case .divideSigned, .remainderSigned: return division(op, a, b)
        default: return nil
        }
    }

    private static func division<Word: FixedWidthInteger & UnsignedInteger>(
        _ op: Operator, _ a: Word, _ b: Word
    ) -> Word? {
        if b == 0 { return nil }
        let sign: Word = 1 << Word(Word.bitWidth - 1)
        if op == .divideSigned, a == sign, b == .max { return nil }
        let left = a & sign == 0 ? a : 0 &- a
        let right = b & sign == 0 ? b : 0 &- b
        if op == .remainderSigned {
            let rest = left % right
            return a & sign == 0 ? rest : 0 &- rest
        }
        let quotient = left / right
        return (a ^ b) & sign == 0 ? quotient : 0 &- quotient
    }

    static func unary(_ op: Operator, _ type: IRType, _ a: UInt64) -> UInt64? {
        let low = UInt32(truncatingIfNeeded: a)
        let result: UInt64
        switch op {
        case .wrap: result = UInt64(low)
        case .extendSigned, .extend32Signed:
            result = low >> 31 == 1 ? UInt64(low) | 0xFFFF_FFFF_0000_0000 : UInt64(low)
        case .extendUnsigned, .bitcast: result = a
        case .extend8Signed: result = a & 0x80 == 0 ? a & 0x7F : a | ~0x7F
        case .extend16Signed: result = a & 0x8000 == 0 ? a & 0x7FFF : a | ~0x7FFF
        case .countLeadingZeros:
            result = UInt64(type == .i32 ? low.leadingZeroBitCount : a.leadingZeroBitCount)
        case .countTrailingZeros:
            result = UInt64(type == .i32 ? low.trailingZeroBitCount : a.trailingZeroBitCount)
        case .populationCount: result = UInt64(a.nonzeroBitCount)
        case .byteSwap: result = type == .i32 ? UInt64(low.byteSwapped) : a.byteSwapped
        default: return nil
        }
        return type == .i32 ? result & 0xFFFF_FFFF : result
    }

    static func compare(
        _ condition: IntegerCondition, _ type: IRType, _ a: UInt64, _ b: UInt64
    ) -> Bool {
        // With its highest bit flipped, what is signed is in the order of what is not.
        let flip: UInt64 = type == .i32 ? 1 << 31 : 1 << 63
        return switch condition {
        case .equal: a == b
        case .notEqual: a != b
        case .lessUnsigned: a < b
        case .greaterOrEqualUnsigned: a >= b
        case .greaterUnsigned: a > b
        case .lessOrEqualUnsigned: a <= b
        case .lessSigned: a ^ flip < b ^ flip
        case .greaterOrEqualSigned: a ^ flip >= b ^ flip
        case .greaterSigned: a ^ flip > b ^ flip
        case .lessOrEqualSigned: a ^ flip <= b ^ flip
        }
    }
}
