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

/// Registers by their names, and operands brought into them or to memory.
extension BaselineCompiler {
    @inline(__always)
    mutating func allocateGeneral() -> GPR { allocate(inVector: false).general }

    @inline(__always)
    mutating func allocateFloat() -> XMM { allocate(inVector: true).vector }

    /// Nobody has a use for what is in `register` any more.
    @inline(__always)
    mutating func free(_ register: GPR) { stack.free.insert(RegisterSet(register)) }

    @inline(__always)
    mutating func free(_ register: XMM) { stack.free.insert(RegisterSet(register)) }

    /// `register`, which is free, has been given a value.
    @inline(__always)
    mutating func occupy(_ register: GPR) { stack.free.remove(RegisterSet(register)) }

    @inline(__always)
    mutating func occupy(_ register: XMM) { stack.free.remove(RegisterSet(register)) }

    @inline(__always)
    mutating func release(_ value: GeneralValue) {
        if value.isOwned { free(value.register) }
    }

    @inline(__always)
    mutating func release(_ value: FloatValue) {
        if value.isOwned { free(value.register) }
    }

    @inline(__always)
    mutating func push(_ type: ValueClass, _ register: GPR) {
        stack.append(.register(type, register))
    }

    @inline(__always)
    mutating func push(_ type: ValueClass, _ register: XMM) {
        stack.append(.register(type, register))
    }

    mutating func evict(_ register: GPR) { evict(PhysicalRegister(register)) }

    mutating func claim(_ register: GPR) { claim(PhysicalRegister(register)) }

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
    mutating func currentGeneralHome(_ operand: Operand) -> GPR? {
        let home = currentHome(operand)
        return home.isNone ? nil : home.general
    }

    @inline(__always)
    mutating func currentFloatHome(_ operand: Operand) -> XMM? {
        let home = currentHome(operand)
        return home.isNone ? nil : home.vector
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
                if !homeState.valid.has(home.register) { restore(home, operand.index) }
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
                if !homeState.valid.has(home.register) { restore(home, operand.index) }
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

    // MARK: Destinations

    /// A place for a result: the next instruction's local, else the register of `reusing` if that
    /// is a temporary of ours, else a new temporary.
    @inline(__always)
    mutating func destination(reusing value: GeneralValue) -> Destination {
        destination(
            reusing: PhysicalRegister(value.register), isOwned: value.isOwned, inVector: false)
    }

    @inline(__always)
    mutating func destination(reusing value: FloatValue) -> Destination {
        destination(
            reusing: PhysicalRegister(value.register), isOwned: value.isOwned, inVector: true)
    }

    @inline(__always)
    mutating func generalDestination() -> Destination {
        destination(reusing: .none, isOwned: false, inVector: false)
    }

    @inline(__always)
    mutating func floatDestination() -> Destination {
        destination(reusing: .none, isOwned: false, inVector: true)
    }

    @inline(__always)
    mutating func finish(
        _ destination: Destination, _ type: ValueClass, freeing value: GeneralValue
    ) {
        finish(
            destination, type, freeing: PhysicalRegister(value.register), isOwned: value.isOwned)
    }

    @inline(__always)
    mutating func finish(_ destination: Destination, _ type: ValueClass, freeing value: FloatValue)
    {
        finish(
            destination, type, freeing: PhysicalRegister(value.register), isOwned: value.isOwned)
    }
}
