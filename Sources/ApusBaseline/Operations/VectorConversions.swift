internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// Conversions between vector shapes (4.3.6).
extension BaselineCompiler {
    mutating func translateVectorConversion(_ conversion: VectorConversion) {
        switch conversion {
        case .i16x8ExtendLowSigned: emitVectorExtend(.pmovsxbw, isHigh: false)
        case .i16x8ExtendHighSigned: emitVectorExtend(.pmovsxbw, isHigh: true)
        case .i16x8ExtendLowUnsigned: emitVectorExtend(.pmovzxbw, isHigh: false)
        case .i16x8ExtendHighUnsigned: emitVectorExtend(.pmovzxbw, isHigh: true)
        case .i32x4ExtendLowSigned: emitVectorExtend(.pmovsxwd, isHigh: false)
        case .i32x4ExtendHighSigned: emitVectorExtend(.pmovsxwd, isHigh: true)
        case .i32x4ExtendLowUnsigned: emitVectorExtend(.pmovzxwd, isHigh: false)
        case .i32x4ExtendHighUnsigned: emitVectorExtend(.pmovzxwd, isHigh: true)
        case .i64x2ExtendLowSigned: emitVectorExtend(.pmovsxdq, isHigh: false)
        case .i64x2ExtendHighSigned: emitVectorExtend(.pmovsxdq, isHigh: true)
        case .i64x2ExtendLowUnsigned: emitVectorExtend(.pmovzxdq, isHigh: false)
        case .i64x2ExtendHighUnsigned: emitVectorExtend(.pmovzxdq, isHigh: true)

        case .i16x8ExtendAddPairwiseSigned: emitPairwiseBytes(isSigned: true)
        case .i16x8ExtendAddPairwiseUnsigned: emitPairwiseBytes(isSigned: false)
        case .i32x4ExtendAddPairwiseSigned: emitPairwiseWordsSigned()
        case .i32x4ExtendAddPairwiseUnsigned: emitPairwiseWordsUnsigned()

        case .f32x4ConvertI32x4Signed: emitVectorConversion(.cvtdq2ps)
        case .f32x4ConvertI32x4Unsigned: emitFloatsFromUnsigned()
        case .f64x2ConvertLowI32x4Signed: emitVectorConversion(.cvtdq2pd)
        case .f64x2ConvertLowI32x4Unsigned: emitDoublesFromUnsigned()
        case .f32x4DemoteF64x2Zero: emitVectorConversion(.cvtpd2ps)
        case .f64x2PromoteLowF32x4: emitVectorConversion(.cvtps2pd)

        case .i32x4TruncSatF32x4Signed: emitSignedFromFloats()
        case .i32x4TruncSatF32x4Unsigned, .i32x4RelaxedTruncF32x4Unsigned:
            emitUnsignedFromFloats()
        case .i32x4TruncSatF64x2SignedZero: emitSignedFromDoubles()
        case .i32x4TruncSatF64x2UnsignedZero, .i32x4RelaxedTruncF64x2UnsignedZero:
            emitUnsignedFromDoubles()
        case .i32x4RelaxedTruncF32x4Signed:
            isRelaxedSIMDDeterministic ? emitSignedFromFloats() : emitVectorConversion(.cvttps2dq)
        case .i32x4RelaxedTruncF64x2SignedZero:
            isRelaxedSIMDDeterministic ? emitSignedFromDoubles() : emitVectorConversion(.cvttpd2dq)
        }
    }

    private mutating func emitVectorConversion(_ op: VectorUnaryOp) {
        let a = takeFloat(pop())
        let result = destination(reusing: a)
        code.vector(op, result.float, a.register)
        finish(result, .v128, freeing: a)
    }

    private mutating func emitVectorExtend(_ op: VectorUnaryOp, isHigh: Bool) {
        let a = takeFloat(pop())
        let result = destination(reusing: a)
        emitExtend(op, result.float, a.register, isHigh: isHigh)
        finish(result, .v128, freeing: a)
    }

    // MARK: Sums of pairs

    /// Products with one, added in pairs; the first factor is unsigned, the second signed.
    private mutating func emitPairwiseBytes(isSigned: Bool) {
        let ones = pooled(.bytes(1))
        emitVectorUnary { compiler, target, a in
            if isSigned {
                compiler.code.loadVector(target, ones, aligned: true)
                compiler.code.vector(.pmaddubsw, target, target, a)
            } else {
                compiler.code.vector(.pmaddubsw, target, a, ones)
            }
        }
    }

    private mutating func emitPairwiseWordsSigned() {
        let ones = pooled(.words(1))
        emitVectorUnary { $0.code.vector(.pmaddwd, $1, $2, ones) }
    }

    /// Made signed by subtracting 0x8000 from each, which is added again to the sums.
    private mutating func emitPairwiseWordsUnsigned() {
        let flip = pooled(.words(0x8000))
        let ones = pooled(.words(1))
        let bias = pooled(.doublewords(0x1_0000))
        emitVectorUnary { compiler, target, a in
            compiler.code.vector(.pxor, target, a, flip)
            compiler.code.vector(.pmaddwd, target, target, ones)
            compiler.code.vector(.paddd, target, target, bias)
        }
    }

    // MARK: Integers to floats

    /// Both halves apart, each exact in a float; only the final sum rounds.
    private mutating func emitFloatsFromUnsigned() {
        emitVectorUnary { compiler, target, a in
            let scratch = compiler.scratchVector
            compiler.code.vector(.pxor, scratch, scratch, scratch)
            compiler.code.vector(.pblendw, scratch, scratch, a, immediate: 0x55)
            compiler.code.vector(.psubd, target, a, scratch)
            compiler.code.vector(.cvtdq2ps, scratch, scratch)
            compiler.code.vector(.psrld, target, target, immediate: 1)
            compiler.code.vector(.cvtdq2ps, target, target)
            compiler.code.vector(.addps, target, target, target)
            compiler.code.vector(.addps, target, target, scratch)
        }
    }

    /// As the low bits of doubles from 2^52 on, from which 2^52 is subtracted.
    private mutating func emitDoublesFromUnsigned() {
        let exponent = pooled(.doublewords(0x4330_0000))
        let base = pooled(VectorConstant((0x1p52).bitPattern))
        emitVectorUnary { compiler, target, a in
            compiler.code.vector(.unpcklps, target, a, exponent)
            compiler.code.vector(.subpd, target, target, base)
        }
    }

    // MARK: Floats to integers

    /// The processor gives the least integer where it fails. NaNs are made zero before, and where a
    /// number that is not negative became a negative integer all bits are flipped.
    private mutating func emitSignedFromFloats() {
        emitVectorUnary { compiler, target, a in
            let scratch = compiler.scratchVector
            compiler.code.vector(.cmpps, scratch, a, a, immediate: 0)
            compiler.code.vector(.andps, target, a, scratch)
            compiler.code.vector(.pxor, scratch, scratch, target)
            compiler.code.vector(.cvttps2dq, target, target)
            compiler.code.vector(.pand, scratch, scratch, target)
            compiler.code.vector(.psrad, scratch, scratch, immediate: 31)
            compiler.code.vector(.pxor, target, target, scratch)
        }
    }

    /// Numbers from 2^31 on are converted in two parts: 2^31 - 1 or what the processor's failure
    /// stands for, and the rest.
    private mutating func emitUnsignedFromFloats() {
        let half = pooled(.doublewords(Float(0x1p31).bitPattern))
        emitVectorUnary { compiler, target, a in
            let scratch = compiler.scratchVector
            let rest = compiler.allocateFloat()
            // Negative numbers and NaNs become zero.
            compiler.code.vector(.pxor, scratch, scratch, scratch)
            compiler.code.vector(.maxps, target, a, scratch)
            compiler.code.vector(.subps, rest, target, half)
            compiler.code.loadVector(scratch, half, aligned: true)
            compiler.code.vector(.cmpps, scratch, scratch, rest, immediate: 2)
            compiler.code.vector(.cvttps2dq, rest, rest)
            compiler.code.vector(.pxor, rest, rest, scratch)
            compiler.code.vector(.pxor, scratch, scratch, scratch)
            compiler.code.vector(.pmaxsd, rest, rest, scratch)
            compiler.code.vector(.cvttps2dq, target, target)
            compiler.code.vector(.paddd, target, target, rest)
            compiler.freeFloat.insert(FloatSet(rest))
        }
    }

    private mutating func emitSignedFromDoubles() {
        let greatest = pooled(VectorConstant((2_147_483_647.0).bitPattern))
        emitVectorUnary { compiler, target, a in
            let scratch = compiler.scratchVector
            compiler.code.vector(.cmppd, scratch, a, a, immediate: 0)
            compiler.code.vector(.andpd, scratch, scratch, greatest)
            compiler.code.vector(.minpd, target, a, scratch)
            compiler.code.vector(.cvttpd2dq, target, target)
        }
    }

    /// Clamped, and brought into the low bits of doubles by adding 2^52.
    private mutating func emitUnsignedFromDoubles() {
        let greatest = pooled(VectorConstant((4_294_967_295.0).bitPattern))
        let base = pooled(VectorConstant((0x1p52).bitPattern))
        emitVectorUnary { compiler, target, a in
            let scratch = compiler.scratchVector
            compiler.code.vector(.pxor, scratch, scratch, scratch)
            compiler.code.vector(.maxpd, target, a, scratch)
            compiler.code.vector(.minpd, target, target, greatest)
            compiler.code.vector(.roundpd, target, target, immediate: 11)
            compiler.code.vector(.addpd, target, target, base)
            compiler.code.vector(.shufps, target, target, scratch, immediate: 0x88)
        }
    }
}
