internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// Calls in place of this function: its frame and its stack arguments go before the callee's come.
///
/// The callee's stack arguments have been stored at the top of the stack. Once all that may trap
/// has been done, the frame pointer is the caller's, so that whoever looks at frames finds whole
/// ones, and places are counted from the stack pointer.
extension Emitter {
    // No arguments travel in these.
    private static var keptReturn: XMM { .xmm14 }
    private static var keptRecord: XMM { .xmm13 }

    mutating func emitTailCall(_ instruction: MachineInstruction) {
        let bytes = instruction.stackArgumentBytes
        if instruction.opcode == .tailCallFar {
            if parameterBytes > 0 || bytes > 0 {
                emitFarCallWithArguments(instruction)
            } else {
                emitFarCall(instruction)
            }
            return
        }
        if parameterBytes != bytes {
            takeFrame()
            replaceFrame(instruction)
        } else {
            let above = frameBytes &+ instruction.tailCallRoom
            moveArguments(bytes, by: above &+ FrameLayout.stackArguments)
            emitLeave(isAtFrame: above == 0)
        }
        if callsByPointer(instruction) {
            relocate(.pointer, code.jumpThroughRelative(), instruction)
        } else {
            relocate(.code, code.jumpRelative(), instruction)
        }
    }

    // MARK: Into other instances

    /// Goes on in the function whose record is at r11, once this one's frame has gone. If it is of
    /// another instance the caller gets its own context back by way of a `TailFrame`; a chain of
    /// such calls needs one.
    private mutating func emitFarCall(_ instruction: MachineInstruction) {
        let record = CallingConvention.scratch
        let context = CallingConvention.context
        // Every register may be an argument by now, but for this one.
        let kept = CallingConvention.floatScratch
        let isNear = code.makeLabel()
        let hasFrame = code.makeLabel()
        let enter = code.makeLabel()
        markMemory(instruction)
        code.alu(.cmp, .w64, context, Address(record, FuncrefField.context))
        // Keeps the flags.
        emitLeave(isAtFrame: frameBytes == 0)
        code.jump(.e, isNear, near: true)
        code.moveToFloat(.w64, kept, record)
        code.load(.w64, record, Address(context, ContextField.tailReturn))
        code.alu(.cmp, .w64, record, Address(.rsp))
        code.jump(.e, hasFrame, near: true)
        // The return address is there already.
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        code.push(context)
        code.push(context)
        code.push(record)
        code.jump(enter, near: true)
        code.bind(hasFrame)
        code.store(.w64, Address(.rbp, TailFrame.caller), context)
        code.bind(enter)
        code.moveFromFloat(.w64, record, kept)
        code.load(.w64, context, Address(record, FuncrefField.context))
        code.bind(isNear)
        code.jump(Address(record, FuncrefField.code))
    }

    /// The same where this function or the callee has arguments on the stack.
    private mutating func emitFarCallWithArguments(_ instruction: MachineInstruction) {
        let record = CallingConvention.scratch
        let context = CallingConvention.context
        let above = frameBytes &+ instruction.tailCallRoom
        let isNear = code.makeLabel()
        let hasFrame = code.makeLabel()
        let enter = code.makeLabel()
        markMemory(instruction)
        code.alu(.cmp, .w64, context, Address(record, FuncrefField.context))
        // Keeps the flags.
        takeFrame()
        code.jump(.e, isNear)
        code.moveToFloat(.w64, Self.keptRecord, record)
        code.load(.w64, record, Address(context, ContextField.tailReturn))
        code.alu(.cmp, .w64, record, Address(.rsp, above &+ FrameLayout.returnAddress))
        code.jump(.e, hasFrame)
        leaveTailFrame(instruction)
        code.moveFromFloat(.w64, record, Self.keptRecord)
        code.jump(enter)
        code.bind(hasFrame)
        code.store(.w64, Address(.rbp, TailFrame.caller), context)
        code.moveFromFloat(.w64, record, Self.keptRecord)
        code.bind(isNear)
        replaceFrame(instruction)
        code.bind(enter)
        code.load(.w64, context, Address(record, FuncrefField.context))
        code.jump(Address(record, FuncrefField.code))
    }

    /// Puts a `TailFrame` where this function's arguments end, and the callee's below it.
    private mutating func leaveTailFrame(_ instruction: MachineInstruction) {
        let context = CallingConvention.context
        let bytes = instruction.stackArgumentBytes
        // From the stack pointer, now and then, to the new frame.
        let now = frameBytes &+ instruction.tailCallRoom &+ parameterBytes
        let then = TailFrame.bytes &+ bytes &- FrameLayout.returnAddress
        moveArguments(bytes, by: now &- then &+ FrameLayout.returnAddress)
        code.lea(.w64, .rsp, Address(.rsp, now &- then))
        code.store(.w64, Address(.rsp), CallingConvention.scratch)
        code.storeFloat(.f64, Address(.rsp, then &+ FrameLayout.returnAddress), Self.keptReturn)
        code.store(.w64, Address(.rsp, then &+ FrameLayout.callerFrame), .rbp)
        code.lea(.w64, .rbp, Address(.rsp, then))
        code.store(.w64, Address(.rbp, TailFrame.caller), context)
        code.store(.w64, Address(.rbp, TailFrame.restored), context)
    }

    // MARK: Frames and arguments

    /// Brings back what the caller had in the registers that calls keep, its frame pointer
    /// included. The return address is in a register then, and the frame may be written over.
    private mutating func takeFrame() {
        restoreSaved()
        code.loadFloat(.f64, Self.keptReturn, Address(.rbp, FrameLayout.returnAddress))
        code.load(.w64, .rbp, Address(.rbp, FrameLayout.callerFrame))
    }

    /// Leaves the stack as the caller's call had left it, but with the callee's arguments.
    private mutating func replaceFrame(_ instruction: MachineInstruction) {
        let bytes = instruction.stackArgumentBytes
        let place =
            frameBytes &+ instruction.tailCallRoom &+ FrameLayout.returnAddress
            &+ parameterBytes &- bytes
        moveArguments(bytes, by: place &+ 8)
        code.lea(.w64, .rsp, Address(.rsp, place))
        code.storeFloat(.f64, Address(.rsp), Self.keptReturn)
    }

    /// Moves the `bytes` at the top of the stack up by `distance`: the last word first, since both
    /// places may overlap.
    private mutating func moveArguments(_ bytes: Int32, by distance: Int32) {
        if distance == 0 { return }
        let scratch = CallingConvention.floatScratch
        var offset = bytes
        while offset > 0 {
            offset &-= 8
            code.loadFloat(.f64, scratch, Address(.rsp, offset))
            code.storeFloat(.f64, Address(.rsp, offset &+ distance), scratch)
        }
    }
}
