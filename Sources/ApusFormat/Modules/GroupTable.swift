/// Numbers recursion groups: equal groups have the same number.
///
/// A hash table of its own, because a `Dictionary`'s first use takes longer than compiling a small
/// module.
public struct GroupTable: Sendable {
    private struct Entry {
        /// Nothing: the number is free.
        var group = GroupWords()
        var hash: Int
        /// The next number with the same head, or the next free one; -1: none.
        var next: Int32
    }

    private var entries: [Entry] = []
    private var heads: [Int32] = Array(repeating: -1, count: 64)
    private var firstFree: Int32 = -1
    /// Groups in the table.
    public private(set) var count = 0

    public init() {}

    /// One more than the highest number that was ever given out.
    public var numberCount: Int { entries.count }

    /// The group with this number, which must be in use.
    public subscript(number: Int) -> GroupWords { entries[number].group }

    /// The number of `group`, if it is there.
    public func find(_ group: GroupWords) -> Int? { find(group, Self.hash(group)) }

    /// The number of `group`, which is added if it is not there.
    public mutating func insert(_ group: GroupWords) -> (number: Int, isNew: Bool) {
        let hash = Self.hash(group)
        if let number = find(group, hash) { return (number, false) }
        if count >= heads.count { spread() }
        let head = hash & (heads.count - 1)
        let entry = Entry(group: group, hash: hash, next: heads[head])
        var number = entries.count
        if firstFree >= 0 {
            number = Int(firstFree)
            firstFree = entries[number].next
            entries[number] = entry
        } else {
            entries.append(entry)
        }
        heads[head] = Int32(truncatingIfNeeded: number)
        count += 1
        return (number, true)
    }

    /// Forgets the group with this number, which may be given to another one.
    public mutating func remove(_ number: Int) {
        let head = entries[number].hash & (heads.count - 1)
        let next = entries[number].next
        if heads[head] == Int32(truncatingIfNeeded: number) {
            heads[head] = next
        } else {
            var previous = Int(heads[head])
            while entries[previous].next != Int32(truncatingIfNeeded: number) {
                previous = Int(entries[previous].next)
            }
            entries[previous].next = next
        }
        entries[number].group = GroupWords()
        count -= 1
        entries[number].next = firstFree
        firstFree = Int32(truncatingIfNeeded: number)
    }

    private func find(_ group: GroupWords, _ hash: Int) -> Int? {
        var number = Int(heads[hash & (heads.count - 1)])
        while number >= 0 {
            if entries[number].hash == hash, entries[number].group.words == group.words {
                return number
            }
            number = Int(entries[number].next)
        }
        return nil
    }

    private mutating func spread() {
        heads = Array(repeating: -1, count: heads.count * 4)
        for number in entries.indices where !entries[number].group.words.isEmpty {
            let head = entries[number].hash & (heads.count - 1)
            entries[number].next = heads[head]
            heads[head] = Int32(truncatingIfNeeded: number)
        }
    }

    /// Seeded by the process, so that no module can choose types that collide.
    private static func hash(_ group: GroupWords) -> Int {
        var hasher = Hasher()
        for word in group.words { hasher.combine(word) }
        return hasher.finalize()
    }
}
