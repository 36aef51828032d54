internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR
internal import ApusVectors

// Produced: machine code with its sites and relocations. Consumes: a MachineFunction whose
// operands the allocator has assigned, and its Allocation.

/// Writes the code of one function after the other into a `CodeBatch`, whose parts it borrows
/// while it works.
struct Emitter: ~Copyable {
    var code = CodeBuffer()
    var sites = CodeSites()
    var relocations = Arena<CodeRelocation>(capacity: 16)
    var functionStart = 0
    /// The WebAssembly instruction at hand, by its offset in the body.
    var offset: UInt32 = 0
    /// Whether it is noted where the code of each of them is (`CodeSites.instructions`).
    let notesInstructions: Bool

    // The frame, from rbp down: the context, saved registers, slots.
    /// Displacement from rbp of the slot of each spilled value.
    var slots = Arena<Int32>(capacity: 1024)
    /// The registers that the caller expects to be kept and the function changes.
    var saved = SavedRegisters.none
    var frameBytes: Int32 = 0
    /// Whether the frame is larger than code can address.
    var isTooLarge = false
    var leavesInstance = false
    /// Whether exceptions are caught in the function.
    var catches = false
    var keepsContext: Bool { mutating get { leavesInstance || catches } }
    var parameterBytes: Int32 = 0
    /// Whether functions of the module are called by their code pointers, but for the one whose
    /// code this is.
    let usesTable: Bool
    var ownIndex: UInt32 = .max
    let vectorOptions: VectorOptions
    /// The registers that callers expect to be kept.
    let calleeSaved: RegisterSet

    var labels = Arena<Label>(capacity: 128)
    /// Of each block, where a jump to it really goes: past blocks that only jump on.
    var destinations = Arena<UInt32>(capacity: 128)
    /// Of each block, whether it is the header of a loop with another one inside.
    private var isOuterLoop = Arena<Bool>(capacity: 128)
    /// Of each header, whether code of its loop has been written.
    private var hasStarted = Arena<Bool>(capacity: 128)
    var coldTraps = Arena<ColdTrap>(capacity: 32)
    var coldAllocations = Arena<ColdAllocation>(capacity: 8)
    var tables = Arena<JumpTable>(capacity: 8)
    /// The blocks at which the handlers of the function land, in their order.
    var landings = Arena<UInt32>(capacity: 1)
    var firstHandlerList = 0
    var hasTooManyHandlers = false
    /// The block whose code is written, and the one whose code follows.
    var currentBlock: UInt32 = 0
    var nextBlock = MachineBlock.noBlock
    /// The loop of the block whose code is before.
    private var previousLoop = MachineBlock.noBlock

    /// See `Emitter+Control`.
    var resultFlags = ResultFlags(register: .rax, width: .w32, position: -1)

    // See `Emitter+Jumps`.
    var isMeasuring = false
    var forwardJumps = Arena<ForwardJump>(capacity: 128)
    var jumpCount = 0
    /// Where the code may become longer than it was measured, in order.
    var slacks = Arena<Slack>(capacity: 32)
    var innerLoops = Arena<InnerLoop>(capacity: 16)
    var innerLoopCount = 0
    var hasLoops = false

    /// A trap whose `ud2` lies behind the function's code.
    struct ColdTrap: BitwiseCopyable {
        var label: Label
        var offset: UInt32
        var code: UInt8
    }

    /// A table of distances behind the function's code, for the successors of a block.
    struct JumpTable: BitwiseCopyable {
        var label: Label
        var block: UInt32
    }

    init(
        _ vectorOptions: VectorOptions, calleeSaved: RegisterSet, usesTable: Bool,
        notesInstructions: Bool = false
    ) {
        self.notesInstructions = notesInstructions
        self.usesTable = usesTable
        self.vectorOptions = vectorOptions
        self.calleeSaved = calleeSaved
    }

    /// Borrows the parts of `batch`, until `end`.
    mutating func begin(_ batch: inout CodeBatch) {
        swap(&code, &batch.code)
        swap(&sites, &batch.sites)
        swap(&relocations, &batch.relocations)
        code.useAVX = vectorOptions.contains(.avx)
        code.useAVX512 = vectorOptions.contains(.avx512)
    }

    /// Gives back what `begin` has borrowed.
    mutating func end(_ batch: inout CodeBatch) {
        swap(&code, &batch.code)
        swap(&sites, &batch.sites)
        swap(&relocations, &batch.relocations)
    }

    /// Appends the code of `function` with its sites and relocations; nil if it is more than code
    /// and records can address, when there is more of the batch than can be of use.
    mutating func emit(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ frameSlots: borrowing FrameSlots, _ sinking: borrowing SpillSinking,
        _ vectors: borrowing Arena<VectorBits>, as index: UInt32
    ) -> CompiledFunction? {
        code.align(to: 16)
        functionStart = code.count
        var compiled = CompiledFunction(
            index: index, codeStart: functionStart, behind: sites,
            relocationCount: relocations.count)
        firstHandlerList = sites.handlerLists.count
        let firstInstruction = sites.instructions.count
        hasTooManyHandlers = false
        layOutFrame(function, allocation, frameSlots)
        if isTooLarge { return nil }
        startWriting(isMeasuring: true, at: functionStart)
        emitBody(function, allocation, sinking, vectors)
        if findShortJumps() || hasLoops {
            sites.removeSites(of: compiled)
            sites.instructions.truncate(to: firstInstruction)
            relocations.truncate(to: Int(compiled.relocationStart))
            startWriting(isMeasuring: false, at: functionStart)
            emitBody(function, allocation, sinking, vectors)
        }
        emitTables(function)
        code.emitConstants()
        if code.hasFailed || hasTooManyHandlers { return nil }
        placeHandlers()
        compiled.end(codeEnd: code.count, sites, relocationCount: relocations.count)
        return compiled
    }

    private mutating func emitBody(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ sinking: borrowing SpillSinking,
        _ vectors: borrowing Arena<VectorBits>
    ) {
        threadJumps(function, allocation, sinking)
        findOuterLoops(function)
        hasStarted.refill(false, count: function.blocks.count)
        previousLoop = MachineBlock.noBlock
        emitPrologue(isLeaf: isLeaf(function))
        for place in 0..<function.layout.count {
            let block = Int(function.layout[place])
            if isSkipped(block, place) { continue }
            currentBlock = function.layout[place]
            nextBlock = followingBlock(place, function)
            if function.blocks[block].loop != previousLoop { endInnerLoop() }
            if startsLoop(block, function) {
                alignLoop(isInner: !isOuterLoop[Int(function.blocks[block].loop)])
            }
            previousLoop = function.blocks[block].loop
            code.bind(labels[block])
            // Others may come here with other flags.
            resultFlags.position = -1
            emitBlock(block, function, allocation, sinking, vectors)
        }
        endInnerLoop()
        emitColdAllocations()
        emitColdTraps()
    }

    // MARK: Blocks

    /// Finds where jumps end that lead to blocks with nothing but a jump.
    private mutating func threadJumps(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ sinking: borrowing SpillSinking
    ) {
        labels.removeAll()
        destinations.removeAll()
        for block in 0..<function.blocks.count {
            labels.append(code.makeLabel())
            destinations.append(UInt32(truncatingIfNeeded: block))
        }
        // Backwards, so that chains are followed; a jump back in the numbers is a loop's.
        for number in (1..<max(function.blocks.count, 1)).reversed() {
            let block = function.blocks[number]
            guard block.instructions.count == 1, block.successorCount == 1,
                allocation.edgeStarts[number] == allocation.edgeEnds[number],
                allocation.ends[number] &- allocation.starts[number] == 1,
                sinking.starts[number] == sinking.starts[number &+ 1],
                !storesParameters(number, function, allocation, sinking)
            else { continue }
            let target = function.names[Int(block.successorStart)]
            if Int(target) > number || destinations[Int(target)] == target {
                destinations[number] = destinations[Int(target)]
            }
        }
        // A loop's header may itself only jump on.
        for number in 0..<function.blocks.count {
            destinations[number] = destinations[Int(destinations[number])]
        }
    }

    private mutating func findOuterLoops(_ function: borrowing MachineFunction) {
        isOuterLoop.refill(false, count: function.blocks.count)
        for number in 0..<function.blocks.count {
            let block = function.blocks[number]
            guard block.loop == UInt32(truncatingIfNeeded: number),
                block.outerLoop != MachineBlock.noBlock
            else { continue }
            isOuterLoop[Int(block.outerLoop)] = true
        }
    }

    /// Whether the first code of a loop stands here that is worth a thought.
    private mutating func startsLoop(
        _ number: Int, _ function: borrowing MachineFunction
    ) -> Bool {
        let loop = function.blocks[number].loop
        guard loop != MachineBlock.noBlock, !hasStarted[Int(loop)] else { return false }
        hasStarted[Int(loop)] = true
        return !function.blocks[Int(loop)].isCold
    }

    private mutating func storesParameters(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ sinking: borrowing SpillSinking
    ) -> Bool {
        for place in function.blocks[number].parameters
        where allocation.isSpilled[Int(function.names[place])]
            && !sinking.isSunk[Int(function.names[place])]
        {
            return true
        }
        return false
    }

    private mutating func isSkipped(_ block: Int, _ place: Int) -> Bool {
        place > 0 && destinations[block] != UInt32(truncatingIfNeeded: block)
    }

    private mutating func followingBlock(_ place: Int, _ function: borrowing MachineFunction)
        -> UInt32
    {
        var next = place &+ 1
        while next < function.layout.count {
            let block = function.layout[next]
            if destinations[Int(block)] == block { return block }
            next &+= 1
        }
        return MachineBlock.noBlock
    }

    /// Where a jump to successor `index` of `block` goes.
    mutating func target(
        _ block: MachineBlock, _ index: Int, _ function: borrowing MachineFunction
    ) -> UInt32 {
        destinations[Int(function.names[Int(block.successorStart) &+ index])]
    }

    private mutating func emitBlock(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ sinking: borrowing SpillSinking,
        _ vectors: borrowing Arena<VectorBits>
    ) {
        for place in function.blocks[number].parameters {
            let value = VirtualRegister(function.names[place])
            guard allocation.isSpilled[value.index], !sinking.isSunk[value.index] else { continue }
            let register = allocation.registerAtEntry(number, of: value)
            if !register.isNone { emitStore(register, to: value, function) }
        }
        for place in Int(sinking.starts[number])..<Int(sinking.starts[number &+ 1]) {
            let store = sinking.stores[place]
            emitStore(store.register, to: store.value, function)
        }
        let last = Int(allocation.ends[number]) &- 1
        for place in Int(allocation.starts[number])...last {
            if place == last {
                for move in Int(allocation.edgeStarts[number])..<Int(allocation.edgeEnds[number]) {
                    emitStep(allocation.steps[move], number, function, allocation, sinking, vectors)
                }
            }
            emitStep(allocation.steps[place], number, function, allocation, sinking, vectors)
        }
    }

    // MARK: Steps

    private mutating func emitStep(
        _ step: Step, _ block: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation, _ sinking: borrowing SpillSinking,
        _ vectors: borrowing Arena<VectorBits>
    ) {
        switch step.kind {
        case .instruction:
            let instruction = function.instructions[Int(step.index)]
            offset = instruction.offset
            if notesInstructions { noteInstruction() }
            emit(instruction, function.blocks[block], function, vectors)
            for place in instruction.definitions {
                let operand = function.operands[place]
                if allocation.isSpilled[operand.value.index],
                    !sinking.isSunk[operand.value.index]
                {
                    emitStore(operand.assigned, to: operand.value, function)
                }
            }
        case .move: emitMove(step.from, step.to)
        case .exchange: code.exchange(.w64, step.from.general, step.to.general)
        case .load: emitLoad(VirtualRegister(step.index), into: step.to, function)
        case .store: emitStore(step.from, to: VirtualRegister(step.index), function)
        case .copy: emitCopy(step, function)
        case .make: make(VirtualRegister(step.index), in: step.to, function, vectors)
        case .makeInFrame:
            let value = VirtualRegister(step.index)
            let isGeneral = function.registers[value.index].kind == .general
            let scratch =
                isGeneral ? ScratchRegisters.x86_64.general : ScratchRegisters.x86_64.vector
            make(value, in: scratch, function, vectors)
            emitStore(scratch, to: VirtualRegister(step.target), function)
        case .push, .pop, .popToFrame: emitStackStep(step, function)
        }
    }

    /// Notes that the code of the instruction at hand begins, or goes on, here.
    private mutating func noteInstruction() {
        sites.instructions.append(
            InstructionSite(
                codeOffset: UInt32(truncatingIfNeeded: code.count), bodyOffset: offset))
    }

    private mutating func slot(_ value: VirtualRegister) -> Address {
        Address(.rbp, slots[value.index])
    }

    /// Where the operand at `place` is if it is in the frame.
    @inline(__always)
    mutating func frameOperand(_ place: Int, _ function: borrowing MachineFunction) -> Address? {
        let operand = function.operands[place]
        return operand.assigned == .inFrame ? slot(operand.value) : nil
    }

    private mutating func emitMove(_ from: PhysicalRegister, _ to: PhysicalRegister) {
        if to.isVector {
            code.move(to.vector, from.vector)
        } else {
            code.move(.w64, to.general, from.general)
        }
    }

    private mutating func emitLoad(
        _ value: VirtualRegister, into register: PhysicalRegister,
        _ function: borrowing MachineFunction
    ) {
        if !register.isVector {
            code.load(.w64, register.general, slot(value))
        } else if function.registers[value.index].bytes == 16 {
            code.loadVector(register.vector, slot(value))
        } else {
            code.loadFloat(.f64, register.vector, slot(value))
        }
    }

    private mutating func emitStore(
        _ register: PhysicalRegister, to value: VirtualRegister,
        _ function: borrowing MachineFunction
    ) {
        if !register.isVector {
            code.store(.w64, slot(value), register.general)
        } else if function.registers[value.index].bytes == 16 {
            code.storeVector(slot(value), register.vector)
        } else {
            code.storeFloat(.f64, slot(value), register.vector)
        }
    }

    private mutating func emitCopy(_ step: Step, _ function: borrowing MachineFunction) {
        let from = VirtualRegister(step.index)
        let to = VirtualRegister(step.target)
        let isGeneral = function.registers[from.index].kind == .general
        let scratch =
            isGeneral ? ScratchRegisters.x86_64.general : ScratchRegisters.x86_64.vector
        emitLoad(from, into: scratch, function)
        emitStore(scratch, to: to, function)
    }

    private mutating func emitStackStep(_ step: Step, _ function: borrowing MachineFunction) {
        let value = VirtualRegister(step.index)
        let isWide = function.registers[value.index].bytes == 16
        let bytes: Int32 = isWide ? 16 : 8
        switch step.kind {
        case .push:
            if isWide { code.push(Address(.rbp, slots[value.index] &+ 8)) }
            code.push(slot(value))
        case .pop where !step.to.isVector: code.pop(step.to.general)
        case .pop:
            if isWide {
                code.loadVector(step.to.vector, Address(.rsp))
            } else {
                code.loadFloat(.f64, step.to.vector, Address(.rsp))
            }
            code.lea(.w64, .rsp, Address(.rsp, bytes))
        default:
            let scratch = CallingConvention.scratch
            let target = slots[Int(step.target)]
            code.pop(scratch)
            code.store(.w64, Address(.rbp, target), scratch)
            if isWide {
                code.pop(scratch)
                code.store(.w64, Address(.rbp, target &+ 8), scratch)
            }
        }
    }

    /// Repeats the instruction that makes `value`, with another result.
    private mutating func make(
        _ value: VirtualRegister, in register: PhysicalRegister,
        _ function: borrowing MachineFunction, _ vectors: borrowing Arena<VectorBits>
    ) {
        let source = function.registers[value.index].source
        let instruction = function.instructions[Int(source)]
        emitRepeatable(instruction, register, keepsFlags: true, vectors)
    }
}
