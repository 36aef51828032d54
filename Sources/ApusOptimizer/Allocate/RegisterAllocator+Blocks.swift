internal import ApusABI
internal import ApusCollections

/// Where values are when a block begins, and how the ways into it bring them there.
extension RegisterAllocator {
    /// Decides where the values are that `number` needs.
    mutating func enter(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        clearState()
        let template = template(number, function)
        if template >= 0 {
            mark(number)
            inherit(number, from: template, function, &allocation)
            if function.blocks[number].loop == UInt32(truncatingIfNeeded: number) {
                prepareLoop(number, function, &allocation)
            }
            if chaos != nil { spillAtRandom(function, &allocation) }
            for place in liveness.range(number) {
                let value = liveness.entries[place].value
                if homes[value.index].isNone, !function.registers[value.index].isRepeatable {
                    allocation.isSpilled[value.index] = true
                }
            }
        }
        enterParameters(number, function, &allocation)
        let start = number &* Allocation.registerCount
        for register in 0..<Allocation.registerCount {
            allocation.atEntry[start &+ register] = holders[register]
        }
    }

    private mutating func clearState() {
        while !taken.isEmpty { release(taken.first) }
        pinned = []
    }

    /// The block before whose state is taken over: the likeliest one that has been walked over.
    private mutating func template(_ number: Int, _ function: borrowing MachineFunction) -> Int {
        var best = -1
        for place in predecessorRange(number) {
            let block = Int(predecessors[place])
            if block >= number { continue }
            if best < 0 {
                best = block
                continue
            }
            let old = function.blocks[best]
            let new = function.blocks[block]
            if old.isCold != new.isCold {
                if old.isCold { best = block }
            } else if new.loopDepth >= old.loopDepth {
                best = block
            }
        }
        return best
    }

    /// Notes for each value that the block needs its place in the list of these.
    private mutating func mark(_ number: Int) {
        for place in liveness.range(number) {
            marks[liveness.entries[place].value.index] = UInt32(truncatingIfNeeded: place)
        }
    }

    /// How far off the next use of `value` is if `number` needs it, else nil. After `mark`.
    private mutating func entryDistance(_ value: VirtualRegister, _ number: Int) -> UInt32? {
        let place = Int(marks[value.index])
        guard liveness.range(number).contains(place), liveness.entries[place].value == value
        else { return nil }
        return liveness.entries[place].distance
    }

    private mutating func inherit(
        _ number: Int, from template: Int, _ function: borrowing MachineFunction,
        _ allocation: inout Allocation
    ) {
        for register in 0..<Allocation.registerCount {
            let value = allocation.exit(template, register)
            guard !value.isNone, let distance = entryDistance(value, number) else { continue }
            if distance > Self.nearDistance,
                isAbsentElsewhere(value, number, besides: template, function, allocation)
            {
                continue
            }
            hold(value, in: PhysicalRegister(UInt8(truncatingIfNeeded: register)), &allocation)
        }
    }

    /// What is used as near as this is worth loading on the ways that do not have it.
    private static var nearDistance: UInt32 { 24 }

    private mutating func isAbsentElsewhere(
        _ value: VirtualRegister, _ number: Int, besides template: Int,
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) -> Bool {
        for place in predecessorRange(number) {
            let block = Int(predecessors[place])
            if block >= number || block == template || function.blocks[block].isCold { continue }
            if allocation.registerAtExit(block, of: value).isNone { return true }
        }
        return false
    }

    // MARK: Loops

    /// Makes the state that of a loop: what is used in it in registers as far as they go, what is
    /// only needed behind it out of the way if it needs them all.
    private mutating func prepareLoop(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        let calls = liveness.callsInLoop[number]
        if calls {
            moveOutOfCallsWay(function, &allocation)
            dropIdle(
                file.general.intersection(file.calleeSaved),
                Int(liveness.callPressure[number]), number, function, &allocation)
        }
        dropIdle(
            file.general, Int(liveness.generalPressure[number]), number, function, &allocation)
        dropIdle(file.vector, Int(liveness.vectorPressure[number]), number, function, &allocation)
        for place in liveness.range(number) {
            let live = liveness.entries[place]
            let record = function.registers[live.value.index]
            guard live.distance < Liveness.exitDistance, homes[live.value.index].isNone,
                !record.isRepeatable, !(calls && record.isReference)
            else { continue }
            let pressure =
                record.kind == .general
                ? liveness.generalPressure[number] : liveness.vectorPressure[number]
            var free = file.allocatable(record.kind).subtracting(taken)
            guard Int(pressure) <= file.allocatable(record.kind).count else { continue }
            if calls { free.formIntersection(file.calleeSaved) }
            if free.isEmpty { continue }
            let register = choose(live.value, free, .none, function, allocation)
            allocation.isSpilled[live.value.index] = true
            hold(live.value, in: register, &allocation)
        }
    }

    /// What is live in all of a loop that calls stays in a register only if calls keep that.
    private mutating func moveOutOfCallsWay(
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        var rest = taken.subtracting(file.calleeSaved)
        while !rest.isEmpty {
            let register = rest.first
            rest = rest.rest
            let value = holders[register.index]
            let record = function.registers[value.index]
            release(register)
            let free = file.allocatable(record.kind).intersection(file.calleeSaved)
                .subtracting(taken)
            if free.isEmpty || record.isReference { continue }
            hold(value, in: free.first, &allocation)
        }
    }

    /// Leaves what is not used in the loop to the frame while the loop needs more registers than
    /// there are.
    private mutating func dropIdle(
        _ registers: RegisterSet, _ pressure: Int, _ number: Int,
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        var excess = pressure &- registers.count
        while excess > 0 {
            let register = idlest(registers, number, function, allocation)
            if register.isNone { return }
            spill(holders[register.index], function, &allocation)
            excess &-= 1
        }
    }

    /// The register of a value that is not used in the loop: what costs no more store than there
    /// is, then what is stored least often, then what is needed last.
    private mutating func idlest(
        _ registers: RegisterSet, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: borrowing Allocation
    ) -> PhysicalRegister {
        var best = PhysicalRegister.none
        var bestDepth: UInt16 = 0
        var bestDistance: UInt32 = 0
        var rest = taken.intersection(registers)
        while !rest.isEmpty {
            let register = rest.first
            rest = rest.rest
            let value = holders[register.index]
            guard let distance = entryDistance(value, number), distance >= Liveness.exitDistance
            else { continue }
            let isFree =
                allocation.isSpilled[value.index] || function.registers[value.index].isRepeatable
            let depth = isFree ? 0 : depths[value.index] &+ 1
            if best.isNone || depth < bestDepth || (depth == bestDepth && distance > bestDistance) {
                best = register
                bestDepth = depth
                bestDistance = distance
            }
        }
        return best
    }

    // MARK: Parameters

    private mutating func enterParameters(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        let block = function.blocks[number]
        for index in 0..<block.parameterCount {
            let value = VirtualRegister(function.names[Int(block.parameterStart &+ index)])
            guard isNeeded(value) else { continue }
            let record = function.registers[value.index]
            let free = file.allocatable(record.kind).subtracting(taken)
            if free.isEmpty || chaos?.chance(20) == true {
                allocation.isSpilled[value.index] = true
                continue
            }
            let hint = argumentHint(number, index, free, function, allocation)
            let register = choose(value, free, hint, function, allocation)
            hold(value, in: register, &allocation)
            groupHints[value.index] = register
        }
    }

    /// A free register that holds what one of the blocks before passes for parameter `index`.
    private mutating func argumentHint(
        _ number: Int, _ index: UInt32, _ free: RegisterSet,
        _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) -> PhysicalRegister {
        let block = function.blocks[number]
        let parameter = Int(function.names[Int(block.parameterStart &+ index)])
        let keeps = liveness.crossesCall[parameter]
        for place in predecessorRange(number) {
            let source = Int(predecessors[place])
            if source >= number { continue }
            let start = function.blocks[source].argumentStart
            let argument = VirtualRegister(function.names[Int(start &+ index)])
            let register = allocation.registerAtExit(source, of: argument)
            if register.isNone || !free.has(register) { continue }
            if keeps, !file.calleeSaved.has(register) { continue }
            return register
        }
        return .none
    }

    // MARK: Ends

    /// Notes where values are when the walk leaves `number`, and forgets their uses.
    mutating func leave(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        let start = number &* Allocation.registerCount
        for register in 0..<Allocation.registerCount {
            allocation.atExit[start &+ register] = holders[register]
        }
        let block = function.blocks[number]
        for place in block.successors {
            let successor = Int(function.names[place])
            for entry in liveness.range(successor) {
                nextUses[liveness.entries[entry].value.index] = Self.noUse
            }
            for index in 0..<function.blocks[successor].parameterCount {
                nextUses[Int(function.names[Int(block.argumentStart &+ index)])] = Self.noUse
            }
        }
    }

    /// Makes the moves from the end of `number` to where its only successor wants its values.
    mutating func connect(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        let block = function.blocks[number]
        allocation.edgeStarts[number] = UInt32(truncatingIfNeeded: allocation.steps.count)
        defer { allocation.edgeEnds[number] = UInt32(truncatingIfNeeded: allocation.steps.count) }
        guard block.successorCount == 1 else { return }
        clearState()
        for register in 0..<Allocation.registerCount {
            let value = allocation.exit(number, register)
            guard !value.isNone else { continue }
            hold(value, in: PhysicalRegister(UInt8(truncatingIfNeeded: register)), &allocation)
        }
        let target = Int(function.names[Int(block.successorStart)])
        passArguments(block, target, function, &allocation)
        for register in 0..<Allocation.registerCount {
            let value = allocation.entry(target, register)
            if value.isNone || isParameter(value, function.blocks[target], function) { continue }
            bringOver(
                value, to: PhysicalRegister(UInt8(truncatingIfNeeded: register)), function,
                &allocation)
        }
        moves.resolve(into: &allocation.steps, vectors: vectors, scratch)
    }

    private mutating func isParameter(
        _ value: VirtualRegister, _ block: MachineBlock, _ function: borrowing MachineFunction
    ) -> Bool {
        for place in block.parameters where function.names[place] == value.number { return true }
        return false
    }

    private mutating func passArguments(
        _ block: MachineBlock, _ number: Int, _ function: borrowing MachineFunction,
        _ allocation: inout Allocation
    ) {
        let target = function.blocks[number]
        for index in 0..<target.parameterCount {
            let parameter = VirtualRegister(function.names[Int(target.parameterStart &+ index)])
            let argument = VirtualRegister(function.names[Int(block.argumentStart &+ index)])
            let register = allocation.registerAtEntry(number, of: parameter)
            if !register.isNone {
                bringOver(argument, to: register, function, &allocation)
            } else if allocation.isSpilled[parameter.index] {
                let home = homes[argument.index]
                if !home.isNone {
                    moves.add(Step(kind: .store, from: home, index: parameter.number))
                } else if function.registers[argument.index].isRepeatable {
                    moves.add(
                        Step(
                            kind: .makeInFrame, index: argument.number, target: parameter.number))
                } else {
                    allocation.isSpilled[argument.index] = true
                    moves.add(
                        Step(kind: .copy, index: argument.number, target: parameter.number))
                }
            }
        }
    }

    private mutating func bringOver(
        _ value: VirtualRegister, to register: PhysicalRegister,
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        let home = homes[value.index]
        if home.isNone {
            moves.add(arrival(of: value, in: register, function, &allocation))
        } else {
            moves.add(home, to: register)
        }
    }
}
