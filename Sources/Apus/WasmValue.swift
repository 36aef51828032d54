public import ApusFormat
internal import ApusRuntime

/// A Swift type that stands for one WebAssembly value type in the signatures of typed functions
/// and host functions: `Int32`, `UInt32`, `Int64`, `UInt64`, `Float`, `Double`, and references:
/// `Function?`, `ExternReference?`, `AnyReference?` and `WasmException?`.
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

    /// Of values of `valueType`: `read` makes one of its bits in a store, `write` gives its bits.
    @inlinable @inline(__always)
    init(
        _ valueType: ValueType,
        read: @escaping (UInt64, () throws -> Store) throws -> Value,
        write: @escaping (Value, () throws -> Store) throws -> UInt64
    ) {
        self.valueType = valueType
        self.read = read
        self.write = write
    }
}

extension WasmValue {
    /// The value type it stands for.
    @inlinable public static var valueType: ValueType { wasmConversion.valueType }

    /// The value whose bits in a store are `bits`.
    @inlinable @inline(__always)
    static func fromCell(
        _ bits: UInt64, _ store: @autoclosure () throws -> Store
    ) throws -> Self {
        try wasmConversion.read(bits, store)
    }

    /// The value's bits in a store.
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

extension Optional: WasmValue where Wrapped: WasmReference {
    @inlinable
    public static var wasmConversion: WasmConversion<Wrapped?> { Wrapped.nullableConversion }
}
