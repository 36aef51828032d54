internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Loads, stores and bulk operations (4.6.5). Most 32-bit addresses need no check: whatever they
/// and the offset add up to lies in the memory's reservation, and outside of the memory it faults.
extension BaselineCompiler {
    /// Where a load or store goes, and the register of the address to be released after it.
    struct MemoryOperand {
        var address: Address
        var index: GeneralValue?
    }

    /// The address operand of a load or store, in a register unless it is constant.
    @inline(__always)
    mutating func takeIndex(_ operand: Operand) -> GeneralValue? {
        operand.isConstant ? nil : take(operand)
    }

    /// The place of the `bytes` bytes that `operand` and the instruction's offset name in its
    /// memory. Every other register of the access has been taken.
    @inline(__always)
    mutating func memoryOperand(
        _ operand: Operand, _ argument: MemoryArgument, bytes: UInt64
    ) -> MemoryOperand {
        let index = takeIndex(operand)
        return memoryOperand(operand, index, argument, bytes: bytes)
    }

    /// The place of the `bytes` bytes that `operand`, which `index` holds, and the instruction's
    /// offset name.
    ///
    /// It may lie in the scratch, so the access has to follow at once. The register of its result
    /// must be taken before: making room may go through the scratch.
    @inline(__always)
    mutating func memoryOperand(
        _ operand: Operand, _ index: GeneralValue?, _ argument: MemoryArgument, bytes: UInt64
    ) -> MemoryOperand {
        let memory = Int(argument.memory)
        // Nearly all of them.
        if !MemoryPlan.compares(memories[memory].checks, offset: argument.offset), let index,
            let displacement = Int32(exactly: argument.offset)
        {
            let base = base(of: memory)
            return MemoryOperand(
                address: Address(base, index: index.register, displacement), index: index)
        }
        return otherPlace(operand, index, argument, bytes: bytes)
    }

    @inline(never)
    private mutating func otherPlace(
        _ operand: Operand, _ index: GeneralValue?, _ argument: MemoryArgument, bytes: UInt64
    ) -> MemoryOperand {
        let memory = Int(argument.memory)
        if MemoryPlan.compares(memories[memory].checks, offset: argument.offset),
            let masked = checkBounds(operand, index, argument, bytes: bytes)
        {
            let base = base(of: memory)
            // Nobody gets it before the access, which follows at once.
            free(masked.register)
            return MemoryOperand(
                address: Address(base, index: masked.register, masked.displacement), index: index)
        }
        guard let index else {
            let position = memories[memory].position(operand) &+ argument.offset
            if let displacement = Int32(exactly: position) {
                return MemoryOperand(address: Address(base(of: memory), displacement), index: nil)
            }
            return MemoryOperand(address: Address(loadFarBase(memory, position)), index: nil)
        }
        if let displacement = Int32(exactly: argument.offset) {
            let base = base(of: memory)
            return MemoryOperand(
                address: Address(base, index: index.register, displacement), index: index)
        }
        let scratch = loadFarBase(memory, argument.offset)
        return MemoryOperand(address: Address(scratch, index: index.register), index: index)
    }

    /// The register that holds the base of a memory: of memory 0 its home, else the scratch.
    private mutating func base(of memory: Int) -> GPR {
        if memory != 0 {
            code.load(.w64, CallingConvention.scratch, memoryField(memory, offset: 0))
            return CallingConvention.scratch
        }
        if !memoryBaseHome.isNone {
            if !homeState.valid.has(memoryBaseHome) {
                loadMemoryBaseHome()
                homeState.valid.insert(RegisterSet(memoryBaseHome))
            }
            return memoryBaseHome.general
        }
        code.load(
            .w64, CallingConvention.scratch,
            Address(CallingConvention.context, ContextField.memoryBase))
        return CallingConvention.scratch
    }

    /// Base plus an offset too large for a displacement, in the scratch.
    private mutating func loadFarBase(_ memory: Int, _ offset: UInt64) -> GPR {
        let scratch = CallingConvention.scratch
        if memory == 0 {
            code.moveImmediate(scratch, offset)
            code.alu(
                .add, .w64, scratch, Address(CallingConvention.context, ContextField.memoryBase))
        } else {
            let far = allocateGeneral()
            code.load(.w64, scratch, memoryField(memory, offset: 0))
            code.moveImmediate(far, offset)
            code.alu(.add, .w64, scratch, far)
            free(far)
        }
        return scratch
    }

    @inline(__always)
    mutating func release(_ place: MemoryOperand) {
        if let index = place.index { release(index) }
    }

    mutating func translateLoad(_ number: NumberType, _ width: LoadWidth) {
        let argument = reader.readMemoryArgument()
        let type = ValueClass(number)
        let operand = pop()
        let index = takeIndex(operand)
        if type.isInVector {
            let result = floatDestination()
            let place = memoryOperand(operand, index, argument, bytes: type.byteCount(width))
            markSite(.memoryOutOfBounds)
            loadVectorRegister(type, result.float, place.address)
            release(place)
            return finish(result, type)
        }
        let reused = index ?? GeneralValue(register: .rax, isOwned: false)
        let result = destination(reusing: reused)
        let place = memoryOperand(operand, index, argument, bytes: type.byteCount(width))
        markSite(.memoryOutOfBounds)
        emitLoad(type, width, result.general, place.address)
        finish(result, type, freeing: reused)
    }

    private mutating func emitLoad(
        _ type: ValueClass, _ width: LoadWidth, _ target: GPR, _ address: Address
    ) {
        switch width {
        case .full: code.load(type.width, target, address)
        case .unsigned32: code.load(.w32, target, address)
        case .unsigned8: code.loadZeroExtended(from: .w8, target, address)
        case .unsigned16: code.loadZeroExtended(from: .w16, target, address)
        case .signed8: code.loadSignExtended(from: .w8, to: type.width, target, address)
        case .signed16: code.loadSignExtended(from: .w16, to: type.width, target, address)
        case .signed32: code.loadSignExtended(from: .w32, to: type.width, target, address)
        }
    }

    mutating func translateStore(_ number: NumberType, _ storeWidth: StoreWidth) {
        let argument = reader.readMemoryArgument()
        let type = ValueClass(number)
        let operand = pop()
        let address = pop()
        let width = type.memoryWidth(storeWidth)
        let bytes = type.byteCount(storeWidth)
        if operand.isConstant, let immediate = operand.storeImmediate {
            let place = memoryOperand(address, argument, bytes: bytes)
            markSite(.memoryOutOfBounds)
            code.store(width, place.address, immediate: immediate)
            return release(place)
        }
        if type.isInVector {
            let value = takeFloat(operand)
            let place = memoryOperand(address, argument, bytes: bytes)
            markSite(.memoryOutOfBounds)
            storeVectorRegister(type, place.address, value.register)
            release(value)
            release(place)
        } else {
            let value = take(operand)
            let place = memoryOperand(address, argument, bytes: bytes)
            markSite(.memoryOutOfBounds)
            code.store(width, place.address, value.register)
            release(value)
            release(place)
        }
    }

    // MARK: Size, growth and bulk operations

    mutating func translateMemorySize() {
        let memory = Int(reader.readIndex())
        let result = generalDestination()
        let traits = memories[memory]
        code.load(.w64, result.general, memoryField(memory, offset: 8))
        if traits.pageSizeLog2 > 0 {
            code.shift(.shr, .w64, result.general, immediate: traits.pageSizeLog2)
        }
        finish(result, traits.address)
    }

    /// A field of the record of a memory; of one that is not in the context its address goes into
    /// the scratch.
    mutating func memoryField(_ memory: Int, offset: Int32) -> Address {
        if let pointer = layout.memoryPointer(memory) {
            code.load(
                .w64, CallingConvention.scratch, Address(CallingConvention.context, pointer))
            return Address(CallingConvention.scratch, offset)
        }
        return Address(CallingConvention.context, layout.memory(memory) &+ offset)
    }

    mutating func translateMemoryGrow() {
        let memory = reader.readIndex()
        callRuntime(
            .memoryGrow, leading: [memory], operands: 1, result: memories[Int(memory)].address)
    }

    mutating func translateMemoryFill() {
        let memory = Int(reader.readIndex())
        if writeOutFill(memory) { return }
        callRuntime(
            .memoryFill, leading: [layout.memoryPlace(memory)], operands: 3, result: nil)
    }

    mutating func translateMemoryCopy() {
        let destination = Int(reader.readIndex())
        let source = Int(reader.readIndex())
        if writeOutCopy(to: destination, from: source) { return }
        callRuntime(
            .memoryCopy,
            leading: [layout.memoryPlace(destination), layout.memoryPlace(source)], operands: 3,
            result: nil)
    }

    mutating func translateMemoryInit() {
        let segment = Int(reader.readIndex())
        let memory = Int(reader.readIndex())
        if writeOutInit(memory, from: segment) { return }
        callRuntime(
            .memoryCopy, leading: [layout.memoryPlace(memory), layout.dataPlace(segment)],
            operands: 3, result: nil)
    }

    mutating func translateDataDrop() {
        callRuntime(.dataDrop, leading: [reader.readIndex()], operands: 0, result: nil)
    }
}

extension ValueClass {
    /// Width of the value itself in memory.
    var memoryWidth: Width {
        @inline(__always) get { self == .i32 || self == .f32 ? .w32 : .w64 }
    }

    @inline(__always)
    func memoryWidth(_ store: StoreWidth) -> Width {
        switch store {
        case .full: memoryWidth
        case .low8: .w8
        case .low16: .w16
        case .low32: .w32
        }
    }
}
