public import ApusFormat

// A module's function types refer to each other by their indices in that module. An engine's refer
// to each other by the slots of its SignatureRegistry, so that types of different modules can be
// compared: `(ref $t)` of one is `(ref $u)` of another if `$t` and `$u` have the same slot.

extension HeapType {
    /// In a type that refers to itself: that type, which is still without a slot.
    static var itself: HeapType { HeapType(typeIndex: 0xFFFEFE) }
}

extension ValueType {
    /// The type index or slot of the function type that this refers to, if it names one.
    var namedType: UInt32? { isReference ? heapType.typeIndex : nil }

    /// The same, referring to `type`.
    func naming(_ type: HeapType) -> ValueType { .reference(type, nullable: isNullable) }
}

extension FunctionType {
    /// Whether a parameter or result refers to a function type by index or slot.
    var namesTypes: Bool {
        parameters.contains { $0.namedType != nil } || results.contains { $0.namedType != nil }
    }

    /// The same with what `replacement` gives for each type that is named.
    func renaming(_ replacement: (UInt32) -> HeapType) -> FunctionType {
        func rename(_ type: ValueType) -> ValueType {
            type.namedType.map { type.naming(replacement($0)) } ?? type
        }
        return FunctionType(parameters.map(rename), results.map(rename))
    }

    /// Whether a function of this type can do what is asked of one of `other`: it takes at least
    /// as much and gives nothing else. All types must be one engine's. Specification: 3.3.8.
    public func canServe(as other: FunctionType) -> Bool {
        guard parameters.count == other.parameters.count, results.count == other.results.count
        else { return false }
        return zip(other.parameters, parameters).allSatisfy { $0.matches($1) }
            && zip(results, other.results).allSatisfy { $0.matches($1) }
    }
}
