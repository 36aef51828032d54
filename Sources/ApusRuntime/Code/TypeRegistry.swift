internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import ApusLocks
internal import CApusHost

/// Gives each type an id that is the same in all modules of an engine, and knows which types are
/// above which. Safe to use from many threads; whoever only asks takes no lock.
///
/// Types come and go in recursion groups. A group is in use as long as somebody has the id of one
/// of its types, or another group that is in use names one.
///
/// An id is given out again at the earliest when others have had its slot two thousand times; by
/// then nobody has it, since whoever has an id keeps its type.
public final class TypeRegistry: Sendable {
    private struct Group {
        /// How often one of its types is in use.
        var uses = 0
        /// The slot of its first type.
        var firstSlot: UInt32 = 0
    }

    private struct Slot {
        var group: UInt32 = 0
        /// The slot of the next type of the group, or the next free one; 0: none.
        var next: UInt32 = 0
        /// How many types had the slot before.
        var generation: UInt32 = 0
    }

    private struct State {
        var table = GroupTable()
        /// By their numbers in `table`.
        var groups: [Group] = []
        /// No type has the first one.
        var slots = [Slot()]
        var firstFree: UInt32 = 0
        /// Types that are in use.
        var count = 0
    }

    /// An id is a slot, which is not 0, and above it the slot's generation.
    private static var generationLimit: UInt32 { 1 << (32 - TypeField.slotBits) - 1 }

    private let records: TypeRecords
    private let state = SystemMutex(State())
    /// Slots that may be given out are below this.
    private let slotLimit: Int

    /// A registry without types, with room for two million.
    public convenience init() throws(ResourceError) {
        try self.init(slotLimit: TypeRecords.slotLimit)
    }

    /// One with less room.
    init(slotLimit: Int) throws(ResourceError) {
        self.slotLimit = min(slotLimit, TypeRecords.slotLimit)
        records = try TypeRecords()
    }

    // MARK: Acquiring

    /// The id of a final type without supertype, a group of its own, which stays valid until it has
    /// been released as often as it was acquired. Types that `type` names are the engine's.
    public func acquire(_ type: FunctionType) throws(ResourceError) -> UInt32 {
        try state.withLock { state throws(ResourceError) in
            var ids: [UInt32] = []
            var group = GroupWords(type)
            if type.namesTypes {
                for named in (type.parameters + type.results).compactMap(\.namedType) {
                    guard let known = number(named, state) else {
                        throw ResourceError(.foreignType, requested: UInt64(named))
                    }
                    // As its own functions show it, a type that names itself names its number.
                    let words = state.table[known]
                    if words.loneFunction(HeapType(typeIndex: named)) == type { group = words }
                }
            }
            try acquire(group, &state, &ids)
            return ids[0]
        }
    }

    /// The ids of a module's `types`, which are valid, each acquired once, in order.
    public func acquire(_ types: ModuleTypes) throws(ResourceError) -> [UInt32] {
        try state.withLock { state throws(ResourceError) in
            var ids: [UInt32] = []
            ids.reserveCapacity(types.count)
            var words = GroupWords()
            do throws(ResourceError) {
                for number in 0..<types.groupCount {
                    words.write(types.group(number), of: types) { index in
                        HeapType(id: ids[Int(index)], types.kind(Int(index)))
                    }
                    try acquire(words, &state, &ids)
                }
            } catch {
                for id in ids { release(id, &state) }
                throw error
            }
            return ids
        }
    }

    /// Acquires each type of a group, and adds their ids to `ids`.
    private func acquire(
        _ words: GroupWords, _ state: inout State, _ ids: inout [UInt32]
    ) throws(ResourceError) {
        let (number, isNew) = state.table.insert(words)
        if isNew {
            while state.groups.count <= number { state.groups.append(Group()) }
            do throws(ResourceError) {
                try makeTypes(number, words, &state)
            } catch {
                state.table.remove(number)
                throw error
            }
            words.forEachOther { type in
                let slot = HeapType.slot(type.bits)
                state.groups[Int(state.slots[slot].group)].uses += 1
            }
        }
        var slot = state.groups[number].firstSlot
        while slot != 0 {
            ids.append(Self.id(slot, state))
            state.groups[number].uses += 1
            slot = state.slots[Int(slot)].next
        }
    }

    /// Gives each type of a new group a slot and a record.
    private func makeTypes(
        _ number: Int, _ words: GroupWords, _ state: inout State
    ) throws(ResourceError) {
        var own: [UInt32] = []
        var kinds: [CompositeKind] = []
        words.forEachMember { kinds.append($0.kind) }
        do throws(ResourceError) {
            try words.forEachMember { member throws(ResourceError) in
                let slot = try takeSlot(&state)
                own.append(slot)
                let parent: Int? =
                    switch member.supertype {
                    case .member(let position)?: Int(own[position])
                    case .other(let type)?: HeapType.slot(type.bits)
                    case nil: nil
                    }
                try records.write(
                    Int(slot), id: Self.id(slot, state), member.kind, isFinal: member.isFinal,
                    parent: parent, ObjectShape(member, of: words, kinds))
            }
        } catch {
            for slot in own { giveBack(slot, &state) }
            throw error
        }
        state.count += own.count
        state.groups[number] = Group(uses: 0, firstSlot: own.first ?? 0)
        for (position, slot) in own.enumerated() {
            state.slots[Int(slot)].group = UInt32(truncatingIfNeeded: number)
            state.slots[Int(slot)].next = position + 1 < own.count ? own[position + 1] : 0
        }
    }

    private func takeSlot(_ state: inout State) throws(ResourceError) -> UInt32 {
        let free = state.firstFree
        if free != 0 {
            state.firstFree = state.slots[Int(free)].next
            return free
        }
        let slot = state.slots.count
        guard slot < slotLimit else {
            throw ResourceError(
                .signature, requested: UInt64(slot), limit: UInt64(slotLimit) - 1)
        }
        try records.makeRoom(for: slot)
        state.slots.append(Slot())
        return UInt32(truncatingIfNeeded: slot)
    }

    private func giveBack(_ slot: UInt32, _ state: inout State) {
        records.clear(Int(slot))
        let generation = state.slots[Int(slot)].generation
        state.slots[Int(slot)] = Slot(
            next: state.firstFree,
            generation: generation < Self.generationLimit ? generation + 1 : 0)
        state.firstFree = slot
    }

    private static func id(_ slot: UInt32, _ state: borrowing State) -> UInt32 {
        state.slots[Int(slot)].generation << TypeField.slotBits | slot
    }

    // MARK: Releasing

    /// Gives back one acquisition of each of `ids`.
    public func release(_ ids: [UInt32]) {
        state.withLock { state in
            for id in ids { release(id, &state) }
        }
    }

    private func release(_ id: UInt32, _ state: inout State) {
        let slot = Int(id & TypeField.slotMask)
        if records.id(slot) == id { release(group: Int(state.slots[slot].group), &state) }
    }

    private func release(group: Int, _ state: inout State) {
        // Chains of groups that name each other can be long: no recursion.
        var pending = [group]
        while let number = pending.popLast() {
            state.groups[number].uses -= 1
            if state.groups[number].uses > 0 { continue }
            state.table[number].forEachOther { type in
                pending.append(Int(state.slots[HeapType.slot(type.bits)].group))
            }
            state.table.remove(number)
            var slot = state.groups[number].firstSlot
            while slot != 0 {
                let next = state.slots[Int(slot)].next
                giveBack(slot, &state)
                state.count -= 1
                slot = next
            }
        }
    }

    /// Keeps the type that `type` names, if it names one, until it is released. Returns false if it
    /// is not in use.
    func retain(_ type: ValueType) -> Bool {
        guard let named = type.namedType else { return true }
        return state.withLock { state in
            guard let number = number(named, state) else { return false }
            state.groups[number].uses += 1
            return true
        }
    }

    /// Ends what `retain` began.
    func release(_ type: ValueType) {
        guard let named = type.namedType else { return }
        state.withLock { state in
            if let number = number(named, state) { release(group: number, &state) }
        }
    }

    /// The number of the group of a type, if it is in use.
    private func number(_ named: UInt32, _ state: borrowing State) -> Int? {
        kind(named) == nil ? nil : Int(state.slots[HeapType.slot(named)].group)
    }

    /// How many types are in use.
    public var count: Int { state.withLock { state in state.count } }

    // MARK: Asking

    /// Whether the type with the id `id` is that with the id `other`, or below it. Both must be in
    /// use.
    public func isSubtype(id: UInt32, of other: UInt32) -> Bool {
        if id == other { return true }
        let depth = records.depth(Int(other & TypeField.slotMask))
        return records.supertype(of: Int(id & TypeField.slotMask), at: depth) == other
    }

    /// The id of the engine's type with this number; 0 if there is none.
    func id(_ number: UInt32) -> UInt32 { records.id(HeapType.slot(number)) }

    /// The fields of a structure or an array of the engine, by number; nil if there is none.
    func fields(_ number: UInt32) -> [FieldType]? {
        switch composite(number) {
        case .structure(let fields): fields
        case .array(let element): [element]
        case .function, nil: nil
        }
    }

    /// What the engine's type with this number is made of; nil if there is none, or its group is
    /// larger than `limit`, which is how many words are looked at.
    func composite(_ number: UInt32, limit: Int = .max) -> CompositeType? {
        state.withLock { state in
            guard let group = self.number(number, state) else { return nil }
            let words = state.table[group]
            if words.words.count > limit { return nil }
            var members: [(slot: UInt32, member: GroupWords.Member)] = []
            var slot = state.groups[group].firstSlot
            words.forEachMember { member in
                members.append((slot, member))
                slot = state.slots[Int(slot)].next
            }
            let wanted = HeapType.slot(number)
            guard let own = members.first(where: { $0.slot == wanted })?.member else { return nil }
            var fields: [FieldType] = []
            words.forEachField(of: own) { field in
                let type = field.storage
                guard type.isReference, type.heapType.typeIndex != nil,
                    case .member(let place) = GroupWords.Named(type.heapType)
                else { return fields.append(field) }
                let named = HeapType(
                    id: Self.id(members[place].slot, state), members[place].member.kind)
                fields.append(
                    FieldType(
                        .reference(named, nullable: type.isNullable), isMutable: field.isMutable))
            }
            switch own.kind {
            case .structure: return .structure(fields)
            case .array: return fields.first.map { .array($0) }
            case .function:
                let types = fields.map(\.storage)
                let results = types.suffix(own.resultCount)
                return .function(
                    FunctionType(Array(types.dropLast(results.count)), Array(results)))
            }
        }
    }

    // SAFETY: who passes this on keeps the engine, and with it the records.
    /// The records of the types, for compiled code.
    var recordStart: UnsafePointer<apus_type> { unsafe records.start }
}

extension TypeRegistry: TypeHierarchy {
    /// What the engine's type with this number is; nil if there is none.
    public func kind(_ number: UInt32) -> CompositeKind? {
        let slot = HeapType.slot(number)
        guard let kind = TypeNumbers().kind(number), records.id(slot) != 0,
            records.kind(slot) == kind
        else { return nil }
        return kind
    }

    /// Whether one of the engine's types is another or below it, both by number.
    public func isSubtype(_ number: UInt32, of other: UInt32) -> Bool {
        let wanted = records.id(HeapType.slot(other))
        return wanted != 0
            && records.supertype(
                of: HeapType.slot(number), at: records.depth(HeapType.slot(other))) == wanted
    }
}
