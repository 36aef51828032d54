internal import ApusABI
internal import ApusCollections

/// Gives registers to values.
///
/// One walk over the blocks in reverse postorder. Within a block it knows how far off each value's
/// next use is; who needs a register and finds none free takes it from the value needed last, and
/// that value is stored where it was made, once, and loaded again before its next use. Where
/// values are at a block's start is decided when the walk comes to it, with what the loop needs
/// foremost; the ways into the block are then made to agree by moves at their ends.
///
/// Values like best the register that a call or another fixed use wants them in, the one of the
/// operand that they replace, the one of the block parameter they are to become, or one that
/// calls keep if they live across a call.
///
/// Blocks are walked over in reverse postorder so that, but for ways back, the ends of all blocks
/// before a block are known when it is entered, and a loop's header is entered before what is in
/// it: whoever is to be out of the loop's way is moved once, outside (`prepareLoop`).
///
/// All that is weighed is a distance: how many instructions on a value is used next. What is used
/// only behind a loop is `Liveness.exitDistance` farther off than what is used in it, more than any
/// block is long, so that everything in the loop comes first however far off it is; still farther
/// off is what is used only where an exception lands, for which no register is saved either. The
/// numbers added to distances say how much nearer a value may be used and still be the one to go:
///
/// - 8, if it is in the frame or made anew in any case: another one would have to be stored, which
///   is one access more, besides the load that both have to pay for.
/// - 6, if it would be stored where fewer loops are around: nearly as good as not at all, but not
///   quite, for the store is there.
///
/// A block takes a value over from the likeliest block before it even if another one has left it to
/// the frame, provided that it is used within `nearDistance` (24): then the load, which would come
/// soon in any case, is done on that way alone. An instruction reads an operand in the frame where
/// it is, if there is no free register and nothing reads it again within `reuseDistance` (16).
/// These are lengths of short stretches of code, a block or two, found by reasoning and not by
/// trying what suits certain programs.
struct RegisterAllocator: ~Copyable {
    var file: RegisterFile
    /// All vector registers, whether they may be given out or not.
    let vectors: RegisterSet
    let scratch: ScratchRegisters
    /// For tests: decides instead.
    var chaos: AllocationChaos?
    var liveness = Liveness()
    var moves = ParallelMoves()

    // State of the walk.
    /// What each register holds.
    var holders = PerRegister<VirtualRegister>(repeating: .none)
    /// Where each value is.
    var homes = Arena<PhysicalRegister>(capacity: 1024)
    /// Registers that hold something.
    var taken: RegisterSet = []
    /// Registers of the instruction at hand, not to be taken from their values.
    var pinned: RegisterSet = []
    /// The next use of each value, in `uses`; `noUse` if there is none.
    var nextUses = Arena<UInt32>(capacity: 1024)
    var uses = Arena<NextUse>(capacity: 2048)
    /// Of each value, the parameter that it becomes, by which both find the same register.
    var destinations = Arena<VirtualRegister>(capacity: 1024)
    /// Of each value, how many loops are around where it is made.
    private(set) var depths = Arena<UInt16>(capacity: 1024)
    /// How many loops are around the block at hand.
    var blockDepth: UInt16 = 0
    private var destinationDepths = Arena<UInt16>(capacity: 1024)
    /// Of each parameter, the register chosen for it or for one of the values it may get.
    var groupHints = Arena<PhysicalRegister>(capacity: 1024)
    var fixedUses = Arena<FixedUse>(capacity: 16)
    /// Of each value, its place in the list of what the block at hand needs.
    var marks = Arena<UInt32>(capacity: 1024)
    private var predecessorStarts = Arena<UInt32>(capacity: 128)
    private(set) var predecessors = Arena<UInt32>(capacity: 256)

    /// Whether some instruction wants more registers than there are to give out.
    var hasFailed = false

    static var noUse: UInt32 { .max }

    /// - Parameters:
    ///   - file: The registers to give out.
    ///   - scratch: Registers that never hold a value, for cycles of moves.
    init(_ file: RegisterFile, _ scratch: ScratchRegisters) {
        self.file = file
        vectors = file.vector
        self.scratch = scratch
    }

    /// Allocates all of `function`; false if it is too large for that.
    mutating func allocate(
        _ function: inout MachineFunction, into allocation: inout Allocation, limit: Int
    ) -> Bool {
        guard liveness.compute(function, limit: limit) else { return false }
        allocation.prepare(function)
        allocation.vectors = vectors.union(RegisterSet(scratch.vector))
        homes.refill(.none, count: function.registers.count)
        nextUses.refill(Self.noUse, count: function.registers.count)
        destinations.refill(.none, count: function.registers.count)
        groupHints.refill(.none, count: function.registers.count)
        marks.refill(0, count: function.registers.count)
        taken = []
        hasFailed = false
        holders = .init(repeating: .none)
        collectPredecessors(function)
        collectDestinations(function)
        collectDepths(function)
        for block in 0..<function.blocks.count {
            blockDepth = function.blocks[block].loopDepth
            indexUses(block, function)
            enter(block, function, &allocation)
            allocation.starts[block] = UInt32(truncatingIfNeeded: allocation.steps.count)
            var position: UInt32 = 0
            for place in function.blocks[block].instructions {
                if chaos != nil { spillAtRandom(function, &allocation) }
                assign(place, position, &function, &allocation)
                if hasFailed { return false }
                position &+= 1
            }
            allocation.ends[block] = UInt32(truncatingIfNeeded: allocation.steps.count)
            leave(block, function, &allocation)
        }
        for block in 0..<function.blocks.count { connect(block, function, &allocation) }
        return true
    }

    private mutating func collectPredecessors(_ function: borrowing MachineFunction) {
        let count = function.blocks.count
        predecessorStarts.refill(0, count: count &+ 1)
        predecessors.removeAll()
        for number in 0..<count {
            for place in function.blocks[number].successors {
                predecessorStarts[Int(function.names[place]) &+ 1] &+= 1
            }
        }
        for number in 0..<count {
            predecessorStarts[number &+ 1] &+= predecessorStarts[number]
        }
        predecessors.append(repeating: 0, count: Int(predecessorStarts[count]))
        for number in (0..<count).reversed() {
            for place in function.blocks[number].successors {
                let target = Int(function.names[place]) &+ 1
                predecessorStarts[target] &-= 1
                predecessors[Int(predecessorStarts[target])] = UInt32(truncatingIfNeeded: number)
            }
        }
        let total = predecessors.count
        for number in 0..<count {
            predecessorStarts[number] = predecessorStarts[number &+ 1]
        }
        predecessorStarts[count] = UInt32(truncatingIfNeeded: total)
    }

    /// Places in `predecessors` of the blocks before `number`.
    @inline(__always)
    mutating func predecessorRange(_ number: Int) -> Range<Int> {
        Int(predecessorStarts[number])..<Int(predecessorStarts[number &+ 1])
    }

    /// Of several parameters that a value becomes, the one on the way that is taken most counts.
    private mutating func collectDestinations(_ function: borrowing MachineFunction) {
        destinationDepths.refill(0, count: function.registers.count)
        for number in 0..<function.blocks.count {
            let block = function.blocks[number]
            guard block.successorCount == 1 else { continue }
            let target = function.blocks[Int(function.names[Int(block.successorStart)])]
            let depth = block.isCold ? 1 : block.loopDepth &+ 2
            for index in 0..<target.parameterCount {
                let argument = Int(function.names[Int(block.argumentStart &+ index)])
                if destinationDepths[argument] >= depth { continue }
                destinationDepths[argument] = depth
                destinations[argument] = VirtualRegister(
                    function.names[Int(target.parameterStart &+ index)])
            }
        }
    }

    private mutating func collectDepths(_ function: borrowing MachineFunction) {
        depths.refill(0, count: function.registers.count)
        for number in 0..<function.blocks.count {
            let block = function.blocks[number]
            if block.loopDepth == 0 { continue }
            for place in block.parameters { depths[Int(function.names[place])] = block.loopDepth }
            for place in block.instructions {
                for definition in function.instructions[place].definitions {
                    depths[function.operands[definition].value.index] = block.loopDepth
                }
            }
        }
    }

    // MARK: Next uses

    /// A use in the present block, or behind it.
    struct NextUse: BitwiseCopyable {
        /// Instructions from the block's start.
        var position: UInt32
        var next: UInt32
    }

    /// A use that wants a certain register.
    struct FixedUse: BitwiseCopyable {
        var value: VirtualRegister
        var from: PhysicalRegister
        var to: PhysicalRegister
    }

    /// Chains the uses of each value in the block and its nearest one behind it.
    private mutating func indexUses(_ number: Int, _ function: borrowing MachineFunction) {
        uses.removeAll()
        let block = function.blocks[number]
        let length = UInt32(truncatingIfNeeded: block.instructions.count)
        for place in block.successors {
            let successor = Int(function.names[place])
            let edge = LiveEdge(from: block, to: function.blocks[successor])
            for entry in liveness.range(successor) {
                let live = liveness.entries[entry]
                addUse(live.value, edge.distance(live.distance))
            }
            for index in 0..<function.blocks[successor].parameterCount {
                let argument = function.names[Int(block.argumentStart &+ index)]
                addUse(VirtualRegister(argument), length)
            }
        }
        var position = length
        for place in block.instructions.reversed() {
            position &-= 1
            for use in function.instructions[place].uses {
                let value = function.operands[use].value
                pushUse(value, position)
            }
        }
    }

    /// Notes a use behind the block; of several only the nearest counts.
    private mutating func addUse(_ value: VirtualRegister, _ position: UInt32) {
        let head = nextUses[value.index]
        if head == Self.noUse {
            pushUse(value, position)
        } else if uses[Int(head)].position > position {
            uses[Int(head)].position = position
        }
    }

    private mutating func pushUse(_ value: VirtualRegister, _ position: UInt32) {
        let number = UInt32(truncatingIfNeeded: uses.count)
        uses.append(NextUse(position: position, next: nextUses[value.index]))
        nextUses[value.index] = number
    }

    /// Forgets the uses of `value` up to `position`.
    @inline(__always)
    mutating func passUses(_ value: VirtualRegister, _ position: UInt32) {
        var head = nextUses[value.index]
        while head != Self.noUse, uses[Int(head)].position <= position {
            head = uses[Int(head)].next
        }
        nextUses[value.index] = head
    }

    /// Whether something still uses `value`.
    @inline(__always)
    mutating func isNeeded(_ value: VirtualRegister) -> Bool { nextUses[value.index] != Self.noUse }

    @inline(__always)
    mutating func nextUse(_ value: VirtualRegister) -> UInt32 {
        let head = nextUses[value.index]
        return head == Self.noUse ? .max : uses[Int(head)].position
    }

    // MARK: Registers

    /// Says that `register` holds `value`.
    @inline(__always)
    mutating func hold(
        _ value: VirtualRegister, in register: PhysicalRegister, _ allocation: inout Allocation
    ) {
        holders[register.index] = value
        homes[value.index] = register
        taken.insert(RegisterSet(register))
        allocation.used.insert(RegisterSet(register))
        let destination = destinations[value.index]
        if !destination.isNone, groupHints[destination.index].isNone {
            groupHints[destination.index] = register
        }
    }

    /// Says that `register` holds nothing any more.
    @inline(__always)
    mutating func release(_ register: PhysicalRegister) {
        if register.isNone { return }
        let value = holders[register.index]
        if !value.isNone {
            homes[value.index] = .none
            holders[register.index] = .none
        }
        taken.remove(RegisterSet(register))
    }

    /// Leaves `value` to its frame slot, or to be made anew.
    mutating func spill(
        _ value: VirtualRegister, _ function: borrowing MachineFunction,
        _ allocation: inout Allocation
    ) {
        release(homes[value.index])
        if !function.registers[value.index].isRepeatable {
            allocation.isSpilled[value.index] = true
        }
    }

    /// A register for `value`, which nothing holds: the one it likes best among those free, or the
    /// one of the value that is needed last.
    mutating func takeRegister(
        for value: VirtualRegister, excluding: RegisterSet, hint: PhysicalRegister = .none,
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) -> PhysicalRegister {
        let kind = function.registers[value.index].kind
        let candidates = file.allocatable(kind).subtracting(excluding)
        let free = candidates.subtracting(taken)
        if !free.isEmpty { return choose(value, free, hint, function, allocation) }
        let occupied = candidates.subtracting(pinned)
        var victim = farthest(occupied, function, allocation)
        if chaos != nil, !victim.isNone { victim = pickTaken(occupied) }
        if victim.isNone {
            // An instruction that wants more registers than there are.
            hasFailed = true
            return file.allocatable(kind).first
        }
        spill(holders[victim.index], function, &allocation)
        return victim
    }

    /// The best of `free` for `value`.
    mutating func choose(
        _ value: VirtualRegister, _ free: RegisterSet, _ hint: PhysicalRegister,
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) -> PhysicalRegister {
        if let chaos { return chaos.choose(free, for: value) }
        if !hint.isNone, free.has(hint) { return hint }
        let keeps =
            liveness.crossesCall[value.index] && !function.registers[value.index].isReference
        let kept = free.intersection(file.calleeSaved)
        let destination = destinations[value.index]
        let group = destination.isNone ? groupHints[value.index] : groupHints[destination.index]
        if !group.isNone, free.has(group), !keeps || file.calleeSaved.has(group) { return group }
        if keeps {
            let worthy = isForHandlers(value) ? kept.intersection(allocation.used) : kept
            if !worthy.isEmpty { return worthy.first }
        } else {
            let wanted = liveness.wanted[value.index]
            if !wanted.isNone, free.has(wanted) { return wanted }
        }
        let lost = free.subtracting(file.calleeSaved)
        let cheap = lost.intersection(file.preferred)
        if !cheap.isEmpty { return cheap.first }
        if !lost.isEmpty { return lost.first }
        let saved = kept.intersection(allocation.used)
        return saved.isEmpty ? free.first : saved.first
    }

    /// Whether only handlers of exceptions use `value` from now on. To store it once is cheaper
    /// than to save a register for it and to bring that back.
    @inline(__always)
    mutating func isForHandlers(_ value: VirtualRegister) -> Bool {
        let distance = nextUse(value)
        return distance >= Liveness.handlerDistance && distance != .max
    }

    /// The register of `occupied` whose value is needed last; values that are in the frame or made
    /// anew in any case go first among nearly equals.
    mutating func farthest(
        _ occupied: RegisterSet, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation
    ) -> PhysicalRegister {
        var best = PhysicalRegister.none
        var bestDistance: UInt32 = 0
        var rest = occupied.intersection(taken)
        while !rest.isEmpty {
            let register = rest.first
            rest = rest.rest
            let value = holders[register.index]
            guard !value.isNone else { continue }
            var distance = nextUse(value)
            let isCheap =
                allocation.isSpilled[value.index] || function.registers[value.index].isRepeatable
            if distance < .max - 16 {
                if isCheap {
                    distance &+= 8
                } else if depths[value.index] < blockDepth {
                    // It would not be stored as often as it is needed here.
                    distance &+= 6
                }
            }
            if best.isNone || distance > bestDistance {
                best = register
                bestDistance = distance
            }
        }
        return best
    }
}
