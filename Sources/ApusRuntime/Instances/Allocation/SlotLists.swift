internal import ApusCollections

/// The slots of a fixed number that nobody uses: in the order in which they became free, and for
/// each module those that its instances had last.
///
/// Slots and modules are small numbers. Nothing is allocated once all modules have been seen.
struct SlotLists: ~Copyable {
    struct Entry: BitwiseCopyable {
        var older = SlotLists.none
        var newer = SlotLists.none
        /// The same among the slots of one module.
        var olderOfModule = SlotLists.none
        var newerOfModule = SlotLists.none
        var module = SlotLists.none
        /// Where it is in `dense`.
        var position: UInt32 = 0
    }

    static var none: UInt32 { .max }

    private var entries: Arena<Entry>
    private var oldest = none
    private var newest = none
    /// The newest slot of each module, by the module's number.
    private var newestOfModule = Arena<UInt32>(capacity: 16)
    /// All free slots without order, from which a random one is taken.
    private var dense: Arena<UInt32>

    /// Lists of none of `capacity` slots.
    init(capacity: Int) {
        entries = Arena(capacity: capacity)
        entries.append(repeating: Entry(), count: capacity)
        dense = Arena(capacity: capacity)
    }

    /// How many slots are free.
    var count: Int { dense.count }

    /// Adds a slot that has become free; `module`: whose instance it holds, if it does.
    mutating func append(_ slot: UInt32, module: UInt32 = none) {
        var entry = Entry()
        entry.older = newest
        entry.module = module
        entry.position = UInt32(truncatingIfNeeded: dense.count)
        dense.append(slot)
        if newest != Self.none { entries[Int(newest)].newer = slot } else { oldest = slot }
        newest = slot
        if module != Self.none {
            while newestOfModule.count <= Int(module) { newestOfModule.append(Self.none) }
            let last = newestOfModule[Int(module)]
            entry.olderOfModule = last
            if last != Self.none { entries[Int(last)].newerOfModule = slot }
            newestOfModule[Int(module)] = slot
        }
        entries[Int(slot)] = entry
    }

    /// Takes out the slot that a module's instance had last; nil if there is none.
    mutating func takeNewest(ofModule module: UInt32) -> UInt32? {
        guard Int(module) < newestOfModule.count else { return nil }
        let slot = newestOfModule[Int(module)]
        return slot == Self.none ? nil : take(slot)
    }

    /// Takes out the slot that has been free for the shortest time.
    mutating func takeNewest() -> UInt32? { newest == Self.none ? nil : take(newest) }

    /// Takes out the slot that has been free for the longest time; those never used come first.
    mutating func takeOldest() -> UInt32? { oldest == Self.none ? nil : take(oldest) }

    /// Takes out any slot, each with the same probability.
    mutating func takeRandom() -> UInt32? {
        if dense.isEmpty { return nil }
        return take(dense[Int.random(in: 0..<dense.count)])
    }

    private mutating func take(_ slot: UInt32) -> UInt32 {
        let entry = entries[Int(slot)]
        if entry.older != Self.none {
            entries[Int(entry.older)].newer = entry.newer
        } else {
            oldest = entry.newer
        }
        if entry.newer != Self.none {
            entries[Int(entry.newer)].older = entry.older
        } else {
            newest = entry.older
        }
        if entry.module != Self.none { takeFromModule(entry) }
        let last = dense[dense.count - 1]
        dense[Int(entry.position)] = last
        entries[Int(last)].position = entry.position
        dense.removeLast()
        return slot
    }

    private mutating func takeFromModule(_ entry: Entry) {
        if entry.olderOfModule != Self.none {
            entries[Int(entry.olderOfModule)].newerOfModule = entry.newerOfModule
        }
        if entry.newerOfModule != Self.none {
            entries[Int(entry.newerOfModule)].olderOfModule = entry.olderOfModule
        } else {
            newestOfModule[Int(entry.module)] = entry.olderOfModule
        }
    }
}
