internal import ApusCollections

/// Vector instructions, one row each: the number spells the encoding as `Row` describes it, the
/// name is the mnemonic, without the v of AVX where both exist.

/// `destination = a op b`, `b` a register or memory.
public enum VectorOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    // Integers: sums and differences
    case paddb = 0x66_0F_FC
    case paddw = 0x66_0F_FD
    case paddd = 0x66_0F_FE
    case paddq = 0x66_0F_D4
    case paddsb = 0x66_0F_EC
    case paddsw = 0x66_0F_ED
    case paddusb = 0x66_0F_DC
    case paddusw = 0x66_0F_DD
    case psubb = 0x66_0F_F8
    case psubw = 0x66_0F_F9
    case psubd = 0x66_0F_FA
    case psubq = 0x66_0F_FB
    case psubsb = 0x66_0F_E8
    case psubsw = 0x66_0F_E9
    case psubusb = 0x66_0F_D8
    case psubusw = 0x66_0F_D9
    case phaddw = 0x66_38_01
    case phaddd = 0x66_38_02
    case pavgb = 0x66_0F_E0
    case pavgw = 0x66_0F_E3
    case psadbw = 0x66_0F_F6
    case psignb = 0x66_38_08
    case psignw = 0x66_38_09
    case psignd = 0x66_38_0A

    // Integers: products
    case pmullw = 0x66_0F_D5
    case pmulhw = 0x66_0F_E5
    case pmulhuw = 0x66_0F_E4
    case pmulhrsw = 0x66_38_0B
    case pmulld = 0x66_38_40
    case pmuldq = 0x66_38_28
    case pmuludq = 0x66_0F_F4
    case pmaddwd = 0x66_0F_F5
    case pmaddubsw = 0x66_38_04

    // Integers: comparisons
    case pminub = 0x66_0F_DA
    case pminuw = 0x66_38_3A
    case pminud = 0x66_38_3B
    case pminsb = 0x66_38_38
    case pminsw = 0x66_0F_EA
    case pminsd = 0x66_38_39
    case pmaxub = 0x66_0F_DE
    case pmaxuw = 0x66_38_3E
    case pmaxud = 0x66_38_3F
    case pmaxsb = 0x66_38_3C
    case pmaxsw = 0x66_0F_EE
    case pmaxsd = 0x66_38_3D
    case pcmpeqb = 0x66_0F_74
    case pcmpeqw = 0x66_0F_75
    case pcmpeqd = 0x66_0F_76
    case pcmpeqq = 0x66_38_29
    case pcmpgtb = 0x66_0F_64
    case pcmpgtw = 0x66_0F_65
    case pcmpgtd = 0x66_0F_66
    case pcmpgtq = 0x01_66_38_37

    // Bits
    case pand = 0x66_0F_DB
    case pandn = 0x66_0F_DF
    case por = 0x66_0F_EB
    case pxor = 0x66_0F_EF

    // Shifts, all lanes by the low 64 bits of `b`, or each by its own count
    case psllw = 0x66_0F_F1
    case pslld = 0x66_0F_F2
    case psllq = 0x66_0F_F3
    case psrlw = 0x66_0F_D1
    case psrld = 0x66_0F_D2
    case psrlq = 0x66_0F_D3
    case psraw = 0x66_0F_E1
    case psrad = 0x66_0F_E2
    case vpsllvd = 0x03_66_38_47
    case vpsllvq = 0x83_66_38_47
    case vpsrlvd = 0x03_66_38_45
    case vpsrlvq = 0x83_66_38_45
    case vpsravd = 0x03_66_38_46

    // Rearrangements
    case pshufb = 0x66_38_00
    case packsswb = 0x66_0F_63
    case packssdw = 0x66_0F_6B
    case packuswb = 0x66_0F_67
    case packusdw = 0x66_38_2B
    case punpcklbw = 0x66_0F_60
    case punpcklwd = 0x66_0F_61
    case punpckldq = 0x66_0F_62
    case punpcklqdq = 0x66_0F_6C
    case punpckhbw = 0x66_0F_68
    case punpckhwd = 0x66_0F_69
    case punpckhdq = 0x66_0F_6A
    case punpckhqdq = 0x66_0F_6D
    case unpcklps = 0x0F_14
    case unpcklpd = 0x66_0F_14
    case unpckhps = 0x0F_15
    case unpckhpd = 0x66_0F_15
    case vpermilps = 0x02_66_38_0C
    case vpermilpd = 0x02_66_38_0D
    /// The lowest lane of `b`, the others of `a`; only on registers.
    case movss = 0xF3_0F_10
    /// The lower lane of `b`, the upper of `a`; only on registers.
    case movsd = 0xF2_0F_10
    /// The upper half of `b` below that of `a`; only on registers.
    case movhlps = 0x0F_12
    /// The lower half of `b` above that of `a`; only on registers.
    case movlhps = 0x0F_16
    /// 8 bytes from memory below the upper half of `a`.
    case movlpd = 0x66_0F_12
    /// 8 bytes from memory above the lower half of `a`.
    case movhpd = 0x66_0F_16

    // Floats
    case addps = 0x0F_58
    case addpd = 0x66_0F_58
    case mulps = 0x0F_59
    case mulpd = 0x66_0F_59
    case subps = 0x0F_5C
    case subpd = 0x66_0F_5C
    case minps = 0x0F_5D
    case minpd = 0x66_0F_5D
    case divps = 0x0F_5E
    case divpd = 0x66_0F_5E
    case maxps = 0x0F_5F
    case maxpd = 0x66_0F_5F
    case andps = 0x0F_54
    case andpd = 0x66_0F_54
    case andnps = 0x0F_55
    case andnpd = 0x66_0F_55
    case orps = 0x0F_56
    case orpd = 0x66_0F_56
    case xorps = 0x0F_57
    case xorpd = 0x66_0F_57
    case haddps = 0xF2_0F_7C
    case haddpd = 0x66_0F_7C

    // Fused: the digits say which operands are multiplied (the destination is the first), the
    // third is added; n negates the product. FMA.
    case vfmadd132ps = 0x04_66_38_98
    case vfmadd213ps = 0x04_66_38_A8
    case vfmadd231ps = 0x04_66_38_B8
    case vfmadd132pd = 0x84_66_38_98
    case vfmadd213pd = 0x84_66_38_A8
    case vfmadd231pd = 0x84_66_38_B8
    case vfmadd132ss = 0x04_66_38_99
    case vfmadd213ss = 0x04_66_38_A9
    case vfmadd231ss = 0x04_66_38_B9
    case vfmadd132sd = 0x84_66_38_99
    case vfmadd213sd = 0x84_66_38_A9
    case vfmadd231sd = 0x84_66_38_B9
    case vfnmadd132ps = 0x04_66_38_9C
    case vfnmadd213ps = 0x04_66_38_AC
    case vfnmadd231ps = 0x04_66_38_BC
    case vfnmadd132pd = 0x84_66_38_9C
    case vfnmadd213pd = 0x84_66_38_AC
    case vfnmadd231pd = 0x84_66_38_BC
    case vfnmadd132ss = 0x04_66_38_9D
    case vfnmadd213ss = 0x04_66_38_AD
    case vfnmadd231ss = 0x04_66_38_BD
    case vfnmadd132sd = 0x84_66_38_9D
    case vfnmadd213sd = 0x84_66_38_AD
    case vfnmadd231sd = 0x84_66_38_BD

    @inline(__always) var row: Row { Row(rawValue) }
    /// What the processor needs for it.
    public var needs: VectorExtension { row.needs }
}

/// `destination = op source`, the source a register or memory.
public enum VectorUnaryOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case pabsb = 0x66_38_1C
    case pabsw = 0x66_38_1D
    case pabsd = 0x66_38_1E
    case pmovsxbw = 0x66_38_20
    case pmovsxbd = 0x66_38_21
    case pmovsxbq = 0x66_38_22
    case pmovsxwd = 0x66_38_23
    case pmovsxwq = 0x66_38_24
    case pmovsxdq = 0x66_38_25
    case pmovzxbw = 0x66_38_30
    case pmovzxbd = 0x66_38_31
    case pmovzxbq = 0x66_38_32
    case pmovzxwd = 0x66_38_33
    case pmovzxwq = 0x66_38_34
    case pmovzxdq = 0x66_38_35
    case sqrtps = 0x0F_51
    case sqrtpd = 0x66_0F_51
    case cvtdq2ps = 0x0F_5B
    case cvtps2dq = 0x66_0F_5B
    case cvttps2dq = 0xF3_0F_5B
    case cvtdq2pd = 0xF3_0F_E6
    case cvtpd2dq = 0xF2_0F_E6
    case cvttpd2dq = 0x66_0F_E6
    case cvtps2pd = 0x0F_5A
    case cvtpd2ps = 0x66_0F_5A
    case movdqa = 0x66_0F_6F
    case movdqu = 0xF3_0F_6F
    /// The low 8 bytes; the rest becomes zero.
    case movq = 0xF3_0F_7E
    case movddup = 0xF2_0F_12
    case movshdup = 0xF3_0F_16
    case movsldup = 0xF3_0F_12
    /// Only sets flags: ZF if `destination & source` is 0, CF if `~destination & source` is.
    case ptest = 0x66_38_17
    case vpbroadcastb = 0x03_66_38_78
    case vpbroadcastw = 0x03_66_38_79
    case vpbroadcastd = 0x03_66_38_58
    case vpbroadcastq = 0x03_66_38_59
    /// From memory it needs only AVX.
    case vbroadcastss = 0x03_66_38_18

    @inline(__always) var row: Row { Row(rawValue) }
    /// What the processor needs for it.
    public var needs: VectorExtension { row.needs }
}

/// `destination = a op b`, `b` a register or memory, with an immediate.
public enum VectorImmediateOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case palignr = 0x66_3A_0F
    case pblendw = 0x66_3A_0E
    case blendps = 0x66_3A_0C
    case blendpd = 0x66_3A_0D
    case vpblendd = 0x03_66_3A_02
    case insertps = 0x66_3A_21
    case shufps = 0x0F_C6
    case shufpd = 0x66_0F_C6
    case cmpps = 0x0F_C2
    case cmppd = 0x66_0F_C2
    case cmpss = 0xF3_0F_C2
    case cmpsd = 0xF2_0F_C2

    @inline(__always) var row: Row { Row(rawValue) }
    /// What the processor needs for it.
    public var needs: VectorExtension { row.needs }
}

/// `destination = op source`, the source a register or memory, with an immediate.
public enum VectorUnaryImmediateOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case pshufd = 0x66_0F_70
    case pshufhw = 0xF3_0F_70
    case pshuflw = 0xF2_0F_70
    case roundps = 0x66_3A_08
    case roundpd = 0x66_3A_09
    case vpermilps = 0x02_66_3A_04
    case vpermilpd = 0x02_66_3A_05

    @inline(__always) var row: Row { Row(rawValue) }
    /// What the processor needs for it.
    public var needs: VectorExtension { row.needs }
}

/// `destination = a op immediate`: all lanes by the same count, or (dq) the whole by bytes.
public enum VectorShiftOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case psrlw = 0x20_66_0F_71
    case psraw = 0x40_66_0F_71
    case psllw = 0x60_66_0F_71
    case psrld = 0x20_66_0F_72
    case psrad = 0x40_66_0F_72
    case pslld = 0x60_66_0F_72
    case psrlq = 0x20_66_0F_73
    case psrldq = 0x30_66_0F_73
    case psllq = 0x60_66_0F_73
    case pslldq = 0x70_66_0F_73

    @inline(__always) var row: Row { Row(rawValue) }
}

/// A general register = the highest bits of the lanes.
public enum VectorMaskOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case pmovmskb = 0x66_0F_D7
    case movmskps = 0x0F_50
    case movmskpd = 0x66_0F_50

    @inline(__always) var row: Row { Row(rawValue) }
}

/// Each lane from `b` where the mask's highest bit is set, else from `a`. The number is that of
/// the AVX form.
public enum VectorBlendOp: UInt32, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case blendvps = 0x66_3A_4A
    case blendvpd = 0x66_3A_4B
    case pblendvb = 0x66_3A_4C

    @inline(__always) var row: Row { Row(rawValue) }
    /// Of the SSE4.1 form, whose mask is xmm0.
    @inline(__always) var implicitRow: Row {
        switch self {
        case .blendvps: Row(0x66_38_14)
        case .blendvpd: Row(0x66_38_15)
        case .pblendvb: Row(0x66_38_10)
        }
    }
}

/// What a vector instruction needs; the number is in its row.
public enum VectorExtension: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    /// At most SSE4.1, or AVX if that is used.
    case sse41
    /// SSE4.2, or AVX if that is used.
    case sse42
    case avx
    case avx2
    case fma
}

extension Row {
    var needs: VectorExtension {
        VectorExtension(stored: UInt8(truncatingIfNeeded: bits &>> 24 & 15), or: .sse41)
    }

    static var insert8: Row { Row(0x66_3A_20) }
    static var insert16: Row { Row(0x66_0F_C4) }
    static var insert32: Row { Row(0x66_3A_22) }
    static var extract8: Row { Row(0x66_3A_14) }
    static var extract16: Row { Row(0x66_0F_C5) }
    static var extract16ToMemory: Row { Row(0x66_3A_15) }
    static var extract32: Row { Row(0x66_3A_16) }
}
