internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Integer division (4.3.2 “idiv”, “irem”). The processor wants the dividend in rdx:rax and gives
/// the quotient in rax, the remainder in rdx.
extension BaselineCompiler {
    mutating func emitDivide(
        _ type: ValueClass, _ left: Operand, _ right: Operand, isSigned: Bool
    ) {
        if right.isConstant, right.bits != 0 {
            if right.bits == 1 { return push(left) }
            if !isSigned, right.bits & (right.bits &- 1) == 0 {
                let count = Operand.constant(type, UInt64(right.bits.trailingZeroBitCount))
                return emitShift(.shr, type, left, count)
            }
            if type == .i32, let divisor = Divisor32(right.bits, isSigned: isSigned) {
                return emitQuotient(left, divisor)
            }
        }
        let divisor = beginDivision(type, left, right)
        if isSigned {
            code.signExtendAccumulator(type.width)
            markSite(.integerOverflow)
            code.divideSigned(type.width, divisor.register)
        } else {
            code.zero(.rdx)
            code.divide(type.width, divisor.register)
        }
        endDivision(type, divisor, result: .rax, other: .rdx)
    }

    mutating func emitRemainder(
        _ type: ValueClass, _ left: Operand, _ right: Operand, isSigned: Bool
    ) {
        if right.isConstant, right.bits != 0 {
            if !isSigned, right.bits & (right.bits &- 1) == 0 {
                return emitMask(type, left, right.bits &- 1)
            }
            if type == .i32, let divisor = Divisor32(right.bits, isSigned: isSigned) {
                return emitRemainder(left, divisor)
            }
        }
        let divisor = beginDivision(type, left, right)
        if isSigned {
            let minusOne = type == .i32 ? UInt64(UInt32.max) : .max
            emitSignedRemainder(
                type, divisor.register,
                mayBeMinusOne: !right.isConstant || right.bits == minusOne)
        } else {
            code.zero(.rdx)
            code.divide(type.width, divisor.register)
        }
        endDivision(type, divisor, result: .rdx, other: .rax)
    }

    /// The remainder of dividing by -1 is 0, but the processor would stop at the quotient.
    private mutating func emitSignedRemainder(
        _ type: ValueClass, _ divisor: GPR, mayBeMinusOne: Bool
    ) {
        let end = code.makeLabel()
        if mayBeMinusOne {
            let divide = code.makeLabel()
            code.alu(.cmp, type.width, divisor, immediate: -1)
            code.jump(.ne, divide, near: true)
            code.zero(.rdx)
            code.jump(end, near: true)
            code.bind(divide)
        }
        code.signExtendAccumulator(type.width)
        code.divideSigned(type.width, divisor)
        code.bind(end)
    }

    private mutating func emitMask(_ type: ValueClass, _ left: Operand, _ mask: UInt64) {
        push(left)
        push(.constant(type, mask))
        translateIntegerBinary(type, .and)
    }

    /// Brings the dividend into rax, frees rdx, and gives the register of the divisor, which is
    /// neither. Traps if the divisor is zero.
    private mutating func beginDivision(
        _ type: ValueClass, _ left: Operand, _ right: Operand
    ) -> GeneralValue {
        var divisor: GeneralValue
        let collides = right.kind == .register && (right.general == .rax || right.general == .rdx)
        if right.isConstant || collides || frameAddress(right) != nil {
            divisor = GeneralValue(register: CallingConvention.scratch, isOwned: false)
            load(right, into: CallingConvention.scratch)
            discard(right)
        } else {
            divisor = take(right)
            if divisor.isOwned, divisor.register == .rax || divisor.register == .rdx {
                // `take` loaded it there.
                code.move(.w64, CallingConvention.scratch, divisor.register)
                release(divisor)
                divisor = GeneralValue(register: CallingConvention.scratch, isOwned: false)
            }
        }
        if left.kind == .register, left.general == .rax {
            // The dividend is where it must be.
        } else {
            claim(.rax)
            load(left, into: .rax)
            discard(left)
        }
        claim(.rdx)
        if !right.isConstant || right.bits == 0 {
            code.test(type.width, divisor.register, divisor.register)
            trap(.integerDivideByZero, if: .e)
        }
        return divisor
    }

    private mutating func endDivision(
        _ type: ValueClass, _ divisor: GeneralValue, result: GPR, other: GPR
    ) {
        release(divisor)
        free(other)
        finishIn(result, type)
    }

    /// The result is in `register`, a temporary that is taken: pushes it, or moves it to the local
    /// that the next instruction sets.
    mutating func finishIn(_ register: GPR, _ type: ValueClass) {
        if let local = takeLocalDestination() {
            code.move(type.width, local.general, register)
            free(register)
            finish(local, type)
        } else {
            push(type, register)
        }
    }

    // MARK: By constants

    private mutating func emitQuotient(_ left: Operand, _ divisor: Divisor32) {
        let a = take(left)
        let quotient = allocateGeneral()
        emitQuotient(divisor, into: quotient, of: a.register)
        release(a)
        finishIn(quotient, .i32)
    }

    private mutating func emitRemainder(_ left: Operand, _ divisor: Divisor32) {
        let a = take(left)
        let quotient = allocateGeneral()
        emitQuotient(divisor, into: quotient, of: a.register)
        code.imul(.w32, quotient, quotient, immediate: divisor.divisor)
        let result = destination(reusing: a)
        moveIfNeeded(.i32, result.general, a.register)
        code.alu(.sub, .w32, result.general, quotient)
        free(quotient)
        finish(result, .i32, freeing: a)
    }

    /// Multiplies with the reciprocal in 64 bits; `quotient` differs from `source`.
    private mutating func emitQuotient(
        _ divisor: Divisor32, into quotient: GPR, of source: GPR
    ) {
        let scratch = CallingConvention.scratch
        if divisor.isSigned {
            code.moveSignExtended(from: .w32, to: .w64, quotient, source)
            code.moveImmediate(scratch, divisor.reciprocal)
            code.imul(.w64, quotient, scratch)
            code.move(.w64, scratch, quotient)
            code.shift(.shr, .w64, scratch, immediate: 63)
            code.shift(.sar, .w64, quotient, immediate: 32 &+ divisor.shift)
            code.alu(.add, .w32, quotient, scratch)
            if divisor.divisor < 0 { code.negate(.w32, quotient) }
        } else if divisor.needsAddition {
            // The reciprocal has 33 bits: its highest bit is added by hand, without overflow.
            code.moveImmediate(scratch, divisor.reciprocal & 0xFFFF_FFFF)
            code.imul(.w64, scratch, source)
            code.shift(.shr, .w64, scratch, immediate: 32)
            code.move(.w32, quotient, source)
            code.alu(.sub, .w32, quotient, scratch)
            code.shift(.shr, .w32, quotient, immediate: 1)
            code.alu(.add, .w32, quotient, scratch)
            code.shift(.shr, .w32, quotient, immediate: divisor.shift &- 1)
        } else {
            code.moveImmediate(quotient, divisor.reciprocal)
            code.imul(.w64, quotient, source)
            code.shift(.shr, .w64, quotient, immediate: 32 &+ divisor.shift)
        }
    }
}

/// A 32-bit divisor turned into a multiplication by ⌈2^(32+shift) / divisor⌉ and a shift
/// (Granlund and Montgomery, “Division by Invariant Integers using Multiplication”).
struct Divisor32 {
    var divisor: Int32
    var isSigned: Bool
    var reciprocal: UInt64
    var shift: UInt8
    /// The reciprocal does not fit 32 bits.
    var needsAddition: Bool

    /// nil for divisors that are better served otherwise.
    init?(_ bits: UInt64, isSigned: Bool) {
        divisor = Int32(truncatingIfNeeded: bits)
        self.isSigned = isSigned
        let magnitude = isSigned ? UInt64(divisor.magnitude) : bits & 0xFFFF_FFFF
        guard magnitude > 1 else { return nil }
        if isSigned {
            guard divisor != .min else { return nil }
            // ⌊log2⌋ suffices: the dividend has 31 bits and a sign.
            shift = UInt8(63 - magnitude.leadingZeroBitCount)
            if magnitude & (magnitude - 1) == 0 { shift -= 1 }
            reciprocal = (UInt64(1) << (32 + UInt64(shift))) / magnitude + 1
            needsAddition = false
        } else {
            // With ⌊log2⌋ the reciprocal has 32 bits, and is exact if rounding it up added little.
            shift = UInt8(63 - magnitude.leadingZeroBitCount)
            let power = UInt64(1) << (32 + UInt64(shift))
            needsAddition = magnitude - power % magnitude >= UInt64(1) << UInt64(shift)
            if needsAddition {
                guard shift < 31 else { return nil }
                shift += 1
            }
            reciprocal = (UInt64(1) << (32 + UInt64(shift))) / magnitude + 1
        }
    }
}
