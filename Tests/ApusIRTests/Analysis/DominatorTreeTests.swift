import Testing

@testable import ApusIR

/// The tree beside its definition: chains of parents that are walked one by one.
@Suite struct DominatorTreeTests {
    /// The parent of each block. Shape 0 is a chain, others hang blocks further up now and then.
    private static func parents(_ count: Int, shape: Int) -> [Int] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { block in
            if block == 0 { return -1 }
            if shape == 0 || Int.random(in: 0..<shape * 4, using: &generator) != 0 {
                return block - 1
            }
            return Int.random(in: 0..<block, using: &generator)
        }
    }

    private static func chain(_ block: Int, _ parents: [Int]) -> [Int] {
        var chain = [block]
        while let last = chain.last, parents[last] >= 0 { chain.append(parents[last]) }
        return chain
    }

    @Test(arguments: 0..<8)
    func agreesWithChains(shape: Int) {
        let parents = Self.parents(200, shape: shape)
        var tree = DominatorTree()
        for parent in parents { tree.append(below: parent < 0 ? .none : Block(at: parent)) }
        for one in stride(from: 0, to: 200, by: 3) {
            let chain = Self.chain(one, parents)
            let depth = tree.depth(Block(at: one))
            #expect(Int(depth) == chain.count - 1)
            for other in stride(from: 0, to: 200, by: 2) {
                let otherChain = Self.chain(other, parents)
                let meeting = chain.first { otherChain.contains($0) }
                let met = tree.meet(Block(at: one), Block(at: other))
                let dominates = tree.dominates(Block(at: other), Block(at: one))
                #expect(met.index == meeting)
                #expect(dominates == chain.contains(other))
            }
        }
    }

    /// Long chains with questions from end to end: each a walk, that would be minutes.
    @Test func longChainsAreQuick() {
        var tree = DominatorTree()
        tree.append(below: .none)
        let count = 1 << 18
        for block in 1..<count { tree.append(below: Block(at: block - 1)) }
        // A second chain beside the first, from the root.
        tree.append(below: .entry)
        for block in count + 1..<2 * count { tree.append(below: Block(at: block - 1)) }
        var wrong = 0
        for block in stride(from: 1, to: count, by: 2) {
            if tree.meet(Block(at: block), Block(at: block + count)) != .entry { wrong += 1 }
            if !tree.dominates(.entry, Block(at: block)) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    /// Blocks that no way leads to are roots of their own.
    @Test func unreachableBlocksMeetAtTheEntry() {
        var tree = DominatorTree()
        for parent in [Block.none, .entry, .none, Block(2)] { tree.append(below: parent) }
        let met = tree.meet(Block(1), Block(3))
        let dominates = tree.dominates(.entry, Block(3))
        #expect(met == .entry)
        #expect(!dominates)
    }
}
