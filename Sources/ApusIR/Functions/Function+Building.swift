internal import ApusCollections

/// How functions are made: block after block, each from its parameters to its end.
extension Function {
    /// Forgets everything; keeps the storage.
    public mutating func removeAll() {
        instructions.removeAll()
        offsets.removeAll()
        order.removeAll()
        blocks.removeAll()
        edges.removeAll()
        pool.removeAll()
        vectors.removeAll()
        results.removeAll()
        layout.removeAll()
        argumentBytes = -1
    }

    /// Makes an instruction that stands in no block (yet).
    @inline(__always)
    public mutating func make(_ instruction: Instruction, offset: UInt32) -> Value {
        let value = Value(at: instructions.count)
        instructions.append(instruction)
        offsets.append(offset)
        return value
    }

    /// Makes an instruction at the end of the block that is being built.
    @inline(__always) @discardableResult
    public mutating func append(_ instruction: Instruction, offset: UInt32) -> Value {
        let value = make(instruction, offset: offset)
        order.append(value)
        return value
    }

    /// Opens a block; what is appended from now on belongs to it.
    public mutating func openBlock(loopDepth: UInt16 = 0, isCold: Bool = false) -> Block {
        let block = Block(at: blocks.count)
        blocks.append(
            BlockRecord(
                start: UInt32(truncatingIfNeeded: order.count), loopDepth: loopDepth,
                isCold: isCold))
        return block
    }

    /// Makes a parameter of the block that is being built, before anything else of it.
    public mutating func appendParameter(_ type: IRType, offset: UInt32) -> Value {
        let place = blocks.last.parameterCount
        blocks.last.parameterCount &+= 1
        return append(Instruction(.parameter, type, a: place), offset: offset)
    }

    /// Closes the block that is being built, after its last instruction.
    @inline(__always)
    public mutating func closeBlock() {
        blocks.last.end = UInt32(truncatingIfNeeded: order.count)
    }

    /// Makes an edge; its arguments are the last `argumentCount` words of the pool.
    public mutating func makeEdge(from source: Block, to target: Block, argumentCount: Int) -> Edge
    {
        let edge = Edge(at: edges.count)
        edges.append(
            EdgeRecord(
                source: source, target: target,
                argumentStart: UInt32(truncatingIfNeeded: pool.count &- argumentCount),
                argumentCount: UInt32(truncatingIfNeeded: argumentCount)))
        return edge
    }

    /// Makes the edges of a call that is to end `source`, one on which it returns and one for each
    /// of its handlers, and appends to the pool, behind the arguments, what says so. Returns the
    /// first of them; where they lead is still to be filled in.
    public mutating func makeOutcomes(
        from source: Block, catching clauses: Span<CatchClause>
    ) -> Edge {
        let first = Edge(at: edges.count)
        pool.append(first.number)
        pool.append(UInt32(truncatingIfNeeded: clauses.count))
        for index in clauses.indices { pool.append(clauses[index].bits) }
        for _ in 0...clauses.count {
            let edge = makeEdge(from: source, to: .none, argumentCount: 0)
            edges[edge.index].carriesOutcome = true
        }
        return first
    }

    /// Makes the layout list the blocks by their numbers.
    public mutating func layOutByNumber() {
        layout.removeAll()
        for block in 0..<blocks.count { layout.append(Block(at: block)) }
    }
}
