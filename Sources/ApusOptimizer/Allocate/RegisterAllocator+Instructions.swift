internal import ApusABI
internal import ApusCollections

/// Instructions: their uses are brought into registers, what they overwrite is brought to safety,
/// their results get registers.
extension RegisterAllocator {
    mutating func assign(
        _ place: Int, _ position: UInt32, _ function: inout MachineFunction,
        _ allocation: inout Allocation
    ) {
        let instruction = function.instructions[place]
        pinned = []
        let demand = Demand(instruction, function)
        placeFreeUses(instruction, position, demand, &function, &allocation)
        if demand.isSpecial { makeWay(instruction, position, demand, &function, &allocation) }
        let tied = tie(instruction, position, demand, &function, &allocation)
        if !instruction.flags.contains(.writesEarly) { dropUses(instruction, position, function) }
        placeResults(instruction, demand, tied, &function, &allocation)
        if instruction.flags.contains(.writesEarly) { dropUses(instruction, position, function) }
        allocation.steps.append(
            Step(kind: .instruction, index: UInt32(truncatingIfNeeded: place)))
        finish(instruction, function)
    }

    /// What an instruction says about certain registers.
    struct Demand {
        /// Registers that uses want.
        var uses: RegisterSet = []
        /// Registers that results come in, or that are changed.
        var changed: RegisterSet
        var calls: Bool

        init(_ instruction: MachineInstruction, _ function: borrowing MachineFunction) {
            changed = instruction.clobbers
            calls = instruction.flags.contains(.calls)
            for place in instruction.definitions {
                let constraint = function.operands[place].constraint
                if constraint.isFixed { changed.insert(RegisterSet(constraint.register)) }
            }
            for place in instruction.uses {
                let constraint = function.operands[place].constraint
                if constraint.isFixed { uses.insert(RegisterSet(constraint.register)) }
            }
        }

        var all: RegisterSet { uses.union(changed) }
        var isSpecial: Bool { !all.isEmpty || calls }
    }

    // MARK: Uses

    /// Brings uses that may be anywhere into registers that the instruction leaves alone.
    private mutating func placeFreeUses(
        _ instruction: MachineInstruction, _ position: UInt32, _ demand: Demand,
        _ function: inout MachineFunction, _ allocation: inout Allocation
    ) {
        for place in instruction.uses where !function.operands[place].constraint.isFixed {
            let home = homes[function.operands[place].value.index]
            if !home.isNone { pinned.insert(RegisterSet(home)) }
        }
        let inFrame = useInFrame(instruction, position, &function)
        for place in instruction.uses where !function.operands[place].constraint.isFixed {
            let value = function.operands[place].value
            let home = homes[value.index]
            if place == inFrame {
                function.operands[place].assigned = .inFrame
                allocation.isSpilled[value.index] = true
                continue
            }
            if home.isNone {
                let register = takeRegister(
                    for: value, excluding: demand.all.union(pinned), function, &allocation)
                bring(value, into: register, function, &allocation)
            } else if demand.all.has(home) {
                let register = takeRegister(
                    for: value, excluding: demand.all.union(pinned), function, &allocation)
                allocation.steps.append(Step(kind: .move, from: home, to: register, index: 0))
                release(home)
                hold(value, in: register, &allocation)
            }
            pinned.insert(RegisterSet(homes[value.index]))
            function.operands[place].assigned = homes[value.index]
        }
    }

    /// A value that is used again within as many instructions is better loaded.
    private static var reuseDistance: UInt32 { 16 }

    /// The place of a use whose value is in the frame and that the instruction can read there,
    /// where all registers are taken: then nobody has to make way. -1 if there is none.
    private mutating func useInFrame(
        _ instruction: MachineInstruction, _ position: UInt32, _ function: inout MachineFunction
    ) -> Int {
        let first = instruction.uses.lowerBound
        for place in instruction.uses {
            let value = function.operands[place].value
            let record = function.registers[value.index]
            guard homes[value.index].isNone, !record.isRepeatable,
                file.allocatable(record.kind).subtracting(taken).isEmpty
            else { continue }
            var use = place &- first
            if use == 0, instruction.flags.contains(.commutes) { use = 1 }
            guard instruction.canReadFrame(use: use),
                isUsedOnce(value, instruction, function),
                !isUsedSoon(value, behind: position)
            else { continue }
            if use != place &- first {
                let other = function.operands[place &+ 1]
                if homes[other.value.index].isNone { continue }
                function.operands[place &+ 1] = function.operands[place]
                function.operands[place] = other
            }
            return first &+ use
        }
        return -1
    }

    private mutating func isUsedOnce(
        _ value: VirtualRegister, _ instruction: MachineInstruction,
        _ function: borrowing MachineFunction
    ) -> Bool {
        var count = 0
        for place in instruction.uses where function.operands[place].value == value { count &+= 1 }
        return count == 1
    }

    /// Whether `value` is used again not far behind the instruction at `position`.
    private mutating func isUsedSoon(_ value: VirtualRegister, behind position: UInt32) -> Bool {
        var head = nextUses[value.index]
        while head != Self.noUse, uses[Int(head)].position <= position {
            head = uses[Int(head)].next
        }
        return head != Self.noUse && uses[Int(head)].position &- position < Self.reuseDistance
    }

    /// Loads or makes `value`, which is in no register.
    private mutating func bring(
        _ value: VirtualRegister, into register: PhysicalRegister,
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        allocation.steps.append(arrival(of: value, in: register, function, &allocation))
        hold(value, in: register, &allocation)
    }

    /// The step that puts `value`, which is in no register, into one.
    mutating func arrival(
        of value: VirtualRegister, in register: PhysicalRegister,
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) -> Step {
        if function.registers[value.index].isRepeatable {
            return Step(kind: .make, to: register, index: value.number)
        }
        allocation.isSpilled[value.index] = true
        return Step(kind: .load, to: register, index: value.number)
    }

    /// Brings fixed uses into their registers, and out of all that are changed what is needed
    /// afterwards: one parallel move.
    private mutating func makeWay(
        _ instruction: MachineInstruction, _ position: UInt32, _ demand: Demand,
        _ function: inout MachineFunction, _ allocation: inout Allocation
    ) {
        fixedUses.removeAll()
        for place in instruction.uses where function.operands[place].constraint.isFixed {
            let operand = function.operands[place]
            fixedUses.append(
                FixedUse(
                    value: operand.value, from: homes[operand.value.index],
                    to: operand.constraint.register))
            function.operands[place].assigned = operand.constraint.register
        }
        // Next uses are asked for behind this instruction.
        for place in instruction.uses { passUses(function.operands[place].value, position) }
        evacuate(demand, function, &allocation)
        if demand.calls { dropReferences(function, &allocation) }
        for place in 0..<fixedUses.count {
            let use = fixedUses[place]
            if use.from.isNone {
                moves.add(arrival(of: use.value, in: use.to, function, &allocation))
            } else {
                moves.add(use.from, to: use.to)
            }
            allocation.used.insert(RegisterSet(use.to))
        }
        moves.resolve(into: &allocation.steps, vectors: vectors, scratch)
        settle(demand, &allocation)
    }

    /// Empties the registers that are changed or wanted.
    private mutating func evacuate(
        _ demand: Demand, _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        var rest = demand.all.intersection(taken)
        while !rest.isEmpty {
            let register = rest.first
            rest = rest.rest
            let value = holders[register.index]
            guard isNeeded(value) else {
                // Its last use reads it from here; no other value may be put here before.
                release(register)
                continue
            }
            if !demand.changed.has(register), isOnlyWanted(value, in: register) { continue }
            let refuge = refuge(for: value, demand, function, &allocation)
            if refuge.isNone {
                spill(value, function, &allocation)
            } else {
                moves.add(register, to: refuge)
                release(register)
                hold(value, in: refuge, &allocation)
                // Nobody else may flee to it.
                pinned.insert(RegisterSet(refuge))
            }
        }
    }

    /// Whether all that want `register` want `value` in it.
    private mutating func isOnlyWanted(_ value: VirtualRegister, in register: PhysicalRegister)
        -> Bool
    {
        for place in 0..<fixedUses.count where fixedUses[place].to == register {
            if fixedUses[place].value != value { return false }
        }
        return true
    }

    /// A register that outlives the instruction for a value that is needed behind it, or none.
    private mutating func refuge(
        for value: VirtualRegister, _ demand: Demand, _ function: borrowing MachineFunction,
        _ allocation: inout Allocation
    ) -> PhysicalRegister {
        let record = function.registers[value.index]
        if demand.calls, record.isReference { return .none }
        let reserved = demand.all.union(pinned).union(sourcesOfFixedUses)
        let candidates = file.allocatable(record.kind).subtracting(reserved)
        var free = candidates.subtracting(taken)
        if demand.calls, isForHandlers(value), chaos == nil {
            free.formIntersection(allocation.used)
        }
        if !free.isEmpty { return choose(value, free, .none, function, allocation) }
        // Better to spill what is needed later than this one.
        let victim = farthest(candidates, function, allocation)
        guard !victim.isNone, nextUse(holders[victim.index]) > nextUse(value) else { return .none }
        spill(holders[victim.index], function, &allocation)
        return victim
    }

    /// Registers that the parallel move still reads.
    private var sourcesOfFixedUses: RegisterSet {
        mutating get {
            var set: RegisterSet = []
            for place in 0..<fixedUses.count where !fixedUses[place].from.isNone {
                set.insert(RegisterSet(fixedUses[place].from))
            }
            return set
        }
    }

    /// References are looked for in frames: none may be in a register that a callee might keep.
    private mutating func dropReferences(
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        var rest = taken.intersection(file.general)
        while !rest.isEmpty {
            let register = rest.first
            rest = rest.rest
            let value = holders[register.index]
            guard !value.isNone, function.registers[value.index].isReference else { continue }
            if isNeeded(value) {
                spill(value, function, &allocation)
            } else {
                release(register)
            }
        }
    }

    /// After the parallel move: values that came from the frame stay where they are, if they can.
    private mutating func settle(_ demand: Demand, _ allocation: inout Allocation) {
        for place in 0..<fixedUses.count {
            let use = fixedUses[place]
            pinned.insert(RegisterSet(use.to))
            if demand.changed.has(use.to) || demand.calls || !isNeeded(use.value) { continue }
            guard homes[use.value.index].isNone, file.general.union(file.vector).has(use.to)
            else { continue }
            hold(use.value, in: use.to, &allocation)
        }
    }

    /// Frees the registers of values that are used here for the last time.
    private mutating func dropUses(
        _ instruction: MachineInstruction, _ position: UInt32, _ function: borrowing MachineFunction
    ) {
        for place in instruction.uses {
            let value = function.operands[place].value
            passUses(value, position)
            let home = homes[value.index]
            if !home.isNone, !isNeeded(value) {
                release(home)
                pinned.remove(RegisterSet(home))
            }
        }
    }

    // MARK: Results

    /// The register of a result that replaces the first use; none if there is no such result.
    private mutating func tie(
        _ instruction: MachineInstruction, _ position: UInt32, _ demand: Demand,
        _ function: inout MachineFunction, _ allocation: inout Allocation
    ) -> PhysicalRegister {
        guard instruction.definitionCount > 0,
            function.operands[instruction.definitions.lowerBound].constraint == .tied
        else { return .none }
        let first = instruction.uses.lowerBound
        for place in instruction.uses { passUses(function.operands[place].value, position) }
        let value = function.operands[first].value
        if !isNeeded(value), !isReadAgain(value, behind: first, instruction, function) {
            return giveUp(function.operands[first])
        }
        if instruction.flags.contains(.commutes), swaps(first, instruction, &function) {
            return giveUp(function.operands[first])
        }
        // The result's register gets a copy before; other uses must not lie in it.
        let result = function.operands[instruction.definitions.lowerBound].value
        let register = takeRegister(
            for: result, excluding: pinned.union(demand.all), function, &allocation)
        let from = function.operands[first].assigned
        allocation.steps.append(Step(kind: .move, from: from, to: register, index: 0))
        allocation.used.insert(RegisterSet(register))
        function.operands[first].assigned = register
        return register
    }

    /// Frees the register of a value that ends here, for the result to take.
    private mutating func giveUp(_ operand: MachineOperand) -> PhysicalRegister {
        if homes[operand.value.index] == operand.assigned { release(operand.assigned) }
        return operand.assigned
    }

    /// Whether another use of the instruction reads `value`.
    private mutating func isReadAgain(
        _ value: VirtualRegister, behind first: Int, _ instruction: MachineInstruction,
        _ function: borrowing MachineFunction
    ) -> Bool {
        // The two operands of one operation may be the same register: both are read at once.
        let next = instruction.flags.contains(.commutes) ? first &+ 2 : first &+ 1
        var place = next
        while place < instruction.uses.upperBound {
            if function.operands[place].value == value { return true }
            place &+= 1
        }
        return false
    }

    /// Exchanges the first two uses if the second one's value ends here.
    private mutating func swaps(
        _ first: Int, _ instruction: MachineInstruction, _ function: inout MachineFunction
    ) -> Bool {
        guard instruction.useCount >= 2 else { return false }
        let other = function.operands[first &+ 1]
        guard !other.constraint.isFixed, other.assigned != .inFrame, !isNeeded(other.value),
            other.value != function.operands[first].value,
            !isReadAgain(other.value, behind: first, instruction, function)
        else { return false }
        function.operands[first &+ 1] = function.operands[first]
        function.operands[first] = other
        return true
    }

    private mutating func placeResults(
        _ instruction: MachineInstruction, _ demand: Demand, _ tied: PhysicalRegister,
        _ function: inout MachineFunction, _ allocation: inout Allocation
    ) {
        for place in instruction.definitions {
            let operand = function.operands[place]
            guard operand.constraint.isFixed else { continue }
            function.operands[place].assigned = operand.constraint.register
            hold(operand.value, in: operand.constraint.register, &allocation)
            pinned.insert(RegisterSet(operand.constraint.register))
        }
        for place in instruction.definitions {
            let operand = function.operands[place]
            if operand.constraint.isFixed { continue }
            var register = tied
            if operand.constraint != .tied || tied.isNone {
                var excluded = demand.changed
                if instruction.flags.contains(.writesEarly) { excluded.formUnion(pinned) }
                let hint: PhysicalRegister =
                    instruction.flags.contains(.copies)
                    ? function.operands[instruction.uses.lowerBound].assigned : .none
                register = takeRegister(
                    for: operand.value, excluding: excluded, hint: hint, function, &allocation)
            }
            function.operands[place].assigned = register
            hold(operand.value, in: register, &allocation)
            pinned.insert(RegisterSet(register))
        }
    }

    /// Frees the registers of results that nobody uses.
    private mutating func finish(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        for place in instruction.definitions {
            let value = function.operands[place].value
            if !isNeeded(value), !homes[value.index].isNone { release(homes[value.index]) }
        }
    }
}
