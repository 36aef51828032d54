internal import ApusCollections

// The rules of algebra, applied as instructions are asked for: each looks at one instruction and
// what made its operands. Every result is a value that is there, or an instruction no dearer.

extension Builder {
    /// The value that `instruction` is equal to, if it need not be made; else `instruction` may
    /// have become a simpler one.
    mutating func simplify(_ instruction: inout Instruction) -> Value? {
        switch instruction.operator {
        case .add, .subtract, .multiply, .and, .or, .xor, .shiftLeft, .shiftRightSigned,
            .shiftRightUnsigned, .rotateLeft, .rotateRight, .multiplyHighSigned,
            .multiplyHighUnsigned:
            return simplifyBinary(&instruction)
        case .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned:
            return simplifyDivision(&instruction)
        case .countLeadingZeros, .countTrailingZeros, .populationCount, .extend8Signed,
            .extend16Signed, .extend32Signed, .byteSwap, .wrap, .extendSigned, .extendUnsigned,
            .bitcast:
            return simplifyUnary(&instruction)
        case .compare: return simplifyComparison(&instruction)
        case .select: return simplifySelect(&instruction)
        case .negate, .absolute: return simplifySign(&instruction)
        default: return nil
        }
    }

    /// The instruction that makes `value`.
    @inline(__always)
    private func maker(_ value: Value) -> Instruction { function[value] }

    // MARK: Two operands

    private mutating func simplifyBinary(_ instruction: inout Instruction) -> Value? {
        let type = instruction.type
        if let a = constant(instruction.first) {
            if let b = constant(instruction.second) {
                if let bits = Folding.binary(instruction.operator, type, a, b) {
                    return constant(type, bits)
                }
            } else if instruction.operator.row.effects.contains(.commutes) {
                swap(&instruction.a, &instruction.b)
            }
        }
        if let bits = constant(instruction.second) {
            if let known = simplify(&instruction, withConstant: bits) { return known }
        } else if let known = simplifyVariable(&instruction) {
            return known
        }
        noteNoWrap(&instruction)
        return nil
    }

    /// Says so if the result is exact.
    private mutating func noteNoWrap(_ instruction: inout Instruction) {
        guard instruction.type == .i32 else { return }
        let isExact: Bool =
            switch instruction.operator {
            case .add:
                largest(instruction.first) &+ largest(instruction.second) <= UInt64(UInt32.max)
            case .shiftLeft, .multiply: computeWidthBeforeTrim(instruction) <= 32
            default: false
            }
        if isExact { instruction.immediate |= WrapFlags.noWrap.rawValue }
    }

    private mutating func computeWidthBeforeTrim(_ instruction: Instruction) -> Int {
        if instruction.operator == .multiply {
            return width(instruction.first) + width(instruction.second)
        }
        guard let count = constant(instruction.second) else { return 64 }
        return width(instruction.first) + Int(count & 31)
    }

    /// With a constant for the second operand.
    private mutating func simplify(
        _ instruction: inout Instruction, withConstant bits: UInt64
    ) -> Value? {
        let type = instruction.type
        switch instruction.operator {
        case .add: return simplifyAddition(&instruction, bits)
        case .subtract:
            if bits == 0 { return instruction.first }
            return value(
                Instruction(
                    .add, type, instruction.first,
                    constant(type, Folding.trim(0 &- bits, type))))
        case .multiply: return simplifyProduct(instruction, bits)
        case .and: return simplifyMask(&instruction, bits)
        case .or:
            if bits == 0 { return instruction.first }
            if bits == Folding.trim(.max, type) { return instruction.second }
            return reassociate(&instruction, bits)
        case .xor: return simplifyInversion(&instruction, bits)
        case .shiftLeft, .shiftRightSigned, .shiftRightUnsigned:
            return simplifyShift(&instruction, bits & UInt64(type.bits - 1))
        case .rotateLeft, .rotateRight:
            return bits & UInt64(type.bits - 1) == 0 ? instruction.first : nil
        default: return nil
        }
    }

    private mutating func simplifyAddition(
        _ instruction: inout Instruction, _ bits: UInt64
    ) -> Value? {
        if bits == 0 { return instruction.first }
        return reassociate(&instruction, bits)
    }

    /// (x op c) op d becomes x op (c op d).
    private mutating func reassociate(
        _ instruction: inout Instruction, _ bits: UInt64
    ) -> Value? {
        let inner = maker(instruction.first)
        let type = instruction.type
        guard inner.operator == instruction.operator, let other = constant(inner.second),
            let sum = Folding.binary(instruction.operator, type, other, bits)
        else { return nil }
        return value(Instruction(instruction.operator, type, inner.first, constant(type, sum)))
    }

    private mutating func simplifyProduct(_ instruction: Instruction, _ bits: UInt64) -> Value? {
        let type = instruction.type
        if bits == 0 { return instruction.second }
        if bits == 1 { return instruction.first }
        if bits == Folding.trim(.max, type) {
            return value(Instruction(.subtract, type, constant(type, 0), instruction.first))
        }
        guard bits.nonzeroBitCount == 1 else { return nil }
        let count = constant(type, UInt64(bits.trailingZeroBitCount))
        return value(Instruction(.shiftLeft, type, instruction.first, count))
    }

    private mutating func simplifyMask(_ instruction: inout Instruction, _ bits: UInt64) -> Value? {
        if bits == 0 { return instruction.second }
        // A mask of low bits that keeps all there are.
        let largest = largest(instruction.first)
        if bits & (bits &+ 1) == 0, bits >= largest { return instruction.first }
        if bits == Folding.trim(.max, instruction.type) { return instruction.first }
        return reassociate(&instruction, bits)
    }

    private mutating func simplifyInversion(
        _ instruction: inout Instruction, _ bits: UInt64
    ) -> Value? {
        if bits == 0 { return instruction.first }
        if bits == 1, let inverse = inverse(instruction.first) { return inverse }
        return reassociate(&instruction, bits)
    }

    /// The opposite of a comparison.
    private mutating func inverse(_ value: Value) -> Value? {
        var made = maker(value)
        switch made.operator {
        case .compare: made.immediate = made.integerCondition.inverted.rawValue
        case .floatCompare: made.immediate = made.floatCondition.inverted.rawValue
        default: return nil
        }
        return self.value(made)
    }

    private mutating func simplifyShift(
        _ instruction: inout Instruction, _ count: UInt64
    ) -> Value? {
        let type = instruction.type
        if count == 0 { return instruction.first }
        instruction.b = constant(type, count).number
        let operation = instruction.operator
        if operation != .shiftLeft, width(instruction.first) <= Int(count) {
            if operation == .shiftRightUnsigned || width(instruction.first) < type.bits {
                return constant(type, 0)
            }
        }
        let inner = maker(instruction.first)
        guard inner.type == type, inner.operator.isShift, let other = constant(inner.second) else {
            return nil
        }
        let before = other & UInt64(type.bits - 1)
        if inner.operator == operation {
            let sum = before + count
            if sum >= UInt64(type.bits) {
                if operation != .shiftRightSigned { return constant(type, 0) }
                return value(
                    Instruction(
                        operation, type, inner.first, constant(type, UInt64(type.bits - 1))))
            }
            return value(Instruction(operation, type, inner.first, constant(type, sum)))
        }
        guard inner.operator == .shiftLeft || inner.operator == .shiftRightUnsigned,
            before == count
        else { return nil }
        return simplifyShiftPair(operation, inner, type, count)
    }

    /// A shift after one of the same count the other way.
    private mutating func simplifyShiftPair(
        _ operation: Operator, _ inner: Instruction, _ type: IRType, _ count: UInt64
    ) -> Value? {
        let all = Folding.trim(.max, type)
        switch (inner.operator, operation) {
        case (.shiftLeft, .shiftRightUnsigned):
            return value(Instruction(.and, type, inner.first, constant(type, all &>> count)))
        case (.shiftRightUnsigned, .shiftLeft):
            let mask = Folding.trim(all &<< count, type)
            return value(Instruction(.and, type, inner.first, constant(type, mask)))
        case (.shiftLeft, .shiftRightSigned):
            let extension_: Operator
            switch UInt64(type.bits) - count {
            case 8: extension_ = .extend8Signed
            case 16: extension_ = .extend16Signed
            case 32 where type == .i64: extension_ = .extend32Signed
            default: return nil
            }
            return value(Instruction(extension_, type, inner.first))
        default: return nil
        }
    }

    /// Without constants.
    private mutating func simplifyVariable(_ instruction: inout Instruction) -> Value? {
        let type = instruction.type
        if instruction.a == instruction.b {
            switch instruction.operator {
            case .subtract, .xor: return constant(type, 0)
            case .and, .or: return instruction.first
            default: break
            }
        }
        switch instruction.operator {
        case .or, .add, .xor: return simplifyRotation(instruction)
        case .shiftLeft, .shiftRightSigned, .shiftRightUnsigned, .rotateLeft, .rotateRight:
            // The processor takes counts modulo the bits itself.
            let count = maker(instruction.second)
            if count.operator == .and, let mask = constant(count.second),
                mask & UInt64(type.bits - 1) == UInt64(type.bits - 1)
            {
                instruction.b = count.a
            }
            return nil
        default: return nil
        }
    }

    /// x << c | x >> (bits - c).
    private mutating func simplifyRotation(_ instruction: Instruction) -> Value? {
        let type = instruction.type
        var left = maker(instruction.first)
        var right = maker(instruction.second)
        if left.operator == .shiftRightUnsigned { swap(&left, &right) }
        guard left.operator == .shiftLeft, right.operator == .shiftRightUnsigned,
            left.type == type, right.type == type, left.a == right.a,
            let count = constant(left.second), let other = constant(right.second),
            count > 0, count + other == UInt64(type.bits)
        else { return nil }
        return value(Instruction(.rotateLeft, type, left.first, left.second))
    }

    // MARK: One operand

    private mutating func simplifyUnary(_ instruction: inout Instruction) -> Value? {
        let type = instruction.type
        let source = function.type(instruction.first)
        if let bits = constant(instruction.first),
            let folded = Folding.unary(instruction.operator, type, source, bits)
        {
            return constant(type, folded)
        }
        let inner = maker(instruction.first)
        switch instruction.operator {
        case .wrap: return simplifyWrap(&instruction, inner)
        case .extendSigned:
            if width(instruction.first) < 32 {
                return value(Instruction(.extendUnsigned, .i64, instruction.first))
            }
        case .extend32Signed:
            if width(instruction.first) < 32 { return instruction.first }
        case .extend8Signed:
            if width(instruction.first) < 8 { return instruction.first }
        case .extend16Signed:
            if width(instruction.first) < 16 { return instruction.first }
        case .byteSwap: if inner.operator == .byteSwap { return inner.first }
        case .bitcast:
            if inner.operator == .bitcast {
                if function.type(inner.first) == type { return inner.first }
                if function.type(inner.first).bits == type.bits { instruction.a = inner.a }
            }
        default: break
        }
        return nil
    }

    /// The low half of what was widened, or of what masks leave alone.
    private mutating func simplifyWrap(
        _ instruction: inout Instruction, _ inner: Instruction
    ) -> Value? {
        switch inner.operator {
        case .extendSigned, .extendUnsigned: return inner.first
        case .extend32Signed: instruction.a = inner.a
        case .and:
            if let mask = constant(inner.second), mask & 0xFFFF_FFFF == 0xFFFF_FFFF {
                instruction.a = inner.a
            }
        default: break
        }
        return nil
    }

    private mutating func simplifySign(_ instruction: inout Instruction) -> Value? {
        let inner = maker(instruction.first)
        if inner.operator == .negate {
            if instruction.operator == .negate { return inner.first }
            instruction.a = inner.a
        } else if inner.operator == .absolute, instruction.operator == .absolute {
            return instruction.first
        }
        return nil
    }

    // MARK: Choice

    private mutating func simplifySelect(_ instruction: inout Instruction) -> Value? {
        if instruction.b == instruction.c { return instruction.second }
        let condition = truth(instruction.first)
        if let bits = constant(condition.value) {
            return (bits != 0) != condition.isInverted ? instruction.second : instruction.third
        }
        if function.type(condition.value) == .i32 {
            instruction.a = condition.value.number
            if condition.isInverted { swap(&instruction.b, &instruction.c) }
        }
        if instruction.type.isInteger, constant(instruction.second) == 1,
            constant(instruction.third) == 0, width(instruction.first) == 1
        {
            if instruction.type == .i32 { return instruction.first }
            return value(Instruction(.extendUnsigned, .i64, instruction.first))
        }
        return nil
    }
}

extension Operator {
    /// Shifts bits out and others in.
    @inline(__always) fileprivate var isShift: Bool {
        self == .shiftLeft || self == .shiftRightSigned || self == .shiftRightUnsigned
    }
}
