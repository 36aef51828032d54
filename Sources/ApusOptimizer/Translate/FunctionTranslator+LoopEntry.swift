internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// A loop at whose header code begins, and where the image of a frame has operands.
struct LoopStart: BitwiseCopyable {
    /// Offset of the loop's first instruction in the body.
    var loop: Int
    var operands: Int32
    var operandStride: Int32
    /// Bytes of the function's stack arguments.
    var argumentBytes: Int32

    /// Of the operand at `position`, counted from the bottom.
    func operand(_ position: Int) -> Int32 {
        operands &+ operandStride &* Int32(truncatingIfNeeded: position)
    }
}

/// What is open around a loop at which code begins.
struct LoopSurroundings: ~Copyable {
    var frames = Arena<TranslationFrame>(capacity: 16)
    var clauses = Arena<FunctionTranslator.OpenClause>(capacity: 8)
    /// Types of all operands.
    var operands = Arena<IRType>(capacity: 64)
    /// Offset of the loop in the module, and its record.
    var offset = 0
    var record = 0
}

/// Code that begins at a loop (`docs/abi.md`, “Tiers”), with what an image of a frame has.
///
/// Nothing of what comes before the loop is in it. But the loops around are begun in their middle,
/// which would give them a second way in: so what is left of their rounds comes first, as code of
/// its own, and where that goes back follows the loop, whole.
///
///     loop $outer A (loop $inner B) C end D
///
/// becomes, from `$inner` on,
///
///     block $exit
///       block $outer (loop $inner B) C (br $exit) end
///       loop $outer A (loop $inner B) C end
///     end
///     D
///
/// so that control stays reducible.
extension FunctionTranslator {
    /// Has the next function begin at the loop whose first instruction is at `loop` in the body,
    /// with an image of such a frame.
    mutating func start(at loop: Int, _ frame: borrowing FrameMap) {
        loopStart = LoopStart(
            loop: loop, operands: frame.operands, operandStride: frame.operandStride,
            argumentBytes: frame.argumentBytes)
        frameLocals.removeAll()
        frameLocals.append(contentsOf: frame.locals)
    }

    /// From the loop on. False, too, if what is known of the function says that it is never
    /// reached.
    mutating func translate(
        _ index: Int, _ analysis: borrowing BodyAnalysis, at start: LoopStart
    ) -> Bool {
        guard findSurroundings(index, analysis, of: start) else { return false }
        begin(index)
        openFunction(index, analysis, at: start)
        pollOnEntry(analysis)
        reader.move(from: surroundings.offset, to: analysis.codeEnd)
        instructionOffset = reader.position
        placeInstruction()
        nextRecord = surroundings.record
        translate(reader.next(), analysis)
        return translateRest(analysis)
    }

    // MARK: What is around

    /// Translates the body up to the loop, to see what is open there.
    private mutating func findSurroundings(
        _ index: Int, _ analysis: borrowing BodyAnalysis, of start: LoopStart
    ) -> Bool {
        soughtLoop = start.loop
        defer { soughtLoop = 0 }
        _ = translateWhole(index, analysis)
        // It may have ended before.
        guard !frames.isEmpty, isAtSoughtLoop else { return false }
        surroundings.frames.removeAll()
        for place in 1..<frames.count &- 1 { surroundings.frames.append(frames[place]) }
        surroundings.clauses.removeAll()
        surroundings.clauses.append(contentsOf: clauses)
        surroundings.operands.removeAll()
        for place in 0..<stack.count {
            surroundings.operands.append(builder.function.type(stack[place]))
        }
        surroundings.offset = instructionOffset
        surroundings.record = Int(frames.last.record)
        return true
    }

    /// Whether the frame that has just been opened is the loop at which the translation ends.
    var isAtSoughtLoop: Bool {
        mutating get {
            soughtLoop != 0 && inlineFrame < 0 && frames.last.kind == .loop
                && Int(frames.last.loopStart) &- bodyStart == soughtLoop
        }
    }

    // MARK: The entry

    private mutating func openFunction(
        _ index: Int, _ analysis: borrowing BodyAnalysis, at start: LoopStart
    ) {
        let signature = openEntry(index, analysis)
        builder.function.argumentBytes = start.argumentBytes
        let image = builder.appendParameter(.i64)
        var local = analysis.locals.nextUsed(0)
        while local < localCount {
            let type =
                local < analysis.parameterCount
                ? IRType(signatures.types[Int(signature.parameterStart) &+ local])
                : IRType(analysis.locals.type(local))
            declare(local, type, read(type, image, frameLocals[local]))
            local = analysis.locals.nextUsed(local &+ 1)
        }
        openOutermostFrame(signature, analysis)
        for place in 0..<surroundings.frames.count { reopen(surroundings.frames[place]) }
        clauses.append(contentsOf: surroundings.clauses)
        for place in 0..<surroundings.operands.count {
            push(read(surroundings.operands[place], image, start.operand(place)))
        }
    }

    /// What the image has at `place` from the frame pointer. It is another frame's as soon as
    /// something is called.
    private mutating func read(_ type: IRType, _ image: Value, _ place: Int32) -> Value {
        builder.load(type, MemoryAccess(.full, .memory), image, .none, place)
    }

    /// Opens a frame around the loop, in its middle.
    private mutating func reopen(_ frame: TranslationFrame) {
        let kind: TranslationFrame.Kind =
            switch frame.kind {
            case .loop: .rest
            case .if: .else
            case .function, .block, .else, .inlined, .rest: frame.kind
            }
        var reopened = TranslationFrame(
            kind: kind, signature: frame.signature, height: Int(frame.height),
            record: Int(frame.record), builder.state, changes: 0)
        reopened.loopStart = frame.loopStart
        reopened.clausesStart = frame.clausesStart
        reopened.clausesCount = frame.clausesCount
        reopened.catching = frame.catching
        reopened.catchingOutside = frame.catchingOutside
        frames.append(reopened)
    }

    // MARK: Rounds that were begun

    /// At the end of what is left of a round: who goes back from there goes round the loop, whole.
    mutating func endRest(_ analysis: borrowing BodyAnalysis) {
        let rest = frames.last
        frames.last.kind = .block
        frames.last.branches = BranchList()
        if rest.branches.count == 0 { return translateEnd(analysis) }
        if isReachable { jumpToLabel() }
        undoChanges(from: Int(rest.changesStart))
        stack.truncate(to: Int(rest.height))
        isCold = rest.isColdOutside
        frames.last.kind = .loop
        frames.last.restExits = frames.last.branches
        frames.last.branches = BranchList()
        // Each loop around has all that is in it once more.
        work &+= reader.position &- Int(rest.loopStart)
        reader.position = Int(rest.loopStart)
        nextRecord = Int(rest.record) &+ 1
        fuelMeter = FuelMeter()
        var header = rest
        header.signature.resultCount = rest.signature.parameterCount
        openLabel(header)
        openLoop(analysis)
    }
}
