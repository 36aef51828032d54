internal import ApusCollections

// Consumes and leaves: a whole function.

/// Turns branches around next to nothing into selections: where two ways part and meet again, and
/// what is computed on them is little and harmless, both are computed.
///
/// A selection waits for both sides, a branch for none of them if it is foreseen. So only as much
/// is converted as takes less time than one branch that is not.
public struct IfConversion: ~Copyable {
    private var predecessors = Predecessors()
    /// Of each block, what becomes of the branch at its end.
    private var conversions = Arena<Conversion>(capacity: 128)
    /// Of each block, its number afterwards; none if it is taken in.
    private var numbers = Arena<Block>(capacity: 128)
    private var order = Arena<Value>(capacity: 1024)
    private var blocks = Arena<BlockRecord>(capacity: 128)

    /// A branch whose ways meet.
    struct Conversion: BitwiseCopyable {
        /// The blocks on the ways, if there are any.
        var ifSo = Block.none
        var ifNot = Block.none
        /// The edges that arrive; the first one is kept.
        var arrivingIfSo = Edge(.max)
        var arrivingIfNot = Edge(.max)

        var isNone: Bool { arrivingIfSo.number == .max }
    }

    // Of instructions on each way, and of values that differ where the ways meet: each takes a
    // cycle or two, a branch that was foreseen next to none, and one that was not some 15. So with
    // this few there is little to lose, and more to win if one branch in four is not foreseen.
    private static var valueLimit: Int { 2 }
    private static var selectionLimit: Int { 2 }

    public init() {}

    /// Converts what is worth it in `function`.
    public mutating func run(_ function: inout Function) {
        if function.blocks.count < 3 { return }
        predecessors.compute(function)
        conversions.refill(Conversion(), count: function.blocks.count)
        numbers.refill(.entry, count: function.blocks.count)
        var hasFound = false
        for number in 0..<function.blocks.count {
            let conversion = conversion(Block(at: number), function)
            if conversion.isNone { continue }
            hasFound = true
            conversions[number] = conversion
            if !conversion.ifSo.isNone { numbers[conversion.ifSo.index] = .none }
            if !conversion.ifNot.isNone { numbers[conversion.ifNot.index] = .none }
        }
        if hasFound { rewrite(&function) }
    }

    // MARK: Finding

    private func conversion(_ block: Block, _ function: borrowing Function) -> Conversion {
        let end = function[function.terminator(block)]
        guard end.operator == .branch else { return Conversion() }
        var conversion = Conversion()
        (conversion.ifSo, conversion.arrivingIfSo) = way(Edge(end.b), function)
        (conversion.ifNot, conversion.arrivingIfNot) = way(Edge(end.c), function)
        let meeting = function[conversion.arrivingIfSo].target
        guard meeting == function[conversion.arrivingIfNot].target,
            isBalanced(block, conversion, function), isCheap(conversion, function)
        else { return Conversion() }
        return conversion
    }

    /// The block that `edge` leads to, if it does little and goes on in one way, and the edge on
    /// which it does; otherwise none, and the edge itself.
    private func way(_ edge: Edge, _ function: borrowing Function) -> (Block, Edge) {
        let block = function[edge].target
        let record = function[block]
        let end = function[function.terminator(block)]
        guard end.operator == .jump, record.parameterCount == 0,
            record.body.count <= Self.valueLimit + 1, predecessors.range(block).count == 1
        else { return (.none, edge) }
        for place in record.body.dropLast() where !Self.isHarmless(function[function.order[place]])
        {
            return (.none, edge)
        }
        return (block, Edge(end.a))
    }

    private static func isHarmless(_ instruction: Instruction) -> Bool {
        switch instruction.operator {
        case .add, .subtract, .and, .or, .xor, .shiftLeft, .shiftRightSigned,
            .shiftRightUnsigned, .rotateLeft, .rotateRight, .extend8Signed, .extend16Signed,
            .extend32Signed, .wrap, .extendSigned, .extendUnsigned, .compare:
            true
        default: false
        }
    }

    /// Whether no hint says that one way is hardly ever taken.
    private func isBalanced(
        _ block: Block, _ conversion: Conversion, _ function: borrowing Function
    ) -> Bool {
        let isCold = function[block].isCold
        return (conversion.ifSo.isNone || function[conversion.ifSo].isCold == isCold)
            && (conversion.ifNot.isNone || function[conversion.ifNot].isCold == isCold)
    }

    private func isCheap(_ conversion: Conversion, _ function: borrowing Function) -> Bool {
        let ifSo = function[conversion.arrivingIfSo]
        let ifNot = function[conversion.arrivingIfNot]
        var selections = 0
        for (place, other) in zip(ifSo.arguments, ifNot.arguments)
        where function.pool[place] != function.pool[other] {
            selections &+= 1
            if !function.type(Value(function.pool[place])).isGeneral { return false }
        }
        return selections <= Self.selectionLimit
    }

    // MARK: Rewriting

    private mutating func rewrite(_ function: inout Function) {
        order.removeAll()
        blocks.removeAll()
        for number in 0..<function.blocks.count where !numbers[number].isNone {
            numbers[number] = Block(at: blocks.count)
            var record = function.blocks[number]
            let start = UInt32(truncatingIfNeeded: order.count)
            append(record.range.dropLast(), function)
            let conversion = conversions[number]
            let end = function.terminator(Block(at: number))
            if !conversion.isNone { convert(conversion, end, Block(at: number), &function) }
            order.append(end)
            record.start = start
            record.end = UInt32(truncatingIfNeeded: order.count)
            blocks.append(record)
        }
        // Edges from and to blocks that are gone are gone with them.
        for edge in 0..<function.edges.count where !function.edges[edge].target.isNone {
            function.edges[edge].source = numbers[function.edges[edge].source.index]
            function.edges[edge].target = numbers[function.edges[edge].target.index]
        }
        swap(&order, &function.order)
        swap(&blocks, &function.blocks)
        function.layOutByNumber()
    }

    private mutating func append(_ places: Range<Int>, _ function: borrowing Function) {
        for place in places { order.append(function.order[place]) }
    }

    private mutating func takeIn(_ way: Block, _ function: borrowing Function) {
        if !way.isNone { append(function[way].body.dropLast(), function) }
    }

    /// Takes the ways into `block`, whose `end` becomes a jump to where they meet.
    private mutating func convert(
        _ conversion: Conversion, _ end: Value, _ block: Block, _ function: inout Function
    ) {
        takeIn(conversion.ifSo, function)
        takeIn(conversion.ifNot, function)
        let condition = function[end].first
        let ifSo = function[conversion.arrivingIfSo]
        let ifNot = function[conversion.arrivingIfNot]
        let start = function.pool.count
        for index in 0..<Int(ifSo.argumentCount) {
            let value = Value(function.pool[Int(ifSo.argumentStart) &+ index])
            let other = Value(function.pool[Int(ifNot.argumentStart) &+ index])
            var chosen = value
            if value != other {
                chosen = function.make(
                    Instruction(.select, function.type(value), condition, value, other),
                    offset: function.offsets[end.index])
                order.append(chosen)
            }
            function.pool.append(chosen.number)
        }
        function.edges[conversion.arrivingIfSo.index].source = block
        function.edges[conversion.arrivingIfSo.index].argumentStart = UInt32(
            truncatingIfNeeded: start)
        function[end] = Instruction(.jump, .none, a: conversion.arrivingIfSo.number)
    }
}
