internal import ApusABI
internal import ApusCollections

/// Several moves that happen at once: all read before any writes.
struct ParallelMoves: ~Copyable {
    /// The register that each register gets the value of.
    private var sources = PerRegister<UInt8>(repeating: 0xFF)
    /// How many registers get the value of each.
    private var readers = PerRegister<UInt8>(repeating: 0)
    private var destinations: RegisterSet = []
    /// Moves from or to frames, and of values that are made anew.
    private var others = Arena<Step>(capacity: 32)
    /// Of each value, the last round in which its frame slot was written.
    private var written = Arena<UInt32>(capacity: 1024)
    private var round: UInt32 = 1
    /// Those of `others` that go by way of the stack, for what they read is overwritten.
    private var stacked = Arena<Step>(capacity: 8)

    init() {}

    var isEmpty: Bool { destinations.isEmpty && others.isEmpty }

    /// Adds a move between registers.
    mutating func add(_ from: PhysicalRegister, to: PhysicalRegister) {
        if from == to { return }
        sources[to.index] = from.number
        readers[from.index] &+= 1
        destinations.insert(RegisterSet(to))
    }

    /// Adds a step of another kind: `load`, `store`, `copy`, `make`, `makeInFrame`.
    mutating func add(_ step: Step) {
        if step.kind == .copy, step.index == step.target { return }
        others.append(step)
        switch step.kind {
        case .store: noteWrite(step.index)
        case .copy, .makeInFrame: noteWrite(step.target)
        default: break
        }
    }

    /// Appends the steps that have the effect of all moves, and forgets these.
    mutating func resolve(
        into steps: inout Arena<Step>, vectors: RegisterSet, _ scratch: ScratchRegisters
    ) {
        if !others.isEmpty { beginOthers(into: &steps) }
        resolveRegisters(into: &steps, vectors: vectors, scratch)
        if !others.isEmpty { finishOthers(into: &steps) }
    }

    // MARK: Frames

    /// Saves what is read from slots that are overwritten, then writes registers to slots.
    private mutating func beginOthers(into steps: inout Arena<Step>) {
        for place in 0..<others.count {
            let step = others[place]
            guard step.kind == .load || step.kind == .copy, isWritten(step.index) else { continue }
            steps.append(Step(kind: .push, index: step.index))
            stacked.append(step)
        }
        for place in 0..<others.count where others[place].kind == .store {
            steps.append(others[place])
        }
    }

    private mutating func noteWrite(_ value: UInt32) {
        let missing = Int(value) &+ 1 &- written.count
        if missing > 0 { written.append(repeating: 0, count: missing) }
        written[Int(value)] = round
    }

    private func isWritten(_ value: UInt32) -> Bool {
        Int(value) < written.count && written[Int(value)] == round
    }

    private mutating func finishOthers(into steps: inout Arena<Step>) {
        for place in 0..<others.count {
            let step = others[place]
            if step.kind == .store || step.kind == .load || step.kind == .copy,
                step.kind == .store || isWritten(step.index)
            {
                continue
            }
            steps.append(step)
        }
        while !stacked.isEmpty {
            let step = stacked.removeLast()
            steps.append(
                Step(
                    kind: step.kind == .load ? .pop : .popToFrame, to: step.to, index: step.index,
                    target: step.target))
        }
        others.removeAll()
        round &+= 1
    }

    // MARK: Registers

    private mutating func resolveRegisters(
        into steps: inout Arena<Step>, vectors: RegisterSet, _ scratch: ScratchRegisters
    ) {
        // Somebody may want something in the scratch register itself.
        let exchanges = destinations.has(scratch.general)
        var ready: RegisterSet = []
        var rest = destinations
        while !rest.isEmpty {
            if readers[rest.first.index] == 0 { ready.insert(RegisterSet(rest.first)) }
            rest = rest.rest
        }
        while !destinations.isEmpty {
            while !ready.isEmpty {
                let to = ready.first
                ready = ready.rest
                let from = PhysicalRegister(sources[to.index])
                steps.append(Step(kind: .move, from: from, to: to, index: 0))
                complete(to, from)
                if readers[from.index] == 0, destinations.has(from) {
                    ready.insert(RegisterSet(from))
                }
            }
            if destinations.isEmpty { break }
            let first = destinations.first
            if vectors.has(first) {
                breakCycle(first, into: &steps, through: scratch.vector)
            } else if exchanges {
                exchange(first, into: &steps)
            } else {
                breakCycle(first, into: &steps, through: scratch.general)
            }
            // A cycle through the scratch has one register nobody reads any more.
            rest = destinations
            while !rest.isEmpty {
                if readers[rest.first.index] == 0 { ready.insert(RegisterSet(rest.first)) }
                rest = rest.rest
            }
        }
    }

    private mutating func complete(_ to: PhysicalRegister, _ from: PhysicalRegister) {
        sources[to.index] = 0xFF
        destinations.remove(RegisterSet(to))
        readers[from.index] &-= 1
    }

    /// Every register that is left is read exactly once: by this one in its cycle.
    private func reader(of register: PhysicalRegister) -> PhysicalRegister {
        var rest = destinations
        while !rest.isEmpty {
            if sources[rest.first.index] == register.number { return rest.first }
            rest = rest.rest
        }
        return register
    }

    /// Brings what `to` holds to safety, so that it can be written.
    private mutating func breakCycle(
        _ to: PhysicalRegister, into steps: inout Arena<Step>, through scratch: PhysicalRegister
    ) {
        let reader = reader(of: to)
        steps.append(Step(kind: .move, from: to, to: scratch, index: 0))
        sources[reader.index] = scratch.number
        readers[to.index] &-= 1
        readers[scratch.index] &+= 1
    }

    /// Does one move of a cycle without another register.
    private mutating func exchange(_ to: PhysicalRegister, into steps: inout Arena<Step>) {
        let reader = reader(of: to)
        let from = PhysicalRegister(sources[to.index])
        steps.append(Step(kind: .exchange, from: from, to: to, index: 0))
        complete(to, from)
        readers[to.index] &-= 1
        if reader == from {
            sources[from.index] = 0xFF
            destinations.remove(RegisterSet(from))
        } else {
            sources[reader.index] = from.number
            readers[from.index] &+= 1
        }
    }
}
