internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

// Produces: a Function in static single assignment form.
// Consumes: a body that FunctionValidator has accepted, with its BodyAnalysis.

/// Turns a body into a function, in one pass from its first instruction to its last.
///
/// Structured control makes it simple to know which values meet where: a loop's header has a
/// parameter for each local that the loop assigns, which validation has found out, and a label
/// further down gets one for each local that arrives with different values. Nothing has to be
/// guessed and taken back.
struct FunctionTranslator: ~Copyable {
    let module: DecodedModule
    let layout: ContextLayout
    let aggregates: AggregateLayouts
    let signatures: SignatureTable
    let isFuelMetered: Bool
    let pollsInterruption: Bool
    /// The module's memories, imported ones first.
    var memories = Arena<MemoryTraits>(capacity: 4)

    var builder = Builder()
    var reader: InstructionReader
    /// Offset in the module of the instruction at hand, and of the body.
    var instructionOffset = 0
    var bodyStart = 0
    /// What has been paid for last, in metered code.
    var fuelMeter = FuelMeter()
    /// See `isTooLarge`.
    var sizeLimit = 0
    /// Steps that have been taken besides those that have made something.
    var work = 0
    let watch: CompilationWatch
    /// Instructions until the watch is asked next.
    private var untilWatch = 0
    /// Something in the body is not for this compiler.
    var isRefused = false

    // What the instructions work on.
    var stack = Arena<Value>(capacity: 256)
    var frames = Arena<TranslationFrame>(capacity: 64)
    var isReachable = true
    /// Index of the next control record to be opened.
    var nextRecord = 0
    /// The block that is being built.
    var block = Block.entry
    var loopDepth: UInt16 = 0
    /// Hints say that the code at hand is hardly ever run.
    var isCold = false
    /// Where the function's hints are among those of the module.
    var hints = 0..<0

    // Locals: see `FunctionTranslator+Locals`. Of those that the function uses; between functions
    // what is left of others means nothing.
    var localCount = 0
    var localTypes = Arena<IRType>(capacity: 64)
    var locals = Arena<Value>(capacity: 64)
    var localChanges = Arena<LocalChange>(capacity: 256)
    var lastChanges = Arena<Int32>(capacity: 64)
    /// Locals that are parameters of the headers of open loops, loop after loop.
    var loopLocals = Arena<UInt32>(capacity: 64)

    // Exceptions: see `FunctionTranslator+Exceptions`.
    var clauses = Arena<OpenClause>(capacity: 8)
    var caught = Arena<CatchClause>(capacity: 8)
    var caughtTargets = Arena<Int32>(capacity: 8)

    // Callees that are taken in: see `FunctionTranslator+Inlining`.
    var calleeValidators: CalleeValidators
    var verdicts = Arena<InliningVerdict>(capacity: 64)
    /// Of the innermost one, place of its frame, -1 if there is none; and of its first local.
    var inlineFrame = -1
    var localBase = 0
    var inlinedBytes = 0

    // What is known of how functions have run: see `FunctionTranslator+Profile`.
    let profiles: ModuleProfile?
    /// Of the function whose body is at hand.
    var profile = FunctionProfile()
    var functionIndex = 0
    var hotCallees = Arena<HotCallee>(capacity: 4)
    var inlinedCalls = Arena<InlinedCall>(capacity: 4)
    /// Offsets of places in the body at hand begin here, and in the next one that is taken in.
    var offsetBase = 0
    var nextOffsetBase = 0

    /// Where the code begins, if that is not where the function does: see
    /// `FunctionTranslator+LoopEntry`.
    var loopStart: LoopStart?
    var surroundings = LoopSurroundings()
    /// Offset in the body of the first instruction of the loop at which the translation ends, or 0.
    var soughtLoop = 0
    /// Where the frame's image has each local.
    var frameLocals = Arena<Int32>(capacity: 64)

    // Branches to labels further down: see `FunctionTranslator+Merging`.
    var pending = Arena<PendingEdge>(capacity: 64)
    var carriedValues = Arena<Value>(capacity: 128)
    var carriedLocals = Arena<CarriedLocal>(capacity: 256)
    var meetings = Arena<LocalMeeting>(capacity: 64)
    var meetingLocals = Arena<UInt32>(capacity: 64)
    var meetingRound: UInt32 = 0

    init(_ environment: ModuleEnvironment) {
        module = environment.module
        layout = environment.layout
        aggregates = environment.aggregates
        signatures = SignatureTable(environment.module)
        watch = environment.watch
        isFuelMetered = environment.isFuelMetered
        pollsInterruption = environment.pollsInterruption
        reader = InstructionReader(environment.module.bytes, from: 0, to: 0)
        calleeValidators = CalleeValidators(environment.module)
        profiles = environment.profile
        verdicts.append(repeating: .unknown, count: environment.module.functions.count)
        for type in environment.module.memories {
            memories.append(MemoryTraits(type, in: environment))
        }
    }

    /// Makes `builder.function` of the body of function `index`; false if the body has something
    /// that this compiler leaves to the other one.
    ///
    /// With a `loopStart` the function begins at that loop, and its only parameter is the address
    /// of the image of a frame.
    mutating func translate(_ index: Int, _ analysis: borrowing BodyAnalysis) -> Bool {
        // Each parameter is a value, used or not.
        if analysis.parameterCount > Self.freeParameters &+ sizeLimit(index) &- Self.freeSize {
            return false
        }
        let isMade =
            if let loopStart {
                translate(index, analysis, at: loopStart)
            } else {
                translateWhole(index, analysis)
            }
        if isMade { builder.function.layOutByNumber() }
        return isMade
    }

    /// From the first instruction on.
    mutating func translateWhole(_ index: Int, _ analysis: borrowing BodyAnalysis) -> Bool {
        begin(index)
        openFunction(index, analysis)
        pollOnEntry(analysis)
        reader.move(from: analysis.codeStart, to: analysis.codeEnd)
        return translateRest(analysis)
    }

    mutating func pollOnEntry(_ analysis: borrowing BodyAnalysis) {
        // Who calls nobody is soon back where it is looked.
        if !analysis.flags.isDisjoint(with: .calls) { poll() }
    }

    /// What is left of the body.
    mutating func translateRest(_ analysis: borrowing BodyAnalysis) -> Bool {
        while !frames.isEmpty {
            instructionOffset = reader.position
            placeInstruction()
            if isFuelMetered { meter() }
            translate(reader.next(), analysis)
            if isRefused || isTooLarge || mustStop() { return false }
            if !isReachable, !frames.isEmpty { skipUnreachable(analysis) }
        }
        return true
    }

    /// Functions in which more than this is made of each byte, and so much without asking, are
    /// left to the other compiler: what branches carry can be as much as locals times branches.
    /// So are giants, for which there is another reason: what is kept of a block, about 500 bytes
    /// in all passes together, would be more than a hundred times what the block is in the module.
    static var sizePerByte: Int { 32 }
    private static var freeSize: Int { 32_768 }
    private static var freeParameters: Int { 64 }
    static var giantSize: Int { 500_000 }
    /// So many things may be looked at, and left alone, for one step that is counted.
    static var looksPerStep: Int { 16 }
    private static var giantBlockCount: Int { 100_000 }

    private mutating func sizeLimit(_ index: Int) -> Int {
        min(Self.freeSize &+ bodyBytes(index) &* Self.sizePerByte, Self.giantSize)
    }

    var isTooLarge: Bool {
        mutating get {
            let function = builder.function.instructions.count &+ builder.function.pool.count
            let carried = carriedLocals.count &+ carriedValues.count
            return function &+ carried &+ builder.function.edges.count &+ work > sizeLimit
                || builder.function.blocks.count > Self.giantBlockCount
        }
    }

    /// Whether compiling has to end; asked once in a while.
    mutating func mustStop() -> Bool {
        untilWatch &-= 1
        if untilWatch > 0 { return false }
        untilWatch = 1024
        return watch.isExhausted(unfinishedBytes: 0)
    }

    mutating func begin(_ index: Int) {
        builder.begin()
        let body = module.bodies[index &- module.importedFunctionCount]
        bodyStart = Int(body.start)
        beginProfile(index, bodyBytes(index))
        sizeLimit = sizeLimit(index)
        work = 0
        hints = module.branchHints.range(of: body)
        isCold = false
        isRefused = false
        stack.removeAll()
        frames.removeAll()
        isReachable = true
        nextRecord = 1
        fuelMeter = FuelMeter()
        loopDepth = 0
        localChanges.removeAll()
        loopLocals.removeAll()
        clauses.removeAll()
        pending.removeAll()
        carriedValues.removeAll()
        carriedLocals.removeAll()
        meetingRound = 0
        inlineFrame = -1
        localBase = 0
        inlinedBytes = 0
    }

    private mutating func openFunction(_ index: Int, _ analysis: borrowing BodyAnalysis) {
        let signature = openEntry(index, analysis)
        for local in 0..<analysis.parameterCount {
            let type = IRType(signatures.types[Int(signature.parameterStart) &+ local])
            declare(local, type, builder.appendParameter(type))
        }
        var local = analysis.locals.nextUsed(analysis.parameterCount)
        while local < localCount {
            let type = IRType(analysis.locals.type(local))
            declare(local, type, zero(type))
            local = analysis.locals.nextUsed(local &+ 1)
        }
        openOutermostFrame(signature, analysis)
    }

    /// Opens the entry block, which has no parameters yet.
    mutating func openEntry(
        _ index: Int, _ analysis: borrowing BodyAnalysis
    ) -> FlatSignature {
        let signature = signatures.ofFunction(index)
        for result in 0..<Int(signature.resultCount) {
            builder.function.results.append(
                IRType(signatures.types[Int(signature.resultStart) &+ result]))
        }
        openBlock(dominatedBy: .none)
        localCount = analysis.locals.count
        reserveLocals(localCount)
        return signature
    }

    /// Opens the frame of the body, whose locals have been declared.
    mutating func openOutermostFrame(
        _ signature: FlatSignature, _ analysis: borrowing BodyAnalysis
    ) {
        frames.append(
            TranslationFrame(
                kind: .function, signature: signature, height: 0, record: 0,
                builder.state, changes: 0))
        // Loaded once for all the code that follows.
        if analysis.memoryWeight > 1, memories[0].checks == .none { _ = base(of: 0) }
    }

    mutating func zero(_ type: IRType) -> Value {
        type == .v128
            ? builder.constant(VectorBits(low: 0, high: 0)) : builder.constant(type, 0)
    }

    // MARK: The operand stack

    @inline(__always)
    mutating func push(_ value: Value) { stack.append(value) }

    @inline(__always)
    mutating func pop() -> Value { stack.removeLast() }

    // MARK: Blocks

    /// Opens a block to which every way leads through `dominator`, the nearest such block.
    mutating func openBlock(dominatedBy dominator: Block) {
        block = builder.openBlock(
            dominatedBy: dominator, loopDepth: loopDepth, isCold: isCold)
    }

    /// Whether the condition of the instruction at hand is likely, if there is a hint.
    mutating func hint() -> Bool? {
        hints.isEmpty ? nil : module.branchHints.isLikely(at: instructionOffset, in: hints)
    }

    /// Ends the block that is being built with `instruction`; code that follows is not reached.
    mutating func endBlock(_ instruction: ApusIR.Instruction) {
        builder.append(instruction)
        builder.function.closeBlock()
        isReachable = false
    }

    /// The function can only trap here.
    mutating func endWithTrap(_ code: TrapCode) {
        builder.function.blocks.last.isCold = block != .entry
        endBlock(ApusIR.Instruction(.trap, .none, immediate: UInt16(code.rawValue)))
    }

    /// Traps with `code` if `condition` is not 0; whoever calls goes on only if the result is true.
    mutating func trap(_ code: TrapCode, if condition: Value) -> Bool {
        if builder.trap(if: condition, code: code.rawValue) {
            endWithTrap(code)
            return false
        }
        return true
    }

    /// Goes on where the innermost frame's code is reached again, of which nothing is left.
    mutating func skipUnreachable(_ analysis: borrowing BodyAnalysis) {
        let frame = frames.last
        stack.truncate(to: Int(frame.height))
        let record = analysis.controls[Int(frame.record)]
        if frame.kind == .if, record.elseOffset != 0 {
            reader.position = Int(record.elseOffset)
            nextRecord = Int(record.recordsAtElse)
        } else {
            skipFrame(analysis)
        }
    }

    /// Goes on at the end of the innermost frame.
    mutating func skipFrame(_ analysis: borrowing BodyAnalysis) {
        let record = analysis.controls[Int(frames.last.record)]
        reader.position = Int(record.end)
        nextRecord = Int(record.recordsAtEnd)
    }
}

extension IRType {
    /// What a value of the language is to the machine.
    @inline(__always)
    init(_ type: ValueType) {
        switch type.bits {
        case 0x7F: self = .i32
        case 0x7E: self = .i64
        case 0x7D: self = .f32
        case 0x7C: self = .f64
        case 0x7B: self = .v128
        default: self = .ref
        }
    }

    @inline(__always)
    init(_ type: NumberType) {
        switch type {
        case .i32: self = .i32
        case .i64: self = .i64
        case .f32: self = .f32
        case .f64: self = .f64
        }
    }
}
