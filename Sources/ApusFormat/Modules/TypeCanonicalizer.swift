/// Finds which of a module's types are equal. Specification: 3.3.10 and 4.2.1, for types that are
/// recursive at most with themselves.
enum TypeCanonicalizer {
    /// Stands for a type's reference to itself. No type has this index.
    private static var itself: UInt32 { 0xFFFEFE }

    /// For each type the lowest index of one equal to it.
    static func canonicalIndices(_ types: [FunctionType]) -> [UInt32] {
        var indices: [UInt32] = []
        indices.reserveCapacity(types.count)
        var first = [FunctionType: UInt32](minimumCapacity: types.count)
        for type in types {
            let own = UInt32(truncatingIfNeeded: indices.count)
            let key = FunctionType(
                resolve(type.parameters, own, indices), resolve(type.results, own, indices))
            if let equal = first[key] {
                indices.append(equal)
            } else {
                first[key] = own
                indices.append(own)
            }
        }
        return indices
    }

    /// A reference to a later type is not valid, and stays what it is.
    private static func resolve(
        _ types: [ValueType], _ own: UInt32, _ indices: [UInt32]
    ) -> [ValueType] {
        guard types.contains(where: { $0.isReference && $0.heapType.typeIndex != nil }) else {
            return types
        }
        return types.map { type in
            guard type.isReference, let index = type.heapType.typeIndex else { return type }
            let target =
                index == own ? itself : Int(index) < indices.count ? indices[Int(index)] : index
            return .reference(HeapType(typeIndex: target), nullable: type.isNullable)
        }
    }
}
