internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// What the heap has to know of a type: how large its objects are, and where references are in
/// them.
struct ObjectShape {
    /// Of a structure, all of it; of an array, an element.
    private(set) var bytes: UInt32 = 0
    private(set) var tracing = apus_tracing_none
    /// Of a structure, a bit for each word of 8 bytes.
    private(set) var references: [UInt64] = []

    /// Of a function type, which has no objects.
    init() {}

    /// Of a type of a group whose references are an engine's.
    init(_ member: GroupWords.Member, of words: GroupWords, _ kinds: [CompositeKind]) {
        if member.kind == .function { return }
        var end = ObjectLayout.headerBytes
        var places: [Int] = []
        words.forEachField(of: member) { field in
            let offset = ObjectLayout.offset(of: field.storage, after: end)
            end = offset + ObjectLayout.bytes(of: field.storage)
            if Self.isTraced(field.storage, kinds) { places.append(offset / 8) }
        }
        if member.kind == .array {
            bytes = UInt32(truncatingIfNeeded: end - ObjectLayout.headerBytes)
            tracing = places.isEmpty ? apus_tracing_none : apus_tracing_elements
            return
        }
        let size = ObjectLayout.objectBytes(end)
        bytes = UInt32(truncatingIfNeeded: size)
        if places.isEmpty { return }
        references = Array(repeating: 0, count: (size / 8 + 63) / 64)
        for place in places { references[place / 64] |= 1 << UInt64(place % 64) }
        tracing = references.count == 1 ? apus_tracing_near : apus_tracing_far
    }

    /// Whether a collection follows a field of a group with types of these `kinds`.
    private static func isTraced(_ storage: ValueType, _ kinds: [CompositeKind]) -> Bool {
        guard storage.isReference, storage.heapType.typeIndex != nil,
            case .member(let position) = GroupWords.Named(storage.heapType)
        else { return storage.isTraced }
        return kinds[position] != .function
    }
}
