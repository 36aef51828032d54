internal import ApusFormat

/// Throwing and catching.
extension FunctionGenerator {
    /// Throws a new exception, or one that there is; or traps, since that is null.
    mutating func throwing(depth: Int) {
        if choices.chance(25) {
            expression(.exnref, depth: depth - 1)
            return op(0x0A)
        }
        let tag = choices.below(shape.tags.count)
        expressions(shape.types[shape.tags[tag]].parameters, depth: depth - 1)
        op(0x08, tag)
    }

    mutating func throwIf(depth: Int) {
        condition(depth: depth - 1)
        op(0x04)
        code.byte(0x40)
        labels.append(Label(types: []))
        throwing(depth: depth - 1)
        close()
    }

    /// A `try_table` in a block of its own, to which its first clause leads.
    mutating func catching(depth: Int) {
        let first = clause()
        op(0x02)
        blockType(several: first.results)
        labels.append(Label(types: first.results))
        let results = choices.chance(50) ? [] : [choices.pick(shape.localTypes)]
        op(0x1F)
        blockType(results)
        let others = otherClauses()
        code.unsigned(others.count + 1)
        let place = choices.below(others.count + 1)
        for (index, other) in others.enumerated() {
            if index == place { write(first, to: labels.count - 1) }
            write(other.clause, to: other.label)
        }
        if place == others.count { write(first, to: labels.count - 1) }
        labels.append(Label(types: results))
        statements(1 + choices.below(4), depth: depth - 1)
        leave(results, depth: depth - 1)
        close()
        consume(results)
        statements(choices.below(2), depth: depth - 1)
        leave(first.results, depth: depth - 1)
        close()
        consume(first.results)
    }

    private struct Clause {
        var tag: Int?
        var wantsReference: Bool
        /// What it gives to its label.
        var results: [ValueType]
    }

    private mutating func clause() -> Clause {
        let tag = choices.chance(75) ? choices.below(shape.tags.count) : nil
        let wantsReference = choices.chance(40)
        var results = tag.map { shape.types[shape.tags[$0]].parameters } ?? []
        if wantsReference { results.append(.exnref) }
        return Clause(tag: tag, wantsReference: wantsReference, results: results)
    }

    /// Clauses that lead to blocks around that take just what they give.
    private mutating func otherClauses() -> [(clause: Clause, label: Int)] {
        (0..<choices.pick([0, 0, 1, 2])).compactMap { _ in
            let clause = clause()
            let targets = labels.indices.filter {
                labels[$0].counter == nil && labels[$0].types == clause.results
            }
            return targets.isEmpty ? nil : (clause, choices.pick(targets))
        }
    }

    private mutating func write(_ clause: Clause, to label: Int) {
        code.byte((clause.tag == nil ? 2 : 0) + (clause.wantsReference ? 1 : 0))
        if let tag = clause.tag { code.unsigned(tag) }
        code.unsigned(depth(of: label))
    }

    /// The type of a block with any results: one of the module's, if it takes more than one.
    private mutating func blockType(several results: [ValueType]) {
        if results.count < 2 { return blockType(results) }
        let type = FunctionType([], results)
        code.signed(Int64(code.typeIndex(shape.types.firstIndex(of: type) ?? 0)))
    }
}
