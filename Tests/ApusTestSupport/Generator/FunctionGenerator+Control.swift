internal import ApusFormat

/// Statements, blocks and branches.
extension FunctionGenerator {
    private enum Form {
        case set, store, update, globalSet, `if`, block, loop, branchIf, branchTable, call, drop
        case typed, bulk, table, unlessUnreachable, nop, ways, again, effect, ifTail, nullBranch
        case renew, atomic, catching, throwIf, managed
    }

    mutating func statements(_ count: Int, depth: Int) {
        for _ in 0..<count { statement(depth: depth) }
    }

    mutating func statement(depth: Int) {
        budget -= 1
        guard depth > 0, budget > 0 else { return }
        let form: Form = choices.pick(weighted: [
            (2, .nop), (30, .set), (12, .store), (4, .update), (6, .globalSet), (8, .if),
            (6, .block), (8, .loop), (8, .branchIf), (3, .branchTable), (7, .call), (3, .drop),
            (5, .typed), (3, .bulk), (3, .table), (1, .unlessUnreachable), (8, .ways),
            (repeats.expressions.isEmpty ? 0 : 8, .again),
            (repeats.effects.isEmpty ? 0 : 3, .effect),
            (1, .ifTail), (2, .nullBranch), (repeats.anchors.isEmpty ? 0 : 1, .renew),
            (shape.usesAtomics ? 12 : 0, .atomic),
            (shape.tags.isEmpty ? 0 : 14, .catching), (shape.tags.isEmpty ? 0 : 5, .throwIf),
            (shape.aggregates.isEmpty ? 0 : 12, .managed),
        ])
        switch form {
        case .nop: op(0x01)
        case .set: set(depth: depth)
        case .store: store(depth: depth)
        case .update: update(depth: depth)
        case .globalSet: globalSet(depth: depth)
        case .if: ifElse([], depth: depth)
        case .block: block([], depth: depth)
        case .loop: loop([], depth: depth)
        case .branchIf: branchIf(depth: depth)
        case .branchTable: branchTable(depth: depth)
        case .call: callStatement(depth: depth)
        case .drop:
            expression(choices.pick(shape.localTypes), depth: depth - 1)
            op(0x1A)
        case .typed: typedBlock(depth: depth)
        case .bulk: bulkMemory(depth: depth)
        case .table: tableStatement(depth: depth)
        case .ways: ways(depth: depth)
        case .again: again()
        case .effect: repeatEffect()
        case .ifTail: ifTailCall(depth: depth)
        case .nullBranch: nullBranch(depth: depth)
        case .renew: renewAnchor(depth: depth)
        case .atomic: atomicStatement(depth: depth)
        case .catching: catching(depth: depth)
        case .throwIf: throwIf(depth: depth)
        case .managed: managedStatement(depth: depth)
        case .unlessUnreachable:
            expression(.i32, depth: depth - 1)
            i32Const(choices.pick([7, -1, 100]))
            op(0x46)
            code.raw([0x04, 0x40, 0x00, 0x0B])
        }
    }

    private mutating func set(depth: Int) {
        guard !assignable.isEmpty else { return }
        let local = choices.pick(assignable)
        expression(locals[local], depth: depth - 1)
        op(0x21, local)
    }

    private mutating func globalSet(depth: Int) {
        let targets = shape.globals.indices.filter {
            shape.globals[$0].isMutable && $0 != shape.fuelGlobal
        }
        guard !targets.isEmpty else { return }
        let global = choices.pick(Array(targets))
        expression(shape.globals[global].value, depth: depth - 1)
        op(0x24, global)
    }

    // MARK: Blocks

    mutating func blockType(_ results: [ValueType]) {
        if let result = results.first { code.type(result) } else { code.byte(0x40) }
    }

    /// Ends a block whose label is the innermost.
    mutating func close() {
        labels.removeLast()
        op(0x0B)
    }

    /// A block with at most one result.
    mutating func block(_ results: [ValueType], depth: Int) {
        op(0x02)
        blockType(results)
        labels.append(Label(types: results))
        statements(choices.below(4), depth: depth - 1)
        leave(results, depth: depth - 1)
        close()
    }

    /// An `if` with at most one result; without one the `else` may be missing.
    mutating func ifElse(_ results: [ValueType], depth: Int) {
        condition(depth: depth - 1)
        op(0x04)
        blockType(results)
        labels.append(Label(types: results))
        statements(choices.below(3), depth: depth - 1)
        leave(results, depth: depth - 1)
        if !results.isEmpty || choices.chance(50) {
            op(0x05)
            statements(choices.below(3), depth: depth - 1)
            leave(results, depth: depth - 1)
        }
        close()
    }

    /// A loop with at most one result, which runs a few times.
    mutating func loop(_ results: [ValueType], depth: Int) {
        let counter = setCounter()
        op(0x03)
        blockType(results)
        labels.append(Label(types: [], counter: counter))
        if choices.chance(50) { consumeFuel() }
        statements(1 + choices.below(4), depth: depth - 1)
        if choices.chance(80) { branchBack(0, counter) }
        leave(results, depth: depth - 1)
        close()
    }

    mutating func setCounter() -> Int {
        let counter = addLocal(.i32)
        i32Const(1 + choices.below(6))
        op(0x21, counter)
        return counter
    }

    /// Goes back to a loop's start while its counter is not used up.
    mutating func branchBack(_ depth: Int, _ counter: Int) {
        decrement(counter)
        if choices.chance(50) {
            i32Const(0)
            op(0x4A)
            op(0x0D, depth)
        } else {
            // Below zero only if another branch has used the counter up.
            i32Const(0)
            op(0x4C)
            op(0x45)
            op(0x0D, depth)
        }
    }

    private mutating func decrement(_ counter: Int) {
        op(0x20, counter)
        i32Const(1)
        op(0x6B)
        op(0x22, counter)
    }

    /// A block, loop or `if` with parameters and results of one of the module's types.
    private mutating func typedBlock(depth: Int) {
        let typeIndex = choices.below(shape.types.count)
        let type = shape.types[typeIndex]
        let kind = choices.below(3)
        let counter = kind == 1 ? setCounter() : nil
        expressions(type.parameters, depth: depth - 1)
        if kind == 2 { condition(depth: depth - 1) }
        op(UInt8(2 + kind))
        code.signed(Int64(code.typeIndex(typeIndex)))
        labels.append(Label(types: kind == 1 ? type.parameters : type.results, counter: counter))
        typedBody(type, depth: depth - 1)
        if kind == 2 && (type.parameters != type.results || choices.chance(60)) {
            op(0x05)
            typedBody(type, depth: depth - 1)
        }
        close()
        consume(type.results)
    }

    /// From a block's parameters on the stack to its results.
    private mutating func typedBody(_ type: FunctionType, depth: Int) {
        statements(choices.below(2), depth: depth)
        var kept = 0
        while kept < min(type.parameters.count, type.results.count),
            type.parameters[kept] == type.results[kept], choices.chance(70)
        {
            kept += 1
        }
        consume(Array(type.parameters[kept...]))
        statements(choices.below(3), depth: depth)
        if kept == 0 && choices.chance(15) {
            escape(depth: depth)
            deadCode()
        } else {
            expressions(Array(type.results[kept...]), depth: depth - 1)
            if let counter = labels[labels.count - 1].counter {
                // The parameters of the next round lie above the results of the last.
                expressions(labels[labels.count - 1].types, depth: depth - 2)
                branchBack(0, counter)
                consume(labels[labels.count - 1].types)
            }
        }
    }

    // MARK: Branches

    /// Relative depth of a label.
    func depth(of label: Int) -> Int { labels.count - 1 - label }

    private mutating func branchIf(depth: Int) {
        let label = choices.below(labels.count)
        let types = labels[label].types
        expressions(types, depth: depth - 1)
        if let counter = labels[label].counter {
            branchBack(self.depth(of: label), counter)
        } else {
            condition(depth: depth - 1)
            op(0x0D, self.depth(of: label))
        }
        consume(types)
    }

    /// Goes to a block if a reference is null, or if it is not.
    private mutating func nullBranch(depth: Int) {
        let types = shape.localTypes.filter(\.isReference)
        let type = choices.pick(types)
        if choices.chance(50) {
            let blocks = labels.indices.filter { labels[$0].counter == nil }
            let label = choices.pick(blocks)
            expressions(labels[label].types, depth: depth - 1)
            expression(type, depth: depth - 1)
            op(0xD5, self.depth(of: label))
            if choices.chance(30) {
                op(0xD4)
                op(0xD1)
            }
            op(0x1A)
            consume(labels[label].types)
        } else {
            op(0x02)
            code.type(type)
            labels.append(Label(types: [type]))
            statements(choices.below(2), depth: depth - 1)
            expression(type, depth: depth - 1)
            op(0xD6, 0)
            expression(type, depth: depth - 2)
            close()
            consume(type)
        }
    }

    /// A `br_table` inside a block of its own, so that what follows stays reachable.
    private mutating func branchTable(depth: Int) {
        op(0x02)
        code.byte(0x40)
        labels.append(Label(types: []))
        if choices.chance(60) { statements(1, depth: depth - 1) }
        tableJump(depth: depth - 1)
        if choices.chance(20) { deadCode() }
        close()
    }

    /// Jumps to one of several labels that carry the same types; one of them may be a loop.
    mutating func tableJump(depth: Int) {
        let model = choices.below(labels.count)
        let types = labels[labels[model].counter == nil ? model : 0].types
        let blocks = labels.indices.filter {
            labels[$0].counter == nil && labels[$0].types == types
        }
        let loops = labels.indices.filter { labels[$0].counter != nil && labels[$0].types == types }
        let count = choices.pick([0, 1, 2, 3, 5, 9, 40])
        var targets = (0..<count).map { _ in choices.pick(blocks) }
        expressions(types, depth: depth - 1)
        expression(.i32, depth: depth - 1)
        if choices.chance(70) {
            i32Const(count + 2)
            op(0x70)
        }
        if count > 0, let loop = loops.last, let counter = labels[loop].counter {
            targets[choices.below(count)] = loop
            // Only while the counter lasts may the table be used; its default is a block.
            i32Const(-1)
            decrement(counter)
            i32Const(0)
            op(0x4A)
            op(0x1B)
        }
        op(0x0E, count)
        for target in targets { code.unsigned(self.depth(of: target)) }
        code.unsigned(self.depth(of: choices.pick(blocks)))
    }

    /// Leaves the present block for good.
    mutating func escape(depth: Int) {
        if !shape.tags.isEmpty, choices.chance(25) { return throwing(depth: depth) }
        switch choices.below(5) {
        case 0:
            let blocks = labels.indices.filter { labels[$0].counter == nil }
            let label = choices.pick(blocks)
            expressions(labels[label].types, depth: depth - 1)
            op(0x0C, self.depth(of: label))
        case 1:
            expressions(type.results, depth: depth - 1)
            op(0x0F)
        case 2:
            tableJump(depth: depth)
        case 3 where tailCall(depth: depth): break
        default:
            // Rarely: it ends the whole call.
            if choices.chance(25) {
                op(0x00)
            } else {
                expressions(type.results, depth: depth - 1)
                op(0x0F)
            }
        }
    }

    /// Code that never runs, where the stack has whatever one asks of it.
    mutating func deadCode() {
        switch choices.below(9) {
        case 1: code.raw([0x6A, 0x1A])
        case 2: code.raw([0x1B, 0x1A])
        case 3: code.raw([0x02, 0x40, 0x0B])
        case 4: code.raw([0x45, 0x04, 0x7F, 0x41, 0, 0x05, 0x00, 0x0B, 0x1A])
        case 5: code.raw([0x03, 0x40, 0x0C, 0, 0x0B])
        case 6: statement(depth: 2)
        case 7: code.raw([0xA2, 0xAA, 0x1A])
        case 8: code.raw([0x0F])
        default: break
        }
    }
}
