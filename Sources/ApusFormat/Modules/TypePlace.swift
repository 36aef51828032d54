internal import ApusCollections

/// Where a type of a module stands among the others: which it equals, and which are above it.
public struct TypePlace: Hashable, Sendable, BitwiseCopyable {
    /// The lowest index of a type that is equal.
    public var canonical: UInt32
    /// The canonical index of its supertype; its own if it has none.
    var parent: UInt32
    /// The canonical index of a type further above, from which it is not far to any other: with
    /// these, that one at a certain depth is found in a time logarithmic in the depth.
    var jump: UInt32
    /// How many supertypes are above it.
    public var depth: UInt32
    public var kind: CompositeKind
    public var isFinal: Bool
    /// Whether all fields of a structure, or the elements of an array, have a default value.
    var hasDefaults: Bool

    /// Whether the type with the canonical index `index` is `other` or below it. `place` gives the
    /// places of canonical indices.
    @inline(__always)
    static func isSubtype(
        _ index: UInt32, of other: UInt32, _ place: (UInt32) -> TypePlace
    ) -> Bool {
        let depth = place(other).depth
        var index = index
        var here = place(index)
        while here.depth > depth {
            index = place(here.jump).depth >= depth ? here.jump : here.parent
            here = place(index)
        }
        return index == other
    }

    /// The places of all `types`. Supertypes that are not valid, for they do not come before, are
    /// left out.
    static func places(of types: ModuleTypes) -> [TypePlace] {
        var places: [TypePlace] = []
        places.reserveCapacity(types.count)
        var groups = GroupTable()
        var firsts: [Int] = []
        var words = GroupWords()
        for number in 0..<types.groupCount {
            let group = types.group(number)
            words.write(group, of: types) { index in
                HeapType(
                    typeIndex: Int(index) < places.count ? places[Int(index)].canonical : index)
            }
            let (found, isNew) = groups.insert(words)
            if isNew { firsts.append(group.lowerBound) }
            for index in group {
                let canonical = firsts[found] + index - group.lowerBound
                places.append(place(of: index, as: canonical, types, places))
            }
        }
        return places
    }

    private static func place(
        of index: Int, as canonical: Int, _ types: ModuleTypes, _ places: [TypePlace]
    ) -> TypePlace {
        if canonical < index { return places[canonical] }
        let entry = types.entries[index]
        let own = UInt32(truncatingIfNeeded: index)
        var place = TypePlace(
            canonical: own, parent: own, jump: own, depth: 0, kind: entry.kind,
            isFinal: entry.isFinal,
            hasDefaults: entry.kind != .function
                && types.fields[types.fieldRange(index)].allSatisfy(\.storage.isDefaultable))
        guard Int(entry.supertype) < index else { return place }
        let parent = places[Int(entry.supertype)]
        let first = places[Int(parent.jump)]
        let second = places[Int(first.jump)]
        place.parent = parent.canonical
        place.depth = parent.depth &+ 1
        place.jump =
            parent.depth &- first.depth == first.depth &- second.depth
            ? first.jump : parent.canonical
        return place
    }
}
