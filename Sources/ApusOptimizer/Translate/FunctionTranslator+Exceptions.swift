internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Exceptions (4.6.12). A call within a `try_table` ends its block, with an edge to a block of its
/// own for each clause that may catch what leaves it; from there it is a branch to the clause's
/// label.
extension FunctionTranslator {
    /// A clause of a `try_table` that is open.
    struct OpenClause: BitwiseCopyable {
        var clause: CatchClause
        /// The frame to whose label it branches.
        var target: Int32
    }

    mutating func translateTryTable() {
        openFrame(.block)
        let count = Int(reader.readIndex())
        frames.last.clausesStart = Int32(truncatingIfNeeded: clauses.count)
        frames.last.clausesCount = Int32(truncatingIfNeeded: count)
        for _ in 0..<count {
            let kind = reader.readByte()
            let clause = CatchClause(
                tag: kind < 2 ? reader.readIndex() : nil, wantsReference: kind & 1 != 0)
            // The labels are those around.
            let target = frames.count &- 2 &- Int(reader.readIndex())
            clauses.append(OpenClause(clause: clause, target: Int32(truncatingIfNeeded: target)))
        }
        if count == 0 { return }
        frames.last.catchingOutside = frames.last.catching
        frames.last.catching = Int32(truncatingIfNeeded: frames.count &- 1)
    }

    // MARK: Calls

    /// Ends the block with a call, whose `count` arguments are the last words of the pool, and goes
    /// on where it returns, with its results.
    mutating func tryCall(
        _ operation: Operator, callee: UInt32, immediate: UInt16, count: Int,
        _ signature: FlatSignature
    ) {
        collectCaught()
        let source = block
        let returns = builder.tryCall(
            operation, callee: callee, immediate: immediate, count: count,
            catching: caught, changing: .all)
        builder.function.closeBlock()
        isReachable = false
        let state = builder.state
        for index in 0..<caught.count {
            land(index, Edge(at: returns.index &+ 1 &+ index), from: source)
            builder.state = state
        }
        openBlock(dominatedBy: source)
        isReachable = true
        builder.function.edges[returns.index].target = block
        for place in 0..<Int(signature.resultCount) {
            let type = IRType(signatures.types[Int(signature.resultStart) &+ place])
            push(builder.appendParameter(type))
        }
    }

    /// Puts the clauses that what is thrown here may meet into `caught`, innermost first.
    private mutating func collectCaught() {
        caught.removeAll()
        caughtTargets.removeAll()
        var place = Int(frames.last.catching)
        while place >= 0 {
            let frame = frames[place]
            let start = Int(frame.clausesStart)
            work &+= Int(frame.clausesCount) / Self.looksPerStep
            for index in start..<start &+ Int(frame.clausesCount) {
                caught.append(clauses[index].clause)
                caughtTargets.append(clauses[index].target)
                // Nothing comes further.
                if clauses[index].clause.tag == nil { return }
            }
            work &+= 1
            place = Int(frame.catchingOutside)
        }
    }

    /// Makes the block to which `edge` leads: takes what clause `index` of those that are caught
    /// wants of the exception to its label.
    private mutating func land(_ index: Int, _ edge: Edge, from source: Block) {
        let wasCold = isCold
        isCold = true
        openBlock(dominatedBy: source)
        isCold = wasCold
        isReachable = true
        builder.function.edges[edge.index].target = block
        let clause = caught[index]
        let exception = builder.appendParameter(.ref)
        let height = stack.count
        if let tag = clause.tag { pushValues(of: exception, signature(ofTag: tag)) }
        if clause.wantsReference { push(exception) }
        branch(to: frames.count &- 1 &- Int(caughtTargets[index]))
        stack.truncate(to: height)
    }

    /// What an exception carries never changes.
    private mutating func pushValues(of exception: Value, _ signature: FlatSignature) {
        let address = builder.value(ApusIR.Instruction(.bitcast, .i64, exception))
        var offset = ExceptionField.values
        for place in 0..<Int(signature.parameterCount) {
            let type = IRType(signatures.types[Int(signature.parameterStart) &+ place])
            push(builder.load(type, contextLoad(), address, .none, offset))
            offset &+= type == .v128 ? 16 : 8
        }
    }

    private mutating func signature(ofTag tag: UInt32) -> FlatSignature {
        signatures[Int(module.tags[Int(tag)])]
    }

    // MARK: Throwing

    mutating func translateThrow() {
        let tag = reader.readIndex()
        let signature = signature(ofTag: tag)
        let count = Int(signature.parameterCount)
        if let target = knownTarget(ofTag: tag) {
            if target.isForAll { stack.truncate(to: stack.count &- count) }
            return branch(to: frames.count &- 1 &- target.frame)
        }
        builder.function.pool.append(builder.constant(.i32, UInt64(tag)).number)
        let exception = builder.call(
            .callRuntime, .ref, callee: 0,
            immediate: UInt16(RuntimeFunction.exceptionMake.rawValue), count: 1, changing: .all)
        let address = builder.value(ApusIR.Instruction(.bitcast, .i64, exception))
        var offset = ExceptionField.values
        for place in (stack.count &- count)..<stack.count {
            let value = stack[place]
            // Nobody else sees it yet, and the call that throws it is behind all memory.
            builder.store(value, MemoryAccess(.full, .memory), address, .none, offset)
            offset &+= builder.function.type(value) == .v128 ? 16 : 8
        }
        stack.truncate(to: stack.count &- count)
        raise(exception)
    }

    /// Where an exception with `tag` that is thrown here is caught, if that is in this function
    /// without doubt and nobody wants the exception itself: then it is a branch.
    private mutating func knownTarget(ofTag tag: UInt32) -> (frame: Int, isForAll: Bool)? {
        if frames.last.catching < 0 { return nil }
        collectCaught()
        for index in 0..<caught.count {
            let clause = caught[index]
            guard let other = clause.tag else {
                return clause.wantsReference ? nil : (Int(caughtTargets[index]), true)
            }
            if other == tag {
                return clause.wantsReference ? nil : (Int(caughtTargets[index]), false)
            }
            // Two imports may be the same tag.
            let imported = UInt32(truncatingIfNeeded: module.importedTagCount)
            if other < imported, tag < imported { return nil }
        }
        return nil
    }

    /// Throws an exception.
    mutating func raise(_ exception: Value) {
        builder.function.pool.append(exception.number)
        let number = UInt16(RuntimeFunction.exceptionThrow.rawValue)
        if frames.last.catching >= 0 {
            tryCall(
                .tryCallRuntime, callee: 0, immediate: number, count: 1, FlatSignature())
        } else {
            _ = builder.call(
                .callRuntime, .none, callee: 0, immediate: number, count: 1, changing: .all)
        }
        // Nobody comes back.
        endWithTrap(.unreachable)
    }
}

extension Operator {
    /// The call that ends its block because exceptions are handled, in place of this one.
    var catching: Operator {
        switch self {
        case .callImport: .tryCallImport
        case .callFar: .tryCallFar
        default: .tryCall
        }
    }
}
