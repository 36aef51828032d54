internal import ApusFormat

/// Numbers function types: equal types have the same slot.
///
/// A hash table of its own, because a `Dictionary`'s first use takes longer than compiling a small
/// module.
struct FunctionTypeTable {
    private struct Entry {
        /// Nil: the slot is free.
        var type: FunctionType?
        var hash: Int
        /// The next slot with the same head, or the next free one; -1: none.
        var next: Int32
    }

    private var entries: [Entry] = []
    private var heads: [Int32] = Array(repeating: -1, count: 64)
    private var firstFree: Int32 = -1
    /// Types in the table.
    private(set) var count = 0

    /// One more than the highest slot that was ever given out.
    var slotCount: Int { entries.count }

    /// The type in `slot`; nil if it is free or there is no such slot.
    func type(_ slot: Int) -> FunctionType? {
        guard slot >= 0, slot < entries.count else { return nil }
        return entries[slot].type
    }

    func find(_ type: FunctionType) -> Int? {
        find(type, Self.hash(type))
    }

    /// The slot of `type`, which is added if it is not there.
    mutating func insert(_ type: FunctionType) -> (slot: Int, isNew: Bool) {
        let hash = Self.hash(type)
        if let slot = find(type, hash) { return (slot, false) }
        if count >= heads.count { spread() }
        let head = hash & (heads.count - 1)
        let entry = Entry(type: type, hash: hash, next: heads[head])
        var slot = entries.count
        if firstFree >= 0 {
            slot = Int(firstFree)
            firstFree = entries[slot].next
            entries[slot] = entry
        } else {
            entries.append(entry)
        }
        heads[head] = Int32(truncatingIfNeeded: slot)
        count += 1
        return (slot, true)
    }

    /// Forgets the type in `slot`, which may be given to another one.
    mutating func remove(_ slot: Int) {
        let head = entries[slot].hash & (heads.count - 1)
        let next = entries[slot].next
        if heads[head] == Int32(truncatingIfNeeded: slot) {
            heads[head] = next
        } else {
            var previous = Int(heads[head])
            while entries[previous].next != Int32(truncatingIfNeeded: slot) {
                previous = Int(entries[previous].next)
            }
            entries[previous].next = next
        }
        entries[slot].type = nil
        count -= 1
        entries[slot].next = firstFree
        firstFree = Int32(truncatingIfNeeded: slot)
    }

    private func find(_ type: FunctionType, _ hash: Int) -> Int? {
        var slot = Int(heads[hash & (heads.count - 1)])
        while slot >= 0 {
            if entries[slot].hash == hash, let present = entries[slot].type,
                Self.equal(present.parameters, type.parameters),
                Self.equal(present.results, type.results)
            {
                return slot
            }
            slot = Int(entries[slot].next)
        }
        return nil
    }

    private mutating func spread() {
        heads = Array(repeating: -1, count: heads.count * 4)
        for slot in entries.indices where entries[slot].type != nil {
            let head = entries[slot].hash & (heads.count - 1)
            entries[slot].next = heads[head]
            heads[head] = Int32(truncatingIfNeeded: slot)
        }
    }

    /// Seeded by the process, so that no module can choose types that collide.
    private static func hash(_ type: FunctionType) -> Int {
        var hasher = Hasher()
        hasher.combine(type.parameters.count)
        for parameter in type.parameters { hasher.combine(parameter.bits) }
        for result in type.results { hasher.combine(result.bits) }
        return hasher.finalize()
    }

    private static func equal(_ left: [ValueType], _ right: [ValueType]) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index].bits != right[index].bits { return false }
        return true
    }
}
