internal import ApusCollections

/// An open structured instruction (the algorithm's `ctrl_frame`).
struct ControlFrame: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case body, block, loop, `if`, `else`
    }

    var kind: Kind
    var signature: FlatSignature
    /// Height of the operand stack below the parameters.
    var height: Int32
    var record: Int32
    /// What is kept of the frame around this one while this one is innermost.
    var outerIsUnreachable: Bool
    var outerWeight: UInt32
    var outerLoop: Int32
    /// The weight at the start of this frame.
    var weight: UInt32
    /// The flags of this frame and the frames closed inside it.
    var flags: BodyFlags
    /// How many locals had been initialised when the frame was opened.
    var initializedCount: Int32

    var labelCount: Int32 {
        @inline(__always) get {
            kind == .loop ? signature.parameterCount : signature.resultCount
        }
    }
    var labelStart: Int32 {
        @inline(__always) get {
            kind == .loop ? signature.parameterStart : signature.resultStart
        }
    }
}

/// Structured control, and what happens inside it.
extension FunctionValidator {
    /// Above this many words, loops no longer keep sets of the locals from 64 on: the sets would
    /// grow with the product of loops and locals.
    private static var assignedPoolLimit: Int { 1 << 16 }
    /// Weights stop growing at this depth of loops.
    private static var deepestWeight: UInt32 { 4096 }

    mutating func openBody(_ signature: FlatSignature) {
        var body = signature
        body.parameterCount = 0
        open(.body, body)
    }

    /// Opens a frame whose parameters have been popped.
    mutating func open(_ kind: ControlFrame.Kind, _ signature: FlatSignature) {
        let record = analysis.controls.count
        analysis.controls.append(ControlRecord())
        let outerWeight = weight
        let outerLoop = loop
        if kind == .loop {
            loop = Int32(truncatingIfNeeded: frames.count)
            if weight < Self.deepestWeight { weight &*= 8 }
            openAssignedSet(record)
        }
        frames.append(
            ControlFrame(
                kind: kind, signature: signature,
                height: Int32(truncatingIfNeeded: operands.count),
                record: Int32(truncatingIfNeeded: record),
                outerIsUnreachable: isUnreachable, outerWeight: outerWeight,
                outerLoop: outerLoop, weight: weight, flags: [],
                initializedCount: Int32(truncatingIfNeeded: initializedLocals.count)))
        height = operands.count
        isUnreachable = false
        push(signature.parameterCount, from: signature.parameterStart)
    }

    /// Pops the frame's results and checks that nothing else is left on its stack.
    private mutating func popResults(_ frame: ControlFrame) throws(ModuleError) {
        try pop(frame.signature.resultCount, from: frame.signature.resultStart)
        guard operands.count == height else {
            throw invalid("type mismatch: values remain on the stack at the end of a block")
        }
    }

    mutating func validateElse() throws(ModuleError) {
        let frame = frames.last
        guard frame.kind == .if else { throw malformed("END opcode expected, found else") }
        try popResults(frame)
        let record = Int(frame.record)
        analysis.controls[record].elseOffset = UInt32(truncatingIfNeeded: instruction)
        analysis.controls[record].recordsAtElse =
            UInt32(truncatingIfNeeded: analysis.controls.count)
        frames.last.kind = .else
        forgetInitializations(since: frame.initializedCount)
        isUnreachable = false
        weight = frame.weight
        push(frame.signature.parameterCount, from: frame.signature.parameterStart)
    }

    mutating func validateEnd() throws(ModuleError) {
        let frame = frames.last
        let signature = frame.signature
        try popResults(frame)
        if frame.kind == .if, !hasSameTypes(signature) {
            throw invalid("type mismatch: an if without else must return its parameters")
        }
        let record = Int(frame.record)
        analysis.controls[record].end = UInt32(truncatingIfNeeded: instruction)
        analysis.controls[record].recordsAtEnd =
            UInt32(truncatingIfNeeded: analysis.controls.count)
        analysis.controls[record].flags = frame.flags
        if frame.kind == .loop {
            closeAssignedSet(record, frame.outerLoop)
            if analysis.controls[record].branchCount > 0,
                frame.flags.isDisjoint(with: [.calls, .callsRuntime])
            {
                analysis.loopWeight = analysis.loopWeight.saturatingAdd(frame.weight)
            }
        }
        frames.removeLast()
        forgetInitializations(since: frame.initializedCount)
        isUnreachable = frame.outerIsUnreachable
        weight = frame.outerWeight
        loop = frame.outerLoop
        if frames.isEmpty {
            analysis.flags.formUnion(frame.flags)
            return
        }
        frames.last.flags.formUnion(frame.flags)
        height = Int(frames.last.height)
        push(signature.resultCount, from: signature.resultStart)
    }

    private mutating func hasSameTypes(_ signature: FlatSignature) -> Bool {
        guard signature.parameterCount == signature.resultCount else { return false }
        for place in 0..<signature.parameterCount {
            let parameter = signatures.types[Int(signature.parameterStart &+ place)]
            let result = signatures.types[Int(signature.resultStart &+ place)]
            if !matches(parameter, result) { return false }
        }
        return true
    }

    /// Notes that `flags` happen in the innermost frame, unless nothing happens there.
    @inline(__always)
    mutating func note(_ flags: BodyFlags) {
        if weight != 0 { frames.last.flags.formUnion(flags) }
    }

    // MARK: Branches

    /// The frame `depth` outwards, to which a branch goes.
    @inline(__always)
    mutating func readLabel() throws(ModuleError) -> ControlFrame {
        let depth = try readIndex(below: frames.count, "label")
        let frame = frames[frames.count &- 1 &- depth]
        if weight != 0 { analysis.controls[Int(frame.record)].branchCount &+= 1 }
        return frame
    }

    mutating func validateBr() throws(ModuleError) {
        let frame = try readLabel()
        try pop(frame.labelCount, from: frame.labelStart)
        setUnreachable()
    }

    mutating func validateBrIf() throws(ModuleError) {
        let frame = try readLabel()
        try pop(.i32)
        try checkBranch(frame.labelCount, from: frame.labelStart)
    }

    private static var branchTableLimit: UInt32 { 65_520 }

    mutating func validateBrTable() throws(ModuleError) {
        try pop(.i32)
        let count = try reader.readUnsigned32()
        guard Int(count) <= reader.end &- reader.position else { throw reader.unexpectedEnd() }
        guard count <= Self.branchTableLimit else {
            throw ModuleError(
                .limit, at: instruction,
                "br_table of \(count) labels, the limit is \(Self.branchTableLimit)")
        }
        var previous: Int32 = -1
        var arity: Int32 = -1
        var frame = frames.last
        for _ in 0...count {
            frame = try readLabel()
            if frame.record == previous { continue }
            previous = frame.record
            if arity >= 0, frame.labelCount != arity {
                throw invalid("type mismatch: br_table labels take different numbers of values")
            }
            arity = frame.labelCount
            try check(frame.labelCount, from: frame.labelStart)
        }
        setUnreachable()
    }

    // MARK: Locals assigned in loops

    private mutating func openAssignedSet(_ record: Int) {
        let words = (analysis.locals.count &- 64 &+ 63) / 64
        guard words > 0, analysis.assignedPool.count &+ words <= Self.assignedPoolLimit else {
            return
        }
        analysis.controls[record].assignedPoolStart =
            UInt32(truncatingIfNeeded: analysis.assignedPool.count)
        analysis.controls[record].assignedPoolCount = UInt32(truncatingIfNeeded: words)
        analysis.assignedPool.append(repeating: 0, count: words)
    }

    /// Notes that local `index` is set inside the innermost loop.
    @inline(__always)
    mutating func noteAssignment(_ index: Int) {
        guard loop >= 0, weight != 0 else { return }
        let record = Int(frames[Int(loop)].record)
        if index < 64 {
            analysis.controls[record].assigned |= 1 &<< UInt64(index)
        } else {
            noteFarAssignment(index &- 64, record)
        }
    }

    private mutating func noteFarAssignment(_ bit: Int, _ record: Int) {
        let entry = analysis.controls[record]
        guard bit / 64 < Int(entry.assignedPoolCount) else { return }
        analysis.assignedPool[Int(entry.assignedPoolStart) &+ bit / 64] |=
            1 &<< UInt64(bit & 63)
    }

    /// What an inner loop assigns, the loop around it assigns too.
    private mutating func closeAssignedSet(_ record: Int, _ outer: Int32) {
        guard outer >= 0 else { return }
        let inner = analysis.controls[record]
        let outerRecord = Int(frames[Int(outer)].record)
        analysis.controls[outerRecord].assigned |= inner.assigned
        let around = analysis.controls[outerRecord]
        if inner.assignedPoolCount == 0 {
            analysis.controls[outerRecord].assignedPoolCount = 0
            return
        }
        for word in 0..<Int(around.assignedPoolCount) {
            analysis.assignedPool[Int(around.assignedPoolStart) &+ word] |=
                analysis.assignedPool[Int(inner.assignedPoolStart) &+ word]
        }
    }
}
