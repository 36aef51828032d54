public import ApusAssembler
internal import ApusCollections

/// What all compiled code does in the same way. Those that compare leave it to the compiler where
/// to go if the condition holds that they return. The scratch register is theirs.
extension CodeBuffer {
    /// Before a frame of `frameBytes` is made: the condition that there is no stack left for it.
    public mutating func compareStack(frameBytes: Int32) -> Condition {
        let limit = Address(CallingConvention.context, ContextField.stackLimit)
        if frameBytes <= FrameLayout.headRoomBytes {
            alu(.cmp, .w64, .rsp, limit)
        } else {
            lea(.w64, CallingConvention.scratch, Address(.rsp, -frameBytes))
            alu(.cmp, .w64, CallingConvention.scratch, limit)
        }
        return .b
    }

    /// Takes `cost` from the fuel: the condition that there was not enough.
    @discardableResult
    public mutating func payFuel(_ cost: Int32) -> Condition {
        alu(cost == 0 ? .cmp : .sub, .w64, CallingConvention.fuel, immediate: cost)
        return .l
    }

    /// Reads whether the thread has been told to leave wasm: the condition that it has.
    public mutating func compareRequests() -> Condition {
        let scratch = CallingConvention.scratch
        load(.w64, scratch, Address(CallingConvention.context, ContextField.storeContext))
        load(.w64, scratch, Address(scratch, StoreField.requests))
        alu(.cmp, .w32, Address(scratch), immediate: 0)
        return .ne
    }

    /// Calls the imported function whose record (`apus_function_import`) is at `record` in the
    /// context. The context is the callee's afterwards: see `restoreContext`.
    public mutating func callImport(at record: Int32) {
        let scratch = CallingConvention.scratch
        let context = CallingConvention.context
        load(.w64, scratch, Address(context, record &+ FunctionImportField.code))
        load(.w64, context, Address(context, record &+ FunctionImportField.context))
        call(scratch)
    }

    /// Calls the function whose record (`apus_funcref`) the scratch register has the address of;
    /// its first instruction faults if that is null. The context is the callee's afterwards.
    public mutating func callReferenced() {
        let scratch = CallingConvention.scratch
        load(.w64, CallingConvention.context, Address(scratch, FuncrefField.context))
        call(Address(scratch, FuncrefField.code))
    }

    /// Calls function `number` of the runtime, whose arguments are in place.
    public mutating func callRuntime(_ number: UInt64) {
        moveImmediate(RuntimeCall.function, number)
        call(Address(CallingConvention.context, ContextField.runtimeCall))
    }

    /// Makes the context the one that the function keeps.
    public mutating func restoreContext() {
        load(.w64, CallingConvention.context, FrameLayout.contextSlot)
    }
}

/// Making an object: where there is room for it, `findRoom`, then `makeObject`; elsewhere
/// `callAllocation`. No register changes besides those that are named.
extension CodeBuffer {
    /// Puts the store context into `storeContext` and where the next object lies into `object`, and
    /// compares `end` of it, an address from `object`, with the end of the room: the condition that
    /// there is not enough.
    public mutating func findRoom(for object: GPR, end: Address, _ storeContext: GPR) -> Condition {
        let scratch = CallingConvention.scratch
        load(.w64, storeContext, Address(CallingConvention.context, ContextField.storeContext))
        load(.w64, object, Address(storeContext, StoreField.heapNext))
        lea(.w64, scratch, end)
        alu(.cmp, .w64, scratch, Address(storeContext, StoreField.heapLimit))
        return .a
    }

    /// Makes what `findRoom` has found room for an object of the type whose id is at `type` in the
    /// context, all zeros besides its header.
    public mutating func makeObject(
        _ object: GPR, type: Int32, _ length: ObjectLength, _ storeContext: GPR
    ) {
        let scratch = CallingConvention.scratch
        store(.w64, Address(storeContext, StoreField.heapNext), scratch)
        load(.w32, scratch, Address(CallingConvention.context, type))
        store(.w32, Address(object, ObjectLayout.type), scratch)
        let place = Address(object, ObjectLayout.length)
        switch length {
        case .constant(0): break
        case .constant(let count): store(.w32, place, immediate: Int32(bitPattern: count))
        case .register(let register): store(.w32, place, register)
        }
        // With its mark it becomes an object: what comes before may be left undone.
        move(.w64, scratch, object)
        shift(.shr, .w64, scratch, immediate: UInt8(ObjectLayout.granuleShift))
        alu(.add, .w64, scratch, Address(storeContext, StoreField.heapMarks))
        store(.w8, Address(scratch), immediate: Int32(ObjectLayout.newMark))
    }

    /// Has the runtime make such an object, whose address the scratch register gets.
    public mutating func callAllocation(type: Int32, _ length: ObjectLength) {
        let scratch = CallingConvention.scratch
        push(Address(CallingConvention.context, type))
        switch length {
        case .constant(let count):
            moveImmediate(scratch, UInt64(count))
            push(scratch)
        case .register(let register): push(register)
        }
        load(.w64, scratch, Address(CallingConvention.context, ContextField.storeContext))
        call(Address(scratch, StoreField.allocate))
    }
}
