public import ApusAssembler
public import ApusFormat

/// Which instructions work on lanes of which shape.
extension VectorShape {
    /// The width of a lane.
    public var laneWidth: Width {
        switch self {
        case .i8x16: .w8
        case .i16x8: .w16
        case .i32x4, .f32x4: .w32
        case .i64x2, .f64x2: .w64
        }
    }

    public var isFloat: Bool { self == .f32x4 || self == .f64x2 }

    /// Compares integer lanes for equality.
    public var equalOp: VectorOp {
        switch self {
        case .i8x16: .pcmpeqb
        case .i16x8: .pcmpeqw
        case .i32x4, .f32x4: .pcmpeqd
        case .i64x2, .f64x2: .pcmpeqq
        }
    }

    /// Signed “greater” of lanes; that of 64 bits is not among SSE4.1.
    public var greaterOp: VectorOp {
        switch self {
        case .i8x16: .pcmpgtb
        case .i16x8: .pcmpgtw
        case .i32x4, .f32x4: .pcmpgtd
        case .i64x2, .f64x2: .pcmpgtq
        }
    }

    /// The smaller one of integers of at most 32 bits.
    public func minimumOp(isSigned: Bool) -> VectorOp {
        switch self {
        case .i8x16: isSigned ? .pminsb : .pminub
        case .i16x8: isSigned ? .pminsw : .pminuw
        default: isSigned ? .pminsd : .pminud
        }
    }

    /// The larger one of integers of at most 32 bits.
    public func maximumOp(isSigned: Bool) -> VectorOp {
        switch self {
        case .i8x16: isSigned ? .pmaxsb : .pmaxub
        case .i16x8: isSigned ? .pmaxsw : .pmaxuw
        default: isSigned ? .pmaxsd : .pmaxud
        }
    }

    /// Shifts of lanes of 16, 32 and 64 bits; there is no arithmetic one of 64.
    public func immediateShift(_ shift: VectorShift) -> VectorShiftOp {
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

    /// The same by a count in a vector register.
    public func variableShift(_ shift: VectorShift) -> VectorOp {
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

extension LaneWidth {
    /// As the assembler says it.
    public var width: Width {
        switch self {
        case .bits8: .w8
        case .bits16: .w16
        case .bits32: .w32
        case .bits64: .w64
        }
    }
}

extension Width {
    /// Bits of a lane.
    public var bits: UInt8 {
        switch self {
        case .w8: 8
        case .w16: 16
        case .w32: 32
        case .w64: 64
        }
    }
}
