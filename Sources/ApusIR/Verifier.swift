internal import ApusCollections

// Consumes: functions between any two stages, in tests and debug builds.

/// Checks what `Function` promises: the order, the edges, types, and that every value is made
/// before it is used.
public struct Verifier: ~Copyable {
    private var predecessors = Predecessors()
    private var dominators = Dominators()
    /// Of each instruction, the block that lists it, and its place in the order.
    private var blocks = Arena<Block>(capacity: 256)
    private var places = Arena<UInt32>(capacity: 256)
    /// What is wrong, one line each.
    private var faults: [String] = []

    public init() {}

    /// What is wrong with `function`, one line for each fault found; empty if nothing is.
    public mutating func verify(_ function: borrowing Function) -> [String] {
        faults = []
        verifyBlocks(function)
        // What follows walks along edges and operands, which must be there.
        if !faults.isEmpty { return faults }
        verifyEdges(function)
        if !faults.isEmpty { return faults }
        predecessors.compute(function)
        dominators.compute(function, predecessors)
        verifyFlow(function)
        for block in 0..<function.blocks.count {
            verifyOutcomes(Block(at: block), function)
            verifyUses(Block(at: block), function)
        }
        return faults
    }

    /// What is wrong with taking `use` for known in the function that was verified last, if that
    /// was sound otherwise.
    func fault(of use: KnownUse) -> String? {
        if dominators.dominates(use.learnedIn, use.usedIn) { return nil }
        return "\(use.usedIn) takes \(use.value) for known from \(use.learnedIn), "
            + "which does not dominate it"
    }

    // MARK: Blocks and their order

    private mutating func verifyBlocks(_ function: borrowing Function) {
        blocks.removeAll()
        places.removeAll()
        blocks.append(repeating: .none, count: function.instructions.count)
        places.append(repeating: 0, count: function.instructions.count)
        if function.blocks.isEmpty { faults.append("there is no block") }
        if function.offsets.count != function.instructions.count {
            faults.append("not every instruction has an offset")
        }
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            let record = function[block]
            guard record.start <= record.end, record.end <= UInt32(function.order.count),
                record.parameterCount <= record.end - record.start
            else {
                faults.append("\(block) is not in the order")
                continue
            }
            if record.parameterCount == record.end - record.start {
                faults.append("\(block) has no end")
            }
            for place in record.range { verifyPlace(place, block, function) }
        }
        verifyLayout(function)
    }

    private mutating func verifyPlace(
        _ place: Int, _ block: Block, _ function: borrowing Function
    ) {
        let value = function.order[place]
        guard value.index < function.instructions.count else {
            return faults.append("\(block) lists \(value), which does not exist")
        }
        let effects = function[value].operator.row.effects
        let record = function[block]
        if effects.contains(.floats) { faults.append("\(value) floats, but \(block) lists it") }
        if !blocks[value.index].isNone { faults.append("\(value) is listed twice") }
        blocks[value.index] = block
        places[value.index] = UInt32(place)
        let isParameter = function[value].operator == .parameter
        if isParameter != record.parameters.contains(place) {
            faults.append("\(value) is or is not a parameter of \(block)")
        } else if isParameter, Int(function[value].a) != place - Int(record.start) {
            faults.append("\(value) is not parameter \(function[value].a) of \(block)")
        }
        if effects.contains(.ends) != (place == Int(record.end) - 1) {
            faults.append("\(value) in \(block): its end and nothing else ends a block")
        }
    }

    private mutating func verifyLayout(_ function: borrowing Function) {
        let listed = (0..<function.layout.count).map { function.layout[$0].index }
        if listed.first != 0 || listed.sorted() != Array(0..<function.blocks.count) {
            faults.append("the layout does not list every block once, the entry first")
        }
    }

    // MARK: Edges

    private mutating func verifyEdges(_ function: borrowing Function) {
        var seen: Set<UInt32> = []
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            let end = function[function.terminator(block)]
            guard hasOutcomes(end, block, function) else { continue }
            if end.operator == .branch, max(end.b, end.c) - min(end.b, end.c) != 1 {
                faults.append("the edges from \(block) are not neighbours")
                continue
            }
            if end.operator == .branchTable, end.c == 0 {
                faults.append("the table of \(block) is empty")
            }
            for edge in function.successors(block) {
                guard edge < UInt32(function.edges.count) else {
                    faults.append("\(block) has an edge that does not exist")
                    continue
                }
                if !seen.insert(edge).inserted { faults.append("two branches share edge \(edge)") }
                verify(Edge(edge), from: block, function)
            }
        }
    }

    private mutating func verify(
        _ edge: Edge, from block: Block, _ function: borrowing Function
    ) {
        let record = function[edge]
        if record.source != block { faults.append("an edge from \(block) has another source") }
        guard record.target.index < function.blocks.count, record.target != .entry else {
            return faults.append("an edge from \(block) leads nowhere or to the entry")
        }
        guard record.arguments.upperBound <= function.pool.count else {
            return faults.append("arguments from \(block) are not in the pool")
        }
        let isCall = function[function.terminator(block)].operator.plainCall != nil
        if record.carriesOutcome != isCall {
            faults.append("\(block) to \(record.target): an outcome of what is no call")
        }
        let expected = isCall ? 0 : function[record.target].parameterCount
        if record.argumentCount != expected {
            faults.append("\(block) to \(record.target): wrong number of arguments")
        }
    }

    /// Whether the edges of `end` can be asked for: a call that ends a block has them in the pool.
    private mutating func hasOutcomes(
        _ end: Instruction, _ block: Block, _ function: borrowing Function
    ) -> Bool {
        if end.operator.plainCall == nil { return true }
        let place = Int(end.b) + Int(end.c)
        guard place + 2 <= function.pool.count,
            place + 2 + Int(function.pool[place + 1]) <= function.pool.count,
            Int(function.pool[place]) + Int(function.pool[place + 1]) < function.edges.count
        else {
            faults.append("the outcomes of the call that ends \(block) are not there")
            return false
        }
        if function.pool[place + 1] == 0 { faults.append("\(block) has no handlers") }
        return true
    }

    /// An outcome has a block to itself, and an exception is one reference.
    private mutating func verifyOutcomes(_ block: Block, _ function: borrowing Function) {
        let end = function[function.terminator(block)]
        if end.operator.plainCall == nil { return }
        let edges = function.outcomes(end)
        for edge in edges {
            let target = function[Edge(edge)].target
            if predecessors.range(target).count > 1 {
                faults.append("there are other ways to \(target) than the call in \(block)")
            }
            if edge == edges.lowerBound { continue }
            let types = function[target].parameters.map { function.type(function.order[$0]) }
            if types != [.ref] { faults.append("\(target) does not take an exception") }
        }
    }

    private mutating func verifyFlow(_ function: borrowing Function) {
        for number in 1..<max(function.blocks.count, 1) {
            let block = Block(at: number)
            if dominators.parent(block).isNone { faults.append("\(block) is not reachable") }
            for place in predecessors.range(block) {
                let source = function[predecessors[place]].source
                if source.number >= block.number, !dominators.dominates(block, source) {
                    faults.append("\(source) to \(block) goes back, but not to a loop's header")
                }
            }
        }
    }

    // MARK: Uses

    private mutating func verifyUses(_ block: Block, _ function: borrowing Function) {
        for place in function[block].body {
            let value = function.order[place]
            let instruction = function[value]
            guard isInPool(instruction, function) else {
                faults.append("\(value): operands are not in the pool")
                continue
            }
            var operands: [Value] = []
            function.forEachOperand(instruction) { operands.append($0) }
            var isSound = true
            for operand in operands where !isDefined(operand, block, place, function) {
                faults.append("\(value) in \(block) uses \(operand), which is not made before it")
                isSound = false
            }
            if isSound { verifyTypes(value, operands, function) }
        }
        for edge in function.successors(block) {
            let record = function[Edge(edge)]
            let first = Int(function[record.target].start)
            for (place, argument) in record.arguments.enumerated() {
                let operand = Value(function.pool[argument])
                let parameter = function.order[first + place]
                if !isDefined(operand, block, Int(function[block].end), function) {
                    faults.append("\(block) passes \(operand), which is not made before it")
                } else if function.type(operand) != function.type(parameter) {
                    faults.append("\(block) passes \(operand) for \(parameter) of another type")
                }
            }
        }
    }

    private func isInPool(_ instruction: Instruction, _ function: borrowing Function) -> Bool {
        let count = function.pool.count
        return switch instruction.operator.row.operands {
        case .list, .unaryAndList: Int(instruction.b) + Int(instruction.c) <= count
        case .store, .compareStore:
            Int(instruction.c) + instruction.operator.poolWords <= count
        default: true
        }
    }

    private func isDefined(
        _ operand: Value, _ block: Block, _ place: Int, _ function: borrowing Function
    ) -> Bool {
        guard operand.index < function.instructions.count,
            function.type(operand) != .none
        else { return false }
        if function[operand].operator.row.effects.contains(.floats) { return true }
        let home = blocks[operand.index]
        if home.isNone { return false }
        if home == block { return places[operand.index] < UInt32(place) }
        return dominators.dominates(home, block)
    }

    private mutating func verifyTypes(
        _ value: Value, _ operands: [Value], _ function: borrowing Function
    ) {
        let instruction = function[value]
        let types = operands.map { function.type($0) }
        if !TypeChecker.isSound(instruction, types) {
            faults.append("\(value): wrong types for \(instruction.operator.row.name)")
        }
        switch instruction.operator {
        case .return:
            let results = (0..<function.results.count).map { function.results[$0] }
            if types != results { faults.append("\(value) does not return the function's results") }
        case .callResult: verifyCallResult(value, function)
        case .vectorConstant:
            if Int(instruction.a) >= function.vectors.count { faults.append("\(value): no vector") }
        case .shuffle:
            if Int(instruction.c) >= function.vectors.count { faults.append("\(value): no vector") }
        default: break
        }
    }

    /// A further result follows its call, or the result before it.
    private mutating func verifyCallResult(_ value: Value, _ function: borrowing Function) {
        let instruction = function[value]
        let place = Int(places[value.index]) - Int(instruction.immediate)
        let isCall = function[instruction.first].operator.row.effects.contains(.calls)
        if instruction.immediate == 0 || !isCall || place < 0
            || function.order[place] != instruction.first
        {
            faults.append("\(value) does not follow its call")
        }
    }
}
