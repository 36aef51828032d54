internal import ApusABI
public import ApusAssembler
internal import ApusCollections

/// The stubs that change nothing a function can see while the runtime does something for it: they
/// keep registers on the stack, where a collection finds the references among them.
extension Trampolines {
    /// The stub that makes an object for compiled code that has no room for it: the type's id and
    /// the length of an array lie on the stack, the object's address is in the scratch register
    /// afterwards. All other registers are as they were.
    public func makeAllocate(into code: inout CodeBuffer) -> Int {
        let start = begin(&code)
        let kept = KeptRegisters(
            general: [.rax, .rcx, .rdx, .rbx, .rsi, .rdi, .r8, .r9, .r10, .r12, .r13, .r14],
            vectors: (0..<CallingConvention.floatScratch.rawValue).map { XMM(lowBits: $0) },
            padding: 16)
        let length = Address(.rbp, 16)
        let type = Address(.rbp, 24)
        keep(kept, exit: Address(.rbp, 8), &code)
        code.load(.w32, RuntimeCall.argument(0), type)
        code.load(.w64, RuntimeCall.argument(1), length)
        let trapped = call(.objectNew, resultTo: type, &code)
        // Who was asked whether the heap may grow may have changed the fuel.
        if isFuelMetered {
            code.store(.w64, kept.slot(of: CallingConvention.fuel), CallingConvention.fuel)
        }
        restore(kept, &code)
        code.load(.w64, scratch, Address(.rsp, 16))
        code.ret(pop: 16)
        leave(trapped, &code)
        return start
    }

    /// What the second part of a function's stub calls: has the function compiled, and goes on
    /// there, with all arguments as they were.
    public func makeCompile(into code: inout CodeBuffer) -> Int {
        let start = begin(&code)
        // The stub's return address is below that of its caller.
        let kept = KeptRegisters(
            general: CallingConvention.generalArguments,
            vectors: CallingConvention.floatArguments, padding: 8)
        let stub = Address(.rbp, 8)
        keep(kept, exit: Address(.rbp, 16), &code)
        code.load(.w64, RuntimeCall.argument(0), stub)
        let trapped = call(.functionCompile, resultTo: stub, &code)
        restore(kept, &code)
        code.pop(scratch)
        code.jump(scratch)
        leave(trapped, &code)
        return start
    }

    // MARK: Keeping

    /// Registers that a stub keeps: the general ones below its frame pointer, the vectors below
    /// those.
    private struct KeptRegisters {
        var general: [GPR]
        var vectors: [XMM]
        /// Bytes between both, by which the stack is aligned.
        var padding: Int32

        var vectorBytes: Int32 { Int32(16 * vectors.count) + padding }

        /// Where a general one is, which has to be the last.
        func slot(of register: GPR) -> Address {
            assert(general.last == register)
            return Address(.rbp, Int32(-8 * general.count))
        }
    }

    /// Makes the stub's frame, and notes that wasm was left by the caller's, for the return address
    /// at `exit`. The context is the first argument then.
    private func keep(_ kept: KeptRegisters, exit: Address, _ code: inout CodeBuffer) {
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        for register in kept.general { code.push(register) }
        code.alu(.sub, .w64, .rsp, immediate: kept.vectorBytes)
        for (place, vector) in kept.vectors.enumerated() {
            code.storeVector(Address(.rsp, Int32(16 * place)), vector)
        }
        code.load(.w64, .rax, Address(.rbp))
        code.load(.w64, .rcx, exit)
        recordExit(framePointer: .rax, programCounter: .rcx, &code)
        code.move(.w64, .rdi, context)
    }

    /// Calls `function` with the arguments that are in place, and keeps its result; goes to the
    /// label it returns if wasm has to be left.
    private func call(
        _ function: RuntimeFunction, resultTo place: Address, _ code: inout CodeBuffer
    ) -> Label {
        code.load(.w64, scratch, Address(context, ContextField.runtimeFunctions))
        code.call(Address(scratch, 8 * Int32(function.rawValue)))
        code.store(.w64, place, RuntimeCall.result)
        return leaveIfTrapped(&code)
    }

    /// Takes the stub's frame down; all that was kept is as it was.
    private func restore(_ kept: KeptRegisters, _ code: inout CodeBuffer) {
        for (place, vector) in kept.vectors.enumerated() {
            code.loadVector(vector, Address(.rsp, Int32(16 * place)))
        }
        code.alu(.add, .w64, .rsp, immediate: kept.vectorBytes)
        for register in kept.general.reversed() { code.pop(register) }
        code.pop(.rbp)
    }
}
