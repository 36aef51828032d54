internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Objects: making them where the store context says that there is room, and asking for their
/// types.
extension Emitter {
    mutating func emitAllocation(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let operands = AllocationOperands(rawValue: instruction.detail)
        let definitions = instruction.definitions.lowerBound
        let uses = instruction.uses.lowerBound
        let object = general(definitions, function)
        let store = general(definitions &+ 1, function)
        let bytes = Int(instruction.immediate & 0xFFFF_FFFF)
        let isDynamic = operands.contains(.bytes)
        var length = ObjectLength.constant(UInt32(truncatingIfNeeded: instruction.immediate >> 32))
        if operands.contains(.length) {
            length = .register(general(isDynamic ? uses &+ 1 : uses, function))
        }
        let cold = ColdAllocation(
            of: object, type: instruction.displacement, length, at: offset, code.makeLabel(),
            back: code.makeLabel())
        if !isDynamic, bytes > ObjectLayout.inlineBytes { return callAllocation(cold) }
        let end =
            isDynamic
            ? Address(object, index: general(uses, function))
            : Address(object, Int32(truncatingIfNeeded: bytes))
        let isTooLarge = code.findRoom(for: object, end: end, store)
        jump(isTooLarge, cold.label)
        code.makeObject(object, type: cold.type, length, store)
        code.bind(cold.back)
        coldAllocations.append(cold)
    }

    /// Has the runtime make the object.
    private mutating func callAllocation(_ cold: ColdAllocation) {
        code.callAllocation(type: cold.type, cold.length)
        sites.calls.append(CallSite(codeOffset: codeOffset, bodyOffset: cold.bodyOffset))
        code.move(.w64, cold.object, CallingConvention.scratch)
    }

    /// What has been put off because there is hardly ever no room.
    mutating func emitColdAllocations() {
        for index in 0..<coldAllocations.count {
            let cold = coldAllocations[index]
            code.bind(cold.label)
            callAllocation(cold)
            code.jump(cold.back)
        }
    }

    // MARK: Types

    mutating func emitTypeTest(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) {
        let test = TypeTest(bits: UInt16(truncatingIfNeeded: instruction.immediate))
        let result = general(instruction.definitions.lowerBound, function)
        let value = general(instruction.uses.lowerBound, function)
        let done = code.makeLabel()
        code.moveImmediate(result, test.isNullable ? 1 : 0)
        code.test(.w64, value, value)
        code.jump(.e, done, near: true)
        let scratch = CallingConvention.scratch
        if test.kind == .equatable {
            code.move(.w32, scratch, value)
            code.alu(.and, .w32, scratch, immediate: ObjectLayout.tagMask)
            code.alu(.cmp, .w32, scratch, immediate: ObjectLayout.handleTag)
            code.moveImmediate(result, 0)
            code.set(.ne, result)
            return code.bind(done)
        }
        if test.isNullable { code.zero(result) }
        if !test.isOfFunctions {
            code.test(.w8, value, immediate: ObjectLayout.tagMask)
            code.jump(.ne, done, near: true)
        }
        code.load(
            .w32, scratch,
            Address(value, test.isOfFunctions ? FuncrefField.signature : ObjectLayout.type))
        compareType(test, instruction.displacement, result, done)
        code.bind(done)
    }

    /// Sets `result`, which is 0, to whether the type whose id the scratch register has is let
    /// pass.
    private mutating func compareType(
        _ test: TypeTest, _ place: Int32, _ result: GPR, _ done: Label
    ) {
        let scratch = CallingConvention.scratch
        let wanted = Address(CallingConvention.context, place)
        if test.kind == .structure || test.kind == .array {
            let kind: CompositeKind = test.kind == .structure ? .structure : .array
            addressTypeRecord(scratch, result)
            code.alu(
                .cmp, .w8, Address(scratch, TypeField.kind), immediate: Int32(kind.rawValue))
        } else {
            code.alu(.cmp, .w32, scratch, wanted)
            if !test.isFinal {
                let isOther = code.makeLabel()
                code.jump(.ne, isOther, near: true)
                code.moveImmediate(result, 1)
                code.jump(done, near: true)
                code.bind(isOther)
                addressTypeRecord(scratch, result)
                let place = TypeField.supertype(atDepth: Int(test.depth))
                if place.isFar { code.load(.w64, scratch, Address(scratch, TypeField.far)) }
                code.load(.w32, scratch, Address(scratch, place.offset))
                code.alu(.cmp, .w32, scratch, wanted)
            }
        }
        code.moveImmediate(result, 0)
        code.set(.e, result)
    }

    /// Makes the id of a type in `register` the address of its record. Changes `other`.
    private mutating func addressTypeRecord(_ register: GPR, _ other: GPR) {
        code.load(.w64, other, Address(CallingConvention.context, ContextField.storeContext))
        code.load(.w64, other, Address(other, StoreField.types))
        code.alu(.and, .w32, register, immediate: Int32(TypeField.slotMask))
        code.shift(.shl, .w64, register, immediate: UInt8(TypeField.recordSizeLog2))
        code.alu(.add, .w64, register, other)
    }
}
