internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// A condition that the flags hold. Floats need the parity flag beside another one.
enum FlagCondition: BitwiseCopyable {
    case flag(Condition)
    /// Equal and ordered.
    case floatEqual
    /// Not equal or unordered.
    case floatNotEqual

    var inverted: FlagCondition {
        switch self {
        case .flag(let condition): .flag(condition.inverted)
        case .floatEqual: .floatNotEqual
        case .floatNotEqual: .floatEqual
        }
    }
}

/// What a conditional instruction depends on, once its operand is off the stack.
enum BranchCondition {
    case flags(FlagCondition)
    case always
    case never
}

/// Structured control, branches and merges (4.6.10).
///
/// At a label every local is in its home or slot, a single result is in rax or xmm0, several
/// results and all loop parameters are in frame slots, and operands below are in frame slots or
/// constant.
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
                validAtElse: homeState, dirtyAtLabel: HomeState(valid: homes, dirty: 0)))
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
                validAtElse: homeState,
                dirtyAtLabel: HomeState(valid: homes, dirty: 0)))
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
        code.bind(frames.last.label)
        homeState.dirty = homes
        poll()
        countRound(analysis)
    }

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
        let type = reader.readBlockType()
        // Spilling moves and stores only, so the flags survive.
        spillForMerge(upTo: stack.count)
        if type.typeIndex != nil { spillParameters(type) }
        openFrame(.if, type)
        let hasElse = analysis.controls[Int(frames.last.record)].elseOffset != 0
        frames.last.hasElse = hasElse
        // Without an `else`, a false condition goes to the label, where locals must be home.
        if !hasElse { restoreHomes() }
        frames.last.validAtElse = homeState
        switch condition {
        case .flags(let flags):
            if let isLikely, putOffArm(flags, isLikely: isLikely, analysis) { return }
            jump(flags.inverted, frames.last.elseLabel)
        case .always: break
        case .never: code.jump(frames.last.elseLabel)
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
            if reachable { code.jump(frame.label) }
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
        if frame.parameterCount == 0 {
            if reachable { fallIntoLabel() } else { truncateStack(to: Int(frame.height)) }
            code.bind(frame.elseLabel)
            // Both ways meet here; operands are where the label wants them.
            frames.last.isTargeted = true
            frames.last.dirtyAtLabel.dirty |= frame.validAtElse.dirty
            if reachable { frames.last.dirtyAtLabel.dirty |= homeState.dirty }
            homeState = HomeState(valid: homes, dirty: frames.last.dirtyAtLabel.dirty)
            reachable = true
        } else {
            closeThenArm()
        }
    }

    private mutating func endFunction() {
        let frame = frames.last
        if reachable { moveResultsForReturn(count: Int(frame.resultCount)) }
        if reachable { emitEpilogue() }
        truncateStack(to: 0)
        frames.removeLast()
        reachable = false
    }

    /// Pushes the results of a block at its label.
    private mutating func pushResults(_ frame: ControlFrame) {
        if frame.passesInRegister {
            let type = ValueClass(signatures.type(Int(frame.resultStart)))
            if type.isInVector {
                freeFloat.remove(FloatSet(.xmm0))
                push(type, .xmm0)
            } else {
                freeGeneral.remove(GeneralSet(.rax))
                push(type, .rax)
            }
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
        let depth = 0
        placeLabelValues(depth, keeps: false)
        restoreHomes()
        frames.last.dirtyAtLabel.dirty |= homeState.dirty
        truncateStack(to: Int(frames.last.height))
    }

    /// Puts the values that a branch to the frame `depth` outwards carries where its label wants
    /// them. With `keeps`, the operands stay valid for code that goes on here.
    private mutating func placeLabelValues(_ depth: Int, keeps: Bool) {
        let frame = frames[frames.count &- 1 &- depth]
        let arity = Int(frame.labelArity)
        guard arity > 0 else { return }
        if frame.kind == .function { return moveResultsForReturn(count: arity) }
        if frame.passesInRegister { return placeInResultRegister() }
        placeInSlots(from: stack.count &- arity, count: arity, at: Int(frame.height))
    }

    /// Makes the top of the stack live in rax or xmm0. Changes no flags.
    private mutating func placeInResultRegister() {
        let top = stack.count &- 1
        let operand = stack[top]
        if operand.type.isInVector {
            if operand.kind == .register, operand.float == .xmm0 { return }
            evict(.xmm0)
            freeFloat.remove(FloatSet(.xmm0))
            load(stack[top], into: .xmm0)
            discard(stack[top])
            stack[top] = .register(operand.type, .xmm0)
            owners.note(.xmm0, at: top)
        } else {
            if operand.kind == .register, operand.general == .rax { return }
            evict(.rax)
            freeGeneral.remove(GeneralSet(.rax))
            load(stack[top], into: .rax)
            discard(stack[top])
            stack[top] = .register(operand.type, .rax)
            owners.note(.rax, at: top)
        }
    }

    /// Copies operands to the slots of `height`, `height`+1, … in ascending order; slots that are
    /// still to be read lie at or above the one written, so nothing is lost.
    private mutating func placeInSlots(from first: Int, count: Int, at height: Int) {
        for offset in 0..<count {
            let operand = stack[first &+ offset]
            if operand.kind == .slot, Int(operand.index) == height &+ offset { continue }
            store(operand, slotAddress(height &+ offset))
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
        placeLabelValues(depth, keeps: false)
        restoreHomes()
        noteBranch(place)
        code.jump(frames[place].label)
    }

    @inline(__always)
    mutating func noteBranch(_ place: Int) {
        frames[place].isTargeted = true
        frames[place].dirtyAtLabel.dirty |= homeState.dirty
    }

    mutating func translateBrIf(_ analysis: borrowing BodyAnalysis) {
        translateBrIf(testCondition(pop()), analysis)
    }

    /// A branch on a condition that is known; the `br_if` opcode has been read.
    mutating func translateBrIf(_ condition: BranchCondition, _ analysis: borrowing BodyAnalysis) {
        let isLikely = hint()
        let depth = Int(reader.readIndex())
        switch condition {
        case .never: return
        case .always:
            emitBranch(depth)
            skip()
        case .flags(let flags):
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
            jump(condition, frame.label)
            return
        }
        // The taken way needs code of its own.
        let over = code.makeLabel()
        restoreHomes()
        jump(condition.inverted, over)
        placeInSlots(from: stack.count &- arity, count: arity, at: Int(frame.height))
        noteBranch(place)
        code.jump(frame.label)
        code.bind(over)
    }

    /// On the taken way only: the top of the stack goes to rax or xmm0, whoever is there.
    private mutating func copyToResultRegister() {
        let operand = stack.last
        if operand.type.isInVector { load(operand, into: .xmm0) } else { load(operand, into: .rax) }
    }

    // MARK: br_table

    mutating func translateBrTable() {
        let count = Int(reader.readIndex())
        let selector = pop()
        let start = reader.position
        for _ in 0..<count { _ = reader.readIndex() }
        let defaultDepth = Int(reader.readIndex())
        if count == 0 {
            discard(selector)
            emitBranch(defaultDepth)
            return skip()
        }
        let index = takeOwned(selector)
        restoreHomes()
        // No branch decides whether the index is within the table: none can be foreseen wrongly.
        code.moveImmediate(CallingConvention.scratch, UInt64(count))
        code.alu(.cmp, .w32, index, CallingConvention.scratch)
        code.cmov(.ae, .w32, index, CallingConvention.scratch)
        let fallback = code.makeLabel()
        let table = code.makeLabel()
        code.lea(.w64, CallingConvention.scratch, label: table)
        code.loadSignExtended(
            from: .w32, to: .w64, index, Address(CallingConvention.scratch, index: index, scale: 4))
        code.alu(.add, .w64, index, CallingConvention.scratch)
        code.jump(index)
        freeGeneral.insert(GeneralSet(index))
        emitJumpTable(table, count, start, fallback)
        code.bind(fallback)
        emitBranch(defaultDepth)
        skip()
    }

    /// The offsets of the targets, and for targets that take values the code that places them.
    private mutating func emitJumpTable(
        _ table: Label, _ count: Int, _ start: Int, _ fallback: Label
    ) {
        let end = reader.position
        code.align(to: 4)
        code.bind(table)
        let tableStart = code.count
        stubs.removeAll()
        reader.position = start
        for _ in 0..<count {
            let depth = Int(reader.readIndex())
            let place = frames.count &- 1 &- depth
            let frame = frames[place]
            if frame.kind != .function, frame.labelArity == 0 {
                noteBranch(place)
                code.append32(label: frame.label, relativeTo: tableStart)
                continue
            }
            if frame.stub < 0 {
                frames[place].stub = Int32(truncatingIfNeeded: stubs.count)
                stubs.append(
                    Stub(label: code.makeLabel(), depth: Int32(truncatingIfNeeded: depth)))
            }
            code.append32(
                label: stubs[Int(frames[place].stub)].label, relativeTo: tableStart)
        }
        code.append32(label: fallback, relativeTo: tableStart)
        reader.position = end
        for index in 0..<stubs.count {
            let depth = Int(stubs[index].depth)
            frames[frames.count &- 1 &- depth].stub = -1
            if mustStop() { return }
            code.bind(stubs[index].label)
            emitBranchKeepingOperands(depth)
        }
    }

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
        code.jump(frame.label)
    }

    // MARK: Conditions

    /// Tests an i32 operand for being non-zero.
    mutating func testCondition(_ operand: Operand) -> BranchCondition {
        if operand.kind == .constant {
            return UInt32(truncatingIfNeeded: operand.bits) != 0 ? .always : .never
        }
        if let address = frameAddress(operand) {
            code.alu(.cmp, .w32, address, immediate: 0)
        } else {
            let value = take(operand)
            code.test(.w32, value.register, value.register)
            release(value)
        }
        return .flags(.flag(.ne))
    }

    /// Jumps if the flags fulfil `condition`.
    mutating func jump(_ condition: FlagCondition, _ label: Label) {
        switch condition {
        case .flag(let flag): code.jump(flag, label)
        case .floatEqual:
            let over = code.makeLabel()
            code.jump(.p, over, near: true)
            code.jump(.e, label)
            code.bind(over)
        case .floatNotEqual:
            code.jump(.ne, label)
            code.jump(.p, label)
        }
    }

    mutating func translateUnreachable() {
        markSite(.unreachable)
        code.ud2()
        skip()
    }
}
