internal import ApusCollections

// Consumes and leaves: a whole function without dead code.

/// Moves what only computes to where it is computed least often: out of loops, and out of the way
/// of those who do not need it.
///
/// A value may be computed in any block from the one in which its last operand is there down to
/// the nearest one that dominates all its uses. Of these blocks it goes to one with fewer loops
/// around it, if the loop has registers to spare; else down to its uses, if on the way there
/// something is decided; else it stays.
public struct CodeMotion: ~Copyable {
    private var predecessors = Predecessors()
    private var dominators = Dominators()
    private var loops = Loops()
    private var pressure = LoopPressure()
    /// Of each value, its block; none of what floats.
    private var homes = Arena<Block>(capacity: 1024)
    /// Of each value that may move, the first block in which all its operands are there.
    private var earliest = Arena<Block>(capacity: 1024)
    /// Of each value, the nearest block that dominates all uses seen so far.
    private var latest = Arena<Block>(capacity: 1024)
    /// Of each value, the block that it goes to.
    private var targets = Arena<Block>(capacity: 1024)
    private var useCounts = Arena<UInt32>(capacity: 1024)
    private var placement = Placement()
    /// How many steps may still be taken along ways through the tree of dominators or of loops,
    /// which may be as long as the function: a number of them for each value. Who finds none left
    /// stays where it is.
    private var steps = 0

    private static var stepsPerValue: Int { 64 }

    public init() {}

    /// Moves what is worth it in `function`.
    public mutating func run(_ function: inout Function) {
        if function.blocks.count == 1 { return }
        predecessors.compute(function)
        dominators.compute(function, predecessors)
        loops.compute(function, predecessors)
        steps = function.instructions.count &* Self.stepsPerValue
        prepare(function)
        pressure.compute(function, loops, homes)
        var hasMoved = false
        for number in (0..<function.blocks.count).reversed() {
            let block = Block(at: number)
            for edge in function.successors(block) {
                for place in function[Edge(edge)].arguments {
                    noteUse(Value(function.pool[place]), in: block)
                }
            }
            for place in function[block].range.reversed() {
                let value = function.order[place]
                let target = target(value, block, function)
                targets[value.index] = target
                if target != block { hasMoved = true }
                function.forEachOperand(function[value]) { noteUse($0, in: target) }
            }
        }
        if hasMoved { placement.run(&function, homes, targets) }
    }

    // MARK: Preparation

    private mutating func prepare(_ function: borrowing Function) {
        let count = function.instructions.count
        homes.refill(.none, count: count)
        earliest.refill(.entry, count: count)
        latest.refill(.none, count: count)
        targets.refill(.none, count: count)
        useCounts.refill(0, count: count)
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            for place in function[block].range {
                let value = function.order[place]
                homes[value.index] = block
                findEarliest(value, block, function)
            }
            for edge in function.successors(block) {
                for place in function[Edge(edge)].arguments {
                    useCounts[Int(function.pool[place])] &+= 1
                }
            }
        }
    }

    private mutating func findEarliest(
        _ value: Value, _ block: Block, _ function: borrowing Function
    ) {
        let instruction = function[value]
        var first = Block.entry
        function.forEachOperand(instruction) { operand in
            useCounts[operand.index] &+= 1
            let other = earliest[operand.index]
            if dominators.depth(other) > dominators.depth(first) { first = other }
        }
        earliest[value.index] = Self.canRise(instruction, function) ? first : block
    }

    @inline(__always)
    private mutating func noteUse(_ value: Value, in block: Block) {
        if homes[value.index].isNone { return }
        let known = latest[value.index]
        if known == block { return }
        latest[value.index] = known.isNone ? block : dominators.meet(known, block)
    }

    // MARK: Decisions

    private mutating func target(
        _ value: Value, _ home: Block, _ function: borrowing Function
    ) -> Block {
        let late = latest[value.index]
        let instruction = function[value]
        guard !late.isNone, instruction.isPure else { return home }
        var start = home
        if late != home {
            if !dominators.dominates(home, late) {
                // A user has moved out of a loop, and takes with it what it needs.
                start = late
            } else if isWorthSinking(instruction, function) {
                start = sink(from: home, to: late, function)
            }
        }
        guard let outside = hoist(instruction, from: start, value, function) else { return start }
        return outside
    }

    /// How often `block` runs, as far as its place tells.
    private mutating func frequency(_ block: Block, _ function: borrowing Function) -> UInt32 {
        function[block].isCold ? 0 : 1 &+ loops.depth(block)
    }

    /// Whether no more than one operand has to be kept in a register for longer.
    private func isWorthSinking(
        _ instruction: Instruction, _ function: borrowing Function
    ) -> Bool {
        var ending = 0
        function.forEachOperand(instruction) { operand in
            if !homes[operand.index].isNone, useCounts[operand.index] == 1 { ending &+= 1 }
        }
        return ending <= 1
    }

    /// The last block on the way down to `late` that runs least often, if it may not run at all
    /// when `home` does.
    private mutating func sink(
        from home: Block, to late: Block, _ function: borrowing Function
    ) -> Block {
        guard takeSteps(from: home, to: late) else { return home }
        var best = late
        var block = late
        while block != home {
            block = dominators.parent(block)
            if frequency(block, function) < frequency(best, function) { best = block }
        }
        if frequency(best, function) < frequency(home, function) { return best }
        block = best
        while block != home {
            if isConditional(block, function) { return best }
            block = dominators.parent(block)
        }
        return home
    }

    /// Whether there are steps left for the way from `high` down to `low`, if so taken off.
    private mutating func takeSteps(from high: Block, to low: Block) -> Bool {
        let length = Int(dominators.depth(low)) &- Int(dominators.depth(high))
        if length > steps { return false }
        steps &-= max(length, 0)
        return true
    }

    /// Whether the way into `block` is one of several that another block chooses from.
    private func isConditional(_ block: Block, _ function: borrowing Function) -> Bool {
        let ways = predecessors.range(block)
        guard ways.count == 1 else { return false }
        let edge = predecessors[ways.lowerBound]
        let choice = function.successors(function[edge].source)
        // Calls return: nothing is to wait for that, and be kept meanwhile.
        if function[edge].carriesOutcome, edge.number == choice.lowerBound { return false }
        return choice.count > 1
    }

    /// Where `instruction`, which would be computed in `start`, is computed less often; nil if
    /// nowhere, or if it is not worth a register in the loop.
    private mutating func hoist(
        _ instruction: Instruction, from start: Block, _ value: Value,
        _ function: borrowing Function
    ) -> Block? {
        guard loops.depth(start) > 0, Self.isHoistable(instruction),
            !function[start].isCold
        else { return nil }
        let first = earliest[value.index]
        if loops.depth(first) >= loops.depth(start) && loops.loop(first) == loops.loop(start) {
            return nil
        }
        let loop = loops.loop(start)
        guard dominators.dominates(start, loops.records[loop].last),
            pressure.hasRoom(for: instruction.type, in: loop),
            takeSteps(from: first, to: start)
        else { return nil }
        var best = start
        var block = start
        while block != first {
            block = dominators.parent(block)
            if frequency(block, function) < frequency(best, function), !function[block].isCold {
                best = block
            }
        }
        if best == start { return nil }
        // Each loop that is left has its header on the way, so these steps are paid for.
        pressure.take(instruction.type, from: loop, to: loops.loop(best), loops)
        return best
    }

    /// Whether it may be computed before what stands before it: what faults unless a check has come
    /// first must stay behind that.
    private static func canRise(
        _ instruction: Instruction, _ function: borrowing Function
    ) -> Bool {
        switch instruction.operator {
        case .load: function[instruction.first].operator == .context && instruction.isPure
        case .loadLane, .divideSigned, .divideUnsigned, .remainderSigned, .remainderUnsigned: false
        default: instruction.isPure
        }
    }

    /// Whether it is worth a register in a loop: not what costs nothing where it is used.
    private static func isHoistable(_ instruction: Instruction) -> Bool {
        switch instruction.operator {
        case .load, .compare, .floatCompare, .extendUnsigned, .wrap, .bitcast: false
        default: true
        }
    }
}
