internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusVectors

/// A value in a general register, and whether the register is a temporary of ours.
struct GeneralValue: BitwiseCopyable {
    var register: GPR
    var isOwned: Bool
}

/// A value in a vector register, and whether the register is a temporary of ours.
struct FloatValue: BitwiseCopyable {
    var register: XMM
    var isOwned: Bool
}

/// The operand stack and homes.
extension BaselineCompiler {
    // MARK: Stack

    @inline(__always)
    mutating func push(_ operand: Operand) {
        switch operand.kind {
        case .constant: break
        case .slot where Int(operand.index) == stack.count: break
        case .slot: return pushMoved(operand)
        case .local: owners.unsettle(stack.count)
        case .register where operand.type.isInVector:
            owners.note(operand.float, at: stack.count)
        case .register: owners.note(operand.general, at: stack.count)
        }
        stack.append(operand)
    }

    /// Pushes a value that lies in the slot of another position, whose next value may need it.
    @inline(never)
    private mutating func pushMoved(_ operand: Operand) {
        if operand.type.isInVector {
            let register = allocateFloat()
            load(operand, into: register)
            push(operand.type, register)
        } else {
            let register = allocateGeneral()
            load(operand, into: register)
            push(operand.type, register)
        }
    }

    @inline(__always)
    mutating func push(_ type: ValueClass, _ register: GPR) {
        owners.note(register, at: stack.count)
        stack.append(.register(type, register))
    }

    @inline(__always)
    mutating func push(_ type: ValueClass, _ register: XMM) {
        owners.note(register, at: stack.count)
        stack.append(.register(type, register))
    }

    @inline(__always)
    mutating func pop() -> Operand { stack.removeLast() }

    /// Forgets an operand that nobody will read.
    @inline(__always)
    mutating func discard(_ operand: Operand) {
        if operand.kind == .register { release(operand) }
    }

    @inline(__always)
    mutating func release(_ operand: Operand) {
        if operand.type.isInVector {
            freeFloat.insert(FloatSet(operand.float))
        } else {
            freeGeneral.insert(GeneralSet(operand.general))
        }
    }

    @inline(__always)
    mutating func release(_ value: GeneralValue) {
        if value.isOwned { freeGeneral.insert(GeneralSet(value.register)) }
    }

    @inline(__always)
    mutating func release(_ value: FloatValue) {
        if value.isOwned { freeFloat.insert(FloatSet(value.register)) }
    }

    /// Forgets everything above `height`.
    mutating func truncateStack(to height: Int) {
        while stack.count > height { discard(pop()) }
    }

    // MARK: Reading operands

    /// Writes the value of `operand` to memory; uses the scratch registers.
    mutating func store(_ operand: Operand, _ address: Address) {
        switch operand.kind {
        case .constant:
            if operand.type == .i32 || operand.type == .f32 {
                code.store(.w32, address, immediate: Int32(truncatingIfNeeded: operand.bits))
            } else if operand.type == .v128 {
                load(operand, into: CallingConvention.floatScratch)
                code.storeVector(address, CallingConvention.floatScratch)
            } else if let immediate = Int32(exactly: Int64(bitPattern: operand.bits)) {
                code.store(.w64, address, immediate: immediate)
            } else {
                code.moveImmediate(CallingConvention.scratch, operand.bits)
                code.store(.w64, address, CallingConvention.scratch)
            }
        case .register:
            if operand.type.isInVector {
                storeVectorRegister(operand.type, address, operand.float)
            } else {
                code.store(.w64, address, operand.general)
            }
        case .local, .slot:
            if operand.type.isInVector {
                if let home = currentFloatHome(operand) {
                    storeVectorRegister(operand.type, address, home)
                } else {
                    load(operand, into: CallingConvention.floatScratch)
                    storeVectorRegister(
                        operand.type, address, CallingConvention.floatScratch)
                }
            } else if let home = currentGeneralHome(operand) {
                code.store(.w64, address, home)
            } else {
                load(operand, into: CallingConvention.scratch)
                code.store(.w64, address, CallingConvention.scratch)
            }
        }
    }

    /// The register that holds the local that `operand` reads, if one does now.
    @inline(__always)
    func currentGeneralHome(_ operand: Operand) -> GPR? {
        guard operand.kind == .local else { return nil }
        let home = locals[Int(operand.index)]
        guard home.inRegister, homeState.valid & home.bit != 0 else { return nil }
        return home.general
    }

    @inline(__always)
    func currentFloatHome(_ operand: Operand) -> XMM? {
        guard operand.kind == .local else { return nil }
        let home = locals[Int(operand.index)]
        guard home.inRegister, homeState.valid & home.bit != 0 else { return nil }
        return home.float
    }

    /// The frame slot in which `operand` lies, if it does.
    mutating func frameAddress(_ operand: Operand) -> Address? {
        switch operand.kind {
        case .slot: return slotAddress(Int(operand.index))
        case .local:
            let home = locals[Int(operand.index)]
            return home.inRegister ? nil : localAddress(Int(operand.index))
        case .constant, .register: return nil
        }
    }

    /// Copies the value of `operand` into `register`. Changes no flags.
    mutating func load(_ operand: Operand, into register: GPR) {
        switch operand.kind {
        case .constant: code.moveImmediate(register, operand.bits)
        case .register:
            if operand.general != register {
                code.move(operand.type.width, register, operand.general)
            }
        case .slot:
            code.load(operand.type.width, register, slotAddress(Int(operand.index)))
        case .local:
            if let home = currentGeneralHome(operand) {
                if home != register { code.move(operand.type.width, register, home) }
            } else {
                code.load(operand.type.width, register, localAddress(Int(operand.index)))
            }
        }
    }

    /// Copies the value of `operand` into `register`. Changes no flags.
    mutating func load(_ operand: Operand, into register: XMM) {
        switch operand.kind {
        case .constant: loadConstant(operand, into: register)
        case .register:
            if operand.float != register { code.move(register, operand.float) }
        case .slot:
            loadVectorRegister(operand.type, register, slotAddress(Int(operand.index)))
        case .local:
            if let home = currentFloatHome(operand) {
                if home != register { code.move(register, home) }
            } else {
                loadVectorRegister(operand.type, register, localAddress(Int(operand.index)))
            }
        }
    }

    private mutating func loadConstant(_ operand: Operand, into register: XMM) {
        if operand.type == .v128 {
            code.load(vectorConstants[Int(operand.bits)], into: register)
        } else if operand.bits == 0 {
            code.floatXor(register, register, register)
        } else if operand.type == .f32 {
            let constant = code.constant32(UInt32(truncatingIfNeeded: operand.bits))
            code.loadFloat(.f32, register, Address(constant: constant))
        } else {
            let constant = code.constant64(operand.bits)
            code.loadFloat(.f64, register, Address(constant: constant))
        }
    }

    /// The operand in a register; a local's home as it is, to be read only.
    @inline(__always)
    mutating func take(_ operand: Operand) -> GeneralValue {
        if operand.kind == .register {
            return GeneralValue(register: operand.general, isOwned: true)
        }
        return takeElsewhere(operand)
    }

    private mutating func takeElsewhere(_ operand: Operand) -> GeneralValue {
        if operand.kind == .local {
            let home = locals[Int(operand.index)]
            if home.inRegister {
                if homeState.valid & home.bit == 0 { restore(home, UInt32(operand.index)) }
                return GeneralValue(register: home.general, isOwned: false)
            }
        }
        let register = allocateGeneral()
        load(operand, into: register)
        return GeneralValue(register: register, isOwned: true)
    }

    @inline(__always)
    mutating func takeFloat(_ operand: Operand) -> FloatValue {
        if operand.kind == .register {
            return FloatValue(register: operand.float, isOwned: true)
        }
        return takeFloatElsewhere(operand)
    }

    private mutating func takeFloatElsewhere(_ operand: Operand) -> FloatValue {
        if operand.kind == .local {
            let home = locals[Int(operand.index)]
            if home.inRegister {
                if homeState.valid & home.bit == 0 { restore(home, UInt32(operand.index)) }
                return FloatValue(register: home.float, isOwned: false)
            }
        }
        let register = allocateFloat()
        load(operand, into: register)
        return FloatValue(register: register, isOwned: true)
    }

    /// The operand in a temporary that the caller may change.
    mutating func takeOwned(_ operand: Operand) -> GPR {
        if operand.kind == .register { return operand.general }
        let register = allocateGeneral()
        load(operand, into: register)
        return register
    }

    mutating func takeOwnedFloat(_ operand: Operand) -> XMM {
        if operand.kind == .register { return operand.float }
        let register = allocateFloat()
        load(operand, into: register)
        return register
    }

    /// Reads a value of a vector register from memory, which need not be aligned.
    @inline(__always)
    mutating func loadVectorRegister(_ type: ValueClass, _ register: XMM, _ address: Address) {
        if type == .v128 {
            code.loadVector(register, address)
        } else {
            code.loadFloat(type.floatWidth, register, address)
        }
    }

    @inline(__always)
    mutating func storeVectorRegister(_ type: ValueClass, _ address: Address, _ register: XMM) {
        if type == .v128 {
            code.storeVector(address, register)
        } else {
            code.storeFloat(type.floatWidth, address, register)
        }
    }

    // MARK: Homes

    /// Brings a local back into its home after a call. Changes no flags.
    mutating func restore(_ home: LocalHome, _ index: UInt32) {
        if home.type.isInVector {
            loadVectorRegister(home.type, home.float, localAddress(Int(index)))
        } else {
            code.load(home.type.width, home.general, localAddress(Int(index)))
        }
        homeState.valid |= home.bit
        homeState.dirty &= ~home.bit
    }

    /// Brings every local home: the state at control merges. Changes no flags.
    @inline(__always)
    mutating func restoreHomes() {
        if homeState.valid != homes { restoreMissingHomes() }
    }

    private mutating func restoreMissingHomes() {
        var missing = homes & ~homeState.valid
        while missing != 0 {
            let register = missing.trailingZeroBitCount
            missing &= missing &- 1
            restoreHome(register)
        }
    }

    private mutating func restoreHome(_ register: Int) {
        let local = residents[register]
        if local == Candidate.memoryBase {
            loadMemoryBaseHome()
            homeState.valid |= 1 &<< UInt32(register)
            homeState.dirty &= ~(1 &<< UInt32(register))
        } else {
            restore(locals[Int(local)], local)
        }
    }

    /// Before a call: writes locals whose homes are among `registers` to their slots: those that it
    /// would destroy; all, if exceptions that leave it are caught here.
    mutating func saveHomes(_ registers: UInt32) {
        var pending = homeState.valid & homeState.dirty & registers
        while pending != 0 {
            let register = pending.trailingZeroBitCount
            pending &= pending &- 1
            let local = residents[register]
            guard local != Candidate.memoryBase else { continue }
            let home = locals[Int(local)]
            if home.type.isInVector {
                storeVectorRegister(home.type, localAddress(Int(local)), home.float)
            } else {
                code.store(home.type.width, localAddress(Int(local)), home.general)
            }
        }
        homeState.dirty &= ~registers
    }

    /// After a call: what lived in volatile registers is in memory only.
    @inline(__always)
    mutating func forgetVolatileHomes() {
        homeState.valid &= ~volatileHomes
        homeState.dirty &= ~volatileHomes
    }

    @inline(__always)
    mutating func markWritten(_ home: LocalHome) {
        homeState.valid |= home.bit
        homeState.dirty |= home.bit
    }

    // MARK: Destinations

    /// Where an instruction puts its result: a temporary, or the home of the local that the next
    /// instruction sets.
    struct Destination: BitwiseCopyable {
        var general: GPR = .rax
        var float: XMM = .xmm0
        /// The local, if the result goes to one.
        var local: UInt32 = .max
        /// The local's value stays on the stack too.
        var isTee = false

        var isLocal: Bool { @inline(__always) get { local != .max } }
    }

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
        return Destination(general: home.general, float: home.float, local: index, isTee: isTee)
    }

    /// A place for a result: the next instruction's local, else the register of `reusing` if that
    /// is a temporary of ours, else a new temporary.
    @inline(__always)
    mutating func destination(reusing value: GeneralValue) -> Destination {
        if let local = takeLocalDestination() { return local }
        return Destination(general: value.isOwned ? value.register : allocateGeneral())
    }

    @inline(__always)
    mutating func destination(reusing value: FloatValue) -> Destination {
        if let local = takeLocalDestination() { return local }
        return Destination(float: value.isOwned ? value.register : allocateFloat())
    }

    @inline(__always)
    mutating func generalDestination() -> Destination {
        if let local = takeLocalDestination() { return local }
        return Destination(general: allocateGeneral())
    }

    @inline(__always)
    mutating func floatDestination() -> Destination {
        if let local = takeLocalDestination() { return local }
        return Destination(float: allocateFloat())
    }

    /// The result is in `destination`: pushes it, or notes that the local is set. Frees `value`'s
    /// register unless the result is in it.
    @inline(__always)
    mutating func finish(
        _ destination: Destination, _ type: ValueClass, freeing value: GeneralValue
    ) {
        if value.isOwned,
            type.isInVector || value.register != destination.general || destination.isLocal
        {
            freeGeneral.insert(GeneralSet(value.register))
        }
        finish(destination, type)
    }

    @inline(__always)
    mutating func finish(_ destination: Destination, _ type: ValueClass, freeing value: FloatValue)
    {
        if value.isOwned,
            !type.isInVector || value.register != destination.float || destination.isLocal
        {
            freeFloat.insert(FloatSet(value.register))
        }
        finish(destination, type)
    }

    @inline(__always)
    mutating func finish(_ destination: Destination, _ type: ValueClass) {
        if destination.isLocal {
            markWritten(locals[Int(destination.local)])
            if destination.isTee { push(.local(type, destination.local)) }
        } else if type.isInVector {
            push(type, destination.float)
        } else {
            push(type, destination.general)
        }
    }
}
