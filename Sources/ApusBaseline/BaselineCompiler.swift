// Produced: machine code of one function at a time, appended to a CodeBatch.
// Consumes: bodies that FunctionValidator has accepted, with their BodyAnalysis.

public import ApusABI
internal import ApusAssembler
internal import ApusCollections
public import ApusFormat
internal import ApusVectors

/// The single-pass compiler: wasm instructions to machine code, one after the other. What it knows
/// of the processor is in a folder of that (`Target`).
///
/// It keeps an abstract operand stack, so constants and local reads cost nothing until used. The
/// most used locals of a function live in registers all through it, chosen by the weights that
/// validation counted; all others and whatever does not fit live in fixed frame slots. At control
/// merges every local is in its place, so merges need no shuffling.
public struct BaselineCompiler: ModuleCompiler, ~Copyable {
    let module: DecodedModule
    let layout: ContextLayout
    let aggregates: AggregateLayouts
    let processor: ProcessorFeatures
    let vectorOptions: VectorOptions
    let isFuelMetered: Bool
    let pollsInterruption: Bool
    let isDebuggable: Bool
    let countsBlocks: Bool
    private let notesInstructions: Bool
    let hasStopPoints: Bool
    /// Functions of the module are called by their code pointers, and count how often they run.
    let usesTable: Bool
    let heatCount: FunctionLinkage.HeatCount?
    /// Where calls go is counted (`CallCounts`).
    let countsCallees: Bool
    var signatures: Signatures
    /// The module's memories, imported ones first.
    var memories = Arena<MemoryTraits>(capacity: 4)

    // What is being made.
    var code = CodeBuffer()
    var sites = CodeSites()
    var relocations = Arena<CodeRelocation>(capacity: 16)
    /// Offset of the function's first instruction in `code`.
    var functionStart = 0

    // What is being read.
    var reader: InstructionReader
    /// Offset in the module of the instruction at hand, and of the body.
    var instructionOffset = 0
    var bodyStart = 0
    var functionIndex = 0

    // The abstract machine.
    var stack = ValueStack()
    var frames = Arena<ControlFrame>(capacity: 64)
    var reachable = true
    /// Index of the next control record to be opened.
    var nextRecord = 0

    // Registers and frame.
    /// Of each local that the function uses.
    var locals = Arena<LocalHome>(capacity: 64)
    /// Displacement from the frame pointer of the frame slot of each of them.
    var localSlots = Arena<Int32>(capacity: 64)
    /// Which local lives in a register, for registers in `homes`.
    var residents = Arena<UInt32>(capacity: RegisterSet.numberCount)
    var assignment = HomeAssignment()
    /// Registers that are somebody's home.
    var homes: RegisterSet = []
    /// Those of them that calls destroy.
    var volatileHomes: RegisterSet = []
    var homeState = HomeState(valid: [], dirty: [])
    /// Register that holds the base of memory 0, if one does.
    var memoryBaseHome = PhysicalRegister.none
    /// Register that holds the function's heat in loops that call nobody, if one does.
    var heatHome = PhysicalRegister.none
    /// Where the call's allowance is in loops with calls; 0 if they have none.
    var heatSlot: Int32 = 0
    /// Registers that callers expect to be kept, and that are in use.
    var saved = SavedRegisters.none
    var frameBytes: Int32 = 0
    /// Bytes of the frame that a local or an operand takes.
    var slotBytes: Int32 = 8
    /// Likewise of the slot of stack position 0; further ones lie below.
    var stackBase: Int32 = 0
    /// Values of the vector constants on the stack.
    var vectorConstants = Arena<VectorConstant>(capacity: 16)
    var moves = Arena<Move>(capacity: 32)
    var stubs = Arena<Stub>(capacity: 8)
    var coldTraps = Arena<ColdTrap>(capacity: 32)
    var coldAllocations = Arena<ColdAllocation>(capacity: 8)
    var hotPlaces = Arena<HotPlace>(capacity: 8)
    var hotConstants = Arena<HotConstant>(capacity: 8)
    var heatExits = Arena<HeatExit>(capacity: 8)
    var countedCalls = Arena<OtherCallee>(capacity: 8)
    var stopPoints = Arena<StopPoint>(capacity: 8)
    /// Code that clauses of `try_table` are to have, and where the function's lists of handlers
    /// begin.
    var landings = Arena<Landing>(capacity: 4)
    var firstHandlerList = 0
    var hasTooManyHandlers = false
    /// Where the function's hints are among those of the module.
    var hints = 0..<0
    /// What is put off until the rest of the function has been translated, and how many frames are
    /// open where the part of it ends that is being translated; 0 before.
    var coldCode = Arena<ColdCode>(capacity: 16)
    var coldFrames = Arena<ControlFrame>(capacity: 64)
    var coldOperands = Arena<Operand>(capacity: 64)
    var coldDepth = 0
    /// What is counted, in code that counts how often it runs.
    var counters = BlockCounters()
    /// What is paid for, in metered code.
    var fuelMeter = FuelMeter()
    let watch: CompilationWatch
    /// Where in the module's bytes the watch is asked next, and whether it has said that this is
    /// the end.
    private var nextWatch = 0
    private var isStopped = false

    public init(_ environment: ModuleEnvironment) {
        module = environment.module
        layout = environment.layout
        aggregates = environment.aggregates
        processor = environment.processor
        vectorOptions = VectorOptions(
            processor, isDeterministic: environment.isRelaxedSIMDDeterministic)
        isFuelMetered = environment.isFuelMetered
        pollsInterruption = environment.pollsInterruption
        isDebuggable = environment.isDebuggable
        countsBlocks = environment.countsBlocks
        notesInstructions = environment.isDebuggable || environment.notesInstructions
        hasStopPoints = environment.hasStopPoints
        usesTable = environment.linkage.usesTable
        let heatCount = environment.linkage.heatCount
        self.heatCount = heatCount
        // Of the local copy: where the operand of `&&` asks `self`, which is not complete yet, some
        // optimized builds destroy what there is of it.
        countsCallees = environment.countsCallees && heatCount != nil
        signatures = Signatures(environment.module)
        watch = environment.watch
        reader = InstructionReader(environment.module.bytes, from: 0, to: 0)
        for type in environment.module.memories {
            memories.append(MemoryTraits(type, in: environment))
        }
        residents.append(repeating: 0, count: RegisterSet.numberCount)
    }

    public mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, into batch: inout CodeBatch
    ) throws(CompilationError) {
        begin(index, &batch)
        defer { end(&batch) }
        code.align(to: 16)
        functionStart = code.count
        var function = CompiledFunction(
            index: UInt32(truncatingIfNeeded: index), codeStart: functionStart, behind: sites,
            relocationCount: relocations.count)
        assignHomes(analysis)
        try layOutFrame(analysis)
        emitPrologue(analysis)
        openFunctionFrame()
        translate(analysis)
        emitColdAllocations()
        emitLandings()
        emitHotPlaces()
        emitOtherCallees()
        emitColdTraps()
        emitStops()
        code.emitConstants()
        if isStopped { throw failure(.stopped) }
        if code.hasFailed || hasTooManyHandlers { throw failure(.tooLarge) }
        function.end(codeEnd: code.count, sites, relocationCount: relocations.count)
        if countsBlocks { batch.counterCount &+= counters.count }
        batch.functions.append(function)
    }

    private mutating func begin(_ index: Int, _ batch: inout CodeBatch) {
        swap(&code, &batch.code)
        swap(&sites, &batch.sites)
        swap(&relocations, &batch.relocations)
        chooseEncodings()
        code.resetLabels()
        functionIndex = index
        let body = module.bodies[index &- module.importedFunctionCount]
        bodyStart = Int(body.start)
        hints = module.branchHints.range(of: body)
        if countsBlocks { findBlocks(of: body) }
        coldCode.removeAll()
        coldFrames.removeAll()
        coldOperands.removeAll()
        stack.removeAll()
        frames.removeAll()
        coldTraps.removeAll()
        coldAllocations.removeAll()
        landings.removeAll()
        hotPlaces.removeAll()
        hotConstants.removeAll()
        heatExits.removeAll()
        countedCalls.removeAll()
        stopPoints.removeAll()
        firstHandlerList = sites.handlerLists.count
        hasTooManyHandlers = false
        vectorConstants.removeAll()
        isStopped = false
        fuelMeter = FuelMeter()
        reachable = true
        nextRecord = 1
    }

    private mutating func end(_ batch: inout CodeBatch) {
        swap(&code, &batch.code)
        swap(&sites, &batch.sites)
        swap(&relocations, &batch.relocations)
    }

    mutating func failure(_ reason: CompilationError.Reason) -> CompilationError {
        CompilationError(reason, function: functionIndex, offset: instructionOffset)
    }

    /// Reads the body from its first instruction to its final `end`.
    private mutating func translate(_ analysis: borrowing BodyAnalysis) {
        reader.move(from: analysis.codeStart, to: analysis.codeEnd)
        watchSoon()
        translateOpenFrames(analysis)
        translateColdCode(analysis)
    }

    /// Reads on until no frame is open.
    mutating func translateOpenFrames(_ analysis: borrowing BodyAnalysis) {
        while !frames.isEmpty {
            instructionOffset = reader.position
            if instructionOffset >= nextWatch, mustStop() { return frames.removeAll() }
            if notesInstructions { noteInstruction() }
            if hasStopPoints, reachable { markStopPoint() }
            if isFuelMetered { meter() }
            if countsBlocks, reachable { countBlock() }
            let operation = reader.next()
            // A third of all there are.
            if case .localGet = operation {
                translateLocalGet()
            } else {
                translate(operation, analysis)
            }
            if !reachable, !frames.isEmpty { skipUnreachable(analysis) }
        }
    }
}

extension BaselineCompiler {
    /// Notes that the code of the instruction at hand begins here.
    private mutating func noteInstruction() {
        sites.instructions.append(
            InstructionSite(
                codeOffset: UInt32(truncatingIfNeeded: code.count), bodyOffset: bodyOffset))
    }

    /// Whether compiling has to end; asked every kilobyte of the body, and by whoever does much
    /// for few bytes. What has been made is of no use then.
    mutating func mustStop() -> Bool {
        if watch.isExhausted(unfinishedBytes: code.count) { isStopped = true }
        nextWatch = isStopped ? 0 : reader.position &+ Self.watchInterval
        return isStopped
    }

    /// The reader stands somewhere else now: what was said of the next look may be far from here.
    mutating func watchSoon() { nextWatch = min(nextWatch, reader.position &+ Self.watchInterval) }

    /// Bytes of a body.
    private static var watchInterval: Int { 1024 }
}

/// A trap whose code lies out of line, after the function's.
struct ColdTrap: BitwiseCopyable {
    var label: Label
    var bodyOffset: UInt32
    var code: TrapCode
}
