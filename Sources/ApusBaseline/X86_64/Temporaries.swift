internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// Where on the operand stack the owners of temporaries are, so that nobody has to look for them:
/// a stack may be as deep as its function is long.
struct OwnerTable {
    /// Of each register, 0 to 15 general, 16 to 31 vector, the position of the operand that was
    /// last said to own it. Whoever asks looks whether it still does.
    private var positions = InlineArray<32, Int32>(repeating: 0)
    /// Below this position all operands are constants or in their slots.
    private(set) var settled = 0

    /// The operand at `position` owns `register`.
    @inline(__always)
    mutating func note(_ register: GPR, at position: Int) {
        positions[Int(register.rawValue)] = Int32(truncatingIfNeeded: position)
        unsettle(position)
    }

    @inline(__always)
    mutating func note(_ register: XMM, at position: Int) {
        positions[Int(register.rawValue) &+ 16] = Int32(truncatingIfNeeded: position)
        unsettle(position)
    }

    /// The operand at `position` is in a register or a local.
    @inline(__always)
    mutating func unsettle(_ position: Int) { settled = min(settled, position) }

    /// All operands below `position` are constants or in their slots.
    mutating func settle(_ position: Int) { settled = max(settled, position) }

    /// Nothing is known any more.
    mutating func reset() { settled = 0 }

    @inline(__always)
    func position(_ register: GPR) -> Int { Int(positions[Int(register.rawValue)]) }

    @inline(__always)
    func position(_ register: XMM) -> Int { Int(positions[Int(register.rawValue) &+ 16]) }
}

/// Temporaries: registers that operands own.
extension BaselineCompiler {
    @inline(__always)
    mutating func allocateGeneral() -> GPR {
        if freeGeneral.isEmpty { spillOldestGeneral() }
        let register = freeGeneral.first
        freeGeneral.remove(GeneralSet(register))
        return register
    }

    @inline(__always)
    mutating func allocateFloat() -> XMM {
        if freeFloat.isEmpty { spillOldestFloat() }
        let register = freeFloat.first
        freeFloat.remove(FloatSet(register))
        return register
    }

    /// The position of the operand that owns `register`, -1 if none does.
    private func owner(of register: GPR) -> Int {
        let position = owners.position(register)
        guard position < stack.count else { return -1 }
        let operand = stack[position]
        let isOwner =
            operand.kind == .register && !operand.type.isInVector && operand.general == register
        return isOwner ? position : -1
    }

    private func owner(of register: XMM) -> Int {
        let position = owners.position(register)
        guard position < stack.count else { return -1 }
        let operand = stack[position]
        let isOwner =
            operand.kind == .register && operand.type.isInVector && operand.float == register
        return isOwner ? position : -1
    }

    /// The lowest position from `start` on that owns a general register; `end` if it is not below.
    private mutating func oldestGeneral(from start: Int, below end: Int) -> Int {
        var oldest = end
        var taken = GeneralSet(
            rawValue: ~freeGeneral.rawValue & ~UInt16(truncatingIfNeeded: homes))
        while !taken.isEmpty {
            let register = taken.first
            taken.remove(GeneralSet(register))
            let position = owner(of: register)
            if position >= start, position < oldest { oldest = position }
        }
        return oldest
    }

    private func oldestFloat(from start: Int, below end: Int) -> Int {
        var oldest = end
        var taken = FloatSet(
            rawValue: ~freeFloat.rawValue & ~UInt16(truncatingIfNeeded: homes &>> 16))
        while !taken.isEmpty {
            let register = taken.first
            taken.remove(FloatSet(register))
            let position = owner(of: register)
            if position >= start, position < oldest { oldest = position }
        }
        return oldest
    }

    private mutating func spillOldestGeneral() {
        let position = oldestGeneral(from: 0, below: stack.count)
        if position < stack.count { spill(position) }
    }

    private mutating func spillOldestFloat() {
        let position = oldestFloat(from: 0, below: stack.count)
        if position < stack.count { spill(position) }
    }

    /// Makes `register`, a temporary, free: whoever owns it on the stack moves out.
    mutating func evict(_ register: GPR) {
        if freeGeneral.has(register) { return }
        let position = owner(of: register)
        if position < 0 { return }
        if freeGeneral.isEmpty { return spill(position) }
        let other = allocateGeneral()
        code.move(.w64, other, register)
        stack[position].general = other
        owners.note(other, at: position)
        freeGeneral.insert(GeneralSet(register))
    }

    mutating func evict(_ register: XMM) {
        if freeFloat.has(register) { return }
        let position = owner(of: register)
        if position < 0 { return }
        if freeFloat.isEmpty { return spill(position) }
        let other = allocateFloat()
        code.move(other, register)
        stack[position].float = other
        owners.note(other, at: position)
        freeFloat.insert(FloatSet(register))
    }

    /// Takes `register` out of the free ones after making it free.
    mutating func claim(_ register: GPR) {
        evict(register)
        freeGeneral.remove(GeneralSet(register))
    }

    // MARK: Spilling

    /// Moves the value at `position` to its frame slot.
    mutating func spill(_ position: Int) {
        let operand = stack[position]
        guard operand.kind != .slot else { return }
        store(operand, slotAddress(position))
        discard(operand)
        stack[position] = .slot(operand.type, position)
    }

    /// Moves everything up to `end` to frame slots, except constants: before code after which
    /// registers and locals are not what they were.
    mutating func spillForMerge(upTo end: Int) {
        var position = end &- 1
        while position >= owners.settled {
            let operand = stack[position]
            if operand.kind == .register || operand.kind == .local { spill(position) }
            position &-= 1
        }
        owners.settle(end)
    }

    /// Of fewer operands each is looked at, of more only those that own something.
    private static var shortDistance: Int { 16 }

    /// Moves temporaries below `end` to frame slots: before a call, which destroys them.
    mutating func spillTemporaries(upTo end: Int) {
        if end &- owners.settled <= Self.shortDistance {
            var position = owners.settled
            while position < end {
                if stack[position].kind == .register { spill(position) }
                position &+= 1
            }
            return
        }
        var position = owners.settled
        while position < end {
            position = min(
                oldestGeneral(from: position, below: end),
                oldestFloat(from: position, below: end))
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
        if stack.count &- owners.settled > Self.longestWait {
            spillForMerge(upTo: stack.count &- Self.longestWait)
        }
        var position = stack.count &- 1
        let floor = max(frames.isEmpty ? 0 : Int(frames.last.height), owners.settled)
        while position >= floor {
            let operand = stack[position]
            if operand.kind == .local, operand.index == index { materialize(position) }
            position &-= 1
        }
    }

    private mutating func materialize(_ position: Int) {
        let operand = stack[position]
        if operand.type.isInVector {
            guard !freeFloat.isEmpty else { return spill(position) }
            let register = allocateFloat()
            load(operand, into: register)
            stack[position] = .register(operand.type, register)
            owners.note(register, at: position)
        } else {
            guard !freeGeneral.isEmpty else { return spill(position) }
            let register = allocateGeneral()
            load(operand, into: register)
            stack[position] = .register(operand.type, register)
            owners.note(register, at: position)
        }
    }
}
