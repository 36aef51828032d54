internal import ApusCollections

/// Proves that an allocation is right, by running it with names for values.
///
/// An allocation says what its registers hold where each block begins. From that the checker
/// follows the steps of the block: each use must find its value in the register that was assigned
/// to it, and at each end what the next block begins with must be there. So if no block fails,
/// nothing does. For tests: it is simple rather than fast.
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
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) -> [String] {
        var checker = AllocationChecker()
        for block in 0..<function.blocks.count { checker.check(block, function, allocation) }
        return checker.problems
    }

    private mutating func fail(_ block: Int, _ text: String) {
        problems.append("block \(block): \(text)")
    }

    private mutating func check(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) {
        var state = entryState(number, function, allocation)
        let last = Int(allocation.ends[number]) - 1
        for place in Int(allocation.starts[number])..<Int(allocation.ends[number]) {
            if place == last {
                for edge in Int(allocation.edgeStarts[number])..<Int(allocation.edgeEnds[number]) {
                    apply(allocation.steps[edge], &state, number, function, allocation)
                }
            }
            apply(allocation.steps[place], &state, number, function, allocation)
        }
        if !state.stack.isEmpty { fail(number, "something is left on the stack") }
        for successor in function.blocks[number].successors {
            checkEdge(number, Int(function.names[successor]), state, function, allocation)
        }
    }

    /// What is where by the allocation's own word. Slots of spilled values are written where the
    /// value is made, which comes before: the block that makes it is checked for that, and a
    /// parameter that arrives in its slot is checked where it is passed.
    private func entryState(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) -> State {
        var state = State()
        for register in 0..<Allocation.registerCount {
            let value = allocation.entry(number, register)
            if !value.isNone { state.registers[register] = [value.number] }
        }
        for value in 0..<function.registers.count where allocation.isSpilled[value] {
            state.slots[UInt32(value)] = [UInt32(value)]
        }
        return state
    }

    private mutating func checkEdge(
        _ number: Int, _ target: Int, _ state: State, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation
    ) {
        let block = function.blocks[target]
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
            if state.slots[parameter]?.contains(argument) != true {
                fail(number, "slot of v\(parameter) has no v\(argument) for block \(target)")
            }
        }
        // What is spilled and no parameter of the target is still in its slot.
        for (slot, names) in state.slots where arguments[slot] == nil && !names.contains(slot) {
            fail(number, "slot of v\(slot) was overwritten before block \(target)")
        }
    }

    // MARK: Steps

    private mutating func apply(
        _ step: Step, _ state: inout State, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation
    ) {
        switch step.kind {
        case .instruction:
            execute(Int(step.index), &state, number, function, allocation)
        case .move: state.registers[step.to.index] = state.registers[step.from.index]
        case .exchange: state.registers.swapAt(step.from.index, step.to.index)
        case .load: state.registers[step.to.index] = slot(step.index, state, number)
        case .store: state.slots[step.index] = state.registers[step.from.index]
        case .copy: state.slots[step.target] = slot(step.index, state, number)
        case .make, .makeInFrame:
            if !function.registers[Int(step.index)].isRepeatable {
                fail(number, "v\(step.index) cannot be made anew")
            }
            if step.kind == .make {
                state.registers[step.to.index] = [step.index]
            } else {
                state.slots[step.target] = [step.index]
            }
        case .push: state.stack.append(slot(step.index, state, number))
        case .pop: state.registers[step.to.index] = state.stack.popLast() ?? []
        case .popToFrame: state.slots[step.target] = state.stack.popLast() ?? []
        }
    }

    private mutating func slot(_ value: UInt32, _ state: State, _ number: Int) -> Set<UInt32> {
        guard let names = state.slots[value] else {
            fail(number, "v\(value) has no slot")
            return []
        }
        return names
    }

    private mutating func execute(
        _ index: Int, _ state: inout State, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation
    ) {
        let instruction = function.instructions[index]
        for place in instruction.uses {
            let operand = function.operands[place]
            checkUse(operand, instruction, &state, number, index)
            if operand.constraint.isFixed, operand.constraint.register != operand.assigned {
                fail(number, "instruction \(index): v\(operand.value.number) is elsewhere")
            }
        }
        if instruction.flags.contains(.calls) { forgetReferences(&state, function) }
        var clobbers = instruction.clobbers
        while !clobbers.isEmpty {
            state.registers[clobbers.first.index] = []
            clobbers = clobbers.rest
        }
        var results: RegisterSet = []
        for place in instruction.definitions {
            let operand = function.operands[place]
            checkResult(operand, instruction, results, number, index, function)
            if operand.assigned.isNone { continue }
            results.insert(operand.assigned.set)
            state.registers[operand.assigned.index] = [operand.value.number]
            if allocation.isSpilled[operand.value.index] {
                state.slots[operand.value.number] = [operand.value.number]
            }
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

    private mutating func checkUse(
        _ operand: MachineOperand, _ instruction: MachineInstruction, _ state: inout State,
        _ number: Int, _ index: Int
    ) {
        guard !operand.assigned.isNone,
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
