internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Structured control and branches (4.6.10).
extension FunctionTranslator {
    // MARK: Opening

    mutating func openFrame(_ kind: TranslationFrame.Kind) {
        let type = reader.readBlockType()
        var signature = FlatSignature()
        if let index = type.typeIndex {
            signature = signatures[index]
        } else if let result = type.singleResult {
            signature = signatures.single(result)
        }
        frames.append(
            TranslationFrame(
                kind: kind, signature: signature,
                height: stack.count &- Int(signature.parameterCount), record: nextRecord,
                builder.state, changes: localChanges.count))
        frames.last.isColdOutside = isCold
        frames.last.catching = frames[frames.count &- 2].catching
        nextRecord &+= 1
    }

    mutating func translateBlock() { openFrame(.block) }

    mutating func translateLoop(_ analysis: borrowing BodyAnalysis) {
        openFrame(.loop)
        frames.last.loopStart = UInt32(truncatingIfNeeded: reader.position)
        if isAtSoughtLoop { return isRefused = true }
        openLoop(analysis)
    }

    /// Goes round the innermost frame, whose parameters are on the stack.
    mutating func openLoop(_ analysis: borrowing BodyAnalysis) {
        let record = analysis.controls[Int(frames.last.record)]
        collectLoopLocals(record, analysis)
        let isReentered = record.branchCount > 0
        // Without a branch back it is a block that nobody leaves.
        if !isReentered { return }
        let count = Int(frames.last.signature.parameterCount)
        passLoopArguments(count)
        let edge = builder.function.makeEdge(
            from: block, to: .none,
            argumentCount: count &+ Int(frames.last.loopLocalsCount))
        endBlock(ApusIR.Instruction(.jump, .none, a: edge.number))
        loopDepth &+= 1
        openBlock(dominatedBy: block)
        isReachable = true
        builder.function.edges[edge.index].target = block
        frames.last.header = block
        for place in (stack.count &- count)..<stack.count {
            stack[place] = builder.appendParameter(builder.function.type(stack[place]))
        }
        let start = Int(frames.last.loopLocalsStart)
        for index in start..<start &+ Int(frames.last.loopLocalsCount) {
            let local = Int(loopLocals[index])
            setLocal(local, builder.appendParameter(localTypes[local]))
        }
        builder.invalidate(Self.changes(record.flags))
        poll()
    }

    /// The locals that the loop may assign.
    private mutating func collectLoopLocals(
        _ record: ControlRecord, _ analysis: borrowing BodyAnalysis
    ) {
        let start = loopLocals.count
        frames.last.loopLocalsStart = Int32(truncatingIfNeeded: start)
        if record.branchCount > 0 {
            appendLocals(record.assigned, from: 0)
            work &+= Int(record.assignedPoolCount)
            if record.assignedPoolCount > 0 {
                for word in 0..<Int(record.assignedPoolCount) {
                    appendLocals(
                        analysis.assignedPool[Int(record.assignedPoolStart) &+ word],
                        from: 64 &* (word &+ 1))
                }
            } else {
                // Any that is used.
                var local = analysis.locals.nextUsed(64)
                while local < localCount {
                    loopLocals.append(UInt32(truncatingIfNeeded: localBase &+ local))
                    local = analysis.locals.nextUsed(local &+ 1)
                }
            }
        }
        frames.last.loopLocalsCount = Int32(truncatingIfNeeded: loopLocals.count &- start)
    }

    private mutating func appendLocals(_ word: UInt64, from first: Int) {
        var rest = word
        while rest != 0 {
            let local = first &+ rest.trailingZeroBitCount
            if local < localCount {
                loopLocals.append(UInt32(truncatingIfNeeded: localBase &+ local))
            }
            rest &= rest &- 1
        }
    }

    /// What a loop in which `flags` occur may change.
    private static func changes(_ flags: BodyFlags) -> AliasSet {
        if !flags.isDisjoint(with: [.calls, .callsRuntime]) { return .all }
        var set: AliasSet = [.init(.table)]
        if flags.contains(.writesHeap) { set.formUnion([.init(.field), .init(.element)]) }
        if !flags.isDisjoint(with: [.accessesMemory, .synchronizes]) { set.insert(.init(.memory)) }
        if !flags.isDisjoint(with: [.growsMemory, .synchronizes]) {
            set.insert(.init(.memorySize))
        }
        if flags.contains(.writesGlobals) { set.insert(.init(.global)) }
        return set
    }

    /// Puts what the header of the innermost loop takes into the pool: the `count` values on top
    /// of the stack, then the locals.
    private mutating func passLoopArguments(_ count: Int) {
        passLoopArguments(count, frames.last)
    }

    private mutating func passLoopArguments(_ count: Int, _ frame: TranslationFrame) {
        for place in (stack.count &- count)..<stack.count {
            builder.function.pool.append(stack[place].number)
        }
        let start = Int(frame.loopLocalsStart)
        for index in start..<start &+ Int(frame.loopLocalsCount) {
            builder.function.pool.append(locals[Int(loopLocals[index])].number)
        }
    }

    mutating func translateIf(_ analysis: borrowing BodyAnalysis) {
        let condition = builder.truth(pop())
        let isLikely = hint()
        openFrame(.if)
        frames.last.isElseCold = isLikely == true
        let ifSo = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        let ifNot = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        frames.last.elseEdge = ifNot
        let taken = condition.isInverted ? ifNot : ifSo
        let other = condition.isInverted ? ifSo : ifNot
        endBlock(
            ApusIR.Instruction(
                .branch, .none, a: condition.value.number, b: taken.number, c: other.number))
        if analysis.controls[Int(frames.last.record)].elseOffset == 0 {
            // A false condition goes to the label, with the parameters.
            addPending(ifNot, to: frames.count &- 1)
            frames.last.elseEdge = nil
        } else {
            // The `else` finds the parameters where the condition found them.
            let start = Int(frames.last.height)
            frames.last.elseParameters = UInt32(truncatingIfNeeded: carriedValues.count)
            for place in start..<stack.count { carriedValues.append(stack[place]) }
        }
        if isLikely == false { isCold = true }
        openBlock(dominatedBy: block)
        isReachable = true
        builder.learn(along: ifSo)
        builder.function.edges[ifSo.index].target = block
    }

    // MARK: Closing

    mutating func translateElse(_ analysis: borrowing BodyAnalysis) {
        // Of an `if` that was begun at in its middle nobody comes to the `else`.
        if frames.last.kind == .else { return skipFrame(analysis) }
        if isReachable { jumpToLabel() }
        undoChanges(from: Int(frames.last.changesStart))
        stack.truncate(to: Int(frames.last.height))
        builder.state = frames.last.stateAtElse
        isCold = frames.last.isColdOutside || frames.last.isElseCold
        if let edge = frames.last.elseEdge {
            openBlock(dominatedBy: builder.function[edge].source)
            builder.learn(along: edge)
            builder.function.edges[edge.index].target = block
        }
        isReachable = true
        let first = Int(frames.last.elseParameters)
        for place in 0..<Int(frames.last.signature.parameterCount) {
            push(carriedValues[first &+ place])
        }
        frames.last.kind = .else
    }

    /// Falls into the innermost frame's label.
    mutating func jumpToLabel() {
        let edge = makePendingEdge(to: frames.count &- 1)
        endBlock(ApusIR.Instruction(.jump, .none, a: edge.number))
    }

    mutating func translateEnd(_ analysis: borrowing BodyAnalysis) {
        let frame = frames.last
        if frame.kind == .function { return endFunction() }
        if frame.kind == .inlined { return endInlined() }
        if frame.kind == .rest { return endRest(analysis) }
        if frame.restExits.count > 0 {
            closeLoop(frame)
            frames.last.branches = frame.restExits
            frames.last.kind = .block
        }
        if frames.last.branches.count == 0 {
            // Nobody branches here: what is on the stack stays as it is.
            closeFrame()
            return
        }
        if isReachable { jumpToLabel() }
        let closed = frames.last
        undoChanges(from: Int(closed.changesStart))
        stack.truncate(to: Int(closed.height))
        removeFrame()
        openLabel(closed)
    }

    mutating func removeFrame() {
        let frame = frames.removeLast()
        isCold = frame.isColdOutside
        clauses.truncate(to: clauses.count &- Int(frame.clausesCount))
    }

    /// Leaves a frame whose label nobody branches to, or a loop.
    private mutating func closeFrame() {
        let frame = frames.last
        removeFrame()
        keepChanges(from: Int(frame.changesStart), outer: frames.last.changesStart)
        if !isReachable { stack.truncate(to: Int(frame.height)) }
        if frame.kind == .loop { closeLoop(frame) }
    }

    /// What comes is not gone round in `frame` any more.
    private mutating func closeLoop(_ frame: TranslationFrame) {
        loopLocals.truncate(to: loopLocals.count &- Int(frame.loopLocalsCount))
        if !frame.header.isNone {
            loopDepth &-= 1
            // What is behind the last branch back is no part of the loop.
            let start = Int(builder.function.blocks.last.start)
            if isReachable, start == builder.function.order.count {
                builder.function.blocks.last.loopDepth = loopDepth
            }
        }
    }

    private mutating func endFunction() {
        if frames.last.branches.count > 0 {
            if isReachable { jumpToLabel() }
            let frame = frames.last
            undoChanges(from: 0)
            stack.truncate(to: 0)
            isCold = false
            openLabel(frame)
        }
        if isReachable { returnResults() }
        stack.truncate(to: 0)
        frames.removeLast()
        isReachable = false
    }

    // MARK: Leaving

    mutating func translateReturn() {
        if inlineFrame >= 0 { return branch(to: frames.count &- 1 &- inlineFrame) }
        returnResults()
    }

    private mutating func returnResults() {
        let count = builder.function.results.count
        let start = builder.function.pool.count
        for place in (stack.count &- count)..<stack.count {
            builder.function.pool.append(stack[place].number)
        }
        endBlock(
            ApusIR.Instruction(
                .return, .none, b: UInt32(truncatingIfNeeded: start),
                c: UInt32(truncatingIfNeeded: count)))
    }

    mutating func translateBr() { branch(to: Int(reader.readIndex())) }

    mutating func branch(to depth: Int) {
        let index = frames.count &- 1 &- depth
        if frames[index].kind == .function { return returnResults() }
        let edge = makeEdge(to: index)
        endBlock(ApusIR.Instruction(.jump, .none, a: edge.number))
    }

    /// An edge from the block at hand to the label of the frame at `index`.
    private mutating func makeEdge(to index: Int) -> Edge {
        let frame = frames[index]
        guard frame.kind == .loop else { return makePendingEdge(to: index) }
        passLoopArguments(frame.labelArity, frame)
        return builder.function.makeEdge(
            from: block, to: frame.header,
            argumentCount: frame.labelArity &+ Int(frame.loopLocalsCount))
    }

    mutating func translateBrIf() {
        let depth = Int(reader.readIndex())
        branch(to: depth, if: pop())
    }

    /// Branches if `condition` is not 0, with the values on top of the stack.
    mutating func branch(to depth: Int, if condition: Value) {
        let condition = builder.truth(condition)
        if let isTrue = builder.decision(on: condition.value) {
            if isTrue != condition.isInverted { branch(to: depth) }
            return
        }
        let taken = makeEdge(to: frames.count &- 1 &- depth)
        let other = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        endBlock(
            ApusIR.Instruction(
                .branch, .none, a: condition.value.number,
                b: condition.isInverted ? other.number : taken.number,
                c: condition.isInverted ? taken.number : other.number))
        // What follows, up to the end of the block around.
        if hint() == true { isCold = true }
        openBlock(dominatedBy: block)
        isReachable = true
        builder.learn(along: other)
        builder.function.edges[other.index].target = block
    }

    mutating func translateBrTable() {
        let index = pop()
        let count = Int(reader.readIndex()) &+ 1
        if let bits = builder.constant(index) {
            let wanted = Int(truncatingIfNeeded: min(bits, UInt64(count &- 1)))
            var depth = 0
            for place in 0..<count {
                let target = Int(reader.readIndex())
                if place == wanted { depth = target }
            }
            return branch(to: depth)
        }
        let first = builder.function.edges.count
        for _ in 0..<count {
            let depth = Int(reader.readIndex())
            _ = makeEdge(to: frames.count &- 1 &- depth)
            if isTooLarge { return isRefused = true }
        }
        endBlock(
            ApusIR.Instruction(
                .branchTable, .none, a: index.number, b: UInt32(truncatingIfNeeded: first),
                c: UInt32(truncatingIfNeeded: count)))
    }
}
