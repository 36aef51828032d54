internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// What a conditional instruction depends on, once its operand is off the stack.
enum BranchCondition {
    case flags(FlagCondition)
    case always
    case never
}

/// Structured control, branches and merges (4.6.10).
///
/// At a label every local is in its home or slot, a single result is in the register that its class
/// has for that (`RegisterRoles.result`), several results and all loop parameters are in frame
/// slots, and operands below are in frame slots or constant. So no label needs moves of its own,
/// and code for it can be written before it is known from where it will be reached.
extension BaselineCompiler {
    // MARK: Opening

    mutating func openFunctionFrame() {
        let signature = signatures.ofFunction(functionIndex)
        frames.append(
            ControlFrame(
                kind: .function, label: code.makeLabel(), elseLabel: code.makeLabel(), height: 0,
                parameterCount: 0, resultCount: signature.resultCount,
                parameterStart: signature.parameterStart, resultStart: signature.resultStart,
                record: 0, isTargeted: false, hasElse: false,
                validAtElse: homeState, dirtyAtLabel: HomeState(valid: homes, dirty: [])))
    }

    mutating func openFrame(_ kind: ControlFrame.Kind, _ type: BlockType) {
        var signature = FlatSignature()
        if let index = type.typeIndex {
            signature = signatures.table[index]
        } else if let result = type.singleResult {
            signature = signatures.table.single(result)
        }
        frames.append(
            ControlFrame(
                kind: kind, label: code.makeLabel(),
                elseLabel: kind == .if ? code.makeLabel() : Label(),
                height: Int32(truncatingIfNeeded: stack.count) &- signature.parameterCount,
                parameterCount: signature.parameterCount, resultCount: signature.resultCount,
                parameterStart: signature.parameterStart, resultStart: signature.resultStart,
                record: Int32(truncatingIfNeeded: nextRecord), isTargeted: false, hasElse: false,
                handlers: frames.last.handlers, outerLoop: frames.last.outerLoop,
                heldLoop: frames.last.heldLoop,
                validAtElse: homeState,
                dirtyAtLabel: HomeState(valid: homes, dirty: [])))
        nextRecord &+= 1
    }

    mutating func translateBlock() {
        let type = reader.readBlockType()
        spillForMerge(upTo: stack.count)
        if type.typeIndex != nil { spillParameters(type) }
        openFrame(.block, type)
    }

    mutating func translateLoop(_ analysis: borrowing BodyAnalysis) {
        let type = reader.readBlockType()
        spillForMerge(upTo: stack.count)
        if type.typeIndex != nil { spillParameters(type) }
        openFrame(.loop, type)
        restoreHomes()
        prepareHeat(analysis)
        alignLoop(analysis)
        code.bind(frames.last.label)
        homeState.dirty = homes
        poll()
        countRound(analysis)
    }

    /// A branch back that lies in two of the processor's lines, or leads to another one, can take
    /// as long again as a short round. So loops that are short and have none inside lie within a
    /// line where they can.
    private mutating func alignLoop(_ analysis: borrowing BodyAnalysis) {
        let record = analysis.controls[Int(frames.last.record)]
        if record.branchCount == 0 { return }
        let bytes = Int(record.end) &- reader.position
        let isShort = bytes <= Self.shortLoopBytes && !record.flags.contains(.loops)
        code.align(to: isShort ? CodeBuffer.lineBytes : Self.loopAlignment)
    }

    private static var loopAlignment: Int { 32 }
    /// Of instructions, which become up to twice as much code.
    private static var shortLoopBytes: Int { 48 }

    /// Constants among the parameters go to their slots too: inside, they are not constant.
    mutating func spillParameters(_ type: BlockType) {
        guard let index = type.typeIndex else { return }
        let count = Int(signatures.table[index].parameterCount)
        for position in (stack.count &- count)..<stack.count { spill(position) }
    }

    mutating func translateIf(_ analysis: borrowing BodyAnalysis) {
        translateIf(testCondition(pop()), analysis)
    }

    /// Opens an `if` whose condition is known; the `if` opcode has been read.
    mutating func translateIf(_ condition: BranchCondition, _ analysis: borrowing BodyAnalysis) {
        let isLikely = hint()
        let branch = countsBlocks ? countedBranch(at: reader.position &- 1) : nil
        let type = reader.readBlockType()
        // Spilling moves and stores only, so the flags survive.
        spillForMerge(upTo: stack.count)
        if type.typeIndex != nil { spillParameters(type) }
        openFrame(.if, type)
        let hasElse = analysis.controls[Int(frames.last.record)].elseOffset != 0
        frames.last.hasElse = hasElse
        frames.last.branch = branch ?? -1
        // Without an `else`, a false condition goes to the label, where locals must be home.
        if !hasElse { restoreHomes() }
        frames.last.validAtElse = homeState
        switch condition {
        case .flags(let flags):
            if let isLikely, putOffArm(flags, isLikely: isLikely, analysis) { return }
            jump(flags.inverted, frames.last.elseLabel)
        case .always: break
        case .never: jump(frames.last.elseLabel)
        }
    }

    // MARK: Closing

    mutating func translateElse(_ analysis: borrowing BodyAnalysis) {
        if isAtEndOfColdCode { return endColdCode() }
        if frames.last.isElseCold {
            frames.last.kind = .else
            return skipToEnd(analysis.controls[Int(frames.last.record)])
        }
        closeThenArm()
    }

    /// Ends the first arm of an `if` and begins the second.
    private mutating func closeThenArm() {
        if reachable { fallIntoLabel() }
        var frame = frames.last
        if frame.isTargeted || reachable {
            if reachable { jump(frame.label) }
            frames.last.isTargeted = true
            frame.isTargeted = true
        }
        truncateStack(to: Int(frame.height))
        frames.last.kind = .else
        code.bind(frame.elseLabel)
        homeState = frame.validAtElse
        pushSlots(frame.parameterStart, frame.parameterCount, at: Int(frame.height))
        reachable = true
    }

    mutating func translateEnd() {
        if isAtEndOfColdCode { return endColdCode() }
        let kind = frames.last.kind
        if kind == .function { return endFunction() }
        if kind == .if { closeMissingElse() }
        let frame = frames.last
        if kind == .loop || !frame.isTargeted {
            // Nobody branches here: what is on the stack stays as it is.
            if reachable { leaveHeat(to: frames.count &- 2) }
            frames.removeLast()
            if !reachable {
                truncateStack(to: Int(frame.height))
                skip()
            }
            return
        }
        if reachable { fallIntoLabel() }
        truncateStack(to: Int(frame.height))
        let dirty = frames.last.dirtyAtLabel.dirty
        frames.removeLast()
        code.bind(frame.label)
        homeState = HomeState(valid: homes, dirty: dirty)
        reachable = true
        pushResults(frame)
    }

    /// An `if` without `else` passes its parameters through when the condition is false.
    private mutating func closeMissingElse() {
        let frame = frames.last
        if frame.branch >= 0 {
            closeThenArm()
            countWay(1, of: frame.branch)
        } else if frame.parameterCount == 0 {
            if reachable { fallIntoLabel() } else { truncateStack(to: Int(frame.height)) }
            code.bind(frame.elseLabel)
            // Both ways meet here; operands are where the label wants them.
            frames.last.isTargeted = true
            frames.last.dirtyAtLabel.dirty.formUnion(frame.validAtElse.dirty)
            if reachable { frames.last.dirtyAtLabel.dirty.formUnion(homeState.dirty) }
            homeState = HomeState(valid: homes, dirty: frames.last.dirtyAtLabel.dirty)
            reachable = true
        } else {
            closeThenArm()
        }
    }

    private mutating func endFunction() {
        if reachable { emitReturn() }
        truncateStack(to: 0)
        frames.removeLast()
        reachable = false
    }

    /// Pushes the results of a block at its label.
    private mutating func pushResults(_ frame: ControlFrame) {
        if frame.passesInRegister {
            let type = ValueClass(signatures.type(Int(frame.resultStart)))
            let register = resultRegister(type)
            stack.free.remove(RegisterSet(register))
            stack.append(.register(type, register))
        } else {
            pushSlots(frame.resultStart, frame.resultCount, at: Int(frame.height))
        }
    }

    mutating func pushSlots(_ typeStart: Int32, _ count: Int32, at height: Int) {
        for offset in 0..<Int(count) {
            let type = ValueClass(signatures.type(Int(typeStart) &+ offset))
            push(.slot(type, height &+ offset))
        }
    }

    /// After an unconditional transfer: goes on at the `else` or `end` of the innermost frame.
    mutating func skip() {
        reachable = false
    }

    /// Skips the rest of the innermost frame, which nothing reaches.
    mutating func skipUnreachable(_ analysis: borrowing BodyAnalysis) {
        let frame = frames.last
        truncateStack(to: Int(frame.height))
        let record = analysis.controls[Int(frame.record)]
        if frame.kind == .if, frame.hasElse {
            reader.position = Int(record.elseOffset)
            nextRecord = Int(record.recordsAtElse)
        } else {
            reader.position = Int(record.end)
            nextRecord = Int(record.recordsAtEnd)
        }
    }

    // MARK: Merging

    /// Brings the values on top of the stack, and all locals, where the innermost frame's label
    /// wants them, and forgets the values.
    mutating func fallIntoLabel() {
        placeLabelValues(0)
        restoreHomes()
        frames.last.dirtyAtLabel.dirty.formUnion(homeState.dirty)
        truncateStack(to: Int(frames.last.height))
    }

    /// Puts the values that a branch to the frame `depth` outwards carries where its label wants
    /// them.
    private mutating func placeLabelValues(_ depth: Int) {
        let frame = frames[frames.count &- 1 &- depth]
        let arity = Int(frame.labelArity)
        guard arity > 0 else { return }
        if frame.kind == .function { return moveResultsForReturn(count: arity) }
        if frame.passesInRegister { return placeInResultRegister() }
        placeInSlots(from: stack.count &- arity, count: arity, at: Int(frame.height))
    }

    /// Where a label wants its only value, which is of this class.
    @inline(__always)
    mutating func resultRegister(_ type: ValueClass) -> PhysicalRegister {
        Self.registers.roles(inVector: type.isInVector).result
    }

    /// Makes the top of the stack live where a label wants its only value. Changes no flags.
    private mutating func placeInResultRegister() {
        let top = stack.count &- 1
        let operand = stack[top]
        let register = resultRegister(operand.type)
        if operand.kind == .register, operand.register == register { return }
        evict(register)
        stack.free.remove(RegisterSet(register))
        // Making room may have moved it.
        load(stack[top], into: register)
        discard(stack[top])
        stack[top] = .register(operand.type, register)
        stack.note(register, at: top)
    }

    /// Copies operands to the slots of `height`, `height`+1, … in ascending order; slots that are
    /// still to be read lie at or above the one written, so nothing is lost.
    private mutating func placeInSlots(from first: Int, count: Int, at height: Int) {
        for offset in 0..<count {
            let operand = stack[first &+ offset]
            if operand.kind == .slot, Int(operand.index) == height &+ offset { continue }
            store(operand, inSlot: height &+ offset)
        }
    }

    // MARK: Branches

    mutating func translateBr() {
        let depth = Int(reader.readIndex())
        emitBranch(depth)
        skip()
    }

    /// An unconditional branch to the frame `depth` outwards.
    mutating func emitBranch(_ depth: Int) {
        let place = frames.count &- 1 &- depth
        if frames[place].kind == .function { return emitReturn() }
        placeLabelValues(depth)
        restoreHomes()
        noteBranch(place)
        leaveHeat(to: place)
        jump(frames[place].label)
    }

    @inline(__always)
    mutating func noteBranch(_ place: Int) {
        frames[place].isTargeted = true
        frames[place].dirtyAtLabel.dirty.formUnion(homeState.dirty)
    }

    /// Whether control leaves the loop that holds the heat when it gets to the frame at `place`.
    @inline(__always)
    mutating func leavesHeat(to place: Int) -> Bool { Int(frames.last.heldLoop) > place }

    /// Before such a way. Changes no flags.
    @inline(__always)
    mutating func leaveHeat(to place: Int) {
        if leavesHeat(to: place) { storeHeat() }
    }

    mutating func translateBrIf(_ analysis: borrowing BodyAnalysis) {
        translateBrIf(testCondition(pop()), analysis)
    }

    /// A branch on a condition that is known; the `br_if` opcode has been read.
    mutating func translateBrIf(_ condition: BranchCondition, _ analysis: borrowing BodyAnalysis) {
        let isLikely = hint()
        let offset = reader.position &- 1
        let depth = Int(reader.readIndex())
        switch condition {
        case .never: return
        case .always:
            countWay(0, ofBranchAt: offset)
            emitBranch(depth)
            skip()
        case .flags(let flags):
            if countsBlocks { return emitCountedBranch(depth, if: flags, at: offset) }
            switch isLikely {
            case true?: if putOffRest(flags, depth: depth, analysis) { return }
            case false?: if putOffBranch(flags, depth: depth, analysis) { return }
            case nil: break
            }
            emitBranch(depth, if: flags)
        }
    }

    mutating func emitBranch(_ depth: Int, if condition: FlagCondition) {
        let place = frames.count &- 1 &- depth
        let frame = frames[place]
        let arity = Int(frame.labelArity)
        if frame.kind == .function { return emitReturn(if: condition) }
        if arity == 0 || frame.passesInRegister {
            if arity > 0 { placeInResultRegister() }
            restoreHomes()
            noteBranch(place)
            jump(condition, leavesHeat(to: place) ? storingHeat(frame.label) : frame.label)
            return
        }
        // The taken way needs code of its own.
        let over = code.makeLabel()
        restoreHomes()
        jump(condition.inverted, over)
        placeInSlots(from: stack.count &- arity, count: arity, at: Int(frame.height))
        noteBranch(place)
        leaveHeat(to: place)
        jump(frame.label)
        code.bind(over)
    }

    /// On the taken way only: the top of the stack goes where a label wants its only value, whoever
    /// is there.
    private mutating func copyToResultRegister() {
        let operand = stack.last
        load(operand, into: resultRegister(operand.type))
    }

    // MARK: br_table

    /// Code that places the values that a table's branches to one frame carry.
    struct Stub: BitwiseCopyable {
        var label: Label
        var depth: Int32
    }

    /// A branch after which other branches read the same operands again.
    mutating func emitBranchKeepingOperands(_ depth: Int) {
        let place = frames.count &- 1 &- depth
        let frame = frames[place]
        if frame.kind == .function { return emitReturn() }
        if frame.passesInRegister {
            copyToResultRegister()
        } else {
            let arity = Int(frame.labelArity)
            placeInSlots(from: stack.count &- arity, count: arity, at: Int(frame.height))
        }
        noteBranch(place)
        leaveHeat(to: place)
        jump(frame.label)
    }

    /// A branch to the frame `depth` outwards on a way of its own: what goes on finds all as it is.
    mutating func emitBranchAside(_ depth: Int) {
        let state = homeState
        emitBranchKeepingOperands(depth)
        homeState = state
    }

    mutating func translateUnreachable() {
        markSite(.unreachable)
        emitStop()
        skip()
    }
}
