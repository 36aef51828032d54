internal import ApusCollections

/// A binary interchange format of IEEE 754.
struct FloatFormat {
    /// Bits of the fraction as it is stored.
    var fractionBits: Int
    /// What is added to the exponent where it is stored.
    var bias: Int

    static let single = FloatFormat(fractionBits: 23, bias: 127)
    static let double = FloatFormat(fractionBits: 52, bias: 1_023)

    /// The bits above the fraction, all set: of infinities and NaNs.
    var infinity: UInt64 { UInt64(2 * bias + 1) << UInt64(fractionBits) }
    var sign: UInt64 { 1 << UInt64(fractionBits + (fractionBits == 23 ? 8 : 11)) }
    var canonicalNaN: UInt64 { infinity | 1 << UInt64(fractionBits - 1) }

    /// The bits of `significand` · 2^`exponent` rounded to the nearest, ties to even; nil if that
    /// is too large. `isInexact` says that the number is a bit more than that.
    func round(_ significand: UInt64, _ exponent: Int, isInexact: Bool) -> UInt64? {
        if significand == 0 { return 0 }
        let zeros = significand.leadingZeroBitCount
        let normalized = significand << UInt64(zeros)
        // The number is normalized / 2^63 · 2^power.
        let power = exponent - zeros + 63
        if power > bias { return nil }
        let isNormal = power >= 1 - bias
        let kept = isNormal ? fractionBits + 1 : fractionBits + 1 - (1 - bias - power)
        if kept < 0 { return 0 }
        let shift = UInt64(64 - kept)
        var quotient = shift == 64 ? 0 : normalized >> shift
        let rest = shift == 64 ? normalized : normalized & ((1 << shift) - 1)
        let half: UInt64 = 1 << (shift - 1)
        if rest > half || (rest == half && (isInexact || quotient & 1 == 1)) { quotient += 1 }
        // A carry out of the fraction goes on into the exponent, as it should.
        let bits =
            isNormal
            ? UInt64(power + bias - 1) << UInt64(fractionBits) + quotient : quotient
        return bits >= infinity ? nil : bits
    }
}
