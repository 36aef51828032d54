internal import ApusABI
internal import ApusCollections

/// Proves that an allocation is right, by running it with names for values.
///
/// An allocation says what its registers hold where each block begins. From that the checker
/// follows the steps of the block: each use must find its value in the register that was assigned
/// to it, and at each end what the next block begins with must be there. So if no block fails,
/// nothing does: what is taken for given at a block's beginning has been shown at the end of each
/// block before it, along whichever way control comes. States need not be joined, and one look at
/// each block is enough, loops included. It is simple rather than fast.
///
/// A state is what each register, each slot of the frame and each word on the stack holds: a set of
/// names, for a move makes a second copy, and a value that is spilled is in two places. Registers
/// and slots that nothing is known of hold nothing.
///
/// - A step moves sets of names about; making a value anew gives it its one name, if its
///   instruction may be repeated at all.
/// - An instruction has to find each use where it was assigned, and fixed ones where they have to
///   be; then what it changes holds nothing; if it calls, no register holds a reference; then its
///   results hold their names and nothing else, and so do their slots, if they are spilled and
///   their stores have not been moved out of a loop.
/// - On the way into a block its parameters are what is passed for them. Only what calls keep comes
///   along to where an exception lands.
///
/// Two things are believed: the liveness, of which it is taken what of the frame is still needed
/// somewhere, and so must not have been overwritten, and that the emitter does what the steps say.
/// Whether the choices are good is no question here.
struct AllocationChecker {
    /// What one block's steps have done so far. A place may hold a value under several names.
    private struct State {
        var registers: [Set<UInt32>] = Array(repeating: [], count: Allocation.registerCount)
        var slots: [UInt32: Set<UInt32>] = [:]
        var stack: [Set<UInt32>] = []
    }

    private var problems: [String] = []

    /// What is wrong with the allocation of `function`; nothing if it is right.
    static func check(
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ frameSlots: borrowing FrameSlots, _ sinking: borrowing SpillSinking,
        _ liveness: borrowing Liveness
    ) -> [String] {
        var checker = AllocationChecker()
        for block in 0..<function.blocks.count {
            checker.check(block, function, allocation, frameSlots, sinking, liveness)
        }
        return checker.problems
    }

    /// The slot of `value`: slots of different sizes have different names.
    private static func slot(
        _ value: Int, _ function: borrowing MachineFunction, _ frameSlots: borrowing FrameSlots
    ) -> UInt32 {
        frameSlots.slots[value] | (function.registers[value].bytes == 16 ? 1 << 31 : 0)
    }

    private mutating func fail(_ block: Int, _ text: String) {
        problems.append("block \(block): \(text)")
    }

    private mutating func check(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ frameSlots: borrowing FrameSlots, _ sinking: borrowing SpillSinking,
        _ liveness: borrowing Liveness
    ) {
        var state = entryState(number, function, allocation, frameSlots, sinking, liveness)
        for place in Int(sinking.starts[number])..<Int(sinking.starts[number + 1]) {
            let store = sinking.stores[place]
            let names = state.registers[store.register.index]
            state.slots[Self.slot(store.value.index, function, frameSlots)] = names
        }
        let last = Int(allocation.ends[number]) - 1
        for place in Int(allocation.starts[number])..<Int(allocation.ends[number]) {
            if place == last {
                for edge in Int(allocation.edgeStarts[number])..<Int(allocation.edgeEnds[number]) {
                    apply(
                        allocation.steps[edge], &state, number, function, allocation, frameSlots,
                        sinking)
                }
            }
            apply(
                allocation.steps[place], &state, number, function, allocation, frameSlots, sinking)
        }
        if !state.stack.isEmpty { fail(number, "something is left on the stack") }
        for successor in function.blocks[number].successors {
            checkEdge(
                number, Int(function.names[successor]), state, function, allocation, frameSlots,
                sinking, liveness)
        }
    }

    /// What is where by the allocation's own word. Slots of spilled values are written where the
    /// value is made, which comes before: the block that makes it is checked for that, and a
    /// parameter that arrives in its slot is checked where it is passed.
    private func entryState(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation,
        _ frameSlots: borrowing FrameSlots, _ sinking: borrowing SpillSinking,
        _ liveness: borrowing Liveness
    ) -> State {
        var state = State()
        for register in 0..<Allocation.registerCount {
            let value = allocation.entry(number, register)
            if !value.isNone { state.registers[register] = [value.number] }
        }
        for place in liveness.range(number) {
            let value = liveness.entries[place].value
            guard allocation.isSpilled[value.index],
                !sinking.isPending(value, at: number, function)
            else { continue }
            state.slots[Self.slot(value.index, function, frameSlots)] = [value.number]
        }
        for place in function.blocks[number].parameters {
            let value = Int(function.names[place])
            guard allocation.isSpilled[value], !sinking.isSunk[value] else { continue }
            state.slots[Self.slot(value, function, frameSlots)] = [UInt32(value)]
        }
        return state
    }

    private mutating func checkEdge(
        _ number: Int, _ target: Int, _ state: State, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation, _ frameSlots: borrowing FrameSlots,
        _ sinking: borrowing SpillSinking, _ liveness: borrowing Liveness
    ) {
        let block = function.blocks[target]
        var state = state
        // An exception brings along what calls keep. The landing's first instruction has the rest.
        if block.isLanding {
            let call = function.blocks[number].instructions.upperBound - 1
            clear(function.instructions[call].clobbers, &state)
        }
        var arguments: [UInt32: UInt32] = [:]
        for index in 0..<block.parameterCount {
            let parameter = function.names[Int(block.parameterStart &+ index)]
            let start = function.blocks[number].argumentStart
            arguments[parameter] = function.names[Int(start &+ index)]
        }
        for register in 0..<Allocation.registerCount {
            let value = allocation.entry(target, register)
            if value.isNone { continue }
            let source = arguments[value.number] ?? value.number
            if !state.registers[register].contains(source) {
                fail(number, "register \(register) has no v\(source) for block \(target)")
            }
        }
        for (parameter, argument) in arguments {
            let value = VirtualRegister(parameter)
            guard allocation.isSpilled[value.index],
                allocation.registerAtEntry(target, of: value).isNone
            else { continue }
            let slot = Self.slot(value.index, function, frameSlots)
            if state.slots[slot]?.contains(argument) != true {
                fail(number, "slot of v\(parameter) has no v\(argument) for block \(target)")
            }
        }
        // What is spilled and needed there is still in its slot.
        for place in liveness.range(target) {
            let value = liveness.entries[place].value
            guard allocation.isSpilled[value.index],
                !sinking.isPending(value, at: target, function)
            else { continue }
            let slot = Self.slot(value.index, function, frameSlots)
            if state.slots[slot]?.contains(value.number) != true {
                fail(number, "slot of v\(value.number) was overwritten before block \(target)")
            }
        }
    }

    // MARK: Steps

    private mutating func apply(
        _ step: Step, _ state: inout State, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation, _ frameSlots: borrowing FrameSlots,
        _ sinking: borrowing SpillSinking
    ) {
        let source = step.index
        func slot(_ value: UInt32) -> UInt32 { Self.slot(Int(value), function, frameSlots) }
        switch step.kind {
        case .instruction:
            execute(Int(step.index), &state, number, function, allocation, frameSlots, sinking)
        case .move:
            if isVector(step.from, allocation) != isVector(step.to, allocation) {
                fail(number, "a move between classes")
            }
            state.registers[step.to.index] = state.registers[step.from.index]
        case .exchange:
            if isVector(step.from, allocation) || isVector(step.to, allocation) {
                fail(number, "vectors are exchanged")
            }
            state.registers.swapAt(step.from.index, step.to.index)
        case .load: state.registers[step.to.index] = names(at: slot(source), state, number)
        case .store: state.slots[slot(source)] = state.registers[step.from.index]
        case .copy: state.slots[slot(step.target)] = names(at: slot(source), state, number)
        case .make, .makeInFrame:
            if !function.registers[Int(step.index)].isRepeatable {
                fail(number, "v\(step.index) cannot be made anew")
            }
            if step.kind == .make {
                state.registers[step.to.index] = [step.index]
            } else {
                state.slots[slot(step.target)] = [source]
            }
        case .push: state.stack.append(names(at: slot(source), state, number))
        case .pop: state.registers[step.to.index] = state.stack.popLast() ?? []
        case .popToFrame: state.slots[slot(step.target)] = state.stack.popLast() ?? []
        }
    }

    private func isVector(
        _ register: PhysicalRegister, _ allocation: borrowing Allocation
    ) -> Bool {
        allocation.vectors.has(register)
    }

    private mutating func names(
        at slot: UInt32, _ state: State, _ number: Int
    ) -> Set<UInt32> {
        guard let names = state.slots[slot] else {
            fail(number, "nothing is in slot \(slot)")
            return []
        }
        return names
    }

    private mutating func execute(
        _ index: Int, _ state: inout State, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation, _ frameSlots: borrowing FrameSlots,
        _ sinking: borrowing SpillSinking
    ) {
        let instruction = function.instructions[index]
        for place in instruction.uses {
            let operand = function.operands[place]
            if operand.assigned == .inFrame {
                let slot = Self.slot(operand.value.index, function, frameSlots)
                checkFrameUse(place, instruction, slot, state, number, index, function)
                continue
            }
            checkUse(operand, instruction, &state, number, index)
            if operand.constraint.isFixed, operand.constraint.register != operand.assigned {
                fail(number, "instruction \(index): v\(operand.value.number) is elsewhere")
            }
        }
        if instruction.flags.contains(.calls) { forgetReferences(&state, function) }
        clear(instruction.clobbers, &state)
        var results: RegisterSet = []
        for place in instruction.definitions {
            let operand = function.operands[place]
            checkResult(operand, instruction, results, number, index, function)
            if operand.assigned.isNone { continue }
            results.insert(RegisterSet(operand.assigned))
            state.registers[operand.assigned.index] = [operand.value.number]
            if allocation.isSpilled[operand.value.index], !sinking.isSunk[operand.value.index] {
                let slot = Self.slot(operand.value.index, function, frameSlots)
                state.slots[slot] = [operand.value.number]
            }
        }
    }

    private func clear(_ registers: RegisterSet, _ state: inout State) {
        var rest = registers
        while !rest.isEmpty {
            state.registers[rest.first.index] = []
            rest = rest.rest
        }
    }

    /// No register may hold a reference across a call.
    private func forgetReferences(_ state: inout State, _ function: borrowing MachineFunction) {
        for register in 0..<Allocation.registerCount {
            for name in state.registers[register]
            where function.registers[Int(name)].isReference {
                state.registers[register].remove(name)
            }
        }
    }

    private mutating func checkFrameUse(
        _ place: Int, _ instruction: MachineInstruction, _ slot: UInt32, _ state: State,
        _ number: Int, _ index: Int, _ function: borrowing MachineFunction
    ) {
        let value = function.operands[place].value.number
        if state.slots[slot]?.contains(value) != true {
            fail(number, "instruction \(index): the frame has no v\(value)")
        }
        if !instruction.canReadFrame(use: place - instruction.uses.lowerBound) {
            fail(number, "instruction \(index): v\(value) cannot be read from the frame")
        }
    }

    private mutating func checkUse(
        _ operand: MachineOperand, _ instruction: MachineInstruction, _ state: inout State,
        _ number: Int, _ index: Int
    ) {
        guard operand.assigned.index < Allocation.registerCount,
            state.registers[operand.assigned.index].contains(operand.value.number)
        else {
            return fail(
                number,
                "instruction \(index): register \(operand.assigned.number) has no "
                    + "v\(operand.value.number)")
        }
        if !operand.constraint.isFixed, instruction.clobbers.has(operand.assigned) {
            fail(number, "instruction \(index): a use lies in what is changed")
        }
    }

    private mutating func checkResult(
        _ operand: MachineOperand, _ instruction: MachineInstruction, _ others: RegisterSet,
        _ number: Int, _ index: Int, _ function: borrowing MachineFunction
    ) {
        guard !operand.assigned.isNone else {
            return fail(number, "instruction \(index): v\(operand.value.number) is nowhere")
        }
        if others.has(operand.assigned) {
            fail(number, "instruction \(index): two results in one register")
        }
        if operand.constraint == .tied {
            let first = function.operands[instruction.uses.lowerBound]
            if first.assigned != operand.assigned {
                fail(number, "instruction \(index): the result does not replace its operand")
            }
            for place in instruction.uses.dropFirst()
            where function.operands[place].assigned == operand.assigned
                && function.operands[place].value != first.value
            {
                fail(number, "instruction \(index): the result replaces another operand")
            }
        }
        if operand.constraint.isFixed, operand.constraint.register != operand.assigned {
            fail(number, "instruction \(index): v\(operand.value.number) comes elsewhere")
        }
        if instruction.flags.contains(.writesEarly), operand.constraint != .tied {
            for place in instruction.uses
            where function.operands[place].assigned == operand.assigned {
                fail(number, "instruction \(index): a result is written over a use")
            }
        }
    }
}
