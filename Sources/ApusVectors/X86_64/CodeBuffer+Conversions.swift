internal import ApusAssembler
internal import ApusFormat

/// Sequences from lanes of one kind to lanes of another.
extension CodeBuffer {
    mutating func convert(_ sequence: VectorSequence, _ registers: VectorRegisters) {
        switch (sequence.kind, sequence.shape) {
        case (.extendAddPairwiseSigned, .i16x8):
            // Products with one, added in pairs; the first factor is unsigned.
            loadVector(registers.target, pooled(.bytes(1)), aligned: true)
            vector(.pmaddubsw, registers.target, registers.target, registers.a)
        case (.extendAddPairwiseUnsigned, .i16x8):
            vector(.pmaddubsw, registers.target, registers.a, pooled(.bytes(1)))
        case (.extendAddPairwiseSigned, _):
            vector(.pmaddwd, registers.target, registers.a, pooled(.words(1)))
        case (.extendAddPairwiseUnsigned, _): addPairsOfWords(registers.target, registers.a)
        case (.convertUnsigned, .f32x4): floatsFromUnsigned(registers)
        case (.convertUnsigned, _): doublesFromUnsigned(registers.target, registers.a)
        case (.truncateSigned, .f32x4): signedFromFloats(registers)
        case (.truncateSigned, _): signedFromDoubles(registers)
        case (_, .f32x4): unsignedFromFloats(registers)
        default: unsignedFromDoubles(registers)
        }
    }

    /// Made signed by subtracting 0x8000 from each, which is added again to the sums.
    private mutating func addPairsOfWords(_ target: XMM, _ a: XMM) {
        vector(.pxor, target, a, pooled(.words(0x8000)))
        vector(.pmaddwd, target, target, pooled(.words(1)))
        vector(.paddd, target, target, pooled(.doublewords(0x1_0000)))
    }

    // MARK: Integers to floats

    /// Where the processor knows signed numbers only: both halves apart, each exact in a float; only the final sum rounds.
    private mutating func floatsFromUnsigned(_ registers: VectorRegisters) {
        let (target, scratch) = (registers.target, registers.scratch)
        if useAVX512 { return vector(.vcvtudq2ps, target, registers.a) }
        vector(.pxor, scratch, scratch, scratch)
        vector(.pblendw, scratch, scratch, registers.a, immediate: 0x55)
        vector(.psubd, target, registers.a, scratch)
        vector(.cvtdq2ps, scratch, scratch)
        vector(.psrld, target, target, immediate: 1)
        vector(.cvtdq2ps, target, target)
        vector(.addps, target, target, target)
        vector(.addps, target, target, scratch)
    }

    /// As the low bits of doubles from 2^52 on, from which 2^52 is subtracted.
    private mutating func doublesFromUnsigned(_ target: XMM, _ a: XMM) {
        vector(.unpcklps, target, a, pooled(.doublewords(0x4330_0000)))
        vector(.subpd, target, target, pooled(VectorConstant((0x1p52).bitPattern)))
    }

    // MARK: Floats to integers

    /// The processor gives the least integer where it fails. NaNs are made zero before, and where a
    /// number that is not negative became a negative integer all bits are flipped.
    private mutating func signedFromFloats(_ registers: VectorRegisters) {
        let (target, a, scratch) = (registers.target, registers.a, registers.scratch)
        vector(.cmpps, scratch, a, a, immediate: 0)
        vector(.andps, target, a, scratch)
        vector(.pxor, scratch, scratch, target)
        vector(.cvttps2dq, target, target)
        vector(.pand, scratch, scratch, target)
        vector(.psrad, scratch, scratch, immediate: 31)
        vector(.pxor, target, target, scratch)
    }

    /// Numbers from 2^31 on are converted in two parts: 2^31 - 1 or what the processor's failure
    /// stands for, and the rest.
    private mutating func unsignedFromFloats(_ registers: VectorRegisters) {
        let (target, scratch, rest) = (registers.target, registers.scratch, registers.temporary)
        let half = pooled(.doublewords(Float(0x1p31).bitPattern))
        // Negative numbers and NaNs become zero.
        vector(.pxor, scratch, scratch, scratch)
        vector(.maxps, target, registers.a, scratch)
        vector(.subps, rest, target, half)
        loadVector(scratch, half, aligned: true)
        vector(.cmpps, scratch, scratch, rest, immediate: 2)
        vector(.cvttps2dq, rest, rest)
        vector(.pxor, rest, rest, scratch)
        vector(.pxor, scratch, scratch, scratch)
        vector(.pmaxsd, rest, rest, scratch)
        vector(.cvttps2dq, target, target)
        vector(.paddd, target, target, rest)
    }

    private mutating func signedFromDoubles(_ registers: VectorRegisters) {
        let (target, a, scratch) = (registers.target, registers.a, registers.scratch)
        vector(.cmppd, scratch, a, a, immediate: 0)
        vector(.andpd, scratch, scratch, pooled(VectorConstant((2_147_483_647.0).bitPattern)))
        vector(.minpd, target, a, scratch)
        vector(.cvttpd2dq, target, target)
    }

    /// Clamped, and brought into the low bits of doubles by adding 2^52.
    private mutating func unsignedFromDoubles(_ registers: VectorRegisters) {
        let (target, scratch) = (registers.target, registers.scratch)
        vector(.pxor, scratch, scratch, scratch)
        vector(.maxpd, target, registers.a, scratch)
        vector(.minpd, target, target, pooled(VectorConstant((4_294_967_295.0).bitPattern)))
        vector(.roundpd, target, target, immediate: 11)
        vector(.addpd, target, target, pooled(VectorConstant((0x1p52).bitPattern)))
        vector(.shufps, target, target, scratch, immediate: 0x88)
    }
}
