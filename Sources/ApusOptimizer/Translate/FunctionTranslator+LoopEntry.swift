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

/// A way into a loop that has not been reached yet.
struct OpenLoopEntry: BitwiseCopyable {
    var start: LoopStart
    /// The address of the frame's image.
    var image: Value
    /// From the entry block to the loop.
    var edge: Edge
}

/// Code that begins at an outermost loop (`docs/abi.md`, “Tiers”).
///
/// The function is translated as always, but its entry block has a branch to the loop's header,
/// which brings the values of an image of a frame. That branch is always taken, which nobody knows:
/// so that control stays reducible, and whatever comes before the loop stays what it is.
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

    mutating func openFunction(
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
        let none = builder.constant(.i64, 0)
        let isThere = builder.value(
            ApusIR.Instruction(
                .compare, .i32, image, none, immediate: IntegerCondition.notEqual.rawValue))
        let edge = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        let other = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        loopEntry = OpenLoopEntry(start: start, image: image, edge: edge)
        endBlock(
            ApusIR.Instruction(
                .branch, .none, a: isThere.number, b: edge.number, c: other.number))
        openBlock(dominatedBy: block)
        isReachable = true
        builder.function.edges[other.index].target = block
    }

    /// What the image has at `place` from the frame pointer. It is another frame's as soon as
    /// something is called.
    private mutating func read(_ type: IRType, _ image: Value, _ place: Int32) -> Value {
        builder.load(type, MemoryAccess(.full, .memory), image, .none, place)
    }

    /// Whether the loop whose type has just been read is the one that the code begins at.
    var isLoopEntry: Bool {
        mutating get {
            guard let loopEntry else { return false }
            return inlineFrame < 0 && reader.position &- bodyStart == loopEntry.start.loop
        }
    }

    /// Before the loop that has just been opened: lets the way from the entry block in.
    mutating func joinLoopEntry(_ analysis: borrowing BodyAnalysis) {
        guard loopDepth == 0, hasOnlyOwnOperands, let entry = loopEntry.take() else {
            return isRefused = true
        }
        var values = Arena<Value>(capacity: stack.count &+ 1)
        for place in 0..<stack.count { values.append(stack[place]) }
        let way = passAll(values, analysis)
        openBlock(dominatedBy: .entry)
        builder.function.edges[entry.edge.index].target = block
        builder.invalidate(.all)
        for place in 0..<stack.count {
            let type = builder.function.type(values[place])
            values[place] = read(type, entry.image, entry.start.operand(place))
        }
        // The locals of the image are those that the entry block has read.
        readLocals(entry, analysis)
        let other = passAll(values, analysis)
        openBlock(dominatedBy: .entry)
        isReachable = true
        builder.function.edges[way.index].target = block
        builder.function.edges[other.index].target = block
        for place in 0..<stack.count {
            stack[place] = builder.appendParameter(builder.function.type(stack[place]))
        }
        var local = analysis.locals.nextUsed(0)
        while local < localCount {
            setLocal(local, builder.appendParameter(localTypes[local]))
            local = analysis.locals.nextUsed(local &+ 1)
        }
        builder.invalidate(.all)
    }

    /// Whether there are no operands below the frames around the loop: at their labels these would
    /// be one value for who comes from the loop and another one for who does not.
    private var hasOnlyOwnOperands: Bool {
        mutating get {
            for place in 1..<max(frames.count &- 1, 1) where frames[place].height > 0 {
                return false
            }
            return true
        }
    }

    private mutating func readLocals(
        _ entry: OpenLoopEntry, _ analysis: borrowing BodyAnalysis
    ) {
        var local = analysis.locals.nextUsed(0)
        while local < localCount {
            setLocal(local, read(localTypes[local], entry.image, frameLocals[local]))
            local = analysis.locals.nextUsed(local &+ 1)
        }
    }

    /// Ends the block with a jump that brings `values` and all locals; where to is filled in later.
    private mutating func passAll(
        _ values: borrowing Arena<Value>, _ analysis: borrowing BodyAnalysis
    ) -> Edge {
        let start = builder.function.pool.count
        for place in 0..<values.count { builder.function.pool.append(values[place].number) }
        var local = analysis.locals.nextUsed(0)
        while local < localCount {
            builder.function.pool.append(locals[local].number)
            local = analysis.locals.nextUsed(local &+ 1)
        }
        let edge = builder.function.makeEdge(
            from: block, to: .none, argumentCount: builder.function.pool.count &- start)
        endBlock(ApusIR.Instruction(.jump, .none, a: edge.number))
        return edge
    }
}
