internal import ApusCollections

/// Which blocks every way to a block passes through.
///
/// One walk over the blocks is enough, since they are numbered in reverse postorder and all loops
/// are entered by their headers: a back edge never changes who dominates its target.
public struct Dominators: ~Copyable {
    private var tree = DominatorTree()
    /// Of each block, numbers in a walk of the tree: a block dominates those between its own.
    private var entries = Arena<UInt32>(capacity: 128)
    private var exits = Arena<UInt32>(capacity: 128)
    private var next = Arena<UInt32>(capacity: 128)

    public init() {}

    /// Computes the tree of `function`, whose predecessors are given.
    public mutating func compute(
        _ function: borrowing Function, _ predecessors: borrowing Predecessors
    ) {
        tree.removeAll()
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            var dominator = Block.none
            for place in predecessors.range(block) {
                let source = function[predecessors[place]].source
                if source.number >= block.number { continue }
                dominator = dominator.isNone ? source : tree.meet(dominator, source)
            }
            tree.append(below: dominator)
        }
        number()
    }

    /// The nearest block that dominates both.
    public func meet(_ one: Block, _ other: Block) -> Block { tree.meet(one, other) }

    /// Numbers the tree without walking it: sizes from the leaves up, then places from the root.
    private mutating func number() {
        let count = tree.count
        entries.removeAll()
        exits.removeAll()
        entries.append(repeating: 0, count: count)
        exits.append(repeating: 1, count: count)
        next.removeAll()
        next.append(repeating: 0, count: count)
        for block in (0..<count).reversed() {
            let parent = tree.parent(Block(at: block))
            if !parent.isNone { exits[parent.index] &+= exits[block] }
        }
        for block in 0..<count {
            let parent = tree.parent(Block(at: block))
            if !parent.isNone {
                // The next places of its parent's that no child has taken.
                entries[block] = next[parent.index]
                next[parent.index] &+= exits[block]
            }
            next[block] = entries[block] &+ 1
            exits[block] &+= entries[block]
        }
    }

    /// The nearest block that dominates `block` besides itself; none of the entry.
    @inline(__always)
    public func parent(_ block: Block) -> Block { tree.parent(block) }

    /// How many blocks dominate `block` besides itself.
    @inline(__always)
    public func depth(_ block: Block) -> UInt32 { tree.depth(block) }

    /// Whether every way to `block` passes through `dominator`; a block dominates itself.
    @inline(__always)
    public func dominates(_ dominator: Block, _ block: Block) -> Bool {
        entries[dominator.index] <= entries[block.index]
            && exits[block.index] <= exits[dominator.index]
    }
}
