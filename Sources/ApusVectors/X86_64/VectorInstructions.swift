public import ApusAssembler
public import ApusFormat

/// Vector operations that are one instruction of the processor.
extension VectorOp {
    /// The instruction that is `binary` on lanes of `shape`; nil if it takes more than one.
    public init?(_ shape: VectorShape, _ binary: VectorBinary) {
        let op: VectorOp? =
            switch (binary, shape) {
            case (.add, .i8x16): .paddb
            case (.add, .i16x8): .paddw
            case (.add, .i32x4): .paddd
            case (.add, .i64x2): .paddq
            case (.add, .f32x4): .addps
            case (.add, .f64x2): .addpd
            case (.subtract, .i8x16): .psubb
            case (.subtract, .i16x8): .psubw
            case (.subtract, .i32x4): .psubd
            case (.subtract, .i64x2): .psubq
            case (.subtract, .f32x4): .subps
            case (.subtract, .f64x2): .subpd
            case (.multiply, .i16x8): .pmullw
            case (.multiply, .i32x4): .pmulld
            case (.multiply, .f32x4): .mulps
            case (.multiply, .f64x2): .mulpd
            case (.divide, .f32x4): .divps
            case (.divide, .f64x2): .divpd
            case (.addSaturatingSigned, .i8x16): .paddsb
            case (.addSaturatingSigned, .i16x8): .paddsw
            case (.addSaturatingUnsigned, .i8x16): .paddusb
            case (.addSaturatingUnsigned, .i16x8): .paddusw
            case (.subtractSaturatingSigned, .i8x16): .psubsb
            case (.subtractSaturatingSigned, .i16x8): .psubsw
            case (.subtractSaturatingUnsigned, .i8x16): .psubusb
            case (.subtractSaturatingUnsigned, .i16x8): .psubusw
            case (.minimumSigned, _): shape.minimumOp(isSigned: true)
            case (.minimumUnsigned, _): shape.minimumOp(isSigned: false)
            case (.maximumSigned, _): shape.maximumOp(isSigned: true)
            case (.maximumUnsigned, _): shape.maximumOp(isSigned: false)
            case (.averageUnsigned, .i8x16): .pavgb
            case (.averageUnsigned, .i16x8): .pavgw
            case (.dotSigned, .i32x4): .pmaddwd
            case (.narrowSigned, .i8x16): .packsswb
            case (.narrowSigned, .i16x8): .packssdw
            case (.narrowUnsigned, .i8x16): .packuswb
            case (.narrowUnsigned, .i16x8): .packusdw
            default: nil
            }
        guard let op else { return nil }
        self = op
    }

    /// The processor's own way of a relaxed operation.
    public init?(relaxed binary: VectorBinary, _ shape: VectorShape) {
        switch binary {
        case .relaxedSwizzle: self = .pshufb
        case .relaxedMinimum: self = shape == .f32x4 ? .minps : .minpd
        case .relaxedMaximum: self = shape == .f32x4 ? .maxps : .maxpd
        case .relaxedQ15MultiplyRound: self = .pmulhrsw
        default: return nil
        }
    }

    /// Whether `a` and `b` may change places.
    public var isCommutative: Bool {
        switch self {
        case .paddb, .paddw, .paddd, .paddq, .addps, .addpd, .pmullw, .pmulld, .mulps, .mulpd,
            .paddsb, .paddsw, .paddusb, .paddusw, .pminsb, .pminsw, .pminsd, .pminub, .pminuw,
            .pminud, .pmaxsb, .pmaxsw, .pmaxsd, .pmaxub, .pmaxuw, .pmaxud, .pavgb, .pavgw,
            .pmaddwd, .pmuludq, .pcmpeqb, .pcmpeqw, .pcmpeqd, .pcmpeqq, .pand, .por, .pxor:
            true
        default: false
        }
    }
}
