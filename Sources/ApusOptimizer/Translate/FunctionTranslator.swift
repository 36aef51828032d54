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
    let signatures: SignatureTable
    let isFuelMetered: Bool
    /// The module's memories, imported ones first.
    var memories = Arena<MemoryTraits>(capacity: 4)

    var builder = Builder()
    var reader: InstructionReader
    /// Offset in the module of the instruction at hand, and of the body.
    var instructionOffset = 0
    var bodyStart = 0
    /// What has been paid for last, in metered code.
    var fuelSegment: FuelSegment?
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
    private var hints = 0..<0

    // Locals: see `FunctionTranslator+Locals`.
    var localTypes = Arena<IRType>(capacity: 64)
    var locals = Arena<Value>(capacity: 64)
    var localChanges = Arena<LocalChange>(capacity: 256)
    var lastChanges = Arena<Int32>(capacity: 64)
    /// Locals that are parameters of the headers of open loops, loop after loop.
    var loopLocals = Arena<UInt32>(capacity: 64)

    // A callee that is taken in: see `FunctionTranslator+Inlining`.
    var calleeValidator: FunctionValidator?
    var verdicts = Arena<InliningVerdict>(capacity: 64)
    /// Place of its frame, -1 if there is none; and of its first local.
    var inlineFrame = -1
    var localBase = 0
    var inlinedBytes = 0

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
        signatures = SignatureTable(environment.module)
        isFuelMetered = environment.isFuelMetered
        reader = InstructionReader(environment.module.bytes, from: 0, to: 0)
        calleeValidator = FunctionValidator(environment.module)
        verdicts.append(repeating: .unknown, count: environment.module.functions.count)
        for type in environment.module.memories {
            memories.append(
                MemoryTraits(type, alwaysChecksBounds: environment.alwaysChecksBounds))
        }
    }

    /// Makes `builder.function` of the body of function `index`; false if the body has something
    /// that this compiler leaves to the other one.
    mutating func translate(_ index: Int, _ analysis: borrowing BodyAnalysis) -> Bool {
        begin(index)
        openFunction(index, analysis)
        reader.move(from: analysis.codeStart, to: analysis.codeEnd)
        while !frames.isEmpty {
            instructionOffset = reader.position
            builder.offset = UInt32(truncatingIfNeeded: instructionOffset &- bodyStart)
            if isFuelMetered { meter() }
            translate(reader.next(), analysis)
            if isRefused || isTooLarge { return false }
            if !isReachable, !frames.isEmpty { skipUnreachable(analysis) }
        }
        builder.function.layOutByNumber()
        return true
    }

    /// Functions that carry more values along their branches are left to the other compiler: with
    /// many locals that can be as much as locals times branches.
    private static var carriedLimit: Int { 4_000_000 }

    var isTooLarge: Bool {
        carriedLocals.count &+ builder.function.pool.count
            &+ builder.function.instructions.count > Self.carriedLimit
    }

    private mutating func begin(_ index: Int) {
        builder.begin()
        let body = module.bodies[index &- module.importedFunctionCount]
        bodyStart = Int(body.start)
        hints = module.branchHints.range(of: body)
        isCold = false
        isRefused = false
        stack.removeAll()
        frames.removeAll()
        isReachable = true
        nextRecord = 1
        fuelSegment = nil
        loopDepth = 0
        localTypes.removeAll()
        locals.removeAll()
        localChanges.removeAll()
        lastChanges.removeAll()
        loopLocals.removeAll()
        pending.removeAll()
        carriedValues.removeAll()
        carriedLocals.removeAll()
        meetings.removeAll()
        meetingRound = 0
        inlineFrame = -1
        localBase = 0
        inlinedBytes = 0
    }

    private mutating func openFunction(_ index: Int, _ analysis: borrowing BodyAnalysis) {
        let signature = signatures.ofFunction(index)
        for result in 0..<Int(signature.resultCount) {
            builder.function.results.append(
                IRType(signatures.types[Int(signature.resultStart) &+ result]))
        }
        openBlock(dominatedBy: .none)
        for local in 0..<analysis.localTypes.count {
            let type = IRType(analysis.localTypes[local])
            localTypes.append(type)
            lastChanges.append(-1)
            meetings.append(LocalMeeting())
            if local < analysis.parameterCount {
                locals.append(builder.appendParameter(type))
            } else {
                locals.append(.none)
            }
        }
        for local in analysis.parameterCount..<analysis.localTypes.count {
            locals[local] = zero(localTypes[local])
        }
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
    func hint() -> Bool? {
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
            reader.position = Int(record.end)
            nextRecord = Int(record.recordsAtEnd)
        }
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
