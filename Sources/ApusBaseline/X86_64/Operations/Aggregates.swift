internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Structures and arrays (4.6.6). Null is noticed where a header or a field of it is read.
extension BaselineCompiler {
    // MARK: Structures

    mutating func translateStructNew(_ initializer: AggregateInitializer) {
        let type = Int(reader.readIndex())
        let bytes = aggregates.structureBytes(type)
        if isFuelMetered, initializer == .defaults, FuelCost.ofStructure(bytes: UInt64(bytes)) > 0 {
            let place = UInt32(bitPattern: layout.signature(type))
            return callRuntime(.structNew, leading: [place], operands: 0, result: .reference)
        }
        let object = allocate(type, bytes: bytes)
        if initializer == .values {
            let count = aggregates.fieldCount(type)
            let first = stack.count &- count
            for index in 0..<count {
                let field = aggregates.field(type, index)
                store(stack[first &+ index], field.storage, Address(object, field.offset))
            }
            truncateStack(to: first)
        }
        push(.reference, object)
    }

    mutating func translateStructGet(_ sign: FieldExtension) {
        let field = readField()
        let reference = take(pop())
        checkStructure(reference.register, field)
        load(
            field.storage, sign, Address(reference.register, field.offset), freeing: reference,
            mayFault: .nullStructureReference)
    }

    mutating func translateStructSet() {
        let field = readField()
        let operand = pop()
        if field.storage.isGeneralField {
            let value = take(operand)
            let reference = take(pop())
            checkStructure(reference.register, field)
            markSite(.nullStructureReference)
            code.store(
                field.storage.width, Address(reference.register, field.offset), value.register)
            release(reference)
            release(value)
        } else {
            let value = takeFloat(operand)
            let reference = take(pop())
            checkStructure(reference.register, field)
            markSite(.nullStructureReference)
            storeVectorRegister(
                ValueClass(field.storage), Address(reference.register, field.offset),
                value.register)
            release(reference)
            release(value)
        }
    }

    private mutating func readField() -> AggregateLayouts.Field {
        let type = Int(reader.readIndex())
        return aggregates.field(type, Int(reader.readIndex()))
    }

    /// Traps if a reference is null and the field too far away for its access to fault.
    private mutating func checkStructure(_ reference: GPR, _ field: AggregateLayouts.Field) {
        guard field.offset >= ObjectLayout.faultingBytes else { return }
        code.test(.w64, reference, reference)
        trap(.nullStructureReference, if: .e)
    }

    // MARK: New arrays

    mutating func translateArrayNew(_ initializer: AggregateInitializer) {
        let type = Int(reader.readIndex())
        if newShortArray(type, initializer) { return }
        let place = UInt32(bitPattern: layout.signature(type))
        guard initializer == .values else {
            return callRuntime(.arrayNew, leading: [place], operands: 1, result: .reference)
        }
        let isVector = passElement(stack.count &- 2)
        callRuntime(
            isVector ? .arrayNewVectors : .arrayNewFilled, leading: [place], operands: 2,
            result: .reference)
    }

    /// More elements than this are the runtime's.
    private static var shortLength: UInt64 { 8 }

    /// Makes the array whose length, and first element, is on the stack; false if it is not known
    /// to be short.
    private mutating func newShortArray(_ type: Int, _ initializer: AggregateInitializer) -> Bool {
        // The runtime takes the fuel.
        guard !isFuelMetered, stack.last.isConstant else { return false }
        let length = stack.last.bits & 0xFFFF_FFFF
        guard length <= Self.shortLength else { return false }
        discard(pop())
        let elements = aggregates.elements(type)
        let unit = ObjectLayout.bytes(of: elements.storage)
        let count = Int(length)
        let bytes = ObjectLayout.objectBytes(Int(elements.offset) &+ count &* unit)
        let object = allocate(type, bytes: bytes, length: UInt32(truncatingIfNeeded: length))
        if initializer == .values {
            for index in 0..<count {
                let offset = elements.offset &+ Int32(truncatingIfNeeded: index &* unit)
                store(stack.last, elements.storage, Address(object, offset))
            }
            truncateStack(to: stack.count &- 1)
        }
        push(.reference, object)
        return true
    }

    mutating func translateArrayNewFixed() {
        let type = Int(reader.readIndex())
        let count = Int(reader.readIndex())
        let elements = aggregates.elements(type)
        let unit = ObjectLayout.bytes(of: elements.storage)
        let bytes = ObjectLayout.objectBytes(Int(elements.offset) &+ count &* unit)
        let object = allocate(type, bytes: bytes, length: UInt32(truncatingIfNeeded: count))
        let first = stack.count &- count
        for index in 0..<count {
            let offset = elements.offset &+ Int32(truncatingIfNeeded: index &* unit)
            store(stack[first &+ index], elements.storage, Address(object, offset))
        }
        truncateStack(to: first)
        push(.reference, object)
    }

    mutating func translateArrayNewData() {
        let type = Int(reader.readIndex())
        let segment = layout.dataPlace(Int(reader.readIndex()))
        callRuntime(
            .arrayNewData, leading: [UInt32(bitPattern: layout.signature(type)), segment],
            operands: 2, result: .reference)
    }

    mutating func translateArrayNewElement() {
        let type = Int(reader.readIndex())
        let segment = layout.elementPlace(Int(reader.readIndex()))
        callRuntime(
            .arrayNewElements, leading: [UInt32(bitPattern: layout.signature(type)), segment],
            operands: 2, result: .reference)
    }

    // MARK: Elements

    mutating func translateArrayLength() {
        let reference = take(pop())
        let result = destination(reusing: reference)
        markSite(.nullArrayReference)
        code.load(.w32, result.general, Address(reference.register, ObjectLayout.length))
        finish(result, .i32, freeing: reference)
    }

    mutating func translateArrayGet(_ sign: FieldExtension) {
        let elements = aggregates.elements(Int(reader.readIndex()))
        let index = take(pop())
        let reference = take(pop())
        let masked = checkElement(reference.register, index.register)
        release(index)
        let address = address(reference.register, masked, elements)
        load(
            elements.storage, sign, address, freeing: GeneralValue(register: masked, isOwned: true))
        // Not before: the place for the result may have been made free by moving what was there.
        release(reference)
    }

    mutating func translateArraySet() {
        let elements = aggregates.elements(Int(reader.readIndex()))
        let operand = pop()
        let isGeneral = elements.storage.isGeneralField
        let general = isGeneral ? take(operand) : GeneralValue(register: .rax, isOwned: false)
        let vector = isGeneral ? FloatValue(register: .xmm0, isOwned: false) : takeFloat(operand)
        let index = take(pop())
        let reference = take(pop())
        let masked = checkElement(reference.register, index.register)
        let address = address(reference.register, masked, elements)
        if isGeneral {
            code.store(elements.storage.width, address, general.register)
        } else {
            storeVectorRegister(ValueClass(elements.storage), address, vector.register)
        }
        free(masked)
        release(reference)
        release(index)
        release(general)
        release(vector)
    }

    /// Compares `index` with the length of an array. The result, a register to be freed, is the
    /// index, or 0 where the processor goes on with a wrong one before it knows.
    private mutating func checkElement(_ array: GPR, _ index: GPR) -> GPR {
        let masked = allocateGeneral()
        code.zero(masked)
        markSite(.nullArrayReference)
        code.alu(.cmp, .w32, index, Address(array, ObjectLayout.length))
        trap(.arrayOutOfBounds, if: .ae)
        code.cmov(.b, .w32, masked, index)
        return masked
    }

    /// Where the element with the index in `index` is; that register is used up.
    private mutating func address(
        _ array: GPR, _ index: GPR, _ elements: AggregateLayouts.Field
    ) -> Address {
        let shift = ObjectLayout.bytesLog2(of: elements.storage)
        if shift <= 3 {
            return Address(array, index: index, scale: 1 << shift, elements.offset)
        }
        code.shift(.shl, .w64, index, immediate: UInt8(truncatingIfNeeded: shift))
        return Address(array, index: index, scale: 1, elements.offset)
    }

    // MARK: Many elements

    mutating func translateArrayFill() {
        _ = reader.readIndex()
        let isVector = passElement(stack.count &- 2)
        callRuntime(
            isVector ? .arrayFillVectors : .arrayFill, leading: [], operands: 4, result: nil)
    }

    mutating func translateArrayCopy() {
        _ = reader.readIndex()
        _ = reader.readIndex()
        callRuntime(.arrayCopy, leading: [], operands: 5, result: nil)
    }

    mutating func translateArrayInitData() {
        _ = reader.readIndex()
        let segment = layout.dataPlace(Int(reader.readIndex()))
        callRuntime(.arrayInitData, leading: [segment], operands: 4, result: nil)
    }

    mutating func translateArrayInitElement() {
        _ = reader.readIndex()
        let segment = layout.elementPlace(Int(reader.readIndex()))
        callRuntime(.arrayInitElements, leading: [segment], operands: 4, result: nil)
    }

    /// Makes the operand at `position` one that the runtime takes: a float as its bits, a vector,
    /// which is then in its slot, as an address.
    private mutating func passElement(_ position: Int) -> Bool {
        let type = stack[position].type
        guard type.isInVector else { return false }
        if type != .v128, stack[position].isConstant {
            stack[position] = .constant(type == .f32 ? .i32 : .i64, stack[position].bits)
            return false
        }
        spill(position)
        // Whoever has the register is above: nothing moves into the slot meanwhile.
        let register = allocateGeneral()
        if type == .v128 {
            code.lea(.w64, register, slotAddress(position))
        } else {
            code.load(type == .f32 ? .w32 : .w64, register, slotAddress(position))
        }
        let passed: ValueClass = type == .f32 ? .i32 : .i64
        stack[position] = .register(passed, register)
        stack.note(PhysicalRegister(register), at: position)
        return type == .v128
    }

    // MARK: Fields

    /// Writes an operand to a field, as wide as that is. Changes only the scratch registers.
    private mutating func store(_ operand: Operand, _ storage: ValueType, _ address: Address) {
        if operand.isConstant, operand.bits == 0, operand.type != .v128 {
            // It is a new object's.
            return
        }
        guard storage.isGeneralField else {
            let value: XMM
            if operand.kind == .register {
                value = operand.float
            } else {
                value = CallingConvention.floatScratch
                load(operand, into: value)
            }
            return storeVectorRegister(ValueClass(storage), address, value)
        }
        if operand.isConstant, let immediate = operand.storeImmediate {
            return code.store(storage.width, address, immediate: immediate)
        }
        let value: GPR
        if operand.kind == .register {
            value = operand.general
        } else {
            value = CallingConvention.scratch
            load(operand, into: value)
        }
        code.store(storage.width, address, value)
    }

    /// Pushes what a field holds. If `mayFault`, that is the trap when reading it faults.
    private mutating func load(
        _ storage: ValueType, _ sign: FieldExtension, _ address: Address,
        freeing base: GeneralValue, mayFault trap: TrapCode? = nil
    ) {
        let type = ValueClass(storage.unpacked)
        guard storage.isGeneralField else {
            let result = floatDestination()
            if let trap { markSite(trap) }
            loadVectorRegister(type, result.float, address)
            return finish(result, type, freeing: base)
        }
        let result = destination(reusing: base)
        if let trap { markSite(trap) }
        if storage != storage.unpacked, sign == .signed {
            code.loadSignExtended(from: storage.width, to: .w32, result.general, address)
        } else {
            code.loadZeroExtended(from: storage.width, result.general, address)
        }
        finish(result, type, freeing: base)
    }
}

extension ValueType {
    /// Whether values of a field of this type are in general registers.
    fileprivate var isGeneralField: Bool { isGeneral || self == .i8 || self == .i16 }

    /// What a field of this type is when it has been read.
    fileprivate var unpacked: ValueType { self == .i8 || self == .i16 ? .i32 : self }

    /// Of a field in general registers.
    fileprivate var width: Width {
        switch self {
        case .i8: .w8
        case .i16: .w16
        case .i32: .w32
        default: .w64
        }
    }
}
