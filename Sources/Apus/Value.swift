public import ApusFormat
internal import ApusRuntime

/// A WebAssembly value of any type, for calls whose types are known only at run time.
///
/// Specification: 4.2.1 “Values”.
public enum Value {
    /// An integer of 32 bits, signed or unsigned as the guest takes it.
    case i32(Int32)
    /// An integer of 64 bits, signed or unsigned as the guest takes it.
    case i64(Int64)
    /// A floating-point number of 32 bits.
    case f32(Float)
    /// A floating-point number of 64 bits.
    case f64(Double)
    /// A vector of 128 bits.
    case v128(Vector128)
    /// A reference to a function; nil is null.
    case function(Function?)
    /// A reference to a value of the host's; nil is null.
    case external(ExternReference?)
    /// An integer of 31 bits, a structure, an array, or a value of the host that is passed as one
    /// of these may be.
    case any(AnyReference?)
    /// A reference to an exception; nil is null.
    case exception(WasmException?)

    /// The value's type; of a reference the general one, with null, whatever it refers to.
    public var type: ValueType {
        switch self {
        case .i32: .i32
        case .i64: .i64
        case .f32: .f32
        case .f64: .f64
        case .v128: .v128
        case .function: .funcref
        case .external: .externref
        case .any: .reference(.any, nullable: true)
        case .exception: .exnref
        }
    }

    /// Whether the value may be where one of `type` is expected.
    public func matches(_ type: ValueType) -> Bool {
        switch self {
        case .function(let function?): function.matches(type)
        case .function(nil): type.isNullable && ValueType.funcref.isOfSameKind(as: type)
        case .external(_?): type.isReference && type.heapType == .extern
        case .external(nil): type.isNullable && ValueType.externref.isOfSameKind(as: type)
        case .any(let reference?): reference.matches(type)
        case .any(nil):
            type.isNullable && ValueType.reference(.any, nullable: true).isOfSameKind(as: type)
        case .exception(_?): type.isReference && type.heapType == .exn
        case .exception(nil): type.isNullable && ValueType.exnref.isOfSameKind(as: type)
        case .i32, .i64, .f32, .f64, .v128: self.type == type
        }
    }

    /// Checks that there is a value for each of `types`.
    static func check(_ values: [Value], against types: [ValueType], place: String) throws {
        guard values.count == types.count, zip(values, types).allSatisfy({ $0.matches($1) })
        else { throw TypeError(expected: types, found: values.map(\.type), place: place) }
    }

    /// The value as cells of `store` hold it; the second one is used by vectors only.
    @_spi(ApusC)
    public func bits(in store: Store) throws -> (UInt64, UInt64) {
        switch self {
        case .i32(let value): (try value.cell(store), 0)
        case .i64(let value): (try value.cell(store), 0)
        case .f32(let value): (try value.cell(store), 0)
        case .f64(let value): (try value.cell(store), 0)
        case .v128(let value): (value.low, value.high)
        case .function(let value): (try value.cell(store), 0)
        case .external(let value): (try value.cell(store), 0)
        case .any(let value): (try value.cell(store), 0)
        case .exception(let value): (try value.cell(store), 0)
        }
    }

    /// The value of `type` whose cells in `store` hold `bits`.
    @_spi(ApusC)
    public init(_ bits: (UInt64, UInt64), of type: ValueType, in store: Store) throws {
        switch type {
        case .i32: self = .i32(try Int32.fromCell(bits.0, store))
        case .i64: self = .i64(try Int64.fromCell(bits.0, store))
        case .f32: self = .f32(try Float.fromCell(bits.0, store))
        case .f64: self = .f64(try Double.fromCell(bits.0, store))
        case .v128: self = .v128(Vector128(low: bits.0, high: bits.1))
        case _ where ValueType.funcref.isOfSameKind(as: type):
            self = .function(try Function?.fromCell(bits.0, store))
        case _ where ValueType.externref.isOfSameKind(as: type):
            self = .external(try ExternReference?.fromCell(bits.0, store))
        case _ where ValueType.reference(.any, nullable: true).isOfSameKind(as: type):
            self = .any(try AnyReference?.fromCell(bits.0, store))
        case _ where ValueType.exnref.isOfSameKind(as: type):
            self = .exception(try WasmException?.fromCell(bits.0, store))
        default: throw TypeError(expected: [], found: [type], place: "a value for the host")
        }
    }

    /// The null, or zero, of `type`; nil if there is none or the host has no values of that type.
    public static func zero(_ type: ValueType) -> Value? {
        switch type {
        case .i32: .i32(0)
        case .i64: .i64(0)
        case .f32: .f32(0)
        case .f64: .f64(0)
        case .v128: .v128(Vector128(low: 0, high: 0))
        case _ where !type.isNullable: nil
        case _ where ValueType.funcref.isOfSameKind(as: type): .function(nil)
        case _ where ValueType.externref.isOfSameKind(as: type): .external(nil)
        case _ where ValueType.reference(.any, nullable: true).isOfSameKind(as: type): .any(nil)
        case _ where ValueType.exnref.isOfSameKind(as: type): .exception(nil)
        default: nil
        }
    }
}

extension ValueType {
    /// Whether what both refer to is of this type, which is the most general one of its kind.
    fileprivate func isOfSameKind(as type: ValueType) -> Bool {
        type.isReference && type.heapType.matches(heapType, in: TypeNumbers())
    }
}

extension Value: CustomStringConvertible {
    public var description: String {
        switch self {
        case .i32(let value): "i32(\(value))"
        case .i64(let value): "i64(\(value))"
        case .f32(let value): "f32(\(value))"
        case .f64(let value): "f64(\(value))"
        case .v128(let value): "v128(\(value))"
        case .function(let value): value == nil ? "null funcref" : "funcref"
        case .external(let value): value == nil ? "null externref" : "externref"
        case .any(let value): value.map { "\($0)" } ?? "null anyref"
        case .exception(let value): value == nil ? "null exnref" : "exnref"
        }
    }
}

/// Values as they lie in cells of 8 bytes, one after the other; a v128 takes two cells.
extension Value {
    /// The cells of `values`.
    static func cells(_ values: [Value], in store: Store) throws -> [UInt64] {
        var cells: [UInt64] = []
        for value in values {
            let bits = try value.bits(in: store)
            cells.append(bits.0)
            if case .v128 = value { cells.append(bits.1) }
        }
        return cells
    }

    /// The values of `types` that lie in cells, which `cell` reads.
    static func values(
        of types: [ValueType], in store: Store, cell: (Int) -> UInt64
    ) throws -> [Value] {
        var next = 0
        return try types.map { type in
            let isVector = type == .v128
            defer { next += isVector ? 2 : 1 }
            return try Value((cell(next), isVector ? cell(next + 1) : 0), of: type, in: store)
        }
    }
}
