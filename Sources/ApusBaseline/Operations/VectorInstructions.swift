internal import ApusAssembler
internal import ApusFormat

/// Vector operations that are one instruction of the processor.
extension VectorOp {
    /// The instruction that is `binary` on lanes of `shape`; nil if it takes more than one.
    init?(_ shape: VectorShape, _ binary: VectorBinary) {
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
    init?(relaxed binary: VectorBinary, _ shape: VectorShape) {
        switch binary {
        case .relaxedSwizzle: self = .pshufb
        case .relaxedMinimum: self = shape == .f32x4 ? .minps : .minpd
        case .relaxedMaximum: self = shape == .f32x4 ? .maxps : .maxpd
        case .relaxedQ15MultiplyRound: self = .pmulhrsw
        default: return nil
        }
    }

    var isCommutative: Bool {
        switch self {
        case .paddb, .paddw, .paddd, .paddq, .addps, .addpd, .pmullw, .pmulld, .mulps, .mulpd,
            .paddsb, .paddsw, .paddusb, .paddusw, .pminsb, .pminsw, .pminsd, .pminub, .pminuw,
            .pminud, .pmaxsb, .pmaxsw, .pmaxsd, .pmaxub, .pmaxuw, .pmaxud, .pavgb, .pavgw,
            .pmaddwd, .pand, .por, .pxor:
            true
        default: false
        }
    }
}

extension VectorShape {
    /// Signed “greater” of lanes of at most 32 bits.
    var greaterOp: VectorOp {
        switch self {
        case .i8x16: .pcmpgtb
        case .i16x8: .pcmpgtw
        default: .pcmpgtd
        }
    }

    func minimumOp(isSigned: Bool) -> VectorOp {
        switch self {
        case .i8x16: isSigned ? .pminsb : .pminub
        case .i16x8: isSigned ? .pminsw : .pminuw
        default: isSigned ? .pminsd : .pminud
        }
    }

    func maximumOp(isSigned: Bool) -> VectorOp {
        switch self {
        case .i8x16: isSigned ? .pmaxsb : .pmaxub
        case .i16x8: isSigned ? .pmaxsw : .pmaxuw
        default: isSigned ? .pmaxsd : .pmaxud
        }
    }

    /// Shifts of lanes of 16, 32 and 64 bits; there is no arithmetic one of 64.
    func immediateShift(_ shift: VectorShift) -> VectorShiftOp {
        switch (shift, self) {
        case (.left, .i32x4): .pslld
        case (.left, .i64x2): .psllq
        case (.left, _): .psllw
        case (.rightUnsigned, .i32x4): .psrld
        case (.rightUnsigned, .i64x2): .psrlq
        case (.rightUnsigned, _): .psrlw
        case (.rightSigned, .i32x4): .psrad
        case (.rightSigned, _): .psraw
        }
    }

    func variableShift(_ shift: VectorShift) -> VectorOp {
        switch (shift, self) {
        case (.left, .i32x4): .pslld
        case (.left, .i64x2): .psllq
        case (.left, _): .psllw
        case (.rightUnsigned, .i32x4): .psrld
        case (.rightUnsigned, .i64x2): .psrlq
        case (.rightUnsigned, _): .psrlw
        case (.rightSigned, .i32x4): .psrad
        case (.rightSigned, _): .psraw
        }
    }
}

extension Width {
    /// Bits of a lane.
    var bits: UInt8 {
        switch self {
        case .w8: 8
        case .w16: 16
        case .w32: 32
        case .w64: 64
        }
    }
}
