public import ApusFormat
internal import ApusRuntime

/// A Swift type that stands for one WebAssembly value type in the signatures of typed functions
/// and host functions: `Int32`, `UInt32`, `Int64`, `UInt64`, `Float`, `Double`,
/// `ExternReference?` and `Function?`.
///
/// Only the conformances in this module make sense.
public protocol WasmValue {
    /// The value type it stands for.
    static var valueType: ValueType { get }

    /// The value whose bits are `bits`, in `store`.
    static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) throws -> Self

    /// The value's bits in `store`.
    func cell(_ store: @autoclosure () throws -> Store) throws -> UInt64
}

extension Int32: WasmValue {
    public static var valueType: ValueType { .i32 }

    @inlinable @inline(__always)
    public static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) -> Int32 {
        Int32(truncatingIfNeeded: bits)
    }

    @inlinable @inline(__always)
    public func cell(_ store: @autoclosure () throws -> Store) -> UInt64 {
        UInt64(UInt32(bitPattern: self))
    }
}

extension UInt32: WasmValue {
    public static var valueType: ValueType { .i32 }

    @inlinable @inline(__always)
    public static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) -> UInt32
    {
        UInt32(truncatingIfNeeded: bits)
    }

    @inlinable @inline(__always)
    public func cell(_ store: @autoclosure () throws -> Store) -> UInt64 { UInt64(self) }
}

extension Int64: WasmValue {
    public static var valueType: ValueType { .i64 }

    @inlinable @inline(__always)
    public static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) -> Int64 {
        Int64(bitPattern: bits)
    }

    @inlinable @inline(__always)
    public func cell(_ store: @autoclosure () throws -> Store) -> UInt64 {
        UInt64(bitPattern: self)
    }
}

extension UInt64: WasmValue {
    public static var valueType: ValueType { .i64 }

    @inlinable @inline(__always)
    public static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) -> UInt64
    {
        bits
    }

    @inlinable @inline(__always)
    public func cell(_ store: @autoclosure () throws -> Store) -> UInt64 { self }
}

extension Float: WasmValue {
    public static var valueType: ValueType { .f32 }

    @inlinable @inline(__always)
    public static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) -> Float {
        Float(bitPattern: UInt32(truncatingIfNeeded: bits))
    }

    @inlinable @inline(__always)
    public func cell(_ store: @autoclosure () throws -> Store) -> UInt64 { UInt64(bitPattern) }
}

extension Double: WasmValue {
    public static var valueType: ValueType { .f64 }

    @inlinable @inline(__always)
    public static func fromCell(_ bits: UInt64, _ store: @autoclosure () throws -> Store) -> Double
    {
        Double(bitPattern: bits)
    }

    @inlinable @inline(__always)
    public func cell(_ store: @autoclosure () throws -> Store) -> UInt64 { bitPattern }
}

/// A Swift type that stands for references that are not null.
///
/// Only the conformances in this module make sense.
public protocol WasmReference {
    /// The type of such references, null among them.
    static var nullableType: ValueType { get }

    /// The reference whose bits are `bits`, in `store`; nil for null.
    static func fromReferenceCell(_ bits: UInt64, _ store: Store) throws -> Self?

    /// The reference's bits in `store`.
    func referenceCell(_ store: Store) throws -> UInt64
}

extension Optional: WasmValue where Wrapped: WasmReference {
    public static var valueType: ValueType { Wrapped.nullableType }

    public static func fromCell(
        _ bits: UInt64, _ store: @autoclosure () throws -> Store
    ) throws -> Wrapped? {
        bits == 0 ? nil : try Wrapped.fromReferenceCell(bits, store())
    }

    public func cell(_ store: @autoclosure () throws -> Store) throws -> UInt64 {
        try map { wrapped in try wrapped.referenceCell(store()) } ?? 0
    }
}
