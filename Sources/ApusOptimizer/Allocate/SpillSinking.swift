internal import ApusABI
internal import ApusCollections

// Consumes: an Allocation. Consumed by: emission.

/// Moves stores to the frame out of loops.
///
/// A value that is spilled is stored where it is made. If that is in a loop, and the frame is only
/// read behind it, it is enough to store the value on the ways out, of which there is a block each.
struct SpillSinking: ~Copyable {
    /// A value to be stored at the start of a block.
    struct Store: BitwiseCopyable {
        var block: UInt32
        var value: VirtualRegister
        var register: PhysicalRegister
    }

    /// Of each value, whether it is not stored where it is made.
    private(set) var isSunk = Arena<Bool>(capacity: 1024)
    /// By block.
    private(set) var stores = Arena<Store>(capacity: 32)
    /// Of each block, the first of its stores, and one past the last block's.
    private(set) var starts = Arena<UInt32>(capacity: 128)

    /// Of each value, the header of the innermost loop in which it is made.
    private var loops = Arena<UInt32>(capacity: 1024)
    private var candidates = Arena<VirtualRegister>(capacity: 64)
    private var isReadInside = Arena<Bool>(capacity: 1024)
    private var exits = Arena<Exit>(capacity: 32)
    private var unsorted = Arena<Store>(capacity: 32)
    private var nesting = MachineLoops()
    /// How many steps have been taken to find out where to store.
    private var work = 0

    /// A way out of a loop.
    struct Exit: BitwiseCopyable {
        var header: UInt32
        var block: UInt32
    }

    /// After so many steps what is left is not moved.
    private static var workLimit: Int { 1_000_000 }

    init() {}

    mutating func run(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ liveness: borrowing Liveness
    ) {
        let count = function.registers.count
        isSunk.refill(false, count: count)
        unsorted.removeAll()
        findCandidates(function, allocation)
        nesting.compute(function)
        work = 0
        if !candidates.isEmpty, findExits(function) {
            findReads(function, allocation)
            for index in 0..<candidates.count {
                // Each candidate looks at all exits.
                work &+= exits.count
                if work > Self.workLimit { break }
                sink(candidates[index], function, allocation, liveness)
            }
        }
        sortStores(function.blocks.count)
    }

    /// Values that are stored in a loop.
    private mutating func findCandidates(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) {
        candidates.removeAll()
        loops.refill(MachineBlock.noBlock, count: function.registers.count)
        for number in 0..<function.blocks.count {
            let block = function.blocks[number]
            guard block.loop != MachineBlock.noBlock else { continue }
            for place in block.parameters {
                add(VirtualRegister(function.names[place]), block.loop, allocation)
            }
            for place in block.instructions {
                for definition in function.instructions[place].definitions {
                    add(function.operands[definition].value, block.loop, allocation)
                }
            }
        }
    }

    private mutating func add(
        _ value: VirtualRegister, _ loop: UInt32, _ allocation: borrowing Allocation
    ) {
        guard allocation.isSpilled[value.index] else { return }
        loops[value.index] = loop
        candidates.append(value)
    }

    /// Notes which candidates are read from the frame in their loops.
    private mutating func findReads(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) {
        isReadInside.refill(false, count: function.registers.count)
        for number in 0..<function.blocks.count {
            for place in Int(allocation.starts[number])..<Int(allocation.ends[number]) {
                note(allocation.steps[place], number, function)
            }
            for place in Int(allocation.edgeStarts[number])..<Int(allocation.edgeEnds[number]) {
                note(allocation.steps[place], number, function)
            }
            // A parameter that arrives in the frame is written on the ways into its block.
            for place in function.blocks[number].parameters {
                let value = VirtualRegister(function.names[place])
                if allocation.isSpilled[value.index],
                    allocation.registerAtEntry(number, of: value).isNone
                {
                    isReadInside[value.index] = true
                }
            }
        }
    }

    private mutating func note(_ step: Step, _ number: Int, _ function: borrowing MachineFunction) {
        switch step.kind {
        case .load, .copy, .push: noteRead(Int(step.index), number, function)
        case .instruction:
            for place in function.instructions[Int(step.index)].uses
            where function.operands[place].assigned == .inFrame {
                noteRead(function.operands[place].value.index, number, function)
            }
        case .move, .exchange, .store, .make, .makeInFrame, .pop, .popToFrame: break
        }
    }

    private mutating func noteRead(
        _ value: Int, _ number: Int, _ function: borrowing MachineFunction
    ) {
        let loop = loops[value]
        if loop != MachineBlock.noBlock, nesting.contains(loop, number, function) {
            isReadInside[value] = true
        }
    }

    /// False if there are too many.
    private mutating func findExits(_ function: borrowing MachineFunction) -> Bool {
        exits.removeAll()
        for number in 0..<function.blocks.count {
            let block = function.blocks[number]
            for place in block.successors {
                let successor = function.names[place]
                var loop = block.loop
                while loop != MachineBlock.noBlock,
                    !nesting.contains(loop, Int(successor), function)
                {
                    exits.append(Exit(header: loop, block: successor))
                    loop = function.blocks[Int(loop)].outerLoop
                }
                if exits.count > Self.workLimit { return false }
            }
        }
        return true
    }

    /// Stores `value` on the ways out of its loop, if it is in a register on each that needs it.
    private mutating func sink(
        _ value: VirtualRegister, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation, _ liveness: borrowing Liveness
    ) {
        if isReadInside[value.index] { return }
        let first = unsorted.count
        for index in 0..<exits.count where exits[index].header == loops[value.index] {
            let block = exits[index].block
            guard isNeeded(value, Int(block), liveness) else { continue }
            let register = allocation.registerAtEntry(Int(block), of: value)
            let hasOneWayIn = function.blocks[Int(block)].parameterCount == 0
            if register.isNone || !hasOneWayIn {
                unsorted.truncate(to: first)
                return
            }
            if unsorted.count > first, unsorted.last.block == block { continue }
            unsorted.append(Store(block: block, value: value, register: register))
        }
        isSunk[value.index] = true
    }

    private mutating func isNeeded(
        _ value: VirtualRegister, _ block: Int, _ liveness: borrowing Liveness
    ) -> Bool {
        work &+= liveness.range(block).count
        for place in liveness.range(block) where liveness.entries[place].value == value {
            return true
        }
        return false
    }

    /// Whether `value` need not be in its slot where `block` begins: the ways out of its loop are
    /// still ahead, or the block is one.
    func isPending(
        _ value: VirtualRegister, at block: Int, _ function: borrowing MachineFunction
    ) -> Bool {
        guard isSunk[value.index] else { return false }
        if nesting.contains(loops[value.index], block, function) { return true }
        for place in Int(starts[block])..<Int(starts[block &+ 1])
        where stores[place].value == value {
            return true
        }
        return false
    }

    private mutating func sortStores(_ blockCount: Int) {
        starts.refill(0, count: blockCount &+ 1)
        for index in 0..<unsorted.count { starts[Int(unsorted[index].block) &+ 1] &+= 1 }
        for block in 0..<blockCount { starts[block &+ 1] &+= starts[block] }
        stores.removeAll()
        if unsorted.isEmpty { return }
        stores.append(repeating: unsorted[0], count: unsorted.count)
        for index in (0..<unsorted.count).reversed() {
            let place = Int(unsorted[index].block) &+ 1
            starts[place] &-= 1
            stores[Int(starts[place])] = unsorted[index]
        }
        for block in 0..<blockCount { starts[block] = starts[block &+ 1] }
        starts[blockCount] = UInt32(truncatingIfNeeded: unsorted.count)
    }
}
