internal import ApusABI
internal import ApusCollections
internal import ApusIR
internal import ApusVectors

/// The back half of the compiler: machine code of functions in static single assignment form.
struct CodeGenerator: ~Copyable {
    var selector: Selector
    /// The registers there are.
    let file: RegisterFile
    var allocator: RegisterAllocator
    var allocation = Allocation()
    var sinking = SpillSinking()
    var frameSlots = FrameSlots()
    var emitter: Emitter
    var phases = CompilationPhases(isMeasuring: false)

    private let watch: CompilationWatch

    /// Functions that need more entries in lists of live values, for each instruction and in all,
    /// are left to the baseline compiler.
    private static var livenessPerInstruction: Int { 64 }
    private static var freeLiveness: Int { 65_536 }
    private static var mostLiveness: Int { 4_000_000 }

    private var livenessLimit: Int {
        min(
            Self.freeLiveness &+ selector.machine.instructions.count
                &* Self.livenessPerInstruction, Self.mostLiveness)
    }

    /// For `processor`, which `OptimizingCompiler` supports. Relaxed vector instructions give the
    /// same results on every processor if `isRelaxedSIMDDeterministic`.
    /// Registers are given out at random if there is an `allocationSeed`. Where the code of each
    /// instruction is, is noted if it `notesInstructions`.
    init(
        processor: ProcessorFeatures = .host, isRelaxedSIMDDeterministic: Bool = false,
        isFuelMetered: Bool = false, usesTable: Bool = false, allocationSeed: UInt64? = nil,
        notesInstructions: Bool = false, watch: CompilationWatch = CompilationWatch()
    ) {
        self.watch = watch
        let options = VectorOptions(processor, isDeterministic: isRelaxedSIMDDeterministic)
        selector = Selector(options)
        file = HostTarget.registers(isFuelMetered: isFuelMetered)
        allocator = RegisterAllocator(file, HostTarget.scratch)
        emitter = Emitter(
            options, calleeSaved: file.calleeSaved, usesTable: usesTable,
            notesInstructions: notesInstructions)
        allocator.chaos = allocationSeed.map { AllocationChaos(seed: $0) }
    }

    /// Appends the code of `function` to `batch`, as function `index` of the module; false
    /// if it has something that this compiler does not do. The function may call itself by its own
    /// code if it `isWhole`.
    mutating func generate(
        _ function: borrowing Function, as index: Int, isWhole: Bool = true,
        into batch: inout CodeBatch
    ) -> Bool {
        phases.begin()
        guard prepare(function, as: index) else { return false }
        emitter.begin(&batch)
        defer { emitter.end(&batch) }
        emitter.leavesInstance = selector.leavesInstance
        emitter.catches = selector.catches
        emitter.parameterBytes = selector.parameterBytes
        emitter.ownIndex = isWhole ? UInt32(truncatingIfNeeded: index) : .max
        let compiled = emitter.emit(
            selector.machine, allocation, frameSlots, sinking, function.vectors,
            as: UInt32(truncatingIfNeeded: index))
        phases.end(.emit)
        guard let compiled else { return false }
        batch.functions.append(compiled)
        return true
    }

    /// Makes `selector.machine` of `function`, and gives out its registers; false as `generate`.
    mutating func prepare(_ function: borrowing Function, as index: Int) -> Bool {
        selector.select(function)
        phases.end(.select)
        if selector.isRefused || isStopped { return false }
        if allocator.chaos != nil {
            defer { phases.end(.allocate) }
            return allocateAtRandom(as: index, limit: livenessLimit)
        }
        let isAllocated = allocator.allocate(
            &selector.machine, into: &allocation, limit: livenessLimit)
        phases.end(.allocate)
        guard isAllocated, !isStopped else { return false }
        placeSpills()
        phases.end(.frame)
        return !isStopped
    }

    /// Whether compiling has to end: asked between the phases of large functions.
    private var isStopped: Bool {
        selector.machine.instructions.count > 10_000 && watch.isExhausted(unfinishedBytes: 0)
    }

    /// What is wrong with the registers and slots that were given out last.
    func allocationFaults() -> [String] {
        AllocationChecker.check(
            selector.machine, allocation, frameSlots, sinking, allocator.liveness
        ).map { "after allocation: \($0)" }
    }

    /// After allocation: where what is spilled is stored, and when.
    mutating func placeSpills() {
        sinking.run(selector.machine, allocation, allocator.liveness)
        frameSlots.assign(selector.machine, allocation, allocator.liveness)
    }
}
