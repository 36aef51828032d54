internal import ApusABI
internal import ApusCollections
public import ApusFormat

// A module's types refer to each other by their indices in that module. An engine's refer to each
// other by number: a slot of its TypeRegistry and, above it, the kind of the type that has the
// slot. So types of different modules can be compared: `(ref $t)` of one is `(ref $u)` of another
// if `$t` and `$u` have the same number.

extension HeapType {
    /// The type of an engine with the id `id`.
    init(id: UInt32, _ kind: CompositeKind) {
        self.init(slot: id & TypeField.slotMask, kind)
    }

    /// The slot in a type's number.
    static func slot(_ number: UInt32) -> Int { Int(number & TypeField.slotMask) }
}

/// What can be told of an engine's types by their numbers alone.
public struct TypeNumbers: TypeHierarchy {
    public init() {}

    /// What the type with this number is, if there is one.
    public func kind(_ number: UInt32) -> CompositeKind? {
        HeapType(bits: number).engineKind
    }

    /// Whether both are the same. Which types are above which is for the registry to say.
    public func isSubtype(_ number: UInt32, of other: UInt32) -> Bool { number == other }
}

extension ValueType {
    /// The index or number of the type that this refers to, if it names one.
    var namedType: UInt32? { isReference ? heapType.typeIndex : nil }
}

extension FunctionType {
    /// Whether a parameter or result refers to a type by index or number.
    var namesTypes: Bool {
        parameters.contains { $0.namedType != nil } || results.contains { $0.namedType != nil }
    }
}
