internal import ApusCollections

/// Which loops blocks are in, however deep they are nested.
struct MachineLoops: ~Copyable {
    /// Of each header, numbers in a walk of the loops' tree: those inside have numbers between.
    private var entries = Arena<UInt32>(capacity: 128)
    private var exits = Arena<UInt32>(capacity: 128)
    private var next = Arena<UInt32>(capacity: 128)

    init() {}

    /// Numbers the loops of `function`. Headers of inner loops have higher numbers.
    mutating func compute(_ function: borrowing MachineFunction) {
        let count = function.blocks.count
        entries.refill(0, count: count)
        exits.refill(1, count: count)
        next.refill(0, count: count)
        for number in (0..<count).reversed() where Self.isHeader(number, function) {
            let outer = function.blocks[number].outerLoop
            if outer != MachineBlock.noBlock { exits[Int(outer)] &+= exits[number] }
        }
        var roots: UInt32 = 0
        for number in 0..<count where Self.isHeader(number, function) {
            let outer = function.blocks[number].outerLoop
            if outer == MachineBlock.noBlock {
                entries[number] = roots
                roots &+= exits[number]
            } else {
                entries[number] = next[Int(outer)]
                next[Int(outer)] &+= exits[number]
            }
            next[number] = entries[number] &+ 1
            exits[number] &+= entries[number]
        }
    }

    private static func isHeader(_ number: Int, _ function: borrowing MachineFunction) -> Bool {
        function.blocks[number].loop == UInt32(truncatingIfNeeded: number)
    }

    /// Whether block `number` is in the loop with this header.
    func contains(
        _ header: UInt32, _ number: Int, _ function: borrowing MachineFunction
    ) -> Bool {
        let inner = function.blocks[number].loop
        return inner != MachineBlock.noBlock && entries[Int(header)] <= entries[Int(inner)]
            && entries[Int(inner)] < exits[Int(header)]
    }
}
