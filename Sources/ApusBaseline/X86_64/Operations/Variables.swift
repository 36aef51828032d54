internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Locals and globals (4.6.3).
extension BaselineCompiler {
    @inline(__always)
    mutating func translateLocalGet() {
        let index = reader.readIndex()
        push(.local(locals[Int(index)].type, index))
    }

    mutating func translateLocalSet() {
        let index = reader.readIndex()
        let value = pop()
        setLocal(index, value)
        discard(value)
    }

    mutating func translateLocalTee() {
        let index = reader.readIndex()
        let value = pop()
        setLocal(index, value)
        if value.kind == .register, !locals[Int(index)].inRegister {
            // The value is at hand; the local would have to be loaded.
            push(value)
        } else {
            discard(value)
            push(.local(locals[Int(index)].type, index))
        }
    }

    /// Writes `value`, which is off the stack, to a local. The value's register stays taken.
    private mutating func setLocal(_ index: UInt32, _ value: Operand) {
        if value.kind == .local, value.index == index { return }
        materializeReads(of: index)
        let home = locals[Int(index)]
        if !home.inRegister {
            store(value, localAddress(Int(index)))
        } else {
            if home.type.isInVector {
                load(value, into: home.float)
            } else {
                load(value, into: home.general)
            }
            markWritten(home)
        }
    }

    // MARK: Globals

    /// Where global `index` is; for an imported one this loads its address into the scratch.
    private mutating func globalAddress(_ index: Int) -> Address {
        if index < module.importedGlobalCount {
            code.load(
                .w64, CallingConvention.scratch,
                Address(CallingConvention.context, layout.globalImport(index)))
            return Address(CallingConvention.scratch)
        }
        return Address(CallingConvention.context, layout.global(index))
    }

    mutating func translateGlobalGet() {
        let index = Int(reader.readIndex())
        let type = ValueClass(signatures.globals[index])
        if type.isInVector {
            let destination = floatDestination()
            let address = globalAddress(index)
            loadVectorRegister(type, destination.float, address)
            finish(destination, type)
        } else {
            let destination = generalDestination()
            let address = globalAddress(index)
            code.load(type.width, destination.general, address)
            finish(destination, type)
        }
    }

    mutating func translateGlobalSet() {
        let index = Int(reader.readIndex())
        let type = ValueClass(signatures.globals[index])
        let operand = pop()
        if operand.kind == .constant, let immediate = operand.storeImmediate {
            let address = globalAddress(index)
            code.store(type.memoryWidth, address, immediate: immediate)
        } else if type.isInVector {
            let value = takeFloat(operand)
            let address = globalAddress(index)
            storeVectorRegister(type, address, value.register)
            release(value)
        } else {
            let value = take(operand)
            let address = globalAddress(index)
            code.store(type.width, address, value.register)
            release(value)
        }
    }
}
