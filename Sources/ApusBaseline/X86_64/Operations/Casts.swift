internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Tests of what references refer to, and integers of 31 bits (4.6.5).
///
/// The two lowest bits of a reference tell objects from integers and from what the host has given.
extension BaselineCompiler {
    // MARK: Integers of 31 bits

    mutating func translateRefI31() {
        let value = take(pop())
        let result = destination(reusing: value)
        // The bit that an integer has besides; the uppermost one is lost.
        code.lea(
            .w32, result.general,
            Address(value.register, index: value.register, scale: 1, ObjectLayout.integerBit))
        finish(result, .reference, freeing: value)
    }

    mutating func translateI31Get(_ sign: FieldExtension) {
        let value = takeOwned(pop())
        code.test(.w64, value, value)
        trap(.nullIntegerReference, if: .e)
        code.shift(sign == .signed ? .sar : .shr, .w32, value, immediate: 1)
        push(.i32, value)
    }

    // MARK: Tests

    mutating func translateRefTest(nullable: Bool) {
        let heap = reader.readHeapType()
        let result = takeOwned(pop())
        let fail = code.makeLabel()
        let match = code.makeLabel()
        let over = code.makeLabel()
        testReference(result, heap, nullable: nullable, fail: fail, match: match)
        code.bind(match)
        code.moveImmediate(result, 1)
        code.jump(over, near: true)
        code.bind(fail)
        code.moveImmediate(result, 0)
        code.bind(over)
        push(.i32, result)
    }

    mutating func translateRefCast(nullable: Bool) {
        let heap = reader.readHeapType()
        let operand = pop()
        let value = take(operand)
        let fail = code.makeLabel()
        let match = code.makeLabel()
        testReference(value.register, heap, nullable: nullable, fail: fail, match: match)
        code.bind(match)
        coldTraps.append(ColdTrap(label: fail, bodyOffset: bodyOffset, code: .castFailure))
        push(.reference, value)
    }

    /// A reference that has been taken goes back to the stack.
    private mutating func push(_ type: ValueClass, _ value: GeneralValue) {
        if value.isOwned { return push(type, value.register) }
        let copy = allocateGeneral()
        code.move(.w64, copy, value.register)
        push(type, copy)
    }

    /// `br_on_cast`, or `br_on_cast_fail` if `onFailure`.
    mutating func translateBrOnCast(onFailure: Bool) {
        let flags = reader.readByte()
        let depth = Int(reader.readIndex())
        _ = reader.readHeapType()
        let heap = reader.readHeapType()
        let value = take(pop())
        push(.reference, value)
        let fail = code.makeLabel()
        let match = code.makeLabel()
        restoreHomes()
        testReference(
            stack.last.general, heap, nullable: flags & 2 != 0, fail: fail, match: match)
        if onFailure {
            let over = code.makeLabel()
            code.bind(match)
            code.jump(over)
            code.bind(fail)
            countWay(0, ofBranchAt: instructionOffset)
            emitBranchAside(depth)
            code.bind(over)
        } else {
            code.bind(match)
            countWay(0, ofBranchAt: instructionOffset)
            emitBranchAside(depth)
            code.bind(fail)
        }
    }

    /// Goes to `fail` unless `value` refers to `heap`, or is null if `nullable`. Where it does,
    /// goes to `match`, or on.
    private mutating func testReference(
        _ value: GPR, _ heap: HeapType, nullable: Bool, fail: Label, match: Label
    ) {
        guard let index = heap.typeIndex else {
            return testAbstract(value, heap, nullable: nullable, fail: fail, match: match)
        }
        // Before the code parts: whoever has it may have to move.
        let types = allocateGeneral()
        code.test(.w64, value, value)
        code.jump(.e, nullable ? match : fail)
        let isFunction = module.types.kind(Int(index)) == .function
        if !isFunction {
            code.test(.w8, value, immediate: ObjectLayout.tagMask)
            code.jump(.ne, fail)
        }
        let scratch = CallingConvention.scratch
        code.load(
            .w32, scratch,
            Address(value, isFunction ? FuncrefField.signature : ObjectLayout.type))
        compareSupertype(Int(index), scratch, types, match: match)
        code.jump(.ne, fail)
        free(types)
    }

    private mutating func testAbstract(
        _ value: GPR, _ heap: HeapType, nullable: Bool, fail: Label, match: Label
    ) {
        switch heap {
        case .any, .func, .extern, .exn:
            if nullable { return }
            code.test(.w64, value, value)
            code.jump(.e, fail)
        case .none, .nofunc, .noextern, .noexn:
            guard nullable else { return code.jump(fail) }
            code.test(.w64, value, value)
            code.jump(.ne, fail)
        default:
            let types = allocateGeneral()
            code.test(.w64, value, value)
            code.jump(.e, nullable ? match : fail)
            testKind(value, heap, types, fail: fail)
            free(types)
        }
    }

    /// Goes to `fail` unless `value`, which is not null, refers to `heap`, which is below `any`.
    private mutating func testKind(_ value: GPR, _ heap: HeapType, _ types: GPR, fail: Label) {
        let scratch = CallingConvention.scratch
        switch heap {
        case .i31:
            code.test(.w8, value, immediate: ObjectLayout.integerBit)
            code.jump(.e, fail)
        case .eq:
            code.move(.w32, scratch, value)
            code.alu(.and, .w32, scratch, immediate: ObjectLayout.tagMask)
            code.alu(.cmp, .w32, scratch, immediate: ObjectLayout.handleTag)
            code.jump(.e, fail)
        default:
            code.test(.w8, value, immediate: ObjectLayout.tagMask)
            code.jump(.ne, fail)
            code.load(.w32, scratch, Address(value, ObjectLayout.type))
            addressTypeRecord(scratch, types)
            let kind: CompositeKind = heap == .struct ? .structure : .array
            code.alu(
                .cmp, .w8, Address(scratch, TypeField.kind), immediate: Int32(kind.rawValue))
            code.jump(.ne, fail)
        }
    }

    /// Makes the id of a type in `register` the address of its record. Changes `types`.
    private mutating func addressTypeRecord(_ register: GPR, _ types: GPR) {
        code.load(
            .w64, types, Address(CallingConvention.context, ContextField.storeContext))
        code.load(.w64, types, Address(types, StoreField.types))
        code.alu(.and, .w32, register, immediate: Int32(TypeField.slotMask))
        code.shift(.shl, .w64, register, immediate: UInt8(TypeField.recordSizeLog2))
        code.alu(.add, .w64, register, types)
    }

    /// Compares the type whose id is in `found` with type `typeIndex`: goes to `match` if it is
    /// that one, else sets flags: equal if it is below it. Changes `types`.
    private mutating func compareSupertype(
        _ typeIndex: Int, _ found: GPR, _ types: GPR, match: Label
    ) {
        let wanted = Address(CallingConvention.context, layout.signature(typeIndex))
        code.alu(.cmp, .w32, found, wanted)
        let type = signatures.table.place(typeIndex)
        if type.isFinal { return }
        code.jump(.e, match)
        addressTypeRecord(found, types)
        let place = TypeField.supertype(atDepth: Int(type.depth))
        if place.isFar { code.load(.w64, found, Address(found, TypeField.far)) }
        code.load(.w32, found, Address(found, place.offset))
        code.alu(.cmp, .w32, found, wanted)
    }
}
