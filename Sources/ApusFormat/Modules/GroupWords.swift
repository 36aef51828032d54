internal import ApusCollections

/// A recursion group as words: two groups are equal if they have the same words.
///
/// A reference to a type of the group is written as the type's position in the group, one to
/// another type by what its canonical form is: so groups are equal as the specification has it,
/// closed and rolled up (3.1.2 “Types”, 3.3.10). Three words for each type, its head, its supertype
/// and its number of results; then as many words as it has fields, as the head says.
public struct GroupWords: Hashable, Sendable {
    public private(set) var words: [UInt32] = []

    /// Bits of heap types that stand for positions in the group: no type index is so great.
    private static var positionBit: UInt32 { 0x80_0000 }
    private static var noSupertype: UInt32 { .max }
    /// What follows the fields' number in a head: whether the type is final, and its kind.
    private static var countShift: UInt32 { 3 }

    /// The words of nothing; `write` makes them those of a group.
    public init() {}

    /// The group with these words.
    init(_ words: ArraySlice<UInt32>) { self.words = Array(words) }

    /// The group that consists of a function type alone, whose references are canonical.
    public init(_ type: FunctionType) {
        begin(.function, isFinal: true, type.parameters.count + type.results.count)
        words.append(Self.noSupertype)
        words.append(UInt32(truncatingIfNeeded: type.results.count))
        for parameter in type.parameters { words.append(parameter.bits) }
        for result in type.results { words.append(result.bits) }
    }

    private mutating func begin(_ kind: CompositeKind, isFinal: Bool, _ fields: Int) {
        let flags = (isFinal ? 4 : 0) | UInt32(kind.rawValue)
        words.append(UInt32(truncatingIfNeeded: fields) << Self.countShift | flags)
    }

    /// Becomes the words of a group of `types`; `canonical` gives what an index of a type before
    /// the group, or of none, stands for.
    public mutating func write(
        _ group: Range<Int>, of types: ModuleTypes,
        canonical: (UInt32) -> HeapType
    ) {
        words.removeAll(keepingCapacity: true)
        func resolve(_ index: UInt32) -> HeapType {
            group.contains(Int(index))
                ? HeapType(bits: Self.positionBit | (index &- UInt32(group.lowerBound)))
                : canonical(index)
        }
        for index in group {
            let entry = types.entries[index]
            let range = types.fieldRange(index).lowerBound..<types.resultRange(index).upperBound
            begin(entry.kind, isFinal: entry.isFinal, range.count)
            words.append(
                entry.supertype == ModuleTypes.noSupertype
                    ? Self.noSupertype : resolve(entry.supertype).bits)
            words.append(entry.resultCount)
            for place in range {
                let field = types.fields[place]
                let type = field.storage
                if type.isReference, let named = type.heapType.typeIndex {
                    words.append(field.naming(resolve(named)).bits)
                } else {
                    words.append(field.bits)
                }
            }
        }
    }

    /// What a type of the group, or one that it names, is.
    public enum Named: Hashable, Sendable {
        /// The type of the group with this position.
        case member(Int)
        case other(HeapType)

        /// What `type` is, as the words of a group name it.
        public init(_ type: HeapType) {
            self =
                type.typeIndex != nil && type.bits & GroupWords.positionBit != 0
                ? .member(Int(type.bits & ~GroupWords.positionBit)) : .other(type)
        }
    }

    /// A type of the group.
    public struct Member: Sendable {
        public let kind: CompositeKind
        public let isFinal: Bool
        public let supertype: Named?
        /// Where its fields, or its parameters and results, are among the words.
        let fields: Range<Int>
        /// How many of them are a function's results.
        public let resultCount: Int
    }

    /// Calls `body` with each type, in order.
    public func forEachMember<Failure: Error>(
        _ body: (Member) throws(Failure) -> Void
    ) throws(Failure) {
        var place = 0
        while place < words.count {
            let member = member(at: place)
            try body(member)
            place = member.fields.upperBound
        }
    }

    private func member(at place: Int) -> Member {
        let head = words[place]
        let supertype = words[place + 1]
        let start = place + 3
        return Member(
            kind: CompositeKind(stored: UInt8(head & 3), or: .function), isFinal: head & 4 != 0,
            supertype: supertype == Self.noSupertype ? nil : Named(HeapType(bits: supertype)),
            fields: start..<start + Int(head >> Self.countShift),
            resultCount: Int(words[place + 2]))
    }

    /// Calls `body` with each field of a structure or an array; it names types as the group does.
    public func forEachField(of member: Member, _ body: (FieldType) -> Void) {
        for place in member.fields { body(FieldType(bits: words[place])) }
    }

    /// Calls `body` with each type outside the group that it names, as often as it does.
    public func forEachOther(_ body: (HeapType) -> Void) {
        forEachMember { member in
            if case .other(let type)? = member.supertype { body(type) }
            for place in member.fields {
                let type = FieldType(bits: words[place]).storage
                guard type.isReference, type.heapType.typeIndex != nil else { continue }
                if case .other(let heap) = Named(type.heapType) { body(heap) }
            }
        }
    }

    /// The function type that is the group's only one, with `own` where it names itself; nil if
    /// the group is another one.
    public func loneFunction(_ own: HeapType) -> FunctionType? {
        guard let head = words.first, head & 7 == 4 | UInt32(CompositeKind.function.rawValue),
            words[1] == Self.noSupertype
        else { return nil }
        let member = member(at: 0)
        guard member.fields.upperBound == words.count else { return nil }
        let types = member.fields.map { place in
            let type = FieldType(bits: words[place]).storage
            guard type.isReference, type.heapType.typeIndex != nil,
                case .member = Named(type.heapType)
            else { return type }
            return ValueType.reference(own, nullable: type.isNullable)
        }
        let parameterCount = types.count - member.resultCount
        return FunctionType(
            Array(types[..<parameterCount]), Array(types[parameterCount...]))
    }
}
