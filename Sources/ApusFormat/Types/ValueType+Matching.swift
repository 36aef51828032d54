/// Knows the types that heap types name by an index: a module, or an engine. Equal types must have
/// equal indices.
public protocol TypeHierarchy: ~Copyable {
    /// What the type with this index is; nil if there is none.
    func kind(_ index: UInt32) -> CompositeKind?
    /// Whether the type with this index is `other`, or is declared to be a subtype of it, directly
    /// or by way of others.
    func isSubtype(_ index: UInt32, of other: UInt32) -> Bool
}

/// Subtyping. Specification: 3.3 “Matching”.
extension ValueType {
    /// Whether a value of this type may be where one of `other` is expected.
    public func matches(
        _ other: ValueType, in types: borrowing some TypeHierarchy & ~Copyable
    ) -> Bool {
        if self == other || self == .bottom { return true }
        guard isReference, other.isReference, other.isNullable || !isNullable else { return false }
        return heapType.matches(other.heapType, in: types)
    }
}

extension HeapType {
    /// Whether what this describes is among what `other` describes.
    public func matches(
        _ other: HeapType, in types: borrowing some TypeHierarchy & ~Copyable
    ) -> Bool {
        if self == other || self == .bottom { return true }
        switch (typeIndex, other.typeIndex) {
        case (let index?, let otherIndex?): return types.isSubtype(index, of: otherIndex)
        case (let index?, nil): return types.kind(index)?.top.isBelow(other) ?? false
        case (nil, let otherIndex?): return types.kind(otherIndex)?.bottom == self
        case (nil, nil): return isBelow(other)
        }
    }

    /// Whether this abstract type is `other`, which is abstract too, or below it.
    func isBelow(_ other: HeapType) -> Bool {
        if self == other { return true }
        return switch other {
        case .any: self == .eq || isBelow(.eq)
        case .eq: self == .i31 || self == .struct || self == .array || self == .none
        case .i31, .struct, .array: self == .none
        case .func: self == .nofunc
        case .extern: self == .noextern
        case .exn: self == .noexn
        default: false
        }
    }

    /// The abstract type that is above all others of this one's hierarchy; nil for the index of a
    /// type that is not among `types`.
    public func top(in types: borrowing some TypeHierarchy & ~Copyable) -> HeapType? {
        if let index = typeIndex {
            return types.kind(index).map { $0 == .function ? .func : .any }
        }
        return switch self {
        case .func, .nofunc: .func
        case .extern, .noextern: .extern
        case .exn, .noexn: .exn
        default: .any
        }
    }
}

extension FieldType {
    /// Whether a field of this type may be where one of `other` is expected: one that can be
    /// written must be of just that type.
    func matches(
        _ other: FieldType, in types: borrowing some TypeHierarchy & ~Copyable
    ) -> Bool {
        self == other
            || !isMutable && !other.isMutable && storage.matches(other.storage, in: types)
    }
}

extension FunctionType {
    /// Whether a function of this type can do what is asked of one of `other`: it takes at least
    /// as much and gives nothing else. Specification: 3.3.8.
    public func matches(
        _ other: FunctionType, in types: borrowing some TypeHierarchy & ~Copyable
    ) -> Bool {
        guard parameters.count == other.parameters.count, results.count == other.results.count
        else { return false }
        for (wanted, taken) in zip(other.parameters, parameters)
        where !wanted.matches(taken, in: types) { return false }
        for (given, wanted) in zip(results, other.results)
        where !given.matches(wanted, in: types) { return false }
        return true
    }
}
