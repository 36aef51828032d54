/// Subtyping. Specification: 3.3 “Matching”. Type indices must be canonical (see
/// `DecodedModule.canonicalTypes`), so that equal types have equal indices.
extension ValueType {
    /// Whether a value of this type may be where one of `other` is expected.
    public func matches(_ other: ValueType) -> Bool {
        if self == other || self == .bottom { return true }
        guard isReference, other.isReference, other.isNullable || !isNullable else { return false }
        return heapType.matches(other.heapType)
    }
}

extension HeapType {
    /// Whether what this describes is among what `other` describes. Every type of a module is a
    /// function type.
    public func matches(_ other: HeapType) -> Bool {
        self == other || self == .bottom || (other == .func && typeIndex != nil)
    }
}
