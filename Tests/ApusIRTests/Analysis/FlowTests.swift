import ApusCollections
import ApusIR
import Testing

/// Dominators and loops, compared with their definitions on functions made at random.
@Suite struct FlowTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func analysesAgreeWithDefinitions(seed: UInt64) throws {
        let function = try Function(text: RandomFlow.text(seed: seed))
        var verifier = Verifier()
        try #require(verifier.verify(function) == [])
        var predecessors = Predecessors()
        predecessors.compute(function)
        var dominators = Dominators()
        dominators.compute(function, predecessors)
        var loops = Loops()
        loops.compute(function, predecessors)
        let graph = Graph(function)
        let reached = graph.blocks.map { graph.reached(without: $0) }
        for block in graph.blocks {
            let sources = predecessors.range(Block(at: block)).map {
                function[predecessors[$0]].source.index
            }
            #expect(sources == graph.sources(block))
            let avoidable = graph.blocks.filter { reached[$0].contains(block) }
            let found = graph.blocks.filter {
                !dominators.dominates(Block(at: $0), Block(at: block))
            }
            #expect(found == avoidable)
            let expected = graph.loops.filter { $0.value.contains(block) }
            #expect(Int(loops.depth(Block(at: block))) == expected.count)
            let innermost = expected.keys.max()
            let loop = loops.loop(Block(at: block))
            #expect((loop < 0 ? nil : loops.records[loop].header.index) == innermost)
        }
        #expect(loops.records.count == graph.loops.count)
        for place in 0..<loops.records.count {
            let record = loops.records[place]
            let blocks = try #require(graph.loops[record.header.index])
            #expect(Int(record.blockCount) == blocks.count)
            #expect(record.last.index == blocks.max())
            #expect(Int(record.parent) < place)
            let found = graph.blocks.filter { loops.contains(place, Block(at: $0)) }
            #expect(found == blocks.sorted())
        }
    }

    /// Two chains of blocks, in which ways up are long.
    @Test func dominatorsMeetFarAway() throws {
        let length = 300
        var text = "function (i32) -> ()\nblock0(v0: i32):\n"
        text += "branchTable v0, [block1(), block\(length + 1)()]\n"
        for block in 1...2 * length {
            let isLast = block == length || block == 2 * length
            text += "block\(block)():\njump block\(isLast ? 2 * length + 1 : block + 1)()\n"
        }
        text += "block\(2 * length + 1)():\nreturn ()\n"
        let function = try Function(text: text)
        var predecessors = Predecessors()
        predecessors.compute(function)
        var dominators = Dominators()
        dominators.compute(function, predecessors)
        for step in 1...17 {
            for one in stride(from: 1, through: length, by: step) {
                let other = (one * 7) % length + 1
                let above = Block(at: min(one, other))
                #expect(dominators.meet(Block(at: one), Block(at: other)) == above)
                let across = Block(at: length + other)
                #expect(dominators.meet(Block(at: one), across) == .entry)
                #expect(dominators.meet(across, Block(at: one)) == .entry)
            }
        }
        #expect(dominators.parent(Block(at: 2 * length + 1)) == .entry)
    }

    @Test func someFunctionsHaveNestedLoops() throws {
        var deepest: UInt32 = 0
        for seed in 0..<20 as Range<UInt64> {
            let function = try Function(text: RandomFlow.text(seed: seed))
            var predecessors = Predecessors()
            predecessors.compute(function)
            var loops = Loops()
            loops.compute(function, predecessors)
            for block in 0..<function.blocks.count {
                deepest = max(deepest, loops.depth(Block(at: block)))
            }
        }
        #expect(deepest >= 3)
    }
}

/// A function's blocks and ways, for definitions rather than for speed.
private struct Graph {
    var successors: [[Int]] = []
    /// Blocks of each loop, by header.
    var loops: [Int: Set<Int>] = [:]

    var blocks: Range<Int> { successors.indices }

    init(_ function: borrowing Function) {
        for block in 0..<function.blocks.count {
            var targets: [Int] = []
            for edge in function.successors(Block(at: block)) {
                targets.append(function[Edge(edge)].target.index)
            }
            successors.append(targets)
        }
        for block in blocks {
            for header in successors[block] where header <= block {
                loops[header, default: [header]].formUnion(reaching(block, without: header))
            }
        }
    }

    func sources(_ block: Int) -> [Int] {
        blocks.flatMap { source in successors[source].filter { $0 == block }.map { _ in source } }
    }

    /// Blocks that the entry reaches on ways that avoid `block`.
    func reached(without block: Int) -> Set<Int> {
        var found: Set<Int> = []
        var work = block == 0 ? [] : [0]
        while let next = work.popLast() {
            if found.insert(next).inserted { work += successors[next].filter { $0 != block } }
        }
        return found
    }

    /// Blocks that reach `block` on ways that avoid `header`.
    private func reaching(_ block: Int, without header: Int) -> Set<Int> {
        var found: Set<Int> = [header]
        var work = [block]
        while let next = work.popLast() {
            if found.insert(next).inserted { work += sources(next) }
        }
        return found
    }
}
