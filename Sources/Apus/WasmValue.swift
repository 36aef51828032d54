public import ApusFormat
internal import ApusRuntime

/// A Swift type that stands for one WebAssembly value type in the signatures of typed functions
/// and host functions: `Int32`, `UInt32`, `Int64`, `UInt64`, `Float`, `Double`, `Vector128`, and
/// references: `Function?`, `ExternReference?`, `AnyReference?` and `WasmException?`.
///
/// No other type can conform, since nobody else can make a `WasmConversion`: a value that is taken
/// for a reference is the address of something, and must have been one from the start.
public protocol WasmValue {
    /// How values of the type become those of guests and the other way round.
    static var wasmConversion: WasmConversion<Self> { get }
}

/// A Swift type that stands for references that are not null: `Function`, `ExternReference`,
/// `AnyReference` and `WasmException`. No other type can conform.
public protocol WasmReference {
    /// How such references, and nil for null, become those of guests and the other way round.
    static var nullableConversion: WasmConversion<Self?> { get }
}

/// How values of a Swift type become those of guests and the other way round.
///
/// There are only those of this module, and what they do can be seen by nobody: whoever could read
/// the bits of a reference, or choose them, could have a guest use what is not its own.
public struct WasmConversion<Value> {
    @usableFromInline let valueType: ValueType
    @usableFromInline let read: (UInt64, () throws -> Store) throws -> Value
    @usableFromInline let write: (Value, () throws -> Store) throws -> UInt64
    /// What there is besides the bits that `read` and `write` are about; nil: nothing.
    @usableFromInline let upper: UpperCell<Value>?

    /// Of values of `valueType`: `read` makes one of its bits in a store, `write` gives its bits.
    /// If they take two cells, that is about the first one.
    @inlinable @inline(__always)
    init(
        _ valueType: ValueType,
        read: @escaping (UInt64, () throws -> Store) throws -> Value,
        write: @escaping (Value, () throws -> Store) throws -> UInt64,
        upper: UpperCell<Value>? = nil
    ) {
        self.valueType = valueType
        self.read = read
        self.write = write
        self.upper = upper
    }
}

/// The second cell of values that take two: how it is put into a value that has been made of the
/// first one, and how it is taken out.
@usableFromInline
struct UpperCell<Value> {
    @usableFromInline let set: (inout Value, UInt64) -> Void
    @usableFromInline let get: (Value) -> UInt64

    @inlinable @inline(__always)
    init(set: @escaping (inout Value, UInt64) -> Void, get: @escaping (Value) -> UInt64) {
        self.set = set
        self.get = get
    }
}

extension WasmValue {
    /// The value type it stands for.
    @inlinable public static var valueType: ValueType { wasmConversion.valueType }

    /// Whether values take two cells. Asked of the type itself, and not of its conversion, it costs
    /// nothing where the type is known and a comparison where it is not.
    @inlinable @inline(__always)
    static var isVector: Bool { Self.self == Vector128.self }

    /// How many cells a value takes.
    @inlinable @inline(__always)
    static var cellCount: Int { isVector ? 2 : 1 }

    /// The value whose bits in a store are `bits`, of a type that takes one cell.
    @inlinable @inline(__always)
    static func fromCell(
        _ bits: UInt64, _ store: @autoclosure () throws -> Store
    ) throws -> Self {
        try wasmConversion.read(bits, store)
    }

    /// The value whose bits in a store are `bits`, and `upper` if it takes two cells.
    @inlinable @inline(__always)
    static func fromCells(
        _ bits: UInt64, upper: @autoclosure () -> UInt64, _ store: @autoclosure () throws -> Store
    ) throws -> Self {
        guard isVector else { return try fromCell(bits, store()) }
        return try fromTwoCells(bits, upper(), store())
    }

    /// The same for a type that takes two cells: a function of its own, so that the code of others
    /// does not grow.
    @usableFromInline
    static func fromTwoCells(
        _ bits: UInt64, _ upper: UInt64, _ store: @autoclosure () throws -> Store
    ) throws -> Self {
        let conversion = wasmConversion
        var value = try conversion.read(bits, store)
        conversion.upper?.set(&value, upper)
        return value
    }

    /// The bits in the second cell; nil if one is enough.
    @inlinable @inline(__always)
    var upperCell: UInt64? { Self.isVector ? upperBits : nil }

    @usableFromInline var upperBits: UInt64? { Self.wasmConversion.upper?.get(self) }

    /// The value's bits in a store: those in the first cell, if it takes two.
    @inlinable @inline(__always)
    func cell(_ store: @autoclosure () throws -> Store) throws -> UInt64 {
        try Self.wasmConversion.write(self, store)
    }
}

extension Int32: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<Int32> {
        WasmConversion(
            .i32, read: { bits, _ in Int32(truncatingIfNeeded: bits) },
            write: { value, _ in UInt64(UInt32(bitPattern: value)) })
    }
}

extension UInt32: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<UInt32> {
        WasmConversion(
            .i32, read: { bits, _ in UInt32(truncatingIfNeeded: bits) },
            write: { value, _ in UInt64(value) })
    }
}

extension Int64: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<Int64> {
        WasmConversion(
            .i64, read: { bits, _ in Int64(bitPattern: bits) },
            write: { value, _ in UInt64(bitPattern: value) })
    }
}

extension UInt64: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<UInt64> {
        WasmConversion(.i64, read: { bits, _ in bits }, write: { value, _ in value })
    }
}

extension Float: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<Float> {
        WasmConversion(
            .f32, read: { bits, _ in Float(bitPattern: UInt32(truncatingIfNeeded: bits)) },
            write: { value, _ in UInt64(value.bitPattern) })
    }
}

extension Double: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<Double> {
        WasmConversion(
            .f64, read: { bits, _ in Double(bitPattern: bits) },
            write: { value, _ in value.bitPattern })
    }
}

extension Vector128: WasmValue {
    @inlinable @inline(__always)
    public static var wasmConversion: WasmConversion<Vector128> {
        WasmConversion(
            .v128, read: { bits, _ in Vector128(low: bits, high: 0) },
            write: { value, _ in value.low },
            upper: UpperCell(set: { value, bits in value.high = bits }, get: { $0.high }))
    }
}

extension Optional: WasmValue where Wrapped: WasmReference {
    @inlinable
    public static var wasmConversion: WasmConversion<Wrapped?> { Wrapped.nullableConversion }
}
