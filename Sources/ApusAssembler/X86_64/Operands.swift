internal import ApusCollections

/// The size of an integer operand. Writing a 32-bit register clears its upper half; writing
/// narrower ones keeps the rest.
public enum Width: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case w8, w16, w32, w64

    @inline(__always) var isNarrow: Bool { rawValue < Width.w32.rawValue }
    @inline(__always) var isByte: Bool { self == .w8 }
    /// The REX bit of 64-bit operands, in its place.
    @inline(__always) var rex: UInt64 { self == .w64 ? 8 : 0 }
}

/// The size of a scalar float operand.
public enum FloatWidth: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case f32, f64
}

/// What flags may say, by the number in encodings.
public enum Condition: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g

    /// True whenever this is false.
    public var inverted: Condition {
        switch self {
        case .o: .no
        case .no: .o
        case .b: .ae
        case .ae: .b
        case .e: .ne
        case .ne: .e
        case .be: .a
        case .a: .be
        case .s: .ns
        case .ns: .s
        case .p: .np
        case .np: .p
        case .l: .ge
        case .ge: .l
        case .le: .g
        case .g: .le
        }
    }

    @inline(__always) var code: UInt64 { UInt64(rawValue) }
}

/// A memory operand: base + index × scale + displacement, or a place in the code itself.
public struct Address: BitwiseCopyable, Sendable {
    // From the lowest: 8 bits base, 8 bits index (4 if there is none, for so it is encoded),
    // 2 bits logarithm of the scale, 2 bits kind; the upper half is the displacement, or the
    // number of the label or constant.
    let bits: UInt64

    /// `[base + displacement]`.
    @inline(__always)
    public init(_ base: GPR, _ displacement: Int32 = 0) {
        bits = UInt64(base.rawValue) | 0x400 | UInt64(UInt32(bitPattern: displacement)) &<< 32
    }

    /// `[base + index × scale + displacement]`. The index is not rsp; the scale is 1, 2, 4 or 8.
    @inline(__always)
    public init(_ base: GPR, index: GPR, scale: Int = 1, _ displacement: Int32 = 0) {
        assert(index != .rsp && (scale == 1 || scale == 2 || scale == 4 || scale == 8))
        bits =
            UInt64(base.rawValue) | UInt64(index.rawValue) &<< 8
            | UInt64(truncatingIfNeeded: scale.trailingZeroBitCount) &<< 16
            | UInt64(UInt32(bitPattern: displacement)) &<< 32
    }

    /// A constant of the present function.
    @inline(__always)
    public init(constant: ConstantID) {
        bits = 1 &<< 18 | UInt64(constant.bits) &<< 32
    }

    /// A place in the present function.
    @inline(__always)
    public init(label: Label) {
        bits = 2 &<< 18 | UInt64(label.number) &<< 32
    }

    @inline(__always)
    private init(bits: UInt64) { self.bits = bits }

    /// The place that many bytes further. The sum must be a displacement, too.
    @inline(__always)
    public func advanced(by bytes: Int32) -> Address {
        Address(bits: bits &+ UInt64(UInt32(bitPattern: bytes)) &<< 32)
    }

    @inline(__always) var base: UInt64 { bits & 15 }
    @inline(__always) var index: UInt64 { bits &>> 8 & 15 }
    @inline(__always) var scale: UInt64 { bits &>> 16 & 3 }
    @inline(__always) var isInCode: Bool { bits & (3 &<< 18) != 0 }
    @inline(__always) var isConstant: Bool { bits & (1 &<< 18) != 0 }
    @inline(__always) var displacement: UInt64 { bits &>> 32 }
    /// What base and index add to a REX prefix.
    @inline(__always) var rex: UInt64 { base &>> 3 | index &>> 2 & 2 }
}
