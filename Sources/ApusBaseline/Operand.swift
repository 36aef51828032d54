internal import ApusAssembler
internal import ApusFormat

/// The class of a value as code generation sees it.
enum ValueClass: UInt8, BitwiseCopyable {
    case i32, i64, f32, f64, v128, reference

    @inline(__always)
    init(_ type: ValueType) {
        switch type.bits {
        case 0x7F: self = .i32
        case 0x7E: self = .i64
        case 0x7D: self = .f32
        case 0x7C: self = .f64
        case 0x7B: self = .v128
        default: self = .reference
        }
    }

    @inline(__always)
    init(_ type: NumberType) {
        switch type {
        case .i32: self = .i32
        case .i64: self = .i64
        case .f32: self = .f32
        case .f64: self = .f64
        }
    }

    /// Lives in vector registers: floats and vectors.
    @inline(__always) var isInVector: Bool { self == .f32 || self == .f64 || self == .v128 }
    /// Bytes of the stack that an argument or result of this class takes.
    @inline(__always) var stackBytes: Int32 { self == .v128 ? 16 : 8 }
    /// Width of a general register that holds such a value.
    @inline(__always) var width: Width { self == .i32 ? .w32 : .w64 }
    @inline(__always) var floatWidth: FloatWidth { self == .f32 ? .f32 : .f64 }
}

/// Where a value of the operand stack is while code is generated.
///
/// Nothing is emitted for a constant or for reading a local until somebody needs the value.
struct Operand: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        /// `bits` is the value; of a vector, its place in `vectorConstants`.
        case constant
        /// In `general` or `float`, a temporary that this operand owns.
        case register
        /// The present value of local `index`.
        case local
        /// In the frame slot of stack position `index`.
        case slot
    }

    var kind: Kind
    var type: ValueClass
    var general: GPR
    var float: XMM
    var index: UInt32
    var bits: UInt64

    @inline(__always)
    static func constant(_ type: ValueClass, _ bits: UInt64) -> Operand {
        Operand(kind: .constant, type: type, general: .rax, float: .xmm0, index: 0, bits: bits)
    }

    @inline(__always)
    static func register(_ type: ValueClass, _ register: GPR) -> Operand {
        Operand(kind: .register, type: type, general: register, float: .xmm0, index: 0, bits: 0)
    }

    @inline(__always)
    static func register(_ type: ValueClass, _ register: XMM) -> Operand {
        Operand(kind: .register, type: type, general: .rax, float: register, index: 0, bits: 0)
    }

    @inline(__always)
    static func local(_ type: ValueClass, _ index: UInt32) -> Operand {
        Operand(kind: .local, type: type, general: .rax, float: .xmm0, index: index, bits: 0)
    }

    @inline(__always)
    static func slot(_ type: ValueClass, _ position: Int) -> Operand {
        Operand(
            kind: .slot, type: type, general: .rax, float: .xmm0,
            index: UInt32(truncatingIfNeeded: position), bits: 0)
    }

    @inline(__always) var isConstant: Bool { kind == .constant }
    /// The bits of a constant as what a store of its width can carry, if they fit.
    @inline(__always) var storeImmediate: Int32? {
        if type == .i32 || type == .f32 { return Int32(truncatingIfNeeded: bits) }
        if type == .v128 { return nil }
        return Int32(exactly: Int64(bitPattern: bits))
    }
    /// A constant as a sign-extended 32-bit immediate of an instruction of its width, if it fits.
    @inline(__always) var immediate: Int32? {
        guard kind == .constant else { return nil }
        if type == .i32 { return Int32(truncatingIfNeeded: bits) }
        return Int32(exactly: Int64(bitPattern: bits))
    }
}
