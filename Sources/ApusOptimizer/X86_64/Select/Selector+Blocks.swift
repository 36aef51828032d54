internal import ApusCollections
internal import ApusIR

/// Blocks and the edges between them.
extension Selector {
    /// Numbers the machine's blocks: those of the function in their order, each followed by one
    /// for each edge that leads from a block with several successors to one with several ways in.
    mutating func numberBlocks(_ function: borrowing Function) {
        blockNumbers.removeAll()
        edgeNumbers.refill(MachineBlock.noBlock, count: function.edges.count)
        var next: UInt32 = 0
        for number in 0..<function.blocks.count {
            blockNumbers.append(next)
            next &+= 1
            let successors = function.successors(Block(at: number))
            if successors.count < 2 { continue }
            for edge in successors where isCritical(Edge(edge), function) {
                edgeNumbers[Int(edge)] = next
                next &+= 1
            }
        }
        machine.blocks.append(repeating: MachineBlock(), count: Int(next))
        for number in 0..<function.blocks.count { placeBlock(Block(at: number), function) }
    }

    private mutating func isCritical(_ edge: Edge, _ function: borrowing Function) -> Bool {
        predecessors.range(function[edge].target).count > 1
    }

    private mutating func placeBlock(_ block: Block, _ function: borrowing Function) {
        let number = Int(blockNumbers[block.index])
        setLoop(number, loops.loop(block))
        machine.blocks[number].isCold = function[block].isCold
        let successors = function.successors(block)
        let isBranch = successors.count > 1
        machine.blocks[number].successorStart = UInt32(truncatingIfNeeded: machine.names.count)
        machine.blocks[number].successorCount = UInt32(truncatingIfNeeded: successors.count)
        let end = function[function.terminator(block)]
        if end.operator == .branch {
            machine.names.append(machineTarget(Edge(end.b), function))
            machine.names.append(machineTarget(Edge(end.c), function))
        } else {
            for edge in successors { machine.names.append(machineTarget(Edge(edge), function)) }
        }
        if end.operator.plainCall != nil { placeHandlers(successors, end, function) }
        guard isBranch else { return }
        for edge in successors where edgeNumbers[Int(edge)] != MachineBlock.noBlock {
            placeEdge(Edge(edge), function)
        }
    }

    /// Marks where the handlers of `call` begin, and names their clauses.
    private mutating func placeHandlers(
        _ outcomes: Range<UInt32>, _ call: ApusIR.Instruction, _ function: borrowing Function
    ) {
        for (index, edge) in outcomes.dropFirst().enumerated() {
            machine.blocks[Int(machineTarget(Edge(edge), function))].isLanding = true
            machine.names.append(function.clause(index, of: call).bits)
        }
    }

    private mutating func machineTarget(_ edge: Edge, _ function: borrowing Function) -> UInt32 {
        let own = edgeNumbers[edge.index]
        return own == MachineBlock.noBlock ? blockNumbers[function[edge].target.index] : own
    }

    private mutating func placeEdge(_ edge: Edge, _ function: borrowing Function) {
        let number = Int(edgeNumbers[edge.index])
        let target = function[edge].target
        // The innermost loop that has both ends: that of the target, or the one around it if the
        // edge enters the target's.
        let source = function[edge].source
        var common = loops.loop(target)
        while common >= 0, !loops.contains(common, source) {
            common = Int(loops.records[common].parent)
        }
        setLoop(number, common)
        machine.blocks[number].isCold =
            function[target].isCold || function[function[edge].source].isCold
        machine.blocks[number].successorStart = UInt32(truncatingIfNeeded: machine.names.count)
        machine.blocks[number].successorCount = 1
        machine.names.append(blockNumbers[target.index])
    }

    private mutating func setLoop(_ number: Int, _ loop: Int) {
        guard loop >= 0 else { return }
        let record = loops.records[loop]
        machine.blocks[number].loop = blockNumbers[record.header.index]
        machine.blocks[number].loopDepth = UInt16(truncatingIfNeeded: record.depth)
        if record.parent >= 0 {
            let outer = loops.records[Int(record.parent)].header
            machine.blocks[number].outerLoop = blockNumbers[outer.index]
        }
    }

    // MARK: Selection

    mutating func selectBlock(_ block: Block, _ function: borrowing Function) {
        self.block = block
        let successors = function.successors(block)
        if successors.count > 1 {
            for edge in successors.reversed()
            where edgeNumbers[Int(edge)] != MachineBlock.noBlock {
                selectEdgeBlock(Edge(edge), function)
            }
        }
        let number = Int(blockNumbers[block.index])
        let start = machine.instructions.count
        machine.blocks[number].start = UInt32(truncatingIfNeeded: start)
        for place in function[block].body.reversed() where !isRefused {
            self.place = place
            selectInstruction(function.order[place], function)
        }
        if block == .entry {
            selectParameters(function)
        } else {
            selectOutcome(block, function)
        }
        machine.instructions.reverse(from: start)
        machine.blocks[number].end = UInt32(truncatingIfNeeded: machine.instructions.count)
        nameParameters(block, number, function)
    }

    /// Selects the instruction of `value` unless nobody needs it.
    private mutating func selectInstruction(_ value: Value, _ function: borrowing Function) {
        let instruction = function[value]
        if isFolded[value.index] || aliases[value.index] != value { return }
        if instruction.isRemovable, names[value.index].isNone { return }
        color = colors[value.index]
        offset = function.offsets[value.index]
        let start = machine.instructions.count
        lower(value, instruction, function)
        machine.instructions.reverse(from: start)
    }

    /// A block with several ways in names its parameters; others have none of their own.
    private mutating func nameParameters(
        _ block: Block, _ number: Int, _ function: borrowing Function
    ) {
        guard block != .entry, predecessors.range(block).count > 1 else { return }
        machine.blocks[number].parameterStart = UInt32(truncatingIfNeeded: machine.names.count)
        for place in function[block].parameters {
            let register = name(function.order[place], function)
            machine.names.append(register.number)
        }
        machine.blocks[number].parameterCount = function[block].parameterCount
    }

    private mutating func selectEdgeBlock(_ edge: Edge, _ function: borrowing Function) {
        let number = Int(edgeNumbers[edge.index])
        let start = machine.instructions.count
        machine.blocks[number].start = UInt32(truncatingIfNeeded: start)
        offset = function.offsets[function.terminator(function[edge].source).index]
        passArguments(edge, number, function)
        begin(MachineInstruction(.jump))
        machine.blocks[number].end = UInt32(truncatingIfNeeded: machine.instructions.count)
    }

    /// Notes what `edge` passes, for the machine's block `number`; makes constants before.
    mutating func passArguments(_ edge: Edge, _ number: Int, _ function: borrowing Function) {
        let record = function[edge]
        guard predecessors.range(record.target).count > 1 else { return }
        let start = machine.names.count
        machine.names.append(repeating: 0, count: Int(record.argumentCount))
        machine.blocks[number].argumentStart = UInt32(truncatingIfNeeded: start)
        for (index, place) in record.arguments.enumerated() {
            machine.names[start &+ index] =
                register(Value(function.pool[place]), function).number
        }
    }

    // MARK: Layout

    /// Blocks in the function's layout, those on edges behind their sources, what is cold last.
    mutating func layOut(_ function: borrowing Function) {
        machine.layout.removeAll()
        for isCold in [false, true] {
            for place in 0..<function.layout.count {
                layOut(function.layout[place], isCold: isCold, function)
            }
        }
    }

    private mutating func layOut(
        _ block: Block, isCold: Bool, _ function: borrowing Function
    ) {
        let number = blockNumbers[block.index]
        if machine.blocks[Int(number)].isCold == isCold {
            let back = backEdgeBlock(to: block, function)
            if back != MachineBlock.noBlock, machine.blocks[Int(back)].isCold == isCold {
                machine.layout.append(back)
            }
            machine.layout.append(number)
        }
        let successors = function.successors(block)
        if successors.count < 2 { return }
        for edge in successors {
            let number = edgeNumbers[Int(edge)]
            guard number != MachineBlock.noBlock, machine.blocks[Int(number)].isCold == isCold,
                number != backEdgeBlock(to: function[Edge(edge)].target, function)
            else { continue }
            machine.layout.append(number)
        }
    }

    /// The block on the last way back to `header`, if there is one: it stands before the header,
    /// so that the loop goes round with one jump.
    private mutating func backEdgeBlock(
        to header: Block, _ function: borrowing Function
    ) -> UInt32 {
        let range = predecessors.range(header)
        guard let last = range.last else { return MachineBlock.noBlock }
        let edge = predecessors[last]
        let source = function[edge].source
        let number = edgeNumbers[edge.index]
        guard source.number >= header.number, number != MachineBlock.noBlock,
            machine.blocks[Int(number)].isCold
                == machine.blocks[Int(blockNumbers[header.index])].isCold
        else { return MachineBlock.noBlock }
        return number
    }
}

extension Arena {
    /// Reverses the order of the elements from `start` on.
    mutating func reverse(from start: Int) {
        var low = start
        var high = count &- 1
        while low < high {
            let element = self[low]
            self[low] = self[high]
            self[high] = element
            low &+= 1
            high &-= 1
        }
    }
}
