internal import ApusCollections

/// The edges that lead to each block.
public struct Predecessors: ~Copyable {
    private var starts = Arena<UInt32>(capacity: 128)
    private var edges = Arena<Edge>(capacity: 128)

    public init() {}

    /// Collects the edges that the blocks of `function` name, in order of their numbers.
    public mutating func compute(_ function: borrowing Function) {
        starts.removeAll()
        edges.removeAll()
        starts.append(repeating: 0, count: function.blocks.count &+ 1)
        for block in 0..<function.blocks.count {
            for edge in function.successors(Block(at: block)) {
                starts[function[Edge(edge)].target.index &+ 1] &+= 1
            }
        }
        for block in 0..<function.blocks.count { starts[block &+ 1] &+= starts[block] }
        edges.append(repeating: Edge(0), count: Int(starts.last))
        for block in (0..<function.blocks.count).reversed() {
            for edge in function.successors(Block(at: block)).reversed() {
                let target = function[Edge(edge)].target.index &+ 1
                starts[target] &-= 1
                edges[Int(starts[target])] = Edge(edge)
            }
        }
        // Filling has moved each start to the place before: the entry of block n is at n + 1.
        for block in 0..<function.blocks.count { starts[block] = starts[block &+ 1] }
        starts[function.blocks.count] = UInt32(truncatingIfNeeded: edges.count)
    }

    /// Places of the edges to `block`, for `subscript`.
    @inline(__always)
    public func range(_ block: Block) -> Range<Int> {
        Int(starts[block.index])..<Int(starts[block.index &+ 1])
    }

    @inline(__always)
    public subscript(place: Int) -> Edge { edges[place] }
}
