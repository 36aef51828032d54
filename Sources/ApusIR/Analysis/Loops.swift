public import ApusCollections

/// A loop: its header is the target of back edges and dominates all its blocks.
public struct LoopRecord: BitwiseCopyable, Sendable {
    public var header: Block
    /// Place in `Loops.records` of the loop around it, -1 if there is none.
    public var parent: Int32
    /// 1 if there is no loop around it.
    public var depth: UInt32
    /// The block with the highest number in it.
    public var last: Block
    /// How many blocks it has, those of loops inside it included.
    public var blockCount: UInt32
}

/// The loops of a function, outer ones before inner ones, and the innermost one of each block.
public struct Loops: ~Copyable {
    public private(set) var records = Arena<LoopRecord>(capacity: 32)
    private var innermost = Arena<Int32>(capacity: 128)
    private var work = Arena<Block>(capacity: 64)
    /// Of each loop found so far, one that it is in, itself if there is none; short ways to the
    /// outermost one.
    private var outer = Arena<Int32>(capacity: 32)
    /// Of each loop, numbers in a walk of their tree: those inside have numbers between its own.
    private var entries = Arena<UInt32>(capacity: 32)
    private var exits = Arena<UInt32>(capacity: 32)
    private var next = Arena<UInt32>(capacity: 32)

    public init() {}

    /// Finds the loops of `function`: headers by their back edges, bodies by walking backwards
    /// from these. A block is walked over once for each loop that has it as its outermost part,
    /// and inner loops are stepped over, so the time is linear in edges and nesting.
    public mutating func compute(
        _ function: borrowing Function, _ predecessors: borrowing Predecessors
    ) {
        records.removeAll()
        outer.removeAll()
        innermost.removeAll()
        innermost.append(repeating: -1, count: function.blocks.count)
        // Inner headers have higher numbers, so their loops are complete first.
        for number in (0..<function.blocks.count).reversed() {
            collect(Block(at: number), function, predecessors)
        }
        reverse()
        for index in 0..<records.count {
            let parent = records[index].parent
            records[index].depth = parent < 0 ? 1 : records[Int(parent)].depth &+ 1
        }
        number()
    }

    private mutating func collect(
        _ header: Block, _ function: borrowing Function, _ predecessors: borrowing Predecessors
    ) {
        let loop = Int32(truncatingIfNeeded: records.count)
        work.removeAll()
        for place in predecessors.range(header) {
            let source = function[predecessors[place]].source
            if source.number >= header.number { work.append(source) }
        }
        if work.isEmpty { return }
        records.append(
            LoopRecord(header: header, parent: -1, depth: 0, last: header, blockCount: 1))
        outer.append(loop)
        // Nothing has claimed the header yet: the loops found so far have higher headers.
        innermost[header.index] = loop
        while !work.isEmpty {
            let block = outermostFound(work.removeLast(), below: loop)
            if block.isNone { continue }
            for place in predecessors.range(block) {
                work.append(function[predecessors[place]].source)
            }
        }
    }

    /// Adds `block`, or the whole outermost loop found so far that it is in, to `loop`; the block
    /// from which to go on backwards, none if it was there already.
    private mutating func outermostFound(_ block: Block, below loop: Int32) -> Block {
        var inner = innermost[block.index]
        if inner < 0 {
            innermost[block.index] = loop
            note(loop, last: block, count: 1)
            return block
        }
        while outer[Int(inner)] != inner {
            outer[Int(inner)] = outer[Int(outer[Int(inner)])]
            inner = outer[Int(inner)]
        }
        if inner == loop { return .none }
        records[Int(inner)].parent = loop
        outer[Int(inner)] = loop
        note(loop, last: records[Int(inner)].last, count: records[Int(inner)].blockCount)
        return records[Int(inner)].header
    }

    private mutating func note(_ loop: Int32, last: Block, count: UInt32) {
        if last.number > records[Int(loop)].last.number { records[Int(loop)].last = last }
        records[Int(loop)].blockCount &+= count
    }

    /// Puts outer loops first.
    private mutating func reverse() {
        let count = records.count
        for index in 0..<(count / 2) {
            let other = records[count &- 1 &- index]
            records[count &- 1 &- index] = records[index]
            records[index] = other
        }
        let last = Int32(truncatingIfNeeded: count &- 1)
        for index in 0..<count where records[index].parent >= 0 {
            records[index].parent = last &- records[index].parent
        }
        for index in 0..<innermost.count where innermost[index] >= 0 {
            innermost[index] = last &- innermost[index]
        }
    }

    /// Numbers the tree without walking it, as `Dominators` does.
    private mutating func number() {
        let count = records.count
        entries.refill(0, count: count)
        exits.refill(1, count: count)
        next.refill(0, count: count)
        for loop in (0..<count).reversed() where records[loop].parent >= 0 {
            exits[Int(records[loop].parent)] &+= exits[loop]
        }
        var roots: UInt32 = 0
        for loop in 0..<count {
            let parent = Int(records[loop].parent)
            if parent < 0 {
                entries[loop] = roots
                roots &+= exits[loop]
            } else {
                entries[loop] = next[parent]
                next[parent] &+= exits[loop]
            }
            next[loop] = entries[loop] &+ 1
            exits[loop] &+= entries[loop]
        }
    }

    /// Place in `records` of the innermost loop that has `block`, -1 if none has.
    @inline(__always)
    public func loop(_ block: Block) -> Int { Int(innermost[block.index]) }

    /// How many loops are around `block`; a header is in its loop.
    @inline(__always)
    public func depth(_ block: Block) -> UInt32 {
        let loop = innermost[block.index]
        return loop < 0 ? 0 : records[Int(loop)].depth
    }

    /// Whether `block` is in the loop at `loop` of `records`, or in one inside it.
    public func contains(_ loop: Int, _ block: Block) -> Bool {
        let inner = Int(innermost[block.index])
        return inner >= 0 && entries[loop] <= entries[inner] && entries[inner] < exits[loop]
    }
}
