internal import ApusABI
internal import ApusCollections
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
}

/// Where a value of the operand stack is while code is generated.
///
/// Nothing is emitted for a constant or for reading a local until somebody needs the value.
struct Operand: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        /// `bits` is the value; of a vector, its place in `vectorConstants`.
        case constant
        /// In `register`, a temporary that this operand owns.
        case register
        /// The present value of local `index`.
        case local
        /// In the frame slot of stack position `index`.
        case slot
    }

    /// From the lowest: 8 bits each of kind, type and register, 8 unused ones, 32 of the index.
    /// Two words are what operands are handed on in.
    private let head: UInt64
    let bits: UInt64

    @inline(__always)
    private init(
        kind: Kind, type: ValueClass, register: PhysicalRegister, index: UInt32, bits: UInt64
    ) {
        head =
            UInt64(kind.rawValue) | UInt64(type.rawValue) &<< 8
            | UInt64(register.number) &<< 16 | UInt64(index) &<< 32
        self.bits = bits
    }

    @inline(__always)
    var kind: Kind { Kind(stored: UInt8(truncatingIfNeeded: head), or: .slot) }
    @inline(__always)
    var type: ValueClass {
        ValueClass(stored: UInt8(truncatingIfNeeded: head &>> 8), or: .reference)
    }
    @inline(__always)
    var register: PhysicalRegister { PhysicalRegister(UInt8(truncatingIfNeeded: head &>> 16)) }
    @inline(__always)
    var index: UInt32 { UInt32(truncatingIfNeeded: head &>> 32) }

    @inline(__always)
    static func constant(_ type: ValueClass, _ bits: UInt64) -> Operand {
        Operand(kind: .constant, type: type, register: .none, index: 0, bits: bits)
    }

    @inline(__always)
    static func register(_ type: ValueClass, _ register: PhysicalRegister) -> Operand {
        Operand(kind: .register, type: type, register: register, index: 0, bits: 0)
    }

    @inline(__always)
    static func local(_ type: ValueClass, _ index: UInt32) -> Operand {
        Operand(kind: .local, type: type, register: .none, index: index, bits: 0)
    }

    @inline(__always)
    static func slot(_ type: ValueClass, _ position: Int) -> Operand {
        Operand(
            kind: .slot, type: type, register: .none,
            index: UInt32(truncatingIfNeeded: position), bits: 0)
    }

    @inline(__always) var isConstant: Bool { kind == .constant }
}
