internal import ApusCollections

// Used by: `Dominators`, of whole functions, and `Builder`, while a function is being made.

/// Which block dominates which, as a tree that grows at its leaves: blocks are added in the order
/// of their numbers, each with its immediate dominator.
///
/// Besides its parent, each block knows one ancestor further up, chosen so that any ancestor is
/// reached in a number of steps that grows like the logarithm of the depth (a skew-binary list):
/// long chains of blocks cost their length once, not with each question.
struct DominatorTree: ~Copyable {
    private var parents = Arena<Block>(capacity: 128)
    private var depths = Arena<UInt32>(capacity: 128)
    private var jumps = Arena<Block>(capacity: 128)

    init() {}

    var count: Int { @inline(__always) get { parents.count } }

    /// Forgets all blocks.
    mutating func removeAll() {
        parents.removeAll()
        depths.removeAll()
        jumps.removeAll()
    }

    /// Adds the next block below `parent`; none makes it a root.
    mutating func append(below parent: Block) {
        let block = Block(at: parents.count)
        guard !parent.isNone else {
            parents.append(.none)
            depths.append(0)
            return jumps.append(block)
        }
        let near = jumps[parent.index]
        let far = jumps[near.index]
        let isSameStride =
            depths[parent.index] &- depths[near.index] == depths[near.index] &- depths[far.index]
        parents.append(parent)
        depths.append(depths[parent.index] &+ 1)
        jumps.append(isSameStride ? far : parent)
    }

    /// The immediate dominator of `block`; none of a root.
    @inline(__always)
    func parent(_ block: Block) -> Block { parents[block.index] }

    /// How many blocks dominate `block` besides itself.
    @inline(__always)
    func depth(_ block: Block) -> UInt32 { depths[block.index] }

    /// The dominator of `block` that `depth` others dominate, if `block` is not higher itself.
    private func ancestor(_ block: Block, at depth: UInt32) -> Block {
        var block = block
        while depths[block.index] > depth {
            let jump = jumps[block.index]
            block = depths[jump.index] >= depth ? jump : parents[block.index]
        }
        return block
    }

    /// Whether every way to `block` passes through `dominator`; a block dominates itself.
    @inline(__always)
    func dominates(_ dominator: Block, _ block: Block) -> Bool {
        dominator == block || ancestor(block, at: depths[dominator.index]) == dominator
    }

    /// The nearest block that dominates both; the entry if they hang together nowhere.
    func meet(_ one: Block, _ other: Block) -> Block {
        if one == other { return one }
        var one = ancestor(one, at: depths[other.index])
        var other = ancestor(other, at: depths[one.index])
        // Of equal depth from here on, so their jumps are of equal length.
        while one != other {
            if depths[one.index] == 0 { return .entry }
            let (near, far) = (jumps[one.index], jumps[other.index])
            if near != far {
                (one, other) = (near, far)
            } else {
                (one, other) = (parents[one.index], parents[other.index])
            }
        }
        return one
    }
}
