internal import ApusABI
internal import ApusCollections

/// Temporaries: registers that operands own.
extension BaselineCompiler {
    /// A register that nobody owns, for whoever asks; the oldest operand makes way if there is
    /// none.
    @inline(__always)
    mutating func allocate(inVector: Bool) -> PhysicalRegister {
        let owned = Self.registers.roles(inVector: inVector).owned
        if stack.free.isDisjoint(with: owned) { spillOldest(of: owned) }
        let register = stack.free.intersection(owned).first
        stack.free.remove(RegisterSet(register))
        return register
    }

    private mutating func spillOldest(of registers: RegisterSet) {
        let position = stack.oldest(
            of: registers.subtracting(homes), from: 0, below: stack.count)
        if position < stack.count { spill(position) }
    }

    /// Makes `register`, a temporary, free: whoever owns it on the stack moves out.
    mutating func evict(_ register: PhysicalRegister) {
        if stack.free.has(register) { return }
        let position = stack.owner(of: register)
        if position < 0 { return }
        let inVector = stack[position].type.isInVector
        if stack.free.isDisjoint(with: Self.registers.roles(inVector: inVector).owned) {
            return spill(position)
        }
        let other = allocate(inVector: inVector)
        move(other, register)
        stack[position] = .register(stack[position].type, other)
        stack.note(other, at: position)
        stack.free.insert(RegisterSet(register))
    }

    /// Takes `register` out of the free ones after making it free.
    mutating func claim(_ register: PhysicalRegister) {
        evict(register)
        stack.free.remove(RegisterSet(register))
    }

    // MARK: Spilling

    /// Moves the value at `position` to its frame slot.
    mutating func spill(_ position: Int) {
        let operand = stack[position]
        guard operand.kind != .slot else { return }
        store(operand, inSlot: position)
        discard(operand)
        stack[position] = .slot(operand.type, position)
    }

    /// Moves everything up to `end` to frame slots, except constants: before code after which
    /// registers and locals are not what they were.
    mutating func spillForMerge(upTo end: Int) {
        var position = end &- 1
        while position >= stack.settled {
            let operand = stack[position]
            if operand.kind == .register || operand.kind == .local { spill(position) }
            position &-= 1
        }
        stack.settle(end)
    }

    /// Of fewer operands each is looked at, of more only those that own something.
    private static var shortDistance: Int { 16 }

    /// Moves temporaries below `end` to frame slots: before a call, which destroys them.
    mutating func spillTemporaries(upTo end: Int) {
        var position = stack.settled
        if end &- position <= Self.shortDistance {
            while position < end {
                if stack[position].kind == .register { spill(position) }
                position &+= 1
            }
            return
        }
        let plan = Self.registers
        let owned = plan.general.owned.union(plan.vector.owned).subtracting(homes)
        while position < end {
            position = stack.oldest(of: owned, from: position, below: end)
            if position < end { spill(position) }
            position &+= 1
        }
    }

    /// Of no more operands is it remembered that they are what a local is at present: those below
    /// go to their slots before it changes.
    private static var longestWait: Int { 128 }

    /// Gives operands that stand for the present value of local `index` a place of their own:
    /// the local is about to change.
    mutating func materializeReads(of index: UInt32) {
        if stack.count &- stack.settled > Self.longestWait {
            spillForMerge(upTo: stack.count &- Self.longestWait)
        }
        var position = stack.count &- 1
        let floor = max(frames.isEmpty ? 0 : Int(frames.last.height), stack.settled)
        while position >= floor {
            let operand = stack[position]
            if operand.kind == .local, operand.index == index { materialize(position) }
            position &-= 1
        }
    }

    private mutating func materialize(_ position: Int) {
        let operand = stack[position]
        let inVector = operand.type.isInVector
        guard !stack.free.isDisjoint(with: Self.registers.roles(inVector: inVector).owned) else {
            return spill(position)
        }
        let register = allocate(inVector: inVector)
        load(operand, into: register)
        stack[position] = .register(operand.type, register)
        stack.note(register, at: position)
    }

    // MARK: Stack

    @inline(__always)
    mutating func push(_ operand: Operand) {
        if operand.kind == .slot, Int(operand.index) != stack.count { return pushMoved(operand) }
        stack.append(operand)
    }

    /// Pushes a value that lies in the slot of another position, whose next value may need it.
    @inline(never)
    private mutating func pushMoved(_ operand: Operand) {
        let register = allocate(inVector: operand.type.isInVector)
        load(operand, into: register)
        stack.append(.register(operand.type, register))
    }

    @inline(__always)
    mutating func pop() -> Operand { stack.removeLast() }

    /// Forgets an operand that nobody will read.
    @inline(__always)
    mutating func discard(_ operand: Operand) {
        if operand.kind == .register { stack.free.insert(RegisterSet(operand.register)) }
    }

    /// Forgets everything above `height`.
    mutating func truncateStack(to height: Int) {
        while stack.count > height { discard(pop()) }
    }
}
