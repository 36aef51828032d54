internal import ApusABI
public import ApusAssembler
internal import ApusCollections

/// The stubs that all modules of an engine share, and that of a function.
extension Trampolines {
    /// The stub through which compiled code calls `RuntimeFunction` number eax.
    public func makeRuntimeCall(into code: inout CodeBuffer) -> Int {
        let start = begin(&code)
        // Where fuel is metered, all of them have to be paid for.
        let short = isFuelMetered ? nil : jumpToShortBulk(&code)
        code.load(.w64, .r10, Address(.rsp))
        recordExit(framePointer: .rbp, programCounter: .r10, &code)
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        code.move(.w64, .rdi, context)
        code.load(.w64, scratch, Address(context, ContextField.runtimeFunctions))
        code.call(Address(scratch, index: RuntimeCall.function, scale: 8))
        let trapped = leaveIfTrapped(&code)
        code.pop(.rbp)
        code.ret()
        leave(trapped, &code)
        if let short { emitShortBulk(short, &code) }
        return start
    }

    /// The stub that leaves what runs: where `trapLeave`, the address of a C function, says so, for
    /// the handler of an exception, else for where the innermost entry trampoline lands.
    public func makeTrapExit(trapLeave: UInt, into code: inout CodeBuffer) -> Int {
        let start = begin(&code)
        let isCaught = code.makeLabel()
        code.load(.w64, .rdi, Address(context, ContextField.storeContext))
        code.move(.w64, .rsi, context)
        code.alu(.and, .w64, .rsp, immediate: -16)
        code.moveImmediate(.rax, UInt64(trapLeave))
        code.call(.rax)
        code.load(.w64, scratch, Address(context, ContextField.storeContext))
        code.test(.w64, .rax, .rax)
        code.jump(.ne, isCaught, near: true)
        code.load(.w64, .rsp, Address(scratch, StoreField.entryStackPointer))
        code.jump(Address(scratch, StoreField.landing))
        code.bind(isCaught)
        code.move(.w64, .r10, .rax)
        code.load(.w64, .rbp, Address(scratch, StoreField.catchFramePointer))
        code.load(.w64, CallingConvention.exception, Address(scratch, StoreField.exception))
        takeSavedRegisters(&code)
        loadFuel(from: scratch, &code)
        code.restoreContext()
        code.jump(.r10)
        return start
    }

    /// Brings back the registers that frames which an exception leaves have saved.
    private func takeSavedRegisters(_ code: inout CodeBuffer) {
        for (place, register) in CallingConvention.calleeSaved.enumerated()
        where !isFuelMetered || register != CallingConvention.fuel {
            let isKept = code.makeLabel()
            let address = Address(scratch, StoreField.catchSaved + Int32(8 * place))
            code.load(.w64, .rcx, address)
            code.test(.w64, .rcx, .rcx)
            code.jump(.e, isKept, near: true)
            code.load(.w64, register, Address(.rcx))
            code.bind(isKept)
        }
    }

    /// The stub that functions return to which another instance has tail-called. Its frame holds
    /// the context that the first caller expects (`TailFrame`).
    public func makeTailReturn(into code: inout CodeBuffer) -> Int {
        let start = begin(&code)
        code.load(.w64, context, Address(.rbp, TailFrame.restored))
        code.leave()
        code.ret()
        return start
    }

    /// A stub that goes on at the address that lies `distance` bytes behind its own start; its
    /// second part calls the one that lies `compileDistance` bytes behind. 16 bytes.
    public func makeLinkage(
        distance: Int32, compileDistance: Int32, into code: inout CodeBuffer
    ) -> Int {
        let start = begin(&code)
        code.jumpThrough(distance: distance - Int32(code.count - start) - 6)
        code.callThrough(distance: compileDistance - Int32(code.count - start) - 6)
        while code.count - start < 16 { code.int3() }
        return start
    }
}
