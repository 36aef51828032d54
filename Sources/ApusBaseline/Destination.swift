internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// Where an instruction puts its result: a temporary, or the home of the local that the next
/// instruction sets.
struct Destination: BitwiseCopyable {
    var register: PhysicalRegister
    /// The local, if the result goes to one.
    var local: UInt32 = .max
    /// The local's value stays on the stack too.
    var isTee = false

    var isLocal: Bool { @inline(__always) get { local != .max } }
}

extension BaselineCompiler {
    /// If the next instruction sets a local that lives in a register, takes that instruction.
    @inline(__always)
    mutating func takeLocalDestination() -> Destination? {
        let next = reader.peekByte()
        guard next == 0x21 || next == 0x22 else { return nil }
        return takeLocalDestination(isTee: next == 0x22)
    }

    private mutating func takeLocalDestination(isTee: Bool) -> Destination? {
        let position = reader.position
        _ = reader.next()
        let index = reader.readIndex()
        let home = locals[Int(index)]
        guard home.inRegister else {
            reader.position = position
            return nil
        }
        materializeReads(of: index)
        return Destination(register: home.register, local: index, isTee: isTee)
    }

    /// A place for a result: the next instruction's local, else `register` if that is a temporary
    /// of ours, else a new temporary.
    @inline(__always)
    mutating func destination(
        reusing register: PhysicalRegister, isOwned: Bool, inVector: Bool
    ) -> Destination {
        if let local = takeLocalDestination() { return local }
        return Destination(register: isOwned ? register : allocate(inVector: inVector))
    }

    /// The result is in `destination`: pushes it, or notes that the local is set. Frees `register`,
    /// if it is ours, unless the result is in it.
    @inline(__always)
    mutating func finish(
        _ destination: Destination, _ type: ValueClass, freeing register: PhysicalRegister,
        isOwned: Bool
    ) {
        if isOwned, register != destination.register || destination.isLocal {
            stack.free.insert(RegisterSet(register))
        }
        finish(destination, type)
    }

    @inline(__always)
    mutating func finish(_ destination: Destination, _ type: ValueClass) {
        if destination.isLocal {
            markWritten(locals[Int(destination.local)])
            if destination.isTee { push(.local(type, destination.local)) }
        } else {
            stack.append(.register(type, destination.register))
        }
    }
}
