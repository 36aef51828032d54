internal import ApusABI
internal import ApusCollections

/// A value that a block needs from before, and how many instructions on it is used.
struct LiveEntry: BitwiseCopyable {
    var value: VirtualRegister
    var distance: UInt32
}

/// A way from one block to another, along which uses are farther off.
struct LiveEdge: BitwiseCopyable {
    private let length: UInt32
    private let least: UInt32

    init(from block: MachineBlock, to successor: MachineBlock) {
        let leaves = successor.loopDepth < block.loopDepth
        length =
            UInt32(truncatingIfNeeded: block.instructions.count)
            &+ (leaves ? Liveness.exitDistance : 0)
        least = successor.isLanding ? Liveness.handlerDistance : 0
    }

    /// How far off from the first block's start a use is that is so far off from the second one's.
    func distance(_ distance: UInt32) -> UInt32 { max(distance &+ length, least) }
}

/// Which values are live where blocks begin, how far off their next uses are, and which values
/// live across calls.
///
/// Two walks over the blocks and no fixpoint: first backwards, as if there were no back edges;
/// then forwards, adding to each block what its innermost loop's header needs, since that is live
/// in the whole of a loop.
struct Liveness: ~Copyable {
    /// What is used only behind a loop is this much farther off than what is used in it: more than
    /// all but giant loops are long, so that distances within a loop do not reach it, and so little
    /// that those of loops in loops can be added up.
    static var exitDistance: UInt32 { 100_000 }
    /// What is used only where an exception lands is as far off at least.
    static var handlerDistance: UInt32 { 1 << 30 }

    private(set) var entries = Arena<LiveEntry>(capacity: 1024)
    private var starts = Arena<UInt32>(capacity: 128)
    private var counts = Arena<UInt32>(capacity: 128)
    /// The position of each block's first instruction among all.
    private var positions = Arena<UInt32>(capacity: 128)
    /// Of each header, the position one past its loop's last block.
    private var loopEnds = Arena<UInt32>(capacity: 128)
    /// How many values of each class are live at once in a block, or in a header's loop, at most.
    private(set) var generalPressure = Arena<UInt32>(capacity: 128)
    private(set) var vectorPressure = Arena<UInt32>(capacity: 128)
    /// Likewise how many general ones are live across a call that is not cold.
    private(set) var callPressure = Arena<UInt32>(capacity: 128)
    /// Of each header: whether something in its loop calls.
    private(set) var callsInLoop = Arena<Bool>(capacity: 128)
    /// Of each value: whether it is live across a call.
    private(set) var crossesCall = Arena<Bool>(capacity: 1024)
    /// Of each value: the register that its first use with a fixed one wants.
    private(set) var wanted = Arena<PhysicalRegister>(capacity: 1024)

    // The set of live values of one walk: its members, and of each value its place among them.
    private var members = Arena<LiveEntry>(capacity: 256)
    private var places = Arena<UInt32>(capacity: 1024)
    /// How many calls followed, within the block, where the value was used last.
    private var callsBelow = Arena<UInt32>(capacity: 1024)
    private var generalCount: UInt32 = 0
    private var vectorCount: UInt32 = 0

    private static var absent: UInt32 { .max }

    init() {}

    /// How many entries there are in all: what a limit on giant functions compares.
    var count: Int { entries.count }

    /// Places in `entries` of what `block` needs, parameters of its own left out.
    @inline(__always)
    func range(_ block: Int) -> Range<Int> {
        Int(starts[block])..<Int(starts[block] &+ counts[block])
    }

    /// Computes everything for `function`; false if there is too much of it, more than `limit`
    /// entries.
    mutating func compute(_ function: borrowing MachineFunction, limit: Int) -> Bool {
        prepare(function)
        for block in (0..<function.blocks.count).reversed() {
            collect(block, function)
            if entries.count > limit { return false }
        }
        for block in 0..<function.blocks.count {
            inheritFromLoop(block, function)
            if entries.count > limit { return false }
        }
        for block in (0..<function.blocks.count).reversed() { raiseLoopFacts(block, function) }
        return true
    }

    private mutating func prepare(_ function: borrowing MachineFunction) {
        let blockCount = function.blocks.count
        let valueCount = function.registers.count
        entries.removeAll()
        starts.refill(0, count: blockCount)
        counts.refill(0, count: blockCount)
        positions.refill(0, count: blockCount)
        loopEnds.refill(0, count: blockCount)
        generalPressure.refill(0, count: blockCount)
        vectorPressure.refill(0, count: blockCount)
        callPressure.refill(0, count: blockCount)
        callsInLoop.refill(false, count: blockCount)
        crossesCall.refill(false, count: valueCount)
        wanted.refill(.none, count: valueCount)
        places.refill(Self.absent, count: valueCount)
        callsBelow.refill(0, count: valueCount)
        var position: UInt32 = 0
        for block in 0..<blockCount {
            positions[block] = position
            position &+= UInt32(truncatingIfNeeded: function.blocks[block].instructions.count)
            let loop = function.blocks[block].loop
            if loop != MachineBlock.noBlock { loopEnds[Int(loop)] = position }
        }
        // Headers of inner loops have higher numbers.
        for block in (0..<blockCount).reversed() {
            let outer = function.blocks[block].outerLoop
            guard outer != MachineBlock.noBlock else { continue }
            loopEnds[Int(outer)] = max(loopEnds[Int(outer)], loopEnds[block])
        }
    }

    // MARK: The set

    private mutating func add(
        _ value: VirtualRegister, _ distance: UInt32, _ function: borrowing MachineFunction
    ) {
        let place = places[value.index]
        if place != Self.absent {
            if distance < members[Int(place)].distance { members[Int(place)].distance = distance }
            return
        }
        places[value.index] = UInt32(truncatingIfNeeded: members.count)
        members.append(LiveEntry(value: value, distance: distance))
        if function.registers[value.index].kind == .general {
            generalCount &+= 1
        } else {
            vectorCount &+= 1
        }
    }

    private mutating func remove(
        _ value: VirtualRegister, _ function: borrowing MachineFunction
    ) -> Bool {
        let place = places[value.index]
        guard place != Self.absent else { return false }
        places[value.index] = Self.absent
        let last = members.removeLast()
        if last.value != value {
            members[Int(place)] = last
            places[last.value.index] = place
        }
        if function.registers[value.index].kind == .general {
            generalCount &-= 1
        } else {
            vectorCount &-= 1
        }
        return true
    }

    // MARK: Backwards

    /// What `block` needs, from what its successors behind it need and what it does itself.
    private mutating func collect(_ number: Int, _ function: borrowing MachineFunction) {
        let block = function.blocks[number]
        let length = UInt32(truncatingIfNeeded: block.instructions.count)
        members.removeAll()
        generalCount = 0
        vectorCount = 0
        for place in block.successors {
            let successor = Int(function.names[place])
            addArguments(block, of: successor, length, function)
            if successor <= number { continue }
            let edge = LiveEdge(from: block, to: function.blocks[successor])
            for entry in range(successor) {
                let live = entries[entry]
                add(live.value, edge.distance(live.distance), function)
            }
        }
        for place in 0..<members.count { callsBelow[members[place].value.index] = 0 }
        var calls: UInt32 = 0
        var distance = length
        for place in block.instructions.reversed() {
            distance &-= 1
            step(function.instructions[place], distance, number, &calls, function)
            note(number)
        }
        for place in block.parameters {
            leave(VirtualRegister(function.names[place]), calls, function)
        }
        if calls > 0 { closeCrossings(calls) }
        finish(number, calls, function)
    }

    private mutating func addArguments(
        _ block: MachineBlock, of successor: Int, _ length: UInt32,
        _ function: borrowing MachineFunction
    ) {
        let target = function.blocks[successor]
        for index in 0..<target.parameterCount {
            let value = VirtualRegister(function.names[Int(block.argumentStart &+ index)])
            add(value, length &- 1, function)
        }
    }

    private mutating func step(
        _ instruction: MachineInstruction, _ distance: UInt32, _ number: Int,
        _ calls: inout UInt32, _ function: borrowing MachineFunction
    ) {
        for place in instruction.definitions {
            leave(function.operands[place].value, calls, function)
        }
        if instruction.flags.contains(.calls) {
            calls &+= 1
            if !function.blocks[number].isCold {
                callPressure[number] = max(callPressure[number], generalCount)
            }
        }
        for place in instruction.uses {
            let operand = function.operands[place]
            let value = operand.value
            if places[value.index] == Self.absent { callsBelow[value.index] = calls }
            add(value, distance, function)
            members[Int(places[value.index])].distance = distance
            if operand.constraint.isFixed { wanted[value.index] = operand.constraint.register }
        }
    }

    /// Takes a value out where it is made.
    private mutating func leave(
        _ value: VirtualRegister, _ calls: UInt32, _ function: borrowing MachineFunction
    ) {
        if remove(value, function), callsBelow[value.index] < calls {
            crossesCall[value.index] = true
        }
    }

    private mutating func note(_ number: Int) {
        if generalCount > generalPressure[number] { generalPressure[number] = generalCount }
        if vectorCount > vectorPressure[number] { vectorPressure[number] = vectorCount }
    }

    private mutating func closeCrossings(_ calls: UInt32) {
        for place in 0..<members.count {
            let value = members[place].value.index
            if callsBelow[value] < calls { crossesCall[value] = true }
        }
    }

    private mutating func finish(
        _ number: Int, _ calls: UInt32, _ function: borrowing MachineFunction
    ) {
        note(number)
        callsInLoop[number] = calls > 0 && !function.blocks[number].isCold
        store(number)
    }

    // MARK: Forwards

    /// Adds what the header of the innermost loop around `block` needs, if it is not the header.
    private mutating func inheritFromLoop(
        _ number: Int, _ function: borrowing MachineFunction
    ) {
        let block = function.blocks[number]
        let isHeader = block.loop == UInt32(truncatingIfNeeded: number)
        let header = isHeader ? block.outerLoop : block.loop
        guard header != MachineBlock.noBlock else { return }
        members.removeAll()
        generalCount = 0
        vectorCount = 0
        for place in range(number) { add(entries[place].value, entries[place].distance, function) }
        let before = (generalCount, vectorCount)
        let toBackEdge = loopEnds[Int(header)] &- positions[number]
        for place in range(Int(header)) {
            let live = entries[place]
            add(live.value, live.distance &+ toBackEdge, function)
            if callsInLoop[number] { crossesCall[live.value.index] = true }
        }
        generalPressure[number] &+= generalCount &- before.0
        if callsInLoop[number] { callPressure[number] &+= generalCount &- before.0 }
        vectorPressure[number] &+= vectorCount &- before.1
        store(number)
    }

    /// Makes the set what `block` needs: where its entries are, unless there are more of them now.
    private mutating func store(_ block: Int) {
        let isLarger = members.count > Int(counts[block])
        if isLarger { starts[block] = UInt32(truncatingIfNeeded: entries.count) }
        counts[block] = UInt32(truncatingIfNeeded: members.count)
        for place in 0..<members.count {
            places[members[place].value.index] = Self.absent
            if isLarger {
                entries.append(members[place])
            } else {
                entries[Int(starts[block]) &+ place] = members[place]
            }
        }
    }

    /// Tells a header what happens in the blocks of its loop, inner loops included.
    private mutating func raiseLoopFacts(_ number: Int, _ function: borrowing MachineFunction) {
        let block = function.blocks[number]
        let isHeader = block.loop == UInt32(truncatingIfNeeded: number)
        if isHeader, callsInLoop[number] { noteCrossings(number) }
        let header = Int(isHeader ? block.outerLoop : block.loop)
        guard header != Int(MachineBlock.noBlock) else { return }
        generalPressure[header] = max(generalPressure[header], generalPressure[number])
        vectorPressure[header] = max(vectorPressure[header], vectorPressure[number])
        callPressure[header] = max(callPressure[header], callPressure[number])
        if callsInLoop[number] { callsInLoop[header] = true }
    }

    /// What is live in a loop all around it lives across its calls.
    private mutating func noteCrossings(_ header: Int) {
        for place in range(header) { crossesCall[entries[place].value.index] = true }
    }
}
