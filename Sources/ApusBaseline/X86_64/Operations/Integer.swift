internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Integer arithmetic without division (4.3.2).
extension BaselineCompiler {
    mutating func translateIntegerBinary(_ type: ValueClass, _ binary: BinaryOperator) {
        var right = pop()
        var left = pop()
        if left.isConstant {
            if right.isConstant, let folded = fold(type, binary, left.bits, right.bits) {
                push(.constant(type, folded))
                return
            }
            if binary.isCommutative { swap(&left, &right) }
        }
        switch binary {
        case .add: emitAdd(type, left, right)
        case .subtract: emitSubtract(type, left, right)
        case .and: emitAnd(type, left, right)
        case .or: emitOrXor(.or, type, left, right)
        case .xor: emitOrXor(.xor, type, left, right)
        case .multiply: emitMultiply(type, left, right)
        case .shiftLeft: emitShift(.shl, type, left, right)
        case .shiftRightSigned: emitShift(.sar, type, left, right)
        case .shiftRightUnsigned: emitShift(.shr, type, left, right)
        case .rotateLeft: emitShift(.rol, type, left, right)
        case .rotateRight: emitShift(.ror, type, left, right)
        case .divideSigned: emitDivide(type, left, right, isSigned: true)
        case .divideUnsigned: emitDivide(type, left, right, isSigned: false)
        case .remainderSigned: emitRemainder(type, left, right, isSigned: true)
        case .remainderUnsigned: emitRemainder(type, left, right, isSigned: false)
        case .divide, .minimum, .maximum, .copySign: break  // Not of integers.
        }
    }

    /// The result of an operation on constants, unless it could trap.
    private mutating func fold(
        _ type: ValueClass, _ binary: BinaryOperator, _ left: UInt64, _ right: UInt64
    ) -> UInt64? {
        if type == .i32 {
            let a = UInt32(truncatingIfNeeded: left)
            let b = UInt32(truncatingIfNeeded: right)
            return binary.folded(a, b).map(UInt64.init)
        }
        return binary.folded(left, right)
    }

    // MARK: Addition and subtraction

    private mutating func emitAdd(_ type: ValueClass, _ left: Operand, _ right: Operand) {
        if right.isConstant, let immediate = right.immediate {
            return emitAddImmediate(type, left, immediate)
        }
        if let address = frameAddress(right) {
            return emitTwoOperand(.add, type, left, address)
        }
        let a = take(left)
        let b = take(right)
        let result = destination(reusing: a.isOwned ? a : b)
        let target = result.general
        if target == a.register {
            code.alu(.add, type.width, target, b.register)
        } else if target == b.register {
            code.alu(.add, type.width, target, a.register)
        } else {
            code.lea(type.width, target, Address(a.register, index: b.register))
        }
        finishPair(result, type, a, b)
    }

    private mutating func emitAddImmediate(
        _ type: ValueClass, _ left: Operand, _ immediate: Int32
    ) {
        if immediate == 0 { return push(left) }
        let a = take(left)
        let result = destination(reusing: a)
        if result.general == a.register {
            code.alu(.add, type.width, result.general, immediate: immediate)
        } else {
            code.lea(type.width, result.general, Address(a.register, immediate))
        }
        finish(result, type, freeing: a)
    }

    private mutating func emitSubtract(_ type: ValueClass, _ left: Operand, _ right: Operand) {
        if right.isConstant, let immediate = right.immediate, immediate != .min {
            return emitAddImmediate(type, left, -immediate)
        }
        if let address = frameAddress(right) {
            return emitTwoOperand(.sub, type, left, address)
        }
        if left.isConstant, left.bits == 0 {
            let b = take(right)
            let result = destination(reusing: b)
            moveIfNeeded(type, result.general, b.register)
            code.negate(type.width, result.general)
            return finish(result, type, freeing: b)
        }
        let a = take(left)
        let b = take(right)
        let result = destination(reusing: a)
        let target = result.general
        if target == b.register, target != a.register {
            code.negate(type.width, target)
            code.alu(.add, type.width, target, a.register)
        } else {
            moveIfNeeded(type, target, a.register)
            code.alu(.sub, type.width, target, b.register)
        }
        finishPair(result, type, a, b)
    }

    // MARK: Bits

    private mutating func emitAnd(_ type: ValueClass, _ left: Operand, _ right: Operand) {
        if right.isConstant {
            switch right.bits {
            case 0xFF: return emitZeroExtension(type, left, from: .w8)
            case 0xFFFF: return emitZeroExtension(type, left, from: .w16)
            case 0xFFFF_FFFF:
                return type == .i32 ? push(left) : emitZeroExtension(type, left, from: .w32)
            default: break
            }
        }
        emitCommutative(.and, type, left, right)
    }

    private mutating func emitZeroExtension(_ type: ValueClass, _ left: Operand, from width: Width)
    {
        let a = take(left)
        let result = destination(reusing: a)
        if width == .w32 {
            code.move(.w32, result.general, a.register)
        } else {
            code.moveZeroExtended(from: width, result.general, a.register)
        }
        finish(result, type, freeing: a)
    }

    private mutating func emitOrXor(
        _ operation: AluOp, _ type: ValueClass, _ left: Operand, _ right: Operand
    ) {
        if right.isConstant, right.bits == 0 { return push(left) }
        emitCommutative(operation, type, left, right)
    }

    private mutating func emitCommutative(
        _ operation: AluOp, _ type: ValueClass, _ left: Operand, _ right: Operand
    ) {
        if let immediate = right.immediate {
            let a = take(left)
            let result = destination(reusing: a)
            moveIfNeeded(type, result.general, a.register)
            code.alu(operation, type.width, result.general, immediate: immediate)
            return finish(result, type, freeing: a)
        }
        if let address = frameAddress(right) {
            return emitTwoOperand(operation, type, left, address)
        }
        let a = take(left)
        let b = take(right)
        let result = destination(reusing: a.isOwned ? a : b)
        let target = result.general
        if target == b.register {
            code.alu(operation, type.width, target, a.register)
        } else {
            moveIfNeeded(type, target, a.register)
            code.alu(operation, type.width, target, b.register)
        }
        finishPair(result, type, a, b)
    }

    /// `left op [address]`, the right operand lying in the frame.
    private mutating func emitTwoOperand(
        _ operation: AluOp, _ type: ValueClass, _ left: Operand, _ address: Address
    ) {
        let a = take(left)
        let result = destination(reusing: a)
        moveIfNeeded(type, result.general, a.register)
        code.alu(operation, type.width, result.general, address)
        finish(result, type, freeing: a)
    }

    @inline(__always)
    mutating func moveIfNeeded(_ type: ValueClass, _ target: GPR, _ source: GPR) {
        if target != source { code.move(type.width, target, source) }
    }

    /// Ends an operation on two registers whose result may be in either.
    @inline(__always)
    mutating func finishPair(
        _ result: Destination, _ type: ValueClass, _ a: GeneralValue, _ b: GeneralValue
    ) {
        if b.isOwned, result.isLocal || b.register != result.general {
            free(b.register)
        }
        finish(result, type, freeing: a)
    }

    // MARK: Multiplication

    private mutating func emitMultiply(_ type: ValueClass, _ left: Operand, _ right: Operand) {
        if right.isConstant {
            if right.bits == 1 { return push(left) }
            if right.bits != 0, right.bits & (right.bits &- 1) == 0 {
                let shift = Operand.constant(type, UInt64(right.bits.trailingZeroBitCount))
                return emitShift(.shl, type, left, shift)
            }
            if let immediate = right.immediate {
                return emitMultiplyImmediate(type, left, immediate)
            }
        }
        if let address = frameAddress(right) {
            let a = take(left)
            let result = destination(reusing: a)
            moveIfNeeded(type, result.general, a.register)
            code.imul(type.width, result.general, address)
            return finish(result, type, freeing: a)
        }
        let a = take(left)
        let b = take(right)
        let result = destination(reusing: a.isOwned ? a : b)
        let target = result.general
        if target == b.register {
            code.imul(type.width, target, a.register)
        } else {
            moveIfNeeded(type, target, a.register)
            code.imul(type.width, target, b.register)
        }
        finishPair(result, type, a, b)
    }

    private mutating func emitMultiplyImmediate(
        _ type: ValueClass, _ left: Operand, _ immediate: Int32
    ) {
        let a = take(left)
        let result = destination(reusing: a)
        switch immediate {
        case 3, 5, 9:
            let scaled = Address(a.register, index: a.register, scale: Int(immediate) - 1)
            code.lea(type.width, result.general, scaled)
        default:
            code.imul(type.width, result.general, a.register, immediate: immediate)
        }
        finish(result, type, freeing: a)
    }

    // MARK: Shifts

    mutating func shiftMask(_ type: ValueClass) -> UInt64 { type == .i32 ? 31 : 63 }

    mutating func emitShift(
        _ shift: ShiftOp, _ type: ValueClass, _ left: Operand, _ right: Operand
    ) {
        if right.isConstant {
            let count = UInt8(truncatingIfNeeded: right.bits & shiftMask(type))
            return emitShift(shift, type, left, by: count)
        }
        if processor.contains(.bmi2), shift != .rol, shift != .ror {
            let a = take(left)
            let b = take(right)
            let result = destination(reusing: a.isOwned ? a : b)
            code.shiftX(shift, type.width, result.general, a.register, b.register)
            return finishPair(result, type, a, b)
        }
        emitShiftByCL(shift, type, left, right)
    }

    private mutating func emitShift(
        _ shift: ShiftOp, _ type: ValueClass, _ left: Operand, by count: UInt8
    ) {
        if count == 0 { return push(left) }
        let a = take(left)
        let result = destination(reusing: a)
        let target = result.general
        if target != a.register, shift == .shl, count <= 3 {
            emitScale(type, target, a.register, count)
        } else if target != a.register, shift == .rol || shift == .ror, processor.contains(.bmi2) {
            let bits: UInt8 = type == .i32 ? 32 : 64
            code.rorx(type.width, target, a.register, shift == .ror ? count : bits &- count)
        } else {
            moveIfNeeded(type, target, a.register)
            code.shift(shift, type.width, target, immediate: count)
        }
        finish(result, type, freeing: a)
    }

    private mutating func emitScale(
        _ type: ValueClass, _ target: GPR, _ source: GPR, _ count: UInt8
    ) {
        if count == 1 {
            code.lea(type.width, target, Address(source, index: source))
        } else {
            code.move(type.width, target, source)
            code.shift(.shl, type.width, target, immediate: count)
        }
    }

    /// The form that wants the count in cl.
    private mutating func emitShiftByCL(
        _ shift: ShiftOp, _ type: ValueClass, _ left: Operand, _ right: Operand
    ) {
        var left = left
        if right.kind == .register, right.general == .rcx {
            // The count is where it must be.
        } else {
            if left.kind == .register, left.general == .rcx {
                let other = allocateGeneral()
                code.move(type.width, other, .rcx)
                left = .register(left.type, PhysicalRegister(other))
                free(.rcx)
            }
            claim(.rcx)
            load(right, into: .rcx)
            discard(right)
        }
        let a = take(left)
        let result = destination(reusing: a)
        moveIfNeeded(type, result.general, a.register)
        code.shiftByCL(shift, type.width, result.general)
        free(.rcx)
        finish(result, type, freeing: a)
    }

    // MARK: Unary

    mutating func translateIntegerUnary(_ type: ValueClass, _ unary: UnaryOperator) {
        let operand = pop()
        if operand.isConstant {
            let folded =
                type == .i32
                ? UInt64(unary.folded(UInt32(truncatingIfNeeded: operand.bits)))
                : unary.folded(operand.bits)
            return push(.constant(type, folded))
        }
        let a = take(operand)
        let result = destination(reusing: a)
        emitIntegerUnary(type, unary, result.general, a.register)
        finish(result, type, freeing: a)
    }

    private mutating func emitIntegerUnary(
        _ type: ValueClass, _ unary: UnaryOperator, _ target: GPR, _ source: GPR
    ) {
        let width = type.width
        switch unary {
        case .countLeadingZeros:
            if processor.contains(.lzcnt) {
                code.lzcnt(width, target, source)
            } else {
                emitBitScanReverse(type, target, source)
            }
        case .countTrailingZeros:
            if processor.contains(.bmi1) {
                code.tzcnt(width, target, source)
            } else {
                code.bsf(width, target, source)
                code.moveImmediate(CallingConvention.scratch, type == .i32 ? 32 : 64)
                code.cmov(.e, width, target, CallingConvention.scratch)
            }
        case .populationCount:
            if processor.contains(.popcnt) {
                code.popcnt(width, target, source)
            } else {
                emitPopulationCount(type, target, source)
            }
        case .extend8Signed: code.moveSignExtended(from: .w8, to: width, target, source)
        case .extend16Signed: code.moveSignExtended(from: .w16, to: width, target, source)
        case .extend32Signed: code.moveSignExtended(from: .w32, to: width, target, source)
        case .absolute, .negate, .squareRoot, .ceiling, .floor, .truncate, .nearest:
            break  // Not of integers.
        }
    }

    private mutating func emitBitScanReverse(_ type: ValueClass, _ target: GPR, _ source: GPR) {
        code.bsr(type.width, target, source)
        // Of zero: a number whose exclusive or with the highest bit's is the width.
        code.moveImmediate(CallingConvention.scratch, type == .i32 ? 63 : 127)
        code.cmov(.e, type.width, target, CallingConvention.scratch)
        code.alu(.xor, type.width, target, immediate: type == .i32 ? 31 : 63)
    }

    /// Sums of neighbouring bit groups, doubling their size, for processors without `popcnt`.
    private mutating func emitPopulationCount(_ type: ValueClass, _ target: GPR, _ source: GPR) {
        let width = type.width
        let work = allocateGeneral()
        let mask = allocateGeneral()
        let scratch = CallingConvention.scratch
        let repeated: (UInt64) -> UInt64 = { type == .i32 ? $0 & 0xFFFF_FFFF : $0 }
        code.move(width, scratch, source)
        code.move(width, work, source)
        code.shift(.shr, width, work, immediate: 1)
        code.moveImmediate(mask, repeated(0x5555_5555_5555_5555))
        code.alu(.and, width, work, mask)
        code.alu(.sub, width, scratch, work)
        code.moveImmediate(mask, repeated(0x3333_3333_3333_3333))
        code.move(width, work, scratch)
        code.shift(.shr, width, work, immediate: 2)
        code.alu(.and, width, work, mask)
        code.alu(.and, width, scratch, mask)
        code.alu(.add, width, scratch, work)
        code.move(width, work, scratch)
        code.shift(.shr, width, work, immediate: 4)
        code.alu(.add, width, scratch, work)
        code.moveImmediate(mask, repeated(0x0F0F_0F0F_0F0F_0F0F))
        code.alu(.and, width, scratch, mask)
        code.moveImmediate(mask, repeated(0x0101_0101_0101_0101))
        code.imul(width, scratch, mask)
        code.shift(.shr, width, scratch, immediate: type == .i32 ? 24 : 56)
        code.move(width, target, scratch)
        free(work)
        free(mask)
    }
}
