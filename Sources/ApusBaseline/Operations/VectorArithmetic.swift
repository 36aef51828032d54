internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// Vector arithmetic, comparisons and shifts (4.3.5).
extension BaselineCompiler {
    // MARK: Shapes of code

    /// `left op right` in one instruction.
    mutating func emitVector(_ op: VectorOp, _ left: Operand, _ right: Operand) {
        let a = takeFloat(left)
        if let address = vectorMemory(right) {
            let result = destination(reusing: a)
            code.vector(op, result.float, a.register, address)
            return finish(result, .v128, freeing: a)
        }
        let b = takeFloat(right)
        let result = destination(reusing: a.isOwned ? a : b)
        code.vector(op, result.float, a.register, b.register)
        finishPair(result, .v128, a, b)
    }

    /// Two operands in registers and a target of its own, which `body` may write at any time.
    @inline(__always)
    mutating func emitVectorPair(
        _ left: Operand, _ right: Operand, _ body: (inout Self, XMM, XMM, XMM) -> Void
    ) {
        let a = takeFloat(left)
        let b = takeFloat(right)
        let target = allocateFloat()
        body(&self, target, a.register, b.register)
        release(a)
        release(b)
        push(.v128, target)
    }

    /// One operand in a register and a target of its own.
    @inline(__always)
    mutating func emitVectorUnary(_ body: (inout Self, XMM, XMM) -> Void) {
        let a = takeFloat(pop())
        let target = allocateFloat()
        body(&self, target, a.register)
        release(a)
        push(.v128, target)
    }

    // MARK: Bits

    mutating func translateVectorNot() {
        let a = takeFloat(pop())
        let result = destination(reusing: a)
        code.vector(.pcmpeqd, scratchVector, scratchVector, scratchVector)
        code.vector(.pxor, result.float, a.register, scratchVector)
        finish(result, .v128, freeing: a)
    }

    mutating func translateVectorBitwise(_ operation: VectorBitwise) {
        let right = pop()
        let left = pop()
        switch operation {
        case .and: emitVector(.pand, left, right)
        case .or: emitVector(.por, left, right)
        case .xor: emitVector(.pxor, left, right)
        case .andNot: emitVector(.pandn, right, left)
        }
    }

    mutating func translateBitselect() {
        let mask = takeFloat(pop())
        let right = pop()
        let left = pop()
        emitVectorPair(left, right) { compiler, target, a, b in
            compiler.code.vector(.pandn, compiler.scratchVector, mask.register, b)
            compiler.code.vector(.pand, target, a, mask.register)
            compiler.code.vector(.por, target, target, compiler.scratchVector)
        }
        release(mask)
    }

    // MARK: Comparisons

    mutating func translateVectorCompare(_ shape: VectorShape, _ comparison: Comparison) {
        let right = pop()
        let left = pop()
        switch shape {
        case .f32x4, .f64x2: emitFloatCompare(shape, comparison, left, right)
        case .i64x2: emitCompare64(comparison, left, right)
        case .i8x16, .i16x8, .i32x4: emitIntegerCompare(shape, comparison, left, right)
        }
    }

    private mutating func emitFloatCompare(
        _ shape: VectorShape, _ comparison: Comparison, _ left: Operand, _ right: Operand
    ) {
        let op: VectorImmediateOp = shape == .f32x4 ? .cmpps : .cmppd
        let isSwapped = comparison == .greater || comparison == .greaterOrEqual
        let predicate: UInt8 =
            switch comparison {
            case .equal: 0
            case .notEqual: 4
            case .lessOrEqual, .greaterOrEqual: 2
            default: 1
            }
        let a = takeFloat(isSwapped ? right : left)
        let b = takeFloat(isSwapped ? left : right)
        let result = destination(reusing: a.isOwned ? a : b)
        code.vector(op, result.float, a.register, b.register, immediate: predicate)
        finishPair(result, .v128, a, b)
    }

    /// Order by the larger or smaller of both: a ≥ b if the larger one is a.
    private mutating func emitIntegerCompare(
        _ shape: VectorShape, _ comparison: Comparison, _ left: Operand, _ right: Operand
    ) {
        let equal = shape.equalOp
        switch comparison {
        case .equal: emitVector(equal, left, right)
        case .notEqual:
            emitVector(equal, left, right)
            translateVectorNot()
        case .greaterSigned, .greater: emitVector(shape.greaterOp, left, right)
        case .lessSigned, .less: emitVector(shape.greaterOp, right, left)
        case .greaterOrEqualSigned, .greaterOrEqual:
            emitExtremumCompare(shape.maximumOp(isSigned: true), equal, left, right)
        case .lessOrEqualSigned, .lessOrEqual:
            emitExtremumCompare(shape.minimumOp(isSigned: true), equal, left, right)
        case .greaterOrEqualUnsigned:
            emitExtremumCompare(shape.maximumOp(isSigned: false), equal, left, right)
        case .lessOrEqualUnsigned:
            emitExtremumCompare(shape.minimumOp(isSigned: false), equal, left, right)
        case .lessUnsigned:
            emitExtremumCompare(shape.maximumOp(isSigned: false), equal, left, right)
            translateVectorNot()
        case .greaterUnsigned:
            emitExtremumCompare(shape.minimumOp(isSigned: false), equal, left, right)
            translateVectorNot()
        }
    }

    private mutating func emitExtremumCompare(
        _ extremum: VectorOp, _ equal: VectorOp, _ left: Operand, _ right: Operand
    ) {
        emitVectorPair(left, right) { compiler, target, a, b in
            compiler.code.vector(extremum, target, a, b)
            compiler.code.vector(equal, target, target, a)
        }
    }

    private mutating func emitCompare64(
        _ comparison: Comparison, _ left: Operand, _ right: Operand
    ) {
        switch comparison {
        case .equal: emitVector(.pcmpeqq, left, right)
        case .notEqual:
            emitVector(.pcmpeqq, left, right)
            translateVectorNot()
        case .lessSigned, .less, .lessUnsigned: emitGreater64(right, left)
        case .greaterSigned, .greater, .greaterUnsigned: emitGreater64(left, right)
        case .lessOrEqualSigned, .lessOrEqual, .lessOrEqualUnsigned:
            emitGreater64(left, right)
            translateVectorNot()
        case .greaterOrEqualSigned, .greaterOrEqual, .greaterOrEqualUnsigned:
            emitGreater64(right, left)
            translateVectorNot()
        }
    }

    private mutating func emitGreater64(_ left: Operand, _ right: Operand) {
        if code.useAVX { return emitVector(.pcmpgtq, left, right) }
        // SSE4.1 compares 32 bits at most: the upper halves decide, or where they are equal the
        // sign of the difference.
        emitVectorPair(left, right) { compiler, target, a, b in
            let scratch = compiler.scratchVector
            compiler.code.move(target, b)
            compiler.code.vector(.psubq, target, target, a)
            compiler.code.move(scratch, a)
            compiler.code.vector(.pcmpeqd, scratch, scratch, b)
            compiler.code.vector(.pand, target, target, scratch)
            compiler.code.move(scratch, a)
            compiler.code.vector(.pcmpgtd, scratch, scratch, b)
            compiler.code.vector(.por, target, target, scratch)
            compiler.code.vector(.psrad, target, target, immediate: 31)
            compiler.code.vector(.pshufd, target, target, immediate: 0xF5)
        }
    }

    // MARK: Shifts

    mutating func translateVectorShift(_ shape: VectorShape, _ shift: VectorShift) {
        let count = pop()
        let mask = shape.laneWidth.bits &- 1
        if count.isConstant {
            return emitShift(shape, shift, by: UInt8(truncatingIfNeeded: count.bits) & mask)
        }
        let vector = pop()
        let register = takeOwned(count)
        code.alu(.and, .w32, register, immediate: Int32(mask))
        let a = takeFloat(vector)
        let target = allocateFloat()
        emitShift(shape, shift, target, a.register, register)
        freeGeneral.insert(GeneralSet(register))
        release(a)
        push(.v128, target)
    }

    private mutating func emitShift(_ shape: VectorShape, _ shift: VectorShift, by count: UInt8) {
        if count == 0 { return }
        let a = takeFloat(pop())
        let target = allocateFloat()
        let register = a.register
        switch (shape, shift) {
        case (.i8x16, .left):
            code.vector(.psllw, target, register, immediate: count)
            code.vector(.pand, target, target, pooled(.bytes(0xFF &<< count)))
        case (.i8x16, .rightUnsigned):
            code.vector(.psrlw, target, register, immediate: count)
            code.vector(.pand, target, target, pooled(.bytes(0xFF &>> count)))
        case (.i8x16, .rightSigned):
            code.vector(.punpckhbw, scratchVector, register, register)
            code.vector(.psraw, scratchVector, scratchVector, immediate: count &+ 8)
            code.vector(.punpcklbw, target, register, register)
            code.vector(.psraw, target, target, immediate: count &+ 8)
            code.vector(.packsswb, target, target, scratchVector)
        case (.i64x2, .rightSigned), (.f64x2, .rightSigned):
            let sign = pooled(VectorConstant(UInt64(1) &<< UInt64(63 &- count)))
            code.vector(.psrlq, target, register, immediate: count)
            code.vector(.pxor, target, target, sign)
            code.vector(.psubq, target, target, sign)
        default: code.vector(shape.immediateShift(shift), target, register, immediate: count)
        }
        release(a)
        push(.v128, target)
    }

    /// By a count in `count`, which may be changed.
    private mutating func emitShift(
        _ shape: VectorShape, _ shift: VectorShift, _ target: XMM, _ a: XMM, _ count: GPR
    ) {
        let scratch = scratchVector
        switch (shape, shift) {
        case (.i8x16, .left), (.i8x16, .rightUnsigned):
            // Words are shifted, and what crossed over from the neighbouring byte is masked.
            let isLeft = shift == .left
            let mask = allocateFloat()
            code.moveToFloat(.w32, scratch, count)
            code.vector(.pcmpeqd, mask, mask, mask)
            if !isLeft { code.vector(.psrlw, mask, mask, immediate: 8) }
            code.vector(isLeft ? .psllw : .psrlw, mask, mask, scratch)
            code.vector(isLeft ? .psllw : .psrlw, target, a, scratch)
            code.vector(.pxor, scratch, scratch, scratch)
            code.vector(.pshufb, mask, mask, scratch)
            code.vector(.pand, target, target, mask)
            freeFloat.insert(FloatSet(mask))
        case (.i8x16, .rightSigned):
            let high = allocateFloat()
            code.alu(.add, .w32, count, immediate: 8)
            code.moveToFloat(.w32, scratch, count)
            code.vector(.punpckhbw, high, a, a)
            code.vector(.psraw, high, high, scratch)
            code.vector(.punpcklbw, target, a, a)
            code.vector(.psraw, target, target, scratch)
            code.vector(.packsswb, target, target, high)
            freeFloat.insert(FloatSet(high))
        case (.i64x2, .rightSigned), (.f64x2, .rightSigned):
            let sign = allocateFloat()
            code.moveToFloat(.w32, scratch, count)
            code.loadVector(sign, pooled(VectorConstant(1 << 63)), aligned: true)
            code.vector(.psrlq, sign, sign, scratch)
            code.vector(.psrlq, target, a, scratch)
            code.vector(.pxor, target, target, sign)
            code.vector(.psubq, target, target, sign)
            freeFloat.insert(FloatSet(sign))
        default:
            code.moveToFloat(.w32, scratch, count)
            code.vector(shape.variableShift(shift), target, a, scratch)
        }
    }

    // MARK: Unary

    mutating func translateVectorUnary(_ shape: VectorShape, _ unary: VectorUnary) {
        switch unary {
        case .absolute: emitVectorAbsolute(shape)
        case .negate: emitVectorNegate(shape)
        case .populationCount: emitVectorPopulationCount()
        case .squareRoot:
            emitVectorUnary { compiler, target, a in
                compiler.code.vector(shape == .f32x4 ? .sqrtps : .sqrtpd, target, a)
            }
        case .ceiling: emitVectorRound(shape, 2)
        case .floor: emitVectorRound(shape, 1)
        case .truncate: emitVectorRound(shape, 3)
        case .nearest: emitVectorRound(shape, 0)
        }
    }

    private mutating func emitVectorRound(_ shape: VectorShape, _ mode: UInt8) {
        emitVectorUnary { compiler, target, a in
            compiler.code.vector(
                shape == .f32x4 ? .roundps : .roundpd, target, a, immediate: mode | 8)
        }
    }

    private mutating func emitVectorAbsolute(_ shape: VectorShape) {
        switch shape {
        case .f32x4, .f64x2:
            let mask: VectorConstant =
                shape == .f32x4 ? .doublewords(0x7FFF_FFFF) : VectorConstant(.max >> 1)
            let a = takeFloat(pop())
            let result = destination(reusing: a)
            code.vector(.pand, result.float, a.register, pooled(mask))
            finish(result, .v128, freeing: a)
        case .i64x2:
            emitVectorUnary { compiler, target, a in
                let scratch = compiler.scratchVector
                compiler.code.vector(.psrad, scratch, a, immediate: 31)
                compiler.code.vector(.pshufd, scratch, scratch, immediate: 0xF5)
                compiler.code.vector(.pxor, target, a, scratch)
                compiler.code.vector(.psubq, target, target, scratch)
            }
        case .i8x16: emitVectorUnary { $0.code.vector(.pabsb, $1, $2) }
        case .i16x8: emitVectorUnary { $0.code.vector(.pabsw, $1, $2) }
        case .i32x4: emitVectorUnary { $0.code.vector(.pabsd, $1, $2) }
        }
    }

    private mutating func emitVectorNegate(_ shape: VectorShape) {
        let difference: VectorOp
        switch shape {
        case .f32x4, .f64x2:
            let mask: VectorConstant =
                shape == .f32x4 ? .doublewords(0x8000_0000) : VectorConstant(1 << 63)
            let a = takeFloat(pop())
            let result = destination(reusing: a)
            code.vector(.pxor, result.float, a.register, pooled(mask))
            return finish(result, .v128, freeing: a)
        case .i8x16: difference = .psubb
        case .i16x8: difference = .psubw
        case .i32x4: difference = .psubd
        case .i64x2: difference = .psubq
        }
        emitVectorUnary { compiler, target, a in
            compiler.code.vector(.pxor, target, target, target)
            compiler.code.vector(difference, target, target, a)
        }
    }

    /// Looks up both halves of each byte.
    private mutating func emitVectorPopulationCount() {
        let table = pooled(
            VectorConstant(bytes: { UInt8(truncatingIfNeeded: $0.nonzeroBitCount) }))
        let lowHalves = pooled(.bytes(0x0F))
        emitVectorUnary { compiler, target, a in
            let scratch = compiler.scratchVector
            let count = compiler.allocateFloat()
            compiler.code.vector(.psrlw, scratch, a, immediate: 4)
            compiler.code.vector(.pand, scratch, scratch, lowHalves)
            compiler.code.loadVector(count, table, aligned: true)
            compiler.code.vector(.pshufb, count, count, scratch)
            compiler.code.vector(.pand, scratch, a, lowHalves)
            compiler.code.loadVector(target, table, aligned: true)
            compiler.code.vector(.pshufb, target, target, scratch)
            compiler.code.vector(.paddb, target, target, count)
            compiler.freeFloat.insert(FloatSet(count))
        }
    }

    // MARK: Binary

    mutating func translateVectorBinary(_ shape: VectorShape, _ binary: VectorBinary) {
        var right = pop()
        var left = pop()
        if let op = VectorOp(shape, binary) {
            if left.isConstant, op.isCommutative { swap(&left, &right) }
            return emitVector(op, left, right)
        }
        if !isRelaxedSIMDDeterministic, let op = VectorOp(relaxed: binary, shape) {
            return emitVector(op, left, right)
        }
        switch binary {
        case .multiply: emitMultiply64(left, right)
        case .minimum, .relaxedMinimum: emitVectorMinimum(shape, left, right)
        case .maximum, .relaxedMaximum: emitVectorMaximum(shape, left, right)
        case .pseudoMinimum: emitVector(shape == .f32x4 ? .minps : .minpd, right, left)
        case .pseudoMaximum: emitVector(shape == .f32x4 ? .maxps : .maxpd, right, left)
        case .q15MultiplyRoundSaturating, .relaxedQ15MultiplyRound: emitQ15Multiply(left, right)
        case .swizzle, .relaxedSwizzle: emitSwizzle(left, right)
        case .extendMultiplyLowSigned:
            emitExtendMultiply(shape, left, right, isHigh: false, isSigned: true)
        case .extendMultiplyHighSigned:
            emitExtendMultiply(shape, left, right, isHigh: true, isSigned: true)
        case .extendMultiplyLowUnsigned:
            emitExtendMultiply(shape, left, right, isHigh: false, isSigned: false)
        case .extendMultiplyHighUnsigned:
            emitExtendMultiply(shape, left, right, isHigh: true, isSigned: false)
        case .relaxedDot: emitRelaxedDot(left, right)
        case .add, .subtract, .divide, .addSaturatingSigned, .addSaturatingUnsigned,
            .subtractSaturatingSigned, .subtractSaturatingUnsigned, .minimumSigned,
            .minimumUnsigned, .maximumSigned, .maximumUnsigned, .averageUnsigned, .dotSigned,
            .narrowSigned, .narrowUnsigned:
            break  // One instruction each, above.
        }
    }

    /// 64 bits of each product from three products of 32 by 32 bits.
    private mutating func emitMultiply64(_ left: Operand, _ right: Operand) {
        emitVectorPair(left, right) { compiler, target, a, b in
            let scratch = compiler.scratchVector
            compiler.code.vector(.psrlq, scratch, a, immediate: 32)
            compiler.code.vector(.pmuludq, scratch, scratch, b)
            compiler.code.vector(.psrlq, target, b, immediate: 32)
            compiler.code.vector(.pmuludq, target, target, a)
            compiler.code.vector(.paddq, target, target, scratch)
            compiler.code.vector(.psllq, target, target, immediate: 32)
            compiler.code.vector(.pmuludq, scratch, a, b)
            compiler.code.vector(.paddq, target, target, scratch)
        }
    }

    /// The processor's minimum gives its second operand if one is a NaN or both are zeros. So both
    /// orders are taken and joined: `or` keeps the sign of a negative zero and makes a NaN of a
    /// NaN, whose fraction is cleared to the canonical one.
    private mutating func emitVectorMinimum(
        _ shape: VectorShape, _ left: Operand, _ right: Operand
    ) {
        let isSingle = shape == .f32x4
        emitVectorPair(left, right) { compiler, target, a, b in
            let scratch = compiler.scratchVector
            compiler.code.vector(isSingle ? .minps : .minpd, scratch, a, b)
            compiler.code.vector(isSingle ? .minps : .minpd, target, b, a)
            compiler.code.vector(.por, scratch, scratch, target)
            compiler.code.vector(
                isSingle ? .cmpps : .cmppd, target, target, scratch, immediate: 3)
            compiler.code.vector(.por, scratch, scratch, target)
            compiler.code.vector(
                isSingle ? .psrld : .psrlq, target, target, immediate: isSingle ? 10 : 13)
            compiler.code.vector(.pandn, target, target, scratch)
        }
    }

    /// Likewise; where both orders differ, subtracting the difference makes zero positive.
    private mutating func emitVectorMaximum(
        _ shape: VectorShape, _ left: Operand, _ right: Operand
    ) {
        let isSingle = shape == .f32x4
        emitVectorPair(left, right) { compiler, target, a, b in
            let scratch = compiler.scratchVector
            compiler.code.vector(isSingle ? .maxps : .maxpd, scratch, a, b)
            compiler.code.vector(isSingle ? .maxps : .maxpd, target, b, a)
            compiler.code.vector(.pxor, target, target, scratch)
            compiler.code.vector(.por, scratch, scratch, target)
            compiler.code.vector(isSingle ? .subps : .subpd, target, scratch, target)
            compiler.code.vector(
                isSingle ? .cmpps : .cmppd, scratch, scratch, scratch, immediate: 3)
            compiler.code.vector(
                isSingle ? .psrld : .psrlq, scratch, scratch, immediate: isSingle ? 10 : 13)
            compiler.code.vector(.pandn, target, scratch, target)
        }
    }

    /// Only -1 by -1 does not fit: its product wraps to the one value that is flipped.
    private mutating func emitQ15Multiply(_ left: Operand, _ right: Operand) {
        let least = pooled(.words(0x8000))
        emitVectorPair(left, right) { compiler, target, a, b in
            compiler.code.vector(.pmulhrsw, target, a, b)
            compiler.code.vector(.pcmpeqw, compiler.scratchVector, target, least)
            compiler.code.vector(.pxor, target, target, compiler.scratchVector)
        }
    }

    /// Indices from 16 on get their highest bit set, which selects zero.
    private mutating func emitSwizzle(_ left: Operand, _ right: Operand) {
        let excess = pooled(.bytes(0x70))
        emitVectorPair(left, right) { compiler, target, a, b in
            compiler.code.vector(.paddusb, compiler.scratchVector, b, excess)
            compiler.code.vector(.pshufb, target, a, compiler.scratchVector)
        }
    }

    private mutating func emitExtendMultiply(
        _ shape: VectorShape, _ left: Operand, _ right: Operand, isHigh: Bool, isSigned: Bool
    ) {
        emitVectorPair(left, right) { compiler, target, a, b in
            let scratch = compiler.scratchVector
            switch shape {
            case .i16x8:
                let extend: VectorUnaryOp = isSigned ? .pmovsxbw : .pmovzxbw
                compiler.emitExtend(extend, scratch, b, isHigh: isHigh)
                compiler.emitExtend(extend, target, a, isHigh: isHigh)
                compiler.code.vector(.pmullw, target, target, scratch)
            case .i32x4:
                compiler.code.vector(isSigned ? .pmulhw : .pmulhuw, scratch, a, b)
                compiler.code.vector(.pmullw, target, a, b)
                compiler.code.vector(isHigh ? .punpckhwd : .punpcklwd, target, target, scratch)
            default:
                let order: UInt8 = isHigh ? 0xFA : 0x50
                compiler.code.vector(.pshufd, scratch, a, immediate: order)
                compiler.code.vector(.pshufd, target, b, immediate: order)
                compiler.code.vector(isSigned ? .pmuldq : .pmuludq, target, target, scratch)
            }
        }
    }

    /// Widens the lower or upper lanes of `a`; the target may be `a`'s register's neighbour only.
    mutating func emitExtend(_ op: VectorUnaryOp, _ target: XMM, _ a: XMM, isHigh: Bool) {
        if isHigh {
            code.vector(.pshufd, target, a, immediate: 0xEE)
            code.vector(op, target, target)
        } else {
            code.vector(op, target, a)
        }
    }

    // MARK: Relaxed

    private mutating func emitRelaxedDot(_ left: Operand, _ right: Operand) {
        emitVectorPair(left, right) { compiler, target, a, b in
            compiler.emitDot(target, a, b)
        }
    }

    /// Both factors signed, the sums of pairs saturated; or fast, the second one unsigned, which
    /// makes no difference if it has 7 bits as it should.
    private mutating func emitDot(_ target: XMM, _ a: XMM, _ b: XMM) {
        guard isRelaxedSIMDDeterministic else {
            return code.vector(.pmaddubsw, target, b, a)
        }
        let scratch = scratchVector
        let high = allocateFloat()
        emitExtend(.pmovsxbw, scratch, b, isHigh: true)
        emitExtend(.pmovsxbw, high, a, isHigh: true)
        code.vector(.pmaddwd, high, high, scratch)
        emitExtend(.pmovsxbw, scratch, b, isHigh: false)
        emitExtend(.pmovsxbw, target, a, isHigh: false)
        code.vector(.pmaddwd, target, target, scratch)
        code.vector(.packssdw, target, target, high)
        freeFloat.insert(FloatSet(high))
    }

    mutating func translateVectorTernary(_ shape: VectorShape, _ ternary: VectorTernary) {
        switch ternary {
        case .relaxedLaneSelect: translateBitselect()
        case .relaxedMultiplyAdd: emitMultiplyAdd(shape, isNegated: false)
        case .relaxedNegativeMultiplyAdd: emitMultiplyAdd(shape, isNegated: true)
        case .relaxedDotAdd:
            let addend = takeFloat(pop())
            let right = pop()
            let left = pop()
            let ones = pooled(.words(1))
            emitVectorPair(left, right) { compiler, target, a, b in
                compiler.emitDot(target, a, b)
                compiler.code.vector(.pmaddwd, target, target, ones)
                compiler.code.vector(.paddd, target, target, addend.register)
            }
            release(addend)
        }
    }

    private mutating func emitMultiplyAdd(_ shape: VectorShape, isNegated: Bool) {
        let addend = takeFloat(pop())
        let right = takeFloat(pop())
        let target = takeOwnedFloat(pop())
        let isSingle = shape == .f32x4
        if processor.contains(.fma), code.useAVX {
            let fused: VectorOp =
                isSingle
                ? (isNegated ? .vfnmadd213ps : .vfmadd213ps)
                : (isNegated ? .vfnmadd213pd : .vfmadd213pd)
            code.vector(fused, target, right.register, addend.register)
        } else {
            code.vector(isSingle ? .mulps : .mulpd, target, target, right.register)
            if isNegated {
                code.vector(isSingle ? .subps : .subpd, target, addend.register, target)
            } else {
                code.vector(isSingle ? .addps : .addpd, target, target, addend.register)
            }
        }
        release(right)
        release(addend)
        push(.v128, target)
    }
}
