internal import ApusCollections

/// Numbers recursion groups: equal groups have the same number.
///
/// A hash table of its own, because a `Dictionary`'s first use takes longer than compiling a small
/// module.
public struct GroupTable: Sendable {
    private struct Entry {
        /// Where in `words` those of the group are; of a number that is free, none.
        var start: UInt32
        var count: UInt32
        var hash: Int
        /// The next number with the same head, or the next free one; -1: none.
        var next: Int32

        var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    private var entries: [Entry] = []
    /// The words of all groups: an array for each would be most of what a module with many small
    /// types takes.
    private var words: [UInt32] = []
    /// How many of the words are those of groups that have been removed.
    private var unusedCount = 0
    private var heads: [Int32] = Array(repeating: -1, count: 64)
    private var firstFree: Int32 = -1
    /// Groups in the table.
    public private(set) var count = 0

    /// Fewer unused words are not worth moving the others.
    private static var unusedLimit: Int { 1024 }

    public init() {}

    /// One more than the highest number that was ever given out.
    public var numberCount: Int { entries.count }

    /// The group with this number, which must be in use.
    public subscript(number: Int) -> GroupWords { GroupWords(words[entries[number].range]) }

    /// The number of `group`, if it is there.
    public func find(_ group: GroupWords) -> Int? { find(group, Self.hash(group)) }

    /// The number of `group`, which is added if it is not there.
    public mutating func insert(_ group: GroupWords) -> (number: Int, isNew: Bool) {
        let hash = Self.hash(group)
        if let number = find(group, hash) { return (number, false) }
        if count >= heads.count { spread() }
        let head = hash & (heads.count - 1)
        let entry = Entry(
            start: UInt32(truncatingIfNeeded: words.count),
            count: UInt32(truncatingIfNeeded: group.words.count), hash: hash, next: heads[head])
        words.append(contentsOf: group.words)
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
        unusedCount += entries[number].range.count
        entries[number].count = 0
        count -= 1
        entries[number].next = firstFree
        firstFree = Int32(truncatingIfNeeded: number)
        if unusedCount > max(words.count / 2, entries.count, Self.unusedLimit) { compact() }
    }

    private func find(_ group: GroupWords, _ hash: Int) -> Int? {
        var number = Int(heads[hash & (heads.count - 1)])
        while number >= 0 {
            let entry = entries[number]
            if entry.hash == hash, words[entry.range].elementsEqual(group.words) { return number }
            number = Int(entry.next)
        }
        return nil
    }

    private mutating func spread() {
        heads = Array(repeating: -1, count: heads.count * 4)
        for number in entries.indices where entries[number].count > 0 {
            let head = entries[number].hash & (heads.count - 1)
            entries[number].next = heads[head]
            heads[head] = Int32(truncatingIfNeeded: number)
        }
    }

    /// Moves the words together. So many were unused that it costs no more than adding those did.
    private mutating func compact() {
        var used: [UInt32] = []
        used.reserveCapacity(words.count - unusedCount)
        for number in entries.indices where entries[number].count > 0 {
            let range = entries[number].range
            entries[number].start = UInt32(truncatingIfNeeded: used.count)
            used.append(contentsOf: words[range])
        }
        words = used
        unusedCount = 0
    }

    /// Seeded by the process, so that no module can choose types that collide.
    private static func hash(_ group: GroupWords) -> Int {
        var hasher = Hasher()
        for word in group.words { hasher.combine(word) }
        return hasher.finalize()
    }
}
