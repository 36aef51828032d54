internal import ApusAssembler
internal import ApusFormat

/// Sequences that multiply, and those of three operands.
extension CodeBuffer {
    /// 64 bits of each product from three products of 32 by 32 bits.
    mutating func multiply64(_ registers: VectorRegisters) {
        let (target, a, b) = (registers.target, registers.a, registers.b)
        let scratch = registers.scratch
        vector(.psrlq, scratch, a, immediate: 32)
        vector(.pmuludq, scratch, scratch, b)
        vector(.psrlq, target, b, immediate: 32)
        vector(.pmuludq, target, target, a)
        vector(.paddq, target, target, scratch)
        vector(.psllq, target, target, immediate: 32)
        vector(.pmuludq, scratch, a, b)
        vector(.paddq, target, target, scratch)
    }

    /// Only -1 by -1 does not fit: its product wraps to the one value that is flipped.
    mutating func multiplyQ15(_ registers: VectorRegisters) {
        let (target, scratch) = (registers.target, registers.scratch)
        vector(.pmulhrsw, target, registers.a, registers.b)
        vector(.pcmpeqw, scratch, target, pooled(.words(0x8000)))
        vector(.pxor, target, target, scratch)
    }

    mutating func extendMultiply(
        _ shape: VectorShape, _ registers: VectorRegisters, isHigh: Bool, isSigned: Bool
    ) {
        let (target, a, b) = (registers.target, registers.a, registers.b)
        let scratch = registers.scratch
        switch shape {
        case .i16x8 where isHigh && !isSigned:
            // Both factors times 256, so that the product is in the upper half.
            vector(.pxor, scratch, scratch, scratch)
            vector(.punpckhbw, target, scratch, a)
            vector(.punpckhbw, scratch, scratch, b)
            vector(.pmulhuw, target, target, scratch)
        case .i16x8:
            let extend: VectorUnaryOp = isSigned ? .pmovsxbw : .pmovzxbw
            self.extend(extend, scratch, b, isHigh: isHigh)
            self.extend(extend, target, a, isHigh: isHigh)
            vector(.pmullw, target, target, scratch)
        case .i32x4:
            vector(isSigned ? .pmulhw : .pmulhuw, scratch, a, b)
            vector(.pmullw, target, a, b)
            vector(isHigh ? .punpckhwd : .punpcklwd, target, target, scratch)
        default:
            let order: UInt8 = isHigh ? 0xFA : 0x50
            vector(.pshufd, scratch, a, immediate: order)
            vector(.pshufd, target, b, immediate: order)
            vector(isSigned ? .pmuldq : .pmuludq, target, target, scratch)
        }
    }

    /// Widens the upper lanes to those of `shape`.
    mutating func extend(_ shape: VectorShape, _ registers: VectorRegisters, isSigned: Bool) {
        guard isSigned else { return unpackWithZeroes(shape, registers) }
        let op: VectorUnaryOp =
            switch shape {
            case .i16x8: .pmovsxbw
            case .i32x4: .pmovsxwd
            default: .pmovsxdq
            }
        extend(op, registers.target, registers.a, isHigh: true)
    }

    /// One step where shuffling first would be two: to make zeroes takes no time.
    private mutating func unpackWithZeroes(_ shape: VectorShape, _ registers: VectorRegisters) {
        let op: VectorOp =
            switch shape {
            case .i16x8: .punpckhbw
            case .i32x4: .punpckhwd
            default: .punpckhdq
            }
        vector(.pxor, registers.scratch, registers.scratch, registers.scratch)
        vector(op, registers.target, registers.a, registers.scratch)
    }

    private mutating func extend(_ op: VectorUnaryOp, _ target: XMM, _ a: XMM, isHigh: Bool) {
        if isHigh {
            vector(.pshufd, target, a, immediate: 0xEE)
            vector(op, target, target)
        } else {
            vector(op, target, a)
        }
    }

    /// Both factors signed, the sums of pairs saturated.
    mutating func dot(_ registers: VectorRegisters) {
        let (target, a, b) = (registers.target, registers.a, registers.b)
        let (scratch, high) = (registers.scratch, registers.temporary)
        extend(.pmovsxbw, scratch, b, isHigh: true)
        extend(.pmovsxbw, high, a, isHigh: true)
        vector(.pmaddwd, high, high, scratch)
        extend(.pmovsxbw, scratch, b, isHigh: false)
        extend(.pmovsxbw, target, a, isHigh: false)
        vector(.pmaddwd, target, target, scratch)
        vector(.packssdw, target, target, high)
    }

    mutating func ternary(_ sequence: VectorSequence, _ registers: VectorRegisters) {
        let (target, a, b, c) = (registers.target, registers.a, registers.b, registers.c)
        let isSingle = sequence.shape == .f32x4
        switch sequence.kind {
        case .bitselect:
            vector(.pandn, registers.scratch, c, b)
            vector(.pand, target, a, c)
            vector(.por, target, target, registers.scratch)
        case .multiplyAdd:
            vector(isSingle ? .mulps : .mulpd, target, a, b)
            vector(isSingle ? .addps : .addpd, target, target, c)
        case .negativeMultiplyAdd:
            vector(isSingle ? .mulps : .mulpd, registers.scratch, a, b)
            vector(isSingle ? .subps : .subpd, target, c, registers.scratch)
        default:
            if sequence.kind == .dotAdd {
                // The second factor has 7 bits, as it should, so it may be the unsigned one.
                vector(.pmaddubsw, target, b, a)
            } else {
                dot(registers)
            }
            vector(.pmaddwd, target, target, pooled(.words(1)))
            vector(.paddd, target, target, c)
        }
    }
}
