internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// Float arithmetic (4.3.3).
extension BaselineCompiler {
    /// Memory that holds a float operand: its frame slot or a place in the constant pool.
    mutating func floatMemory(_ operand: Operand) -> Address? {
        if operand.kind == .constant {
            return operand.bits == 0 ? nil : constantAddress(operand.type, operand.bits)
        }
        return frameAddress(operand)
    }

    mutating func constantAddress(_ type: ValueClass, _ bits: UInt64) -> Address {
        if type == .f32 {
            return Address(constant: code.constant32(UInt32(truncatingIfNeeded: bits)))
        }
        return Address(constant: code.constant64(bits))
    }

    mutating func translateFloatBinary(_ type: ValueClass, _ binary: BinaryOperator) {
        let right = pop()
        let left = pop()
        switch binary {
        case .add: emitFloat(.add, type, left, right)
        case .subtract: emitFloat(.sub, type, left, right)
        case .multiply: emitFloat(.mul, type, left, right)
        case .divide: emitFloat(.div, type, left, right)
        case .minimum: emitExtremum(type, left, right, isMinimum: true)
        case .maximum: emitExtremum(type, left, right, isMinimum: false)
        case .copySign: emitCopySign(type, left, right)
        case .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned, .and, .or,
            .xor, .shiftLeft, .shiftRightSigned, .shiftRightUnsigned, .rotateLeft, .rotateRight:
            break  // Not of floats.
        }
    }

    private mutating func emitFloat(
        _ operation: FloatOp, _ type: ValueClass, _ left: Operand, _ right: Operand
    ) {
        if let address = floatMemory(right) {
            let a = takeFloat(left)
            let result = destination(reusing: a)
            code.float(operation, type.floatWidth, result.float, a.register, address)
            return finish(result, type, freeing: a)
        }
        let a = takeFloat(left)
        let b = takeFloat(right)
        let result = destination(reusing: a.isOwned ? a : b)
        emitFloat(operation, type, result.float, a.register, b.register)
        finishPair(result, type, a, b)
    }

    /// `target = a op b`, any of them the same register, with or without three-operand forms.
    private mutating func emitFloat(
        _ operation: FloatOp, _ type: ValueClass, _ target: XMM, _ a: XMM, _ b: XMM
    ) {
        guard !code.useAVX, target == b, target != a else {
            return code.float(operation, type.floatWidth, target, a, b)
        }
        let scratch = CallingConvention.floatScratch
        code.move(scratch, b)
        code.move(target, a)
        code.float(operation, type.floatWidth, target, target, scratch)
    }

    @inline(__always)
    mutating func finishPair(
        _ result: Destination, _ type: ValueClass, _ a: FloatValue, _ b: FloatValue
    ) {
        if b.isOwned, result.isLocal || b.register != result.float {
            free(b.register)
        }
        finish(result, type, freeing: a)
    }

    /// The processor's own minimum is neither symmetric in NaN nor in the sign of zero.
    private mutating func emitExtremum(
        _ type: ValueClass, _ left: Operand, _ right: Operand, isMinimum: Bool
    ) {
        let a = takeFloat(left)
        var b = takeFloat(right)
        let result = destination(reusing: a)
        let target = result.float
        if !code.useAVX, target == b.register, target != a.register {
            // Without three-operand forms the target must not be the second operand.
            let scratch = CallingConvention.floatScratch
            code.move(scratch, b.register)
            release(b)
            b = FloatValue(register: scratch, isOwned: false)
        }
        let ordinary = code.makeLabel()
        let unordered = code.makeLabel()
        let end = code.makeLabel()
        code.compareFloat(type.floatWidth, a.register, b.register)
        code.jump(.ne, ordinary, near: true)
        code.jump(.p, unordered, near: true)
        // Equal: only zeros of different sign differ.
        if isMinimum {
            code.floatOr(target, a.register, b.register)
        } else {
            code.floatAnd(target, a.register, b.register)
        }
        code.jump(end, near: true)
        code.bind(unordered)
        code.float(.add, type.floatWidth, target, a.register, b.register)
        code.jump(end, near: true)
        code.bind(ordinary)
        let operation: FloatOp = isMinimum ? .min : .max
        code.float(operation, type.floatWidth, target, a.register, b.register)
        code.bind(end)
        finishPair(result, type, a, b)
    }

    // MARK: Signs

    /// Constants for `and`, `or` and `xor` with all lanes the same.
    private mutating func signMask(_ type: ValueClass, inverted: Bool) -> Address {
        let lane: UInt64 = type == .f32 ? 0x8000_0000_8000_0000 : 0x8000_0000_0000_0000
        let bits = inverted ? ~lane : lane
        return Address(constant: code.constant128(bits, bits))
    }

    private mutating func emitCopySign(_ type: ValueClass, _ left: Operand, _ right: Operand) {
        let a = takeFloat(left)
        let b = takeFloat(right)
        // Before the scratch is in use: making room for the result may go through it.
        let result = destination(reusing: a)
        let scratch = CallingConvention.floatScratch
        code.floatAnd(scratch, b.register, signMask(type, inverted: false))
        release(b)
        code.floatAnd(result.float, a.register, signMask(type, inverted: true))
        code.floatOr(result.float, result.float, scratch)
        finish(result, type, freeing: a)
    }

    // MARK: Unary

    mutating func translateFloatUnary(_ type: ValueClass, _ unary: UnaryOperator) {
        let a = takeFloat(pop())
        let result = destination(reusing: a)
        let width = type.floatWidth
        let target = result.float
        switch unary {
        case .absolute: code.floatAnd(target, a.register, signMask(type, inverted: true))
        case .negate: code.floatXor(target, a.register, signMask(type, inverted: false))
        case .squareRoot: code.squareRoot(width, target, a.register)
        case .ceiling: code.round(.ceiling, width, target, a.register)
        case .floor: code.round(.floor, width, target, a.register)
        case .truncate: code.round(.truncate, width, target, a.register)
        case .nearest: code.round(.nearest, width, target, a.register)
        case .countLeadingZeros, .countTrailingZeros, .populationCount, .extend8Signed,
            .extend16Signed, .extend32Signed:
            break  // Not of floats.
        }
        finish(result, type, freeing: a)
    }
}
