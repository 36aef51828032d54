public import ApusAssembler
internal import ApusFormat

/// The instructions of each `VectorSequence`.
extension CodeBuffer {
    /// Does what `sequence` says with `registers`.
    public mutating func vector(_ sequence: VectorSequence, _ registers: VectorRegisters) {
        switch sequence.kind {
        case .complement: vector(.pxor, registers.target, registers.a, pooled(VectorConstant(.max)))
        case .absolute: absolute(sequence.shape, registers)
        case .negate: negate(sequence.shape, registers)
        case .populationCount: populationCount(registers)
        case .extendHighSigned: extend(sequence.shape, registers, isSigned: true)
        case .extendHighUnsigned: extend(sequence.shape, registers, isSigned: false)
        case .extendAddPairwiseSigned, .extendAddPairwiseUnsigned, .convertUnsigned,
            .truncateSigned, .truncateUnsigned:
            convert(sequence, registers)
        case .shiftLeftByConstant, .shiftRightSignedByConstant, .shiftRightUnsignedByConstant,
            .shiftLeft, .shiftRightSigned, .shiftRightUnsigned:
            shift(sequence, registers)
        case .notEqual, .greaterSigned, .greaterUnsigned, .lessUnsigned, .lessOrEqualSigned,
            .lessOrEqualUnsigned, .greaterOrEqualSigned, .greaterOrEqualUnsigned:
            compare(sequence, registers)
        case .multiply: multiply64(registers)
        case .multiplyQ15: multiplyQ15(registers)
        case .extendMultiplyLowSigned:
            extendMultiply(sequence.shape, registers, isHigh: false, isSigned: true)
        case .extendMultiplyHighSigned:
            extendMultiply(sequence.shape, registers, isHigh: true, isSigned: true)
        case .extendMultiplyLowUnsigned:
            extendMultiply(sequence.shape, registers, isHigh: false, isSigned: false)
        case .extendMultiplyHighUnsigned:
            extendMultiply(sequence.shape, registers, isHigh: true, isSigned: false)
        case .minimum where sequence.shape == .f32x4: extremum(.minps, .orps, registers)
        case .minimum: extremum(.minpd, .orpd, registers)
        case .maximum where sequence.shape == .f32x4: extremum(.maxps, .andps, registers)
        case .maximum: extremum(.maxpd, .andpd, registers)
        case .swizzle:
            // Indices from 16 on get their highest bit set, which selects zero.
            vector(.paddusb, registers.scratch, registers.b, pooled(.bytes(0x70)))
            vector(.pshufb, registers.target, registers.a, registers.scratch)
        case .dot: dot(registers)
        case .bitselect, .multiplyAdd, .negativeMultiplyAdd, .dotAdd, .dotAddDeterministic:
            ternary(sequence, registers)
        }
    }

    // MARK: Signs and bits

    private mutating func absolute(_ shape: VectorShape, _ registers: VectorRegisters) {
        let (target, a, scratch) = (registers.target, registers.a, registers.scratch)
        switch shape {
        case .i64x2 where useAVX512: vector(.vpabsq, target, a)
        case .f32x4: vector(.pand, target, a, pooled(.doublewords(0x7FFF_FFFF)))
        case .f64x2: vector(.pand, target, a, pooled(VectorConstant(.max >> 1)))
        default:
            vector(.psrad, scratch, a, immediate: 31)
            vector(.pshufd, scratch, scratch, immediate: 0xF5)
            vector(.pxor, target, a, scratch)
            vector(.psubq, target, target, scratch)
        }
    }

    private mutating func negate(_ shape: VectorShape, _ registers: VectorRegisters) {
        let (target, a) = (registers.target, registers.a)
        let difference: VectorOp
        switch shape {
        case .f32x4: return vector(.pxor, target, a, pooled(.doublewords(0x8000_0000)))
        case .f64x2: return vector(.pxor, target, a, pooled(VectorConstant(1 << 63)))
        case .i8x16: difference = .psubb
        case .i16x8: difference = .psubw
        case .i32x4: difference = .psubd
        case .i64x2: difference = .psubq
        }
        vector(.pxor, target, target, target)
        vector(difference, target, target, a)
    }

    /// Looks up both halves of each byte, where the processor cannot count.
    private mutating func populationCount(_ registers: VectorRegisters) {
        if useAVX512 { return vector(.vpopcntb, registers.target, registers.a) }
        let (target, scratch, count) = (registers.target, registers.scratch, registers.temporary)
        let table = pooled(
            VectorConstant(bytes: { UInt8(truncatingIfNeeded: $0.nonzeroBitCount) }))
        let lowHalves = pooled(.bytes(0x0F))
        vector(.psrlw, scratch, registers.a, immediate: 4)
        vector(.pand, scratch, scratch, lowHalves)
        loadVector(count, table, aligned: true)
        vector(.pshufb, count, count, scratch)
        vector(.pand, scratch, registers.a, lowHalves)
        loadVector(target, table, aligned: true)
        vector(.pshufb, target, target, scratch)
        vector(.paddb, target, target, count)
    }

    // MARK: Comparisons

    /// Order by the larger or smaller of both: a ≥ b if the larger one is a.
    private mutating func compare(_ sequence: VectorSequence, _ registers: VectorRegisters) {
        let shape = sequence.shape
        let kind = sequence.kind
        let (target, a, b) = (registers.target, registers.a, registers.b)
        let ones = VectorConstant(.max)
        switch kind {
        case .notEqual: vector(shape.equalOp, target, a, b)
        case .greaterSigned: return greater64(target, a, b, registers.scratch)
        case .lessOrEqualSigned where shape == .i64x2:
            useAVX
                ? vector(.pcmpgtq, target, a, b) : greater64(target, a, b, registers.scratch)
        case .greaterOrEqualSigned where shape == .i64x2:
            useAVX
                ? vector(.pcmpgtq, target, b, a) : greater64(target, b, a, registers.scratch)
        default:
            let isMinimum =
                kind == .greaterUnsigned || kind == .lessOrEqualSigned
                || kind == .lessOrEqualUnsigned
            let isSigned = kind == .lessOrEqualSigned || kind == .greaterOrEqualSigned
            vector(
                isMinimum
                    ? shape.minimumOp(isSigned: isSigned) : shape.maximumOp(isSigned: isSigned),
                target, a, b)
            vector(shape.equalOp, target, target, a)
            guard kind == .greaterUnsigned || kind == .lessUnsigned else { return }
        }
        vector(.pxor, target, target, pooled(ones))
    }

    /// SSE4.1 compares 32 bits at most: the upper halves decide, or where they are equal the sign
    /// of the difference.
    private mutating func greater64(_ target: XMM, _ a: XMM, _ b: XMM, _ scratch: XMM) {
        move(target, b)
        vector(.psubq, target, target, a)
        move(scratch, a)
        vector(.pcmpeqd, scratch, scratch, b)
        vector(.pand, target, target, scratch)
        move(scratch, a)
        vector(.pcmpgtd, scratch, scratch, b)
        vector(.por, target, target, scratch)
        vector(.psrad, target, target, immediate: 31)
        vector(.pshufd, target, target, immediate: 0xF5)
    }

    // MARK: Minimum and maximum

    /// The processor's minimum gives its second operand if one is a NaN or both are zeros. So both
    /// orders are taken and joined: `or` keeps the sign of a negative zero, `and`, of maxima, that
    /// of a positive one. Where the operands, which is found out meanwhile, have a NaN, all bits
    /// are set, and those of the fraction cleared to the canonical one.
    private mutating func extremum(_ op: VectorOp, _ join: VectorOp, _ registers: VectorRegisters) {
        let (target, scratch, other) = (registers.target, registers.scratch, registers.temporary)
        let isSingle = op == .minps || op == .maxps
        vector(op, scratch, registers.a, registers.b)
        vector(op, other, registers.b, registers.a)
        vector(isSingle ? .cmpps : .cmppd, target, registers.a, registers.b, immediate: 3)
        vector(join, scratch, scratch, other)
        vector(isSingle ? .orps : .orpd, scratch, scratch, target)
        vector(isSingle ? .psrld : .psrlq, target, target, immediate: isSingle ? 10 : 13)
        vector(isSingle ? .andnps : .andnpd, target, target, scratch)
    }

    // MARK: Shifts

    private mutating func shift(_ sequence: VectorSequence, _ registers: VectorRegisters) {
        let (target, a) = (registers.target, registers.a)
        let count = sequence.count
        switch (sequence.kind, sequence.shape) {
        case (.shiftLeftByConstant, _):
            vector(.psllw, target, a, immediate: count)
            vector(.pand, target, target, pooled(.bytes(0xFF &<< count)))
        case (.shiftRightUnsignedByConstant, _):
            vector(.psrlw, target, a, immediate: count)
            vector(.pand, target, target, pooled(.bytes(0xFF &>> count)))
        case (.shiftRightSignedByConstant, .i8x16):
            vector(.punpckhbw, registers.scratch, a, a)
            vector(.psraw, registers.scratch, registers.scratch, immediate: count &+ 8)
            vector(.punpcklbw, target, a, a)
            vector(.psraw, target, target, immediate: count &+ 8)
            vector(.packsswb, target, target, registers.scratch)
        case (.shiftRightSignedByConstant, _) where useAVX512:
            vector(.vpsraqImmediate, target, a, immediate: count)
        case (.shiftRightSignedByConstant, _):
            let sign = pooled(VectorConstant(UInt64(1) &<< UInt64(63 &- count)))
            vector(.psrlq, target, a, immediate: count)
            vector(.pxor, target, target, sign)
            vector(.psubq, target, target, sign)
        case (.shiftLeft, _): shiftBytes(.psllw, isLeft: true, registers)
        case (.shiftRightUnsigned, _): shiftBytes(.psrlw, isLeft: false, registers)
        case (_, .i8x16):
            let high = registers.temporary
            vector(.punpckhbw, high, a, a)
            vector(.psraw, high, high, registers.b)
            vector(.punpcklbw, target, a, a)
            vector(.psraw, target, target, registers.b)
            vector(.packsswb, target, target, high)
        case _ where useAVX512: vector(.vpsraq, target, a, registers.b)
        default:
            let sign = registers.temporary
            loadVector(sign, pooled(VectorConstant(1 << 63)), aligned: true)
            vector(.psrlq, sign, sign, registers.b)
            vector(.psrlq, target, a, registers.b)
            vector(.pxor, target, target, sign)
            vector(.psubq, target, target, sign)
        }
    }

    /// Words are shifted, and what crossed over from the neighbouring byte is masked. The count
    /// may be in the scratch register.
    private mutating func shiftBytes(_ op: VectorOp, isLeft: Bool, _ registers: VectorRegisters) {
        let (target, mask, scratch) = (registers.target, registers.temporary, registers.scratch)
        vector(.pcmpeqd, mask, mask, mask)
        if !isLeft { vector(.psrlw, mask, mask, immediate: 8) }
        vector(op, mask, mask, registers.b)
        vector(op, target, registers.a, registers.b)
        vector(.pxor, scratch, scratch, scratch)
        vector(.pshufb, mask, mask, scratch)
        vector(.pand, target, target, mask)
    }
}
