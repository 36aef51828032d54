internal import ApusABI
internal import ApusCollections

/// The operand stack, who on it owns which register, and which registers nobody owns.
///
/// Nobody has to look for owners: a stack may be as deep as its function is long. Methods that only
/// read are mutating where they are not inlined, for others are given a copy of all of it.
struct ValueStack: ~Copyable {
    private var operands = Arena<Operand>(capacity: 256)
    /// Of each register, the position of the operand that was last said to own it. Whoever asks
    /// looks whether it still does.
    private var positions = InlineArray<32, Int32>(repeating: 0)
    /// Below this position all operands are constants or in their slots.
    private(set) var settled = 0
    /// What an operand may come to own.
    var free: RegisterSet = []

    init() {}

    @inline(__always) var count: Int { operands.count }
    @inline(__always) var isEmpty: Bool { operands.isEmpty }

    subscript(position: Int) -> Operand {
        @inline(__always) get { operands[position] }
        @inline(__always) _modify { yield &operands[position] }
    }

    /// The operand on top. There must be one.
    @inline(__always) var last: Operand { operands.last }

    /// Puts an operand on top, which is not in the slot of another position.
    @inline(__always)
    mutating func append(_ operand: Operand) {
        switch operand.kind {
        case .constant, .slot: break
        case .local: unsettle(count)
        case .register: note(operand.register, at: count)
        }
        operands.append(operand)
    }

    @inline(__always)
    mutating func removeLast() -> Operand { operands.removeLast() }

    /// Forgets everything but which registers are free.
    mutating func removeAll() {
        operands.removeAll()
        settled = 0
    }

    // MARK: Owners

    /// The operand at `position` owns `register`.
    @inline(__always)
    mutating func note(_ register: PhysicalRegister, at position: Int) {
        positions[register.index] = Int32(truncatingIfNeeded: position)
        unsettle(position)
    }

    /// The operand at `position` is in a register or a local.
    @inline(__always)
    mutating func unsettle(_ position: Int) { settled = min(settled, position) }

    /// All operands below `position` are constants or in their slots.
    mutating func settle(_ position: Int) { settled = max(settled, position) }

    /// The position of the operand that owns `register`, -1 if none does.
    mutating func owner(of register: PhysicalRegister) -> Int {
        let position = Int(positions[register.index])
        guard position < count else { return -1 }
        let operand = operands[position]
        return operand.kind == .register && operand.register == register ? position : -1
    }

    /// The lowest position from `start` on that owns one of `registers`; `end` if it is not below.
    mutating func oldest(of registers: RegisterSet, from start: Int, below end: Int) -> Int {
        var oldest = end
        var rest = registers.subtracting(free)
        while !rest.isEmpty {
            let position = owner(of: rest.first)
            rest = rest.rest
            if position >= start, position < oldest { oldest = position }
        }
        return oldest
    }
}
