internal import ApusFormat

/// Blocks within each other and branches between them: ends that nobody reaches, ends that only
/// branches reach, out of several levels, and merges of ways of which each has done something
/// else, out of the few things that the function does over and over.
extension FunctionGenerator {
    private enum Kind { case block, loop, `if` }

    mutating func ways(depth: Int) {
        let outer = labels.count
        let count = 2 + choices.below(3)
        var results: [[ValueType]] = []
        for _ in 0..<count {
            let kind: Kind = choices.pick(weighted: [(8, .block), (1, .loop), (2, .if)])
            let types = choices.chance(15) ? [choices.pick(shape.localTypes)] : []
            results.append(types)
            let counter = kind == .loop ? setCounter() : nil
            if kind == .if { condition(depth: 1) }
            op(kind == .block ? 0x02 : kind == .loop ? 0x03 : 0x04)
            blockType(types)
            labels.append(Label(types: kind == .loop ? [] : types, counter: counter))
            if kind == .loop && choices.chance(50) { consumeFuel() }
            if kind == .if {
                // The other arm holds all that follows, so this one is a way of its own.
                stretch(results: types, above: outer, depth: depth - 1)
                op(0x05)
            }
            if choices.chance(30) { step(depth: depth - 1) }
        }
        stretch(results: results[count - 1], above: outer, depth: depth - 1)
        for position in (0..<count).reversed() {
            close()
            consume(results[position])
            if position > 0 {
                stretch(results: results[position - 1], above: outer, depth: depth - 1)
            }
        }
        for _ in 0..<1 + choices.below(4) { testify() }
        if choices.chance(50) { step(depth: depth - 1) }
    }

    /// From one end of a block to the next one.
    private mutating func stretch(results: [ValueType], above outer: Int, depth: Int) {
        for _ in 0..<choices.below(3) { step(depth: depth) }
        if choices.chance(60) {
            conditionalWay(above: outer, depth: depth)
            for _ in 0..<choices.below(3) { step(depth: depth) }
        }
        switch choices.below(10) {
        case 0..<3: expressions(results, depth: 1)
        case 3..<8:
            let label = target(above: outer)
            expressions(labels[label].types, depth: 1)
            op(0x0C, self.depth(of: label))
        case 8: tableJump(depth: 1)
        default: escape(depth: 2)
        }
    }

    /// A block to go to, mostly one of those within each other.
    private mutating func target(above outer: Int) -> Int {
        let blocks = labels.indices.filter { labels[$0].counter == nil }
        let near = blocks.filter { $0 >= outer }
        return choices.pick(near.isEmpty || choices.chance(10) ? blocks : near)
    }

    private mutating func conditionalWay(above outer: Int, depth: Int) {
        let loops = labels.indices.filter { $0 >= outer && labels[$0].counter != nil }
        if let loop = loops.last, let counter = labels[loop].counter, choices.chance(50) {
            return branchBack(self.depth(of: loop), counter)
        }
        let label = target(above: outer)
        let types = labels[label].types
        expressions(types, depth: 1)
        if types.isEmpty && choices.chance(20) {
            let near = labels.indices.filter {
                $0 >= outer && labels[$0].counter == nil && labels[$0].types.isEmpty
            }
            // The table's ways out, in a block of its own whose end is the default.
            op(0x02)
            code.byte(0x40)
            labels.append(Label(types: []))
            condition(depth: 1)
            let count = choices.below(4)
            op(0x0E, count)
            for _ in 0..<count {
                code.unsigned(self.depth(of: near.isEmpty ? label : choices.pick(near)))
            }
            code.unsigned(0)
            return close()
        }
        condition(depth: choices.below(3))
        op(0x0D, self.depth(of: label))
        consume(types)
    }

    /// Mostly something that is done elsewhere too.
    private mutating func step(depth: Int) {
        switch choices.below(10) {
        case 0..<5: again()
        case 5, 6: repeatEffect()
        case 7: statement(depth: min(depth, 2))
        case 8: useAgain()
        default: statement(depth: depth)
        }
    }

    /// Puts the value of a repeated expression where it can be seen from outside.
    private mutating func testify() {
        guard !repeats.expressions.isEmpty else { return }
        let (bytes, type) = choices.pick(repeats.expressions)
        let globals = shape.globals.indices.filter {
            shape.globals[$0] == GlobalType(type, isMutable: true) && $0 != shape.fuelGlobal
        }
        let memories = shape.memories.indices.filter { memorySize($0) >= 256 }
        if !globals.isEmpty && (memories.isEmpty || choices.chance(50)) {
            code.raw(bytes)
            op(0x24, choices.pick(Array(globals)))
        } else if let memory = memories.first, type.isInteger || type == .v128 {
            code.address(8 * choices.below(28), is64: shape.memories[memory].is64)
            code.raw(bytes)
            if type == .v128 {
                let store = VectorOperation(code: 11, operation: .vectorStore)
                return vectorAccess(store, Access(memory: memory, offset: 0))
            }
            op(type == .i32 ? 0x36 : 0x37)
            memoryArgument(Access(memory: memory, offset: 0), greatestAlignment: 2)
        } else {
            useAgain()
        }
    }

    /// A repeated expression whose value makes a difference later.
    private mutating func useAgain() {
        guard !repeats.expressions.isEmpty else { return }
        let (bytes, type) = choices.pick(repeats.expressions)
        let sums = assignable.filter { locals[$0] == type }
        guard type.isInteger, let sum = sums.first else { return again() }
        op(0x20, sum)
        code.raw(bytes)
        op(type == .i32 ? 0x6A : 0x7C)
        op(0x21, sum)
    }
}
