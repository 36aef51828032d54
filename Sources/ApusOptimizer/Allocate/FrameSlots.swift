internal import ApusCollections

// Consumes: an Allocation and the liveness it was made with. Consumed by: emission.

/// Gives frame slots to the values that are written to the frame. Two of them share a slot if never
/// both are needed; parameters of blocks, which are written on the ways into their blocks, have
/// slots of their own.
struct FrameSlots: ~Copyable {
    /// Of each value that is written to the frame, its slot among those of its size.
    private(set) var slots = Arena<UInt32>(capacity: 1024)
    /// How many slots there are of 8 bytes, and of 16.
    private(set) var narrowCount = 0
    private(set) var wideCount = 0

    private var narrow = SlotSet()
    private var wide = SlotSet()
    /// Of each value, the last block behind which it was found to be needed, plus 1.
    private var neededBehind = Arena<UInt32>(capacity: 1024)
    /// Of each value, the place of the last instruction in the block at hand that uses it.
    private var lastUses = Arena<UInt32>(capacity: 1024)

    private static var none: UInt32 { .max }

    init() {}

    mutating func assign(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ liveness: borrowing Liveness
    ) {
        let count = function.registers.count
        slots.refill(Self.none, count: count)
        narrowCount = 0
        wideCount = 0
        if !Self.hasSpills(allocation) { return }
        neededBehind.refill(0, count: count)
        lastUses.refill(Self.none, count: count)
        narrow.begin()
        wide.begin()
        for number in 0..<function.blocks.count { placeParameters(number, function, allocation) }
        for number in 0..<function.blocks.count {
            enter(number, function, allocation, liveness)
            for place in function.blocks[number].instructions {
                pass(place, number, function, allocation)
            }
        }
        narrowCount = narrow.count
        wideCount = wide.count
    }

    private static func hasSpills(_ allocation: borrowing Allocation) -> Bool {
        for value in 0..<allocation.isSpilled.count where allocation.isSpilled[value] {
            return true
        }
        return false
    }

    private mutating func placeParameters(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) {
        for place in function.blocks[number].parameters {
            let value = Int(function.names[place])
            guard allocation.isSpilled[value] else { continue }
            slots[value] =
                function.registers[value].bytes == 16 ? wide.reserve() : narrow.reserve()
        }
    }

    /// Takes the slots of what `number` needs, and finds out what is needed behind it.
    private mutating func enter(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ liveness: borrowing Liveness
    ) {
        narrow.clear()
        wide.clear()
        for place in liveness.range(number) {
            let value = liveness.entries[place].value.index
            if slots[value] != Self.none { take(value, function) }
        }
        let block = function.blocks[number]
        let stamp = UInt32(truncatingIfNeeded: number &+ 1)
        for place in block.successors {
            let successor = Int(function.names[place])
            for entry in liveness.range(successor) {
                neededBehind[liveness.entries[entry].value.index] = stamp
            }
            for index in 0..<function.blocks[successor].parameterCount {
                neededBehind[Int(function.names[Int(block.argumentStart &+ index)])] = stamp
            }
        }
        for place in block.instructions {
            for use in function.instructions[place].uses {
                let value = function.operands[use].value.index
                if allocation.isSpilled[value] {
                    lastUses[value] = UInt32(truncatingIfNeeded: place)
                }
            }
        }
    }

    /// Frees what is used for the last time, then gives slots to results.
    private mutating func pass(
        _ place: Int, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation
    ) {
        let instruction = function.instructions[place]
        let stamp = UInt32(truncatingIfNeeded: number &+ 1)
        for use in instruction.uses {
            let value = function.operands[use].value.index
            if allocation.isSpilled[value], neededBehind[value] != stamp,
                lastUses[value] == UInt32(truncatingIfNeeded: place)
            {
                free(value, function)
            }
        }
        for definition in instruction.definitions {
            let value = function.operands[definition].value.index
            guard allocation.isSpilled[value] else { continue }
            slots[value] =
                function.registers[value].bytes == 16 ? wide.takeFree() : narrow.takeFree()
        }
        for definition in instruction.definitions {
            let value = function.operands[definition].value.index
            guard allocation.isSpilled[value], neededBehind[value] != stamp else { continue }
            let last = lastUses[value]
            // Nobody reads it.
            if last == Self.none || last < UInt32(truncatingIfNeeded: place) {
                free(value, function)
            }
        }
    }

    private mutating func take(_ value: Int, _ function: borrowing MachineFunction) {
        if function.registers[value].bytes == 16 {
            wide.take(slots[value])
        } else {
            narrow.take(slots[value])
        }
    }

    private mutating func free(_ value: Int, _ function: borrowing MachineFunction) {
        guard slots[value] != Self.none else { return }
        if function.registers[value].bytes == 16 {
            wide.free(slots[value])
        } else {
            narrow.free(slots[value])
        }
    }
}

/// Slots of one size, of which some are taken.
struct SlotSet: ~Copyable {
    private var words = Arena<UInt64>(capacity: 16)
    /// Words that are not 0, and some that are.
    private var touched = Arena<UInt32>(capacity: 16)
    /// Words before this one are full.
    private var firstWord = 0
    /// Slots that are never free.
    private var reservedCount: UInt32 = 0
    private(set) var count = 0

    init() {}

    mutating func begin() {
        clear()
        reservedCount = 0
        count = 0
    }

    /// A slot that is never given to anybody else.
    mutating func reserve() -> UInt32 {
        defer { reservedCount &+= 1 }
        count = max(count, Int(reservedCount) &+ 1)
        return reservedCount
    }

    /// Makes all slots free but the reserved ones.
    mutating func clear() {
        for place in 0..<touched.count { words[Int(touched[place])] = 0 }
        touched.removeAll()
        firstWord = 0
    }

    private mutating func set(_ place: Int) {
        let word = place / 64
        while words.count <= word { words.append(0) }
        if words[word] == 0 { touched.append(UInt32(truncatingIfNeeded: word)) }
        words[word] |= 1 &<< UInt64(place & 63)
    }

    mutating func take(_ slot: UInt32) {
        guard slot >= reservedCount else { return }
        set(Int(slot &- reservedCount))
    }

    mutating func free(_ slot: UInt32) {
        guard slot >= reservedCount else { return }
        let place = Int(slot &- reservedCount)
        if place / 64 >= words.count { return }
        words[place / 64] &= ~(1 &<< UInt64(place & 63))
        firstWord = min(firstWord, place / 64)
    }

    /// Takes the first slot that is free.
    mutating func takeFree() -> UInt32 {
        while firstWord < words.count, words[firstWord] == .max { firstWord &+= 1 }
        let bit = firstWord < words.count ? (~words[firstWord]).trailingZeroBitCount : 0
        set(firstWord &* 64 &+ bit)
        let slot = UInt32(truncatingIfNeeded: firstWord &* 64 &+ bit) &+ reservedCount
        count = max(count, Int(slot) &+ 1)
        return slot
    }
}
