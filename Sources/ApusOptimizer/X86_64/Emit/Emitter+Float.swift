internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// Floats: arithmetic and conversions, in the sequences of baseline code.
extension Emitter {
    mutating func emitFloat(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let result = function.operands[Int(instruction.operands)].assigned.vector
        let first = instruction.uses.lowerBound
        let a = function.operands[first].assigned
        let width = instruction.floatWidth
        switch instruction.opcode {
        case .floatBinary:
            if let slot = frameOperand(first &+ 1, function) {
                return code.float(instruction.floatOp, width, result, a.vector, slot)
            }
            code.float(
                instruction.floatOp, width, result, a.vector,
                function.operands[first &+ 1].assigned.vector)
        case .floatBinaryMemory:
            let memory = memory(instruction, function)
            markMemory(instruction)
            code.float(instruction.floatOp, width, result, a.vector, memory)
        case .extremum:
            emitExtremum(
                width, result, a.vector, function.operands[first &+ 1].assigned.vector,
                isMinimum: instruction.detail == 1)
        case .floatNegate: code.floatXor(result, a.vector, signMask(width, inverted: false))
        case .floatAbsolute: code.floatAnd(result, a.vector, signMask(width, inverted: true))
        case .copySign:
            let scratch = CallingConvention.floatScratch
            let b = function.operands[first &+ 1].assigned.vector
            code.floatAnd(scratch, b, signMask(width, inverted: false))
            code.floatAnd(result, a.vector, signMask(width, inverted: true))
            code.floatOr(result, result, scratch)
        case .squareRoot: code.squareRoot(width, result, a.vector)
        case .round:
            code.round(
                instruction.rounding, width, result, a.vector)
        case .convertFloat: code.convertFloat(to: width, result, a.vector)
        case .convertToFloat:
            code.convertToFloat(width, from: instruction.sourceWidth.width, result, a.general)
        default: emitUnsignedToFloat(width, result, a.general)
        }
    }

    /// All lanes the sign bit, or all others.
    private mutating func signMask(_ width: FloatWidth, inverted: Bool) -> Address {
        let lane: UInt64 = width == .f32 ? 0x8000_0000_8000_0000 : 0x8000_0000_0000_0000
        let bits = inverted ? ~lane : lane
        return Address(constant: code.constant128(bits, bits))
    }

    /// The processor's own minimum is neither symmetric in NaN nor in the sign of zero.
    private mutating func emitExtremum(
        _ width: FloatWidth, _ result: XMM, _ a: XMM, _ b: XMM, isMinimum: Bool
    ) {
        let ordinary = code.makeLabel()
        let unordered = code.makeLabel()
        let end = code.makeLabel()
        code.compareFloat(width, a, b)
        code.jump(.ne, ordinary, near: true)
        code.jump(.p, unordered, near: true)
        // Equal: only zeros of different sign differ.
        if isMinimum {
            code.floatOr(result, a, b)
        } else {
            code.floatAnd(result, a, b)
        }
        code.jump(end, near: true)
        code.bind(unordered)
        code.float(.add, width, result, a, b)
        code.jump(end, near: true)
        code.bind(ordinary)
        code.float(isMinimum ? .min : .max, width, result, a, b)
        code.bind(end)
    }

    /// Numbers above the signed range are halved, keeping the lowest bit for the rounding, and
    /// doubled again.
    private mutating func emitUnsignedToFloat(_ width: FloatWidth, _ result: XMM, _ a: GPR) {
        let scratch = CallingConvention.scratch
        let large = code.makeLabel()
        let halved = code.makeLabel()
        let end = code.makeLabel()
        code.test(.w64, a, a)
        code.jump(.s, large, near: true)
        code.convertToFloat(width, from: .w64, result, a)
        code.jump(end, near: true)
        code.bind(large)
        code.move(.w64, scratch, a)
        code.shift(.shr, .w64, scratch, immediate: 1)
        code.bt(.w64, a, immediate: 0)
        code.jump(.ae, halved, near: true)
        code.alu(.or, .w64, scratch, immediate: 1)
        code.bind(halved)
        code.convertToFloat(width, from: .w64, result, scratch)
        code.float(.add, width, result, result, result)
        code.bind(end)
    }

    // MARK: To integers

    /// What truncating a float to an integer is about.
    private struct Truncation {
        let integer: Width
        let float: FloatWidth
        let result: GPR
        let a: XMM
        let isSigned: Bool
    }

    mutating func emitTruncation(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let kind = TruncationKind(rawValue: instruction.detail)
        let truncation = Truncation(
            integer: instruction.width.width, float: kind.contains(.fromF64) ? .f64 : .f32,
            result: function.operands[Int(instruction.operands)].assigned.general,
            a: function.operands[instruction.uses.lowerBound].assigned.vector,
            isSigned: kind.contains(.signed))
        let isSaturating = kind.contains(.saturating)
        if truncation.isSigned {
            emitSigned(truncation, isSaturating: isSaturating)
        } else if truncation.integer == .w32 {
            emitUnsigned32(truncation, isSaturating: isSaturating)
        } else {
            emitUnsigned64(truncation, isSaturating: isSaturating)
        }
    }

    /// The processor gives the smallest integer for all that it cannot convert.
    private mutating func emitSigned(_ truncation: Truncation, isSaturating: Bool) {
        let (float, result, a) = (truncation.float, truncation.result, truncation.a)
        let scratch = CallingConvention.floatScratch
        let end = code.makeLabel()
        code.convertToInteger(truncation.integer, from: float, result, a)
        code.alu(.cmp, truncation.integer, result, immediate: 1)
        jump(.no, end)
        if isSaturating {
            let unordered = code.makeLabel()
            code.floatXor(scratch, scratch, scratch)
            code.compareFloat(float, a, scratch)
            jump(.p, unordered)
            // Below zero the smallest integer is right already.
            jump(.b, end)
            code.moveImmediate(
                result,
                truncation.integer == .w32 ? 0x7FFF_FFFF : 0x7FFF_FFFF_FFFF_FFFF)
            jump(end)
            code.bind(unordered)
            code.zero(result)
        } else {
            code.compareFloat(float, a, a)
            trap(.invalidConversionToInteger, if: .p)
            code.compareFloat(float, a, leastConvertible(truncation))
            trap(
                .integerOverflow,
                if: truncation.integer == .w32 && float == .f64 ? .be : .b)
            code.floatXor(scratch, scratch, scratch)
            code.compareFloat(float, a, scratch)
            trap(.integerOverflow, if: .ae)
        }
        code.bind(end)
    }

    /// The least float that converts to a signed integer; where a double can say it, the greatest
    /// one that does not.
    private mutating func leastConvertible(_ truncation: Truncation) -> Address {
        switch (truncation.integer, truncation.float) {
        case (.w32, .f32): Address(constant: code.constant32(Float(-0x1p31).bitPattern))
        case (.w32, .f64): Address(constant: code.constant64((-2_147_483_649.0).bitPattern))
        case (_, .f32): Address(constant: code.constant32(Float(-0x1p63).bitPattern))
        default: Address(constant: code.constant64((-0x1p63).bitPattern))
        }
    }

    private mutating func emitUnsigned32(_ truncation: Truncation, isSaturating: Bool) {
        let (float, result, a) = (truncation.float, truncation.result, truncation.a)
        let scratch = CallingConvention.scratch
        let floatScratch = CallingConvention.floatScratch
        let end = code.makeLabel()
        code.convertToInteger(.w64, from: float, result, a)
        code.move(.w32, scratch, result)
        code.alu(.cmp, .w64, scratch, result)
        jump(.e, end)
        if isSaturating {
            code.floatXor(floatScratch, floatScratch, floatScratch)
            code.compareFloat(float, a, floatScratch)
            code.moveImmediate(result, 0xFFFF_FFFF)
            jump(.a, end)
            code.zero(result)
        } else {
            trapUnconvertible(float, a)
        }
        code.bind(end)
    }

    /// `a` cannot be converted: a NaN, or too large or too small a number.
    private mutating func trapUnconvertible(_ float: FloatWidth, _ a: XMM) {
        code.compareFloat(float, a, a)
        trap(.invalidConversionToInteger, if: .p)
        jump(coldTrap(.integerOverflow))
    }

    /// From 2^63 on, 2^63 less is converted and the highest bit set afterwards.
    private mutating func emitUnsigned64(_ truncation: Truncation, isSaturating: Bool) {
        let (float, result, a) = (truncation.float, truncation.result, truncation.a)
        let scratch = CallingConvention.floatScratch
        let large = code.makeLabel()
        let end = code.makeLabel()
        code.compareFloat(float, a, powerOf63(float, sign: 0))
        jump(.ae, large)
        code.convertToInteger(.w64, from: float, result, a)
        code.test(.w64, result, result)
        jump(.ns, end)
        if isSaturating {
            // Negative or a NaN.
            code.zero(result)
            jump(end)
        } else {
            trapUnconvertible(float, a)
        }
        code.bind(large)
        code.loadFloat(float, scratch, powerOf63(float, sign: 1))
        code.float(.add, float, scratch, scratch, a)
        code.convertToInteger(.w64, from: float, result, scratch)
        code.test(.w64, result, result)
        if isSaturating {
            let tooLarge = code.makeLabel()
            jump(.s, tooLarge)
            setHighestBit(result)
            jump(end)
            code.bind(tooLarge)
            code.moveImmediate(result, .max)
        } else {
            trap(.integerOverflow, if: .s)
            setHighestBit(result)
        }
        code.bind(end)
    }

    /// 2^63, or with a `sign` its negative.
    private mutating func powerOf63(_ float: FloatWidth, sign: UInt64) -> Address {
        float == .f32
            ? Address(
                constant: code.constant32(
                    Float(0x1p63).bitPattern | UInt32(truncatingIfNeeded: sign) &<< 31))
            : Address(constant: code.constant64((0x1p63).bitPattern | sign &<< 63))
    }

    private mutating func setHighestBit(_ result: GPR) {
        code.moveImmediate(CallingConvention.scratch, 1 << 63)
        code.alu(.or, .w64, result, CallingConvention.scratch)
    }
}
