internal import ApusCollections

// Used by: `CodeMotion`.

/// Puts values into the blocks that were decided on: those that come from further up before their
/// first use there, all others before the end.
struct Placement: ~Copyable {
    private var order = Arena<Value>(capacity: 1024)
    private var isPlaced = Arena<Bool>(capacity: 1024)
    /// Of each block, the first and the last value that comes to it, in order.
    private var first = Arena<Value>(capacity: 128)
    private var last = Arena<Value>(capacity: 128)
    /// Of each of these, the next one.
    private var next = Arena<Value>(capacity: 1024)
    private var work = Arena<Value>(capacity: 64)

    init() {}

    mutating func run(
        _ function: inout Function, _ homes: borrowing Arena<Block>,
        _ targets: borrowing Arena<Block>
    ) {
        listMoved(function, homes, targets)
        order.removeAll()
        isPlaced.refill(false, count: function.instructions.count)
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            let record = function[block]
            let start = order.count
            for place in record.parameters { append(function.order[place]) }
            for position in record.body.dropLast() {
                let value = function.order[position]
                if targets[value.index] == block { place(value, block, function, homes, targets) }
            }
            var moved = first[number]
            while !moved.isNone {
                place(moved, block, function, homes, targets)
                moved = next[moved.index]
            }
            place(function.terminator(block), block, function, homes, targets)
            function.blocks[number].start = UInt32(truncatingIfNeeded: start)
            function.blocks[number].end = UInt32(truncatingIfNeeded: order.count)
        }
        swap(&order, &function.order)
    }

    /// Chains what goes to other blocks than its own. Blocks and values are walked in their order,
    /// so operands come before their users.
    private mutating func listMoved(
        _ function: borrowing Function, _ homes: borrowing Arena<Block>,
        _ targets: borrowing Arena<Block>
    ) {
        first.refill(.none, count: function.blocks.count)
        last.refill(.none, count: function.blocks.count)
        next.refill(.none, count: function.instructions.count)
        for place in 0..<function.order.count {
            let value = function.order[place]
            let target = targets[value.index]
            if target == homes[value.index] { continue }
            if first[target.index].isNone {
                first[target.index] = value
            } else {
                next[last[target.index].index] = value
            }
            last[target.index] = value
        }
    }

    private mutating func append(_ value: Value) {
        isPlaced[value.index] = true
        order.append(value)
    }

    /// Places `value` in `block`, and before it what has come down there for its sake.
    private mutating func place(
        _ value: Value, _ block: Block, _ function: borrowing Function,
        _ homes: borrowing Arena<Block>, _ targets: borrowing Arena<Block>
    ) {
        if isPlaced[value.index] { return }
        work.append(value)
        while !work.isEmpty {
            let top = work.last
            let depth = work.count
            function.forEachOperand(function[top]) { operand in
                if Self.isSunk(operand, block, homes, targets), !isPlaced[operand.index] {
                    work.append(operand)
                }
            }
            if work.count > depth { continue }
            _ = work.removeLast()
            if !isPlaced[top.index] { append(top) }
        }
    }

    /// Whether `value` has come to `block` from further up.
    private static func isSunk(
        _ value: Value, _ block: Block, _ homes: borrowing Arena<Block>,
        _ targets: borrowing Arena<Block>
    ) -> Bool {
        targets[value.index] == block && homes[value.index].number < block.number
    }
}
