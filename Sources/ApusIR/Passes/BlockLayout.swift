internal import ApusCollections

// Consumes: a whole function. Leaves: its layout.

/// Decides in which order the code of blocks is to stand: by their numbers, but loops are turned so
/// that the block that decides whether to go on comes last, where it is both the end of a round
/// and the start of the next. Then going round takes one jump, and it is that decision.
public struct BlockLayout: ~Copyable {
    private var predecessors = Predecessors()
    private var loops = Loops()
    /// Of each block, the header that stands behind it; none if there is none.
    private var followers = Arena<Block>(capacity: 128)
    private var isMoved = Arena<Bool>(capacity: 128)

    public init() {}

    /// Lays out `function`.
    public mutating func run(_ function: inout Function) {
        predecessors.compute(function)
        loops.compute(function, predecessors)
        followers.refill(.none, count: function.blocks.count)
        isMoved.refill(false, count: function.blocks.count)
        for loop in 0..<loops.records.count { turn(loop, function) }
        function.layout.removeAll()
        for number in 0..<function.blocks.count where !isMoved[number] {
            var block = Block(at: number)
            while !block.isNone {
                function.layout.append(block)
                block = followers[block.index]
            }
        }
    }

    /// Puts the header of a loop last if it decides about going on, and what comes last now does
    /// nothing but go back to it.
    private mutating func turn(_ loop: Int, _ function: borrowing Function) {
        let record = loops.records[loop]
        let header = record.header
        let end = function[function.terminator(header)]
        guard end.operator == .branch, record.last != header,
            function[header].isCold == function[record.last].isCold,
            loops.contains(loop, function[Edge(end.b)].target)
                != loops.contains(loop, function[Edge(end.c)].target)
        else { return }
        let back = function[function.terminator(record.last)]
        guard back.operator == .jump, function[Edge(back.a)].target == header,
            followers[record.last.index].isNone
        else { return }
        followers[record.last.index] = header
        isMoved[header.index] = true
    }
}
