internal import ApusCollections

/// The type of a value: a number, a vector or a reference.
///
/// Specification: 2.3.5 “Value Types”. Stored in four bytes so that type stacks are flat arrays:
/// the low byte is the binary code of the number type, or 0x64 / 0x63 for a (nullable) reference,
/// and the upper 24 bits hold a reference's heap type.
public struct ValueType: Hashable, Sendable, BitwiseCopyable {
    /// The type as one number, which means something within this process only.
    public let bits: UInt32

    /// The type that `bits` has given.
    @inline(__always)
    public init(bits: UInt32) { self.bits = bits }

    /// A reference to `heap`, which admits null if `nullable`.
    @inline(__always)
    public static func reference(_ heap: HeapType, nullable: Bool) -> ValueType {
        ValueType(bits: (heap.bits << 8) | (nullable ? 0x63 : 0x64))
    }

    /// Integers of 32 bits.
    public static var i32: ValueType { ValueType(bits: 0x7F) }
    /// Integers of 64 bits.
    public static var i64: ValueType { ValueType(bits: 0x7E) }
    /// Floating-point numbers of 32 bits.
    public static var f32: ValueType { ValueType(bits: 0x7D) }
    /// Floating-point numbers of 64 bits.
    public static var f64: ValueType { ValueType(bits: 0x7C) }
    /// Vectors of 128 bits.
    public static var v128: ValueType { ValueType(bits: 0x7B) }
    /// Integers of one and two bytes: of fields only, never of values (2.3.8 “Packed Types”).
    public static var i8: ValueType { ValueType(bits: 0x78) }
    /// Integers of 16 bits, in fields of structures and arrays only.
    public static var i16: ValueType { ValueType(bits: 0x77) }
    /// References to any function, or null.
    public static var funcref: ValueType { .reference(.func, nullable: true) }
    /// References to values of the host's, or null.
    public static var externref: ValueType { .reference(.extern, nullable: true) }
    /// References to exceptions, or null.
    public static var exnref: ValueType { .reference(.exn, nullable: true) }
    /// The type of a value that unreachable code leaves open. Never in a module.
    public static var bottom: ValueType { ValueType(bits: 0) }

    /// Whether it is a type of references.
    public var isReference: Bool {
        @inline(__always) get { bits & 0xFE == 0x64 || bits & 0xFF == 0x63 }
    }
    /// Whether it is a type of references that may be null.
    public var isNullable: Bool { @inline(__always) get { bits & 0xFF == 0x63 } }
    /// Whether it is `i32` or `i64`.
    public var isInteger: Bool { @inline(__always) get { bits == 0x7F || bits == 0x7E } }
    /// Whether it is `f32` or `f64`.
    public var isFloat: Bool { @inline(__always) get { bits == 0x7D || bits == 0x7C } }
    /// Numbers of the general registers: integers and references.
    public var isGeneral: Bool { @inline(__always) get { isInteger || isReference } }
    /// What references of this type refer to.
    public var heapType: HeapType { @inline(__always) get { HeapType(bits: bits >> 8) } }
    /// A reference to the same, without null.
    public var nonNullable: ValueType { .reference(heapType, nullable: false) }
    /// Whether a local or table element of this type has a value before it is given one (3.2.9).
    public var isDefaultable: Bool { @inline(__always) get { bits & 0xFF != 0x64 } }
}

/// What a reference points to: a type of the module or one of the abstract heap types.
///
/// Specification: 2.3.3 “Heap Types”. 24 bits: a type index, or 0xFFFF00 plus the binary code.
public struct HeapType: Hashable, Sendable, BitwiseCopyable {
    /// The type as one number, which means something within this process only.
    public let bits: UInt32

    /// The type that `bits` has given.
    @inline(__always)
    public init(bits: UInt32) { self.bits = bits }

    /// The type with this index.
    @inline(__always)
    public init(typeIndex: UInt32) { bits = typeIndex }

    /// Indices have so many bits. An engine's types have numbers, which are greater: a slot of so
    /// many bits, and above it what says of which kind the type is.
    private static var indexBits: UInt32 { 21 }

    /// The type of an engine that is in this slot.
    @inline(__always)
    public init(slot: UInt32, _ kind: CompositeKind) {
        bits = (UInt32(kind.rawValue) + 1) << Self.indexBits | slot
    }

    /// Of which kind an engine's type is; nil for all others.
    public var engineKind: CompositeKind? {
        let mark = bits >> Self.indexBits
        return bits < 0xFFFF00 && mark > 0
            ? CompositeKind(rawValue: UInt8(truncatingIfNeeded: mark - 1)) : nil
    }

    static func abstract(_ code: UInt32) -> HeapType { HeapType(bits: 0xFFFF00 | code) }

    /// What unreachable code's references point to. Never in a module.
    static var bottom: HeapType { abstract(0) }
    /// No exception: what only null is.
    public static var noexn: HeapType { abstract(0x74) }
    /// No function: what only null is.
    public static var nofunc: HeapType { abstract(0x73) }
    /// No value of the host's: what only null is.
    public static var noextern: HeapType { abstract(0x72) }
    /// Nothing on the heap: what only null is.
    public static var none: HeapType { abstract(0x71) }
    /// Any function.
    public static var `func`: HeapType { abstract(0x70) }
    /// Any value of the host's.
    public static var extern: HeapType { abstract(0x6F) }
    /// Anything on the heap, integers of 31 bits, and converted values of the host's.
    public static var any: HeapType { abstract(0x6E) }
    /// What can be compared: structures, arrays and integers of 31 bits.
    public static var eq: HeapType { abstract(0x6D) }
    /// Integers of 31 bits.
    public static var i31: HeapType { abstract(0x6C) }
    /// Any structure.
    public static var `struct`: HeapType { abstract(0x6B) }
    /// Any array.
    public static var array: HeapType { abstract(0x6A) }
    /// Any exception.
    public static var exn: HeapType { abstract(0x69) }

    /// The type index, if this is not an abstract heap type.
    public var typeIndex: UInt32? { @inline(__always) get { bits < 0xFFFF00 ? bits : nil } }
}

extension ValueType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .i32: "i32"
        case .i64: "i64"
        case .f32: "f32"
        case .f64: "f64"
        case .v128: "v128"
        case .i8: "i8"
        case .i16: "i16"
        case .bottom: "unknown"
        default: referenceDescription
        }
    }

    private var referenceDescription: String {
        if isNullable, let short = heapType.nullableShorthand { return short }
        return isNullable ? "(ref null \(heapType))" : "(ref \(heapType))"
    }
}

extension HeapType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noexn: "noexn"
        case .nofunc: "nofunc"
        case .noextern: "noextern"
        case .none: "none"
        case .func: "func"
        case .extern: "extern"
        case .any: "any"
        case .eq: "eq"
        case .i31: "i31"
        case .struct: "struct"
        case .array: "array"
        case .exn: "exn"
        default: ownDescription
        }
    }

    /// A module's index; of an engine's type its kind, for its number means nothing to anybody.
    private var ownDescription: String {
        switch engineKind {
        case .function: "(func …)"
        case .structure: "(struct …)"
        case .array: "(array …)"
        case nil: "\(bits)"
        }
    }

    /// The one-word name of a nullable reference to this type, e.g. `funcref`.
    var nullableShorthand: String? {
        switch self {
        case .noexn: "nullexnref"
        case .nofunc: "nullfuncref"
        case .noextern: "nullexternref"
        case .none: "nullref"
        case .func: "funcref"
        case .extern: "externref"
        case .any: "anyref"
        case .eq: "eqref"
        case .i31: "i31ref"
        case .struct: "structref"
        case .array: "arrayref"
        case .exn: "exnref"
        default: nil
        }
    }
}
