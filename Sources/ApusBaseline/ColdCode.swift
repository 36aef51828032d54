internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Code that hints say is hardly ever run, and the state in which it starts.
///
/// It is translated after the rest of its function, so that what runs often lies together and
/// falls from one instruction to the next.
struct ColdCode: BitwiseCopyable {
    /// Where it starts.
    var label: Label
    /// It is a branch to the frame this far outwards; if negative, instructions up to the `else`
    /// or `end` of the innermost frame.
    var depth: Int32
    /// Where the instructions are.
    var position: Int
    var nextRecord: Int
    var instructionOffset: Int
    var homeState: HomeState
    var free: RegisterSet
    var fuelMeter: FuelMeter
    /// What was open, in `coldFrames`, and on the stack, in `coldOperands`.
    var firstFrame: Int
    var frameCount: Int
    var firstOperand: Int
    var operandCount: Int
}

/// Putting off what is cold. Specification: “Branch Hinting”.
extension BaselineCompiler {
    /// Whether the `if` or `br_if` whose opcode has just been read is likely to find its condition
    /// true; nil if nobody says so.
    mutating func hint() -> Bool? {
        if hints.isEmpty { return nil }
        return module.branchHints.isLikely(at: reader.position &- 1, in: hints)
    }

    /// Whether the present state can be kept once more. What is kept in all is bounded by the size
    /// of the function, so that hints in deep nesting cost no more than the code itself.
    private mutating func hasRoom(_ analysis: borrowing BodyAnalysis) -> Bool {
        let kept = coldFrames.count &+ coldOperands.count
        let size = analysis.codeEnd &- analysis.codeStart
        return kept &+ frames.count &+ stack.count <= size
    }

    /// Keeps the state, with the `operandCount` lowest operands, for code at a new label.
    private mutating func keep(
        _ label: Label, depth: Int32 = -1, position: Int, nextRecord: Int, operandCount: Int
    ) {
        let kept = ColdCode(
            label: label, depth: depth, position: position, nextRecord: nextRecord,
            instructionOffset: instructionOffset, homeState: homeState, free: stack.free,
            fuelMeter: fuelMeter, firstFrame: coldFrames.count,
            frameCount: frames.count, firstOperand: coldOperands.count, operandCount: operandCount)
        coldFrames.append(contentsOf: frames)
        for position in 0..<operandCount { coldOperands.append(stack[position]) }
        coldCode.append(kept)
    }

    /// Prepares the labels around for branches from code that is translated after they are bound.
    private mutating func expectBranches(_ analysis: borrowing BodyAnalysis) {
        let innermost = frames.count &- 1
        // Branches to the outermost frame return.
        for place in 1..<max(frames.count, 1) {
            let count = analysis.controls[Int(frames[place].record)].branchCount
            guard place == innermost || count > 0 else { continue }
            frames[place].isTargeted = true
            frames[place].dirtyAtLabel.dirty = homes
        }
    }

    // MARK: Putting off

    /// Puts off the less likely arm of the `if` that has just been opened. False if that cannot be
    /// done.
    mutating func putOffArm(
        _ condition: FlagCondition, isLikely: Bool, _ analysis: borrowing BodyAnalysis
    ) -> Bool {
        let record = analysis.controls[Int(frames.last.record)]
        let hasElse = frames.last.hasElse
        guard hasElse || !isLikely, hasRoom(analysis) else { return false }
        let height = Int(frames.last.height)
        expectBranches(analysis)
        if isLikely {
            let label = frames.last.elseLabel
            jump(condition.inverted, label)
            frames.last.kind = .else
            keep(
                label, position: Int(record.elseOffset) &+ 1,
                nextRecord: Int(record.recordsAtElse), operandCount: height)
            frames.last.kind = .if
            frames.last.isElseCold = true
            return true
        }
        let label = code.makeLabel()
        jump(condition, label)
        keep(label, position: reader.position, nextRecord: nextRecord, operandCount: height)
        frames.last.kind = .else
        if hasElse {
            reader.position = Int(record.elseOffset) &+ 1
            nextRecord = Int(record.recordsAtElse)
        } else {
            skipToEnd(record)
        }
        return true
    }

    /// Puts off what follows a likely branch out of the innermost block. False if that cannot be
    /// done.
    mutating func putOffRest(
        _ condition: FlagCondition, depth: Int, _ analysis: borrowing BodyAnalysis
    ) -> Bool {
        let frame = frames.last
        guard depth == 0, frame.kind == .block, frame.resultCount == 0,
            stack.count == Int(frame.height), hasRoom(analysis)
        else { return false }
        let record = analysis.controls[Int(frame.record)]
        if reader.position >= Int(record.end) { return false }
        restoreHomes()
        expectBranches(analysis)
        let label = code.makeLabel()
        jump(condition.inverted, label)
        keep(label, position: reader.position, nextRecord: nextRecord, operandCount: stack.count)
        skipToEnd(record)
        return true
    }

    /// Puts off what an unlikely branch has to do before it can jump. False if there is nothing to
    /// do, or that cannot be done.
    mutating func putOffBranch(
        _ condition: FlagCondition, depth: Int, _ analysis: borrowing BodyAnalysis
    ) -> Bool {
        let place = frames.count &- 1 &- depth
        let frame = frames[place]
        let isPlaced = frame.labelArity == 0 || frame.passesInRegister && isInResultRegister
        if frame.kind != .function, isPlaced, homeState.valid == homes { return false }
        guard hasRoom(analysis) else { return false }
        let label = code.makeLabel()
        jump(condition, label)
        noteBranch(place)
        keep(
            label, depth: Int32(truncatingIfNeeded: depth), position: reader.position,
            nextRecord: nextRecord, operandCount: stack.count)
        return true
    }

    /// Whether the top of the stack is where a single result of a block belongs.
    private var isInResultRegister: Bool {
        mutating get {
            guard !stack.isEmpty, stack.last.kind == .register else { return false }
            return stack.last.register == resultRegister(stack.last.type)
        }
    }

    /// Goes on at the `end` of the innermost frame.
    mutating func skipToEnd(_ record: ControlRecord) {
        reader.position = Int(record.end)
        nextRecord = Int(record.recordsAtEnd)
    }

    // MARK: Making up

    /// Translates all that has been put off, and what is put off meanwhile.
    mutating func translateColdCode(_ analysis: borrowing BodyAnalysis) {
        var next = 0
        while next < coldCode.count, !mustStop() {
            let cold = coldCode[next]
            next &+= 1
            resume(cold)
            if cold.depth >= 0 {
                emitBranch(Int(cold.depth))
                closeColdCode()
            } else {
                translateOpenFrames(analysis)
            }
        }
        coldDepth = 0
    }

    private mutating func resume(_ cold: ColdCode) {
        code.bind(cold.label)
        stack.removeAll()
        for place in 0..<cold.frameCount {
            frames.append(coldFrames[cold.firstFrame &+ place])
        }
        for position in 0..<cold.operandCount {
            push(coldOperands[cold.firstOperand &+ position])
        }
        coldDepth = cold.frameCount
        reader.position = cold.position
        watchSoon()
        nextRecord = cold.nextRecord
        instructionOffset = cold.instructionOffset
        homeState = cold.homeState
        stack.free = cold.free
        fuelMeter = cold.fuelMeter
        reachable = true
        let frame = frames.last
        if cold.depth < 0, frame.kind == .if || frame.kind == .else {
            pushSlots(frame.parameterStart, frame.parameterCount, at: Int(frame.height))
        }
    }

    /// Whether the innermost frame is the one whose rest was put off and is being translated.
    var isAtEndOfColdCode: Bool { mutating get { frames.count == coldDepth } }

    /// Leaves the frame whose rest was put off, to where the others have gone.
    mutating func endColdCode() {
        if reachable {
            fallIntoLabel()
            jump(frames.last.label)
        }
        closeColdCode()
    }

    private mutating func closeColdCode() {
        stack.removeAll()
        frames.removeAll()
        reachable = false
    }
}
