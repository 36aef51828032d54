public import ApusAssembler

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
