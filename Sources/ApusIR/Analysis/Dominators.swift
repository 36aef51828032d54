internal import ApusCollections

/// Which blocks every way to a block passes through.
///
/// One walk over the blocks is enough, since they are numbered in reverse postorder and all loops
/// are entered by their headers: a back edge never changes who dominates its target.
public struct Dominators: ~Copyable {
    private var immediate = Arena<Block>(capacity: 128)
    private var depths = Arena<UInt32>(capacity: 128)
    /// Of each block, one that dominates it farther up: with these a way up of any length takes a
    /// number of steps that is logarithmic in it.
    private var jumps = Arena<Block>(capacity: 128)
    /// Of each block, numbers in a walk of the tree: a block dominates those between its own.
    private var entries = Arena<UInt32>(capacity: 128)
    private var exits = Arena<UInt32>(capacity: 128)
    private var next = Arena<UInt32>(capacity: 128)

    public init() {}

    /// Computes the tree of `function`, whose predecessors are given.
    public mutating func compute(
        _ function: borrowing Function, _ predecessors: borrowing Predecessors
    ) {
        immediate.removeAll()
        depths.removeAll()
        jumps.removeAll()
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            var dominator = Block.none
            for place in predecessors.range(block) {
                let source = function[predecessors[place]].source
                if source.number >= block.number { continue }
                dominator = dominator.isNone ? source : meet(dominator, source)
            }
            immediate.append(dominator)
            depths.append(dominator.isNone ? 0 : depths[dominator.index] &+ 1)
            jumps.append(dominator.isNone ? block : jump(below: dominator))
        }
        number()
    }

    /// Where a block leaps to whose nearest dominator is `parent`: two leaps of one length make one
    /// of the double length.
    private func jump(below parent: Block) -> Block {
        let near = jumps[parent.index]
        let far = jumps[near.index]
        let isEven =
            depths[parent.index] &- depths[near.index] == depths[near.index] &- depths[far.index]
        return isEven ? far : parent
    }

    /// As many steps are taken one by one before leaping.
    private static var stepLimit: Int { 16 }

    /// The nearest block that dominates both.
    public func meet(_ one: Block, _ other: Block) -> Block {
        var one = one
        var other = other
        var steps = 0
        while one != other {
            if steps == Self.stepLimit { return leap(one, other) }
            steps &+= 1
            // The entry has the number 0, so neither side can pass it.
            if one.number > other.number {
                one = immediate[one.index]
            } else {
                other = immediate[other.index]
            }
            if one.isNone || other.isNone { return .entry }
        }
        return one
    }

    /// `meet` of blocks that are far apart.
    @inline(never)
    private func leap(_ one: Block, _ other: Block) -> Block {
        var low = one
        var high = other
        if depths[low.index] < depths[high.index] { swap(&low, &high) }
        let depth = depths[high.index]
        while depths[low.index] > depth {
            let far = jumps[low.index]
            low = depths[far.index] >= depth ? far : immediate[low.index]
        }
        while low != high {
            let isApart = jumps[low.index] != jumps[high.index]
            low = isApart ? jumps[low.index] : immediate[low.index]
            high = isApart ? jumps[high.index] : immediate[high.index]
            if low.isNone || high.isNone { return .entry }
        }
        return low
    }

    /// Numbers the tree without walking it: sizes from the leaves up, then places from the root.
    private mutating func number() {
        let count = immediate.count
        entries.removeAll()
        exits.removeAll()
        entries.append(repeating: 0, count: count)
        exits.append(repeating: 1, count: count)
        next.removeAll()
        next.append(repeating: 0, count: count)
        for block in (0..<count).reversed() where !immediate[block].isNone {
            exits[immediate[block].index] &+= exits[block]
        }
        for block in 0..<count {
            let parent = immediate[block]
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
    public func parent(_ block: Block) -> Block { immediate[block.index] }

    /// How many blocks dominate `block` besides itself.
    @inline(__always)
    public func depth(_ block: Block) -> UInt32 { depths[block.index] }

    /// Whether every way to `block` passes through `dominator`; a block dominates itself.
    @inline(__always)
    public func dominates(_ dominator: Block, _ block: Block) -> Bool {
        entries[dominator.index] <= entries[block.index]
            && exits[block.index] <= exits[dominator.index]
    }
}
