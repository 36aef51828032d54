public import ApusABI
public import ApusAssembler
internal import ApusCollections
public import ApusFormat

/// The code at the border between wasm and the host (`docs/abi.md`, “Entering and leaving wasm”).
///
/// Each function appends one trampoline and returns the offset at which it starts.
///
/// With fuel metered they take it from the store context into its register on the way into wasm
/// and put it back on the way out.
public struct Trampolines: Sendable {
    let isFuelMetered: Bool

    public init(isFuelMetered: Bool) { self.isFuelMetered = isFuelMetered }

    var scratch: GPR { CallingConvention.scratch }
    var context: GPR { CallingConvention.context }

    // MARK: Host to wasm

    private var savedRegisters: [GPR] { [.rbx, .r12, .r13, .r14, .r15] }
    /// From the frame pointer down to the stack pointer when the frame is complete: the saved
    /// registers, and the host's control of floats.
    private var frameBytes: Int32 { Int32(8 * (savedRegisters.count + 1)) }

    /// `uint32_t (context, code, values)`: calls wasm code of this type.
    public func makeEntry(
        _ type: FunctionType, _ layout: ArgumentLayout, into code: inout CodeBuffer
    ) -> Int {
        let start = begin(&code)
        let landing = code.makeLabel()
        let leave = code.makeLabel()
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        for register in savedRegisters { code.push(register) }
        code.move(.w64, context, .rdi)
        code.move(.w64, scratch, .rsi)
        code.move(.w64, .rbx, .rdx)
        code.load(.w64, .r12, Address(context, ContextField.storeContext))
        code.alu(.sub, .w64, .rsp, immediate: 8)
        let (rounds, isOurs) = takeFloatControl(Address(.rsp), .rax, &code)
        code.store(.w64, Address(.r12, StoreField.entryStackPointer), .rsp)
        code.store(.w64, Address(.r12, StoreField.entryFramePointer), .rbp)
        code.lea(.w64, .rax, label: landing)
        code.store(.w64, Address(.r12, StoreField.landing), .rax)
        loadFuel(from: .r12, &code)
        passArguments(type, layout, &code)
        code.call(scratch)
        storeFuel(to: .r12, &code)
        storeResults(type, &code)
        code.zero(.rax)
        code.bind(leave)
        giveFloatControlBack(Address(.rbp, -frameBytes), .rcx, &code)
        restoreHost(&code)
        // Calls that end as they should jump nowhere.
        code.bind(landing)
        code.lea(.w64, .rbp, Address(.rsp, frameBytes))
        code.moveImmediate(.rax, 1)
        code.jump(leave)
        setFloatControl(rounds, isOurs, &code)
        code.emitConstants()
        return start
    }

    /// Copies the values that rbx points to into argument registers and onto the stack.
    private func passArguments(
        _ type: FunctionType, _ layout: ArgumentLayout, _ code: inout CodeBuffer
    ) {
        let stackBytes = CallingConvention.parameterStackBytes(type)
        let resultBytes = CallingConvention.resultStackBytes(type)
        let outgoing = (stackBytes + resultBytes + 15) & ~15
        if outgoing > 0 { code.alu(.sub, .w64, .rsp, immediate: outgoing) }
        let offsets = layout.parameterOffsets(type)
        // rax is an argument register, so what goes through it goes first.
        if resultBytes > 0 {
            code.lea(.w64, .rax, Address(.rsp, stackBytes))
            let pointer = CallingConvention.resultPointerOffset(in: stackBytes)
            code.store(.w64, Address(.rsp, pointer), .rax)
        }
        CallingConvention.forEachParameter(type) { index, location in
            guard case .stack(let offset) = location else { return }
            let width: Width = isNarrow(type.parameters[index]) ? .w32 : .w64
            for word in 0..<words(type.parameters[index]) {
                code.load(width, .rax, Address(.rbx, offsets[index] + 8 * word))
                code.store(.w64, Address(.rsp, offset + 8 * word), .rax)
            }
        }
        CallingConvention.forEachParameter(type) { index, location in
            loadCell(Address(.rbx, offsets[index]), type.parameters[index], location, &code)
        }
    }

    private func storeResults(_ type: FunctionType, _ code: inout CodeBuffer) {
        let cells = ArgumentLayout.cellOffsets(type.results)
        CallingConvention.forEachResult(type) { index, location in
            // The callee has popped its arguments; the result area is on top of the stack.
            storeCell(
                .rbx, cells[index], type.results[index], location, stack: .rsp, 0, &code)
        }
    }

    // MARK: Cells

    /// 8-byte words of a cell of `type`.
    private func words(_ type: ValueType) -> Int32 { type == .v128 ? 2 : 1 }

    private func isNarrow(_ type: ValueType) -> Bool { type == .i32 || type == .f32 }

    /// Reads a cell into the register that `location` names; values on the stack are skipped.
    private func loadCell(
        _ cell: Address, _ type: ValueType, _ location: CallingConvention.Location,
        _ code: inout CodeBuffer
    ) {
        switch location {
        case .general(let register): code.load(type == .i32 ? .w32 : .w64, register, cell)
        case .float(let register):
            if type == .v128 {
                code.loadVector(register, cell)
            } else {
                code.loadFloat(type == .f32 ? .f32 : .f64, register, cell)
            }
        case .stack: break
        }
    }

    /// Writes all of the cell at `base` + `offset` from where a value is; values on the stack are
    /// counted from `stack` + `stackOffset`.
    private func storeCell(
        _ base: GPR, _ offset: Int32, _ type: ValueType,
        _ location: CallingConvention.Location, stack: GPR, _ stackOffset: Int32,
        _ code: inout CodeBuffer
    ) {
        let cell = Address(base, offset)
        switch location {
        case .general(let register): code.store(.w64, cell, register)
        case .float(let register):
            if type == .v128 {
                code.storeVector(cell, register)
            } else if type == .f32 {
                code.moveFromFloat(.w32, scratch, register)
                code.store(.w64, cell, scratch)
            } else {
                code.storeFloat(.f64, cell, register)
            }
        case .stack(let place):
            for word in 0..<words(type) {
                let source = Address(stack, stackOffset + place + 8 * word)
                code.load(isNarrow(type) ? .w32 : .w64, scratch, source)
                code.store(.w64, Address(base, offset + 8 * word), scratch)
            }
        }
    }

    /// Writes a number to rsp + `offset`, in its own width; values on the stack are counted from
    /// rsp + `arguments`.
    private func storePacked(
        _ offset: Int32, _ type: ValueType, _ location: CallingConvention.Location,
        _ arguments: Int32, _ code: inout CodeBuffer
    ) {
        let place = Address(.rsp, offset)
        let width: Width = isNarrow(type) ? .w32 : .w64
        switch location {
        case .general(let register): code.store(width, place, register)
        case .float(let register): code.storeFloat(isNarrow(type) ? .f32 : .f64, place, register)
        case .stack(let source):
            code.load(width, scratch, Address(.rsp, arguments + source))
            code.store(width, place, scratch)
        }
    }

    /// With rbp at the trampoline's frame and the answer in rax.
    private func restoreHost(_ code: inout CodeBuffer) {
        code.lea(.w64, .rsp, Address(.rbp, Int32(-8 * savedRegisters.count)))
        for register in savedRegisters.reversed() { code.pop(register) }
        code.pop(.rbp)
        code.ret()
    }

    // MARK: Wasm to host

    /// In the wasm convention: calls the closure of a host function, or `hostCall(context, cells)`,
    /// the address of a C function.
    public func makeHost(
        _ type: FunctionType, _ layout: ArgumentLayout, hostCall: UInt,
        into code: inout CodeBuffer
    ) -> Int {
        let start = begin(&code)
        let stackBytes = CallingConvention.parameterStackBytes(type)
        let offsets = layout.parameterOffsets(type)
        // The frame pointer stays the caller's, which is where backtraces begin. Above the frame
        // are the return address and the stack arguments.
        let saved = savedBytes(type, layout)
        let frame = hostFrameBytes(type, layout)
        let arguments = frame + 8
        code.alu(.sub, .w64, .rsp, immediate: frame)
        CallingConvention.forEachParameter(type) { index, location in
            if layout == .packed {
                storePacked(offsets[index], type.parameters[index], location, arguments, &code)
            } else {
                storeCell(
                    .rsp, offsets[index], type.parameters[index], location, stack: .rsp,
                    arguments, &code)
            }
        }
        code.load(.w64, .rdx, Address(.rsp, frame))
        recordExit(framePointer: .rbp, programCounter: .rdx, &code)
        let ways = callClosure(saving: saved, &code)
        let trapped = leaveIfTrapped(&code)
        let pointer = arguments + CallingConvention.resultPointerOffset(in: stackBytes)
        loadResults(type, resultPointer: pointer, &code)
        code.alu(.add, .w64, .rsp, immediate: frame)
        if stackBytes > 0 {
            code.ret(pop: UInt16(truncatingIfNeeded: stackBytes))
        } else {
            code.ret()
        }
        finishClosure(ways, saved, hostCall: hostCall, &code)
        leave(trapped, &code)
        code.emitConstants()
        return start
    }

    private func savedBytes(_ type: FunctionType, _ layout: ArgumentLayout) -> Int32 {
        (layout.bytes(type) + 15) & ~15
    }

    /// How much a trampoline of `makeHost` takes from the stack pointer with its first instruction.
    public func hostFrameBytes(_ type: FunctionType, _ layout: ArgumentLayout) -> Int32 {
        savedBytes(type, layout) + Int32(8 * closureRegisters.count) + 8
    }

    // MARK: Closures

    /// What Swift's convention has a use for and wasm's keeps: the register in which an error comes
    /// back, null if there is none, and that of a closure's captures.
    private var closureRegisters: [GPR] { [.r12, .r13] }

    /// Ways that are rarely taken, and where they come back.
    private struct ClosureWays {
        var attention: Label
        var failure: Label
        var end: Label
    }

    /// Calls the closure of the host function that runs, as Swift calls it, with the values on top
    /// of the stack, unless the store asks for attention. Scratch is the store's context.
    private func callClosure(saving place: Int32, _ code: inout CodeBuffer) -> ClosureWays {
        let ways = ClosureWays(
            attention: code.makeLabel(), failure: code.makeLabel(), end: code.makeLabel())
        code.test(
            .w8, Address(scratch, StoreField.attention), immediate: StoreField.reasonsAtHostCalls)
        code.jump(.ne, ways.attention)
        for (index, register) in closureRegisters.enumerated() {
            code.store(.w64, Address(.rsp, place + Int32(8 * index)), register)
        }
        code.move(.w64, .rdi, .rsp)
        code.load(.w64, .rsi, Address(context, ContextField.owner))
        code.move(.w64, .rdx, context)
        code.load(.w64, .r13, Address(context, HostField.closureState))
        code.zero(.r12)
        code.call(Address(context, HostField.closureCode))
        code.test(.w64, .r12, .r12)
        code.jump(.ne, ways.failure)
        restoreClosureRegisters(place, &code)
        code.bind(ways.end)
        return ways
    }

    private func restoreClosureRegisters(_ place: Int32, _ code: inout CodeBuffer) {
        for (index, register) in closureRegisters.enumerated() {
            code.load(.w64, register, Address(.rsp, place + Int32(8 * index)))
        }
    }

    /// What lies behind the rest: the long way through a C function, and what becomes of errors.
    private func finishClosure(
        _ ways: ClosureWays, _ place: Int32, hostCall: UInt, _ code: inout CodeBuffer
    ) {
        code.bind(ways.attention)
        code.move(.w64, .rdi, context)
        code.move(.w64, .rsi, .rsp)
        code.call(Address(constant: code.constant64(UInt64(hostCall))))
        code.jump(ways.end)
        code.bind(ways.failure)
        code.move(.w64, .rdi, context)
        code.move(.w64, .rsi, .r12)
        restoreClosureRegisters(place, &code)
        code.call(Address(context, HostField.closureFailed))
        code.jump(ways.end)
    }

    // MARK: Results

    private func loadResults(
        _ type: FunctionType, resultPointer: Int32, _ code: inout CodeBuffer
    ) {
        let areaBytes = CallingConvention.resultStackBytes(type)
        let cells = ArgumentLayout.cellOffsets(type.results)
        // No result is in a register yet.
        let area = GPR.rdi
        if areaBytes > 0 { code.load(.w64, area, Address(.rsp, resultPointer)) }
        CallingConvention.forEachResult(type) { index, location in
            guard case .stack(let offset) = location else { return }
            for word in 0..<words(type.results[index]) {
                code.load(.w64, scratch, Address(.rsp, cells[index] + 8 * word))
                code.store(.w64, Address(area, offset + 8 * word), scratch)
            }
        }
        CallingConvention.forEachResult(type) { index, location in
            loadCell(Address(.rsp, cells[index]), type.results[index], location, &code)
        }
    }

    // MARK: Floats

    /// What the specification wants (4.3.3): rounding to the nearest, denormal numbers, no
    /// exceptions. The host may have set something else before it calls; functions of the host
    /// leave it as it was, as the convention of the platform has it.
    private static var floatControl: UInt32 { 0x1F80 }
    /// Without the bits that only say what has happened.
    private static var floatControlMask: Int32 { 0xFFC0 }

    /// Stores the control of floats that the host has to `place`. If it is not ours, control
    /// goes to the first label, for `setFloatControl`, and comes back to the second.
    private func takeFloatControl(
        _ place: Address, _ register: GPR, _ code: inout CodeBuffer
    ) -> (other: Label, isOurs: Label) {
        let other = code.makeLabel()
        let isOurs = code.makeLabel()
        code.storeFloatControl(place)
        compareFloatControl(place, register, &code)
        code.jump(.ne, other)
        code.bind(isOurs)
        return (other, isOurs)
    }

    private func compareFloatControl(
        _ place: Address, _ register: GPR, _ code: inout CodeBuffer
    ) {
        code.load(.w32, register, place)
        code.alu(.and, .w32, register, immediate: Self.floatControlMask)
        code.alu(.cmp, .w32, register, immediate: Int32(Self.floatControl))
    }

    private func setFloatControl(_ other: Label, _ isOurs: Label, _ code: inout CodeBuffer) {
        code.bind(other)
        code.loadFloatControl(Address(constant: code.constant32(Self.floatControl)))
        code.jump(isOurs)
    }

    /// Gives the host the control that it had, unless it is ours.
    private func giveFloatControlBack(
        _ place: Address, _ register: GPR, _ code: inout CodeBuffer
    ) {
        let isOurs = code.makeLabel()
        compareFloatControl(place, register, &code)
        code.jump(.e, isOurs, near: true)
        code.loadFloatControl(place)
        code.bind(isOurs)
    }

    // MARK: Of all

    func begin(_ code: inout CodeBuffer) -> Int {
        code.resetLabels()
        code.align(to: 16)
        return code.count
    }

    func recordExit(
        framePointer: GPR, programCounter: GPR, _ code: inout CodeBuffer
    ) {
        code.load(.w64, scratch, Address(context, ContextField.storeContext))
        code.store(.w64, Address(scratch, StoreField.exitFramePointer), framePointer)
        code.store(.w64, Address(scratch, StoreField.exitProgramCounter), programCounter)
        storeFuel(to: scratch, &code)
    }

    func loadFuel(from store: GPR, _ code: inout CodeBuffer) {
        guard isFuelMetered else { return }
        code.load(.w64, CallingConvention.fuel, Address(store, StoreField.fuel))
    }

    func storeFuel(to store: GPR, _ code: inout CodeBuffer) {
        guard isFuelMetered else { return }
        code.store(.w64, Address(store, StoreField.fuel), CallingConvention.fuel)
    }

    /// Goes to the label it returns if wasm has to be left; see `leave`.
    func leaveIfTrapped(_ code: inout CodeBuffer) -> Label {
        let trapped = code.makeLabel()
        code.load(.w64, scratch, Address(context, ContextField.storeContext))
        // The pending trap and the request to leave, side by side.
        code.alu(.cmp, .w64, Address(scratch, StoreField.trap), immediate: 0)
        code.jump(.ne, trapped)
        loadFuel(from: scratch, &code)
        return trapped
    }

    /// What is rarely run lies behind the rest.
    func leave(_ trapped: Label, _ code: inout CodeBuffer) {
        code.bind(trapped)
        code.jump(Address(context, ContextField.trapExit))
    }
}
