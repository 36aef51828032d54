internal import ApusCollections

// Consumes and leaves: a whole function.

/// Removes what nobody needs: values that are not used, parameters that always are the same value,
/// and the arguments that were passed for them.
public struct DeadCode: ~Copyable {
    private var predecessors = Predecessors()
    /// Of each value, the one that it always is.
    private var aliases = Arena<Value>(capacity: 1024)
    private var isLive = Arena<Bool>(capacity: 1024)
    /// Of each parameter, its block.
    private var homes = Arena<Block>(capacity: 1024)
    private var work = Arena<Value>(capacity: 256)
    private var order = Arena<Value>(capacity: 1024)
    private var keptParameters = Arena<UInt32>(capacity: 64)

    public init() {}

    /// Removes what `function` does not need.
    public mutating func run(_ function: inout Function) {
        predecessors.compute(function)
        let count = function.instructions.count
        aliases.removeAll()
        for value in 0..<count { aliases.append(Value(at: value)) }
        isLive.removeAll()
        isLive.append(repeating: false, count: count)
        homes.removeAll()
        homes.append(repeating: .none, count: count)
        for block in 0..<function.blocks.count { findAliases(Block(at: block), function) }
        for block in 0..<function.blocks.count { markRoots(Block(at: block), function) }
        while !work.isEmpty { markOperands(work.removeLast(), function) }
        rewrite(&function)
    }

    /// Whether the parameters of `block` are not arguments of edges: the function's own, and the
    /// outcomes of calls. They all stay.
    private mutating func isGiven(_ block: Block, _ function: borrowing Function) -> Bool {
        if block == .entry { return true }
        guard let way = predecessors.range(block).first else { return false }
        return function[predecessors[way]].carriesOutcome
    }

    // MARK: Parameters that are one value

    private mutating func findAliases(_ block: Block, _ function: borrowing Function) {
        let ways = predecessors.range(block)
        for (index, place) in function[block].parameters.enumerated() {
            let parameter = function.order[place]
            homes[parameter.index] = block
            if isGiven(block, function) { continue }
            var only = Value.none
            var isOne = true
            for way in ways {
                let edge = function[predecessors[way]]
                let argument = resolve(
                    Value(function.pool[Int(edge.argumentStart) &+ index]))
                if argument == parameter || argument == only { continue }
                isOne = only.isNone
                if !isOne { break }
                only = argument
            }
            if isOne, !only.isNone { aliases[parameter.index] = only }
        }
    }

    /// The value that `value` always is. Whoever walks along a chain leaves it shorter.
    private mutating func resolve(_ value: Value) -> Value {
        var value = value
        while aliases[value.index] != value {
            aliases[value.index] = aliases[aliases[value.index].index]
            value = aliases[value.index]
        }
        return value
    }

    // MARK: What is needed

    private mutating func mark(_ value: Value) {
        let value = resolve(value)
        if isLive[value.index] { return }
        isLive[value.index] = true
        work.append(value)
    }

    private mutating func markRoots(_ block: Block, _ function: borrowing Function) {
        if isGiven(block, function) {
            for place in function[block].parameters { isLive[function.order[place].index] = true }
        }
        for place in function[block].body {
            let value = function.order[place]
            if !function[value].isRemovable { mark(value) }
        }
    }

    private mutating func markOperands(_ value: Value, _ function: borrowing Function) {
        let instruction = function[value]
        guard instruction.operator == .parameter else {
            return function.forEachOperand(instruction) { mark($0) }
        }
        for way in predecessors.range(homes[value.index]) {
            let edge = function[predecessors[way]]
            mark(Value(function.pool[Int(edge.argumentStart) &+ Int(instruction.a)]))
        }
    }

    // MARK: What is left

    private mutating func rewrite(_ function: inout Function) {
        order.removeAll()
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            let record = function[block]
            let start = UInt32(truncatingIfNeeded: order.count)
            rewriteParameters(block, &function)
            for place in record.body {
                let value = function.order[place]
                guard isLive[value.index], aliases[value.index] == value else { continue }
                function.mapOperands(value) { resolve($0) }
                order.append(value)
            }
            function.blocks[number].start = start
            function.blocks[number].end = UInt32(truncatingIfNeeded: order.count)
        }
        swap(&order, &function.order)
    }

    private mutating func rewriteParameters(_ block: Block, _ function: inout Function) {
        keptParameters.removeAll()
        for (index, place) in function[block].parameters.enumerated() {
            let value = function.order[place]
            guard isLive[value.index], aliases[value.index] == value else { continue }
            function.instructions[value.index].a = UInt32(
                truncatingIfNeeded: keptParameters.count)
            keptParameters.append(UInt32(truncatingIfNeeded: index))
            order.append(value)
        }
        function.blocks[block.index].parameterCount = UInt32(
            truncatingIfNeeded: keptParameters.count)
        if isGiven(block, function) { return }
        for way in predecessors.range(block) {
            let edge = predecessors[way]
            let start = Int(function[edge].argumentStart)
            for index in 0..<keptParameters.count {
                let argument = Value(function.pool[start &+ Int(keptParameters[index])])
                function.pool[start &+ index] = resolve(argument).number
            }
            function.edges[edge.index].argumentCount = UInt32(
                truncatingIfNeeded: keptParameters.count)
        }
    }
}
