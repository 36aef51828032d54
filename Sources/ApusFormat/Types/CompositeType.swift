/// The type of a function: what it takes and what it gives back.
///
/// Specification: 2.3.8 “Composite Types”.
public struct FunctionType: Hashable, Sendable {
    /// The types of its parameters.
    public var parameters: [ValueType]
    /// The types of its results.
    public var results: [ValueType]

    /// The type of functions with these parameters and results.
    public init(_ parameters: [ValueType] = [], _ results: [ValueType] = []) {
        self.parameters = parameters
        self.results = results
    }
}

extension FunctionType: CustomStringConvertible {
    public var description: String {
        "[\(ValueType.list(parameters))] -> [\(ValueType.list(results))]"
    }
}

/// What sort of type a type definition defines.
public enum CompositeKind: UInt8, Hashable, Sendable, BitwiseCopyable {
    case function, structure, array

    /// The abstract type of all references to such types.
    public var top: HeapType {
        switch self {
        case .function: .func
        case .structure: .struct
        case .array: .array
        }
    }

    /// The abstract type that is below all such types.
    public var bottom: HeapType { self == .function ? .nofunc : .none }

    /// In messages: “a function type”, “a structure type”, “an array type”.
    var name: String {
        switch self {
        case .function: "a function type"
        case .structure: "a structure type"
        case .array: "an array type"
        }
    }
}

/// The type of a field of a structure or of an array's elements: a value type or a packed one, and
/// whether it can be written.
///
/// Four bytes: those of the value type, in which bit 7 is free and says that it can. Parameters and
/// results of function types are kept as fields that cannot. Specification: 2.3.8 “Field Types”.
public struct FieldType: Hashable, Sendable, BitwiseCopyable {
    public let bits: UInt32

    private static var mutableBit: UInt32 { 0x80 }

    init(bits: UInt32) { self.bits = bits }

    /// A field for values of `storage`, which may be one of the packed types.
    public init(_ storage: ValueType, isMutable: Bool = false) {
        bits = storage.bits | (isMutable ? Self.mutableBit : 0)
    }

    /// What is stored: a value type, `i8` or `i16`.
    public var storage: ValueType {
        @inline(__always) get { ValueType(bits: bits & ~Self.mutableBit) }
    }
    public var isMutable: Bool { bits & Self.mutableBit != 0 }
    /// Whether it has an integer of one or two bytes.
    public var isPacked: Bool { storage == .i8 || storage == .i16 }
    /// The type of the values that it is written and read as.
    public var unpacked: ValueType { isPacked ? .i32 : storage }

    /// The same with another heap type in its reference, if it is one.
    @inline(__always)
    func naming(_ heap: HeapType) -> FieldType { FieldType(bits: bits & 0xFF | heap.bits << 8) }
}

extension FieldType: CustomStringConvertible {
    public var description: String { isMutable ? "(mut \(storage))" : "\(storage)" }
}

/// The structure of a type. Specification: 2.3.8 “Composite Types”.
public enum CompositeType: Hashable, Sendable {
    case function(FunctionType)
    case structure([FieldType])
    case array(FieldType)

    public var kind: CompositeKind {
        switch self {
        case .function: .function
        case .structure: .structure
        case .array: .array
        }
    }
}

/// A type as a module defines it: its structure, the type it is declared to be a subtype of, and
/// whether there may be subtypes of it. Specification: 2.3.9 “Recursive Types”.
public struct SubType: Hashable, Sendable {
    public var isFinal: Bool
    /// Type index of the supertype.
    public var supertype: UInt32?
    public var composite: CompositeType

    public init(_ composite: CompositeType, isFinal: Bool = true, supertype: UInt32? = nil) {
        self.composite = composite
        self.isFinal = isFinal
        self.supertype = supertype
    }
}

extension ValueType {
    /// The most types that a list shows.
    public static var shownInList: Int { 24 }

    /// `types` one after the other, for messages: the first ones and how many there are besides.
    public static func list(_ types: [ValueType]) -> String {
        let shown = types.prefix(shownInList).map(\.description).joined(separator: " ")
        return types.count > shownInList
            ? "\(shown) … \(types.count - shownInList) more" : shown
    }
}
