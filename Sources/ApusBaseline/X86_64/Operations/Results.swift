internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Results, of the function and of those that it calls: the first ones in registers, the rest in
/// the caller's result area.
extension BaselineCompiler {
    // MARK: Of calls

    /// Pushes the results of a call; those on the stack move to their slots.
    mutating func takeResults(_ signature: Signature) {
        var general = 0
        var float = 0
        var offset: Int32 = 0
        for result in 0..<Int(signature.resultCount) {
            let type = ValueClass(signatures.type(Int(signature.resultStart) &+ result))
            if type.isInVector, float < CallingConvention.floatResultCount {
                let register = CallingConvention.floatResult(float)
                occupy(register)
                push(type, register)
                float &+= 1
            } else if !type.isInVector, general < CallingConvention.generalResultCount {
                let register = CallingConvention.generalResult(general)
                occupy(register)
                push(type, register)
                general &+= 1
            } else {
                copyResult(type, from: Address(.rsp, offset), to: slotAddress(stack.count))
                push(.slot(type, stack.count))
                offset &+= type.stackBytes
            }
        }
    }

    mutating func copyResult(
        _ type: ValueClass, from source: Address, to slot: Address
    ) {
        if type == .v128 {
            code.loadVector(CallingConvention.floatScratch, source)
            code.storeVector(slot, CallingConvention.floatScratch)
        } else {
            code.load(.w64, CallingConvention.scratch, source)
            code.store(.w64, slot, CallingConvention.scratch)
        }
    }

    // MARK: Of the function

    mutating func emitReturn(if condition: FlagCondition) {
        let over = code.makeLabel()
        jump(condition.inverted, over)
        // The operands are read but stay as they are for the code that goes on.
        let state = homeState
        leaveHeat(to: 0)
        moveResultsForReturn(count: Int(frames[0].resultCount))
        emitEpilogue()
        homeState = state
        code.bind(over)
    }

    mutating func translateReturn() {
        emitReturn()
        skip()
    }

    mutating func emitReturn() {
        leaveHeat(to: 0)
        moveResultsForReturn(count: Int(frames[0].resultCount))
        emitEpilogue()
    }

    /// Copies the results on top of the stack to where callers expect them; the operands are only
    /// read.
    mutating func moveResultsForReturn(count: Int) {
        var general = 0
        var float = 0
        var area: Int32 = 0
        let first = stack.count &- count
        moves.removeAll()
        for offset in 0..<count {
            let operand = stack[first &+ offset]
            if operand.type.isInVector, float < CallingConvention.floatResultCount {
                appendMove(to: PhysicalRegister(CallingConvention.floatResult(float)), operand)
                float &+= 1
            } else if !operand.type.isInVector, general < CallingConvention.generalResultCount {
                appendMove(
                    to: PhysicalRegister(CallingConvention.generalResult(general)), operand)
                general &+= 1
            } else {
                storeInResultArea(operand, area)
                area &+= operand.type.stackBytes
            }
        }
        resolveMoves()
    }

    /// Stores a result at `offset` in the area that the caller has named. Changes nothing that
    /// other results may be in.
    private mutating func storeInResultArea(_ operand: Operand, _ offset: Int32) {
        let base = CallingConvention.scratch
        if operand.type.isInVector {
            let value = vectorForResult(operand)
            loadResultArea(base)
            return storeVectorRegister(operand.type, Address(base, offset), value)
        }
        if let register = generalOfResult(operand) {
            loadResultArea(base)
            return code.store(.w64, Address(base, offset), register)
        }
        // Not in a register, and the only free one is the base.
        let value = CallingConvention.floatScratch
        load(operand, into: base)
        code.moveToFloat(.w64, value, base)
        loadResultArea(base)
        code.storeFloat(.f64, Address(base, offset), value)
    }

    private mutating func vectorForResult(_ operand: Operand) -> XMM {
        if operand.kind == .register { return operand.float }
        if let home = currentFloatHome(operand) { return home }
        load(operand, into: CallingConvention.floatScratch)
        return CallingConvention.floatScratch
    }

    private mutating func generalOfResult(_ operand: Operand) -> GPR? {
        operand.kind == .register ? operand.general : currentGeneralHome(operand)
    }

    /// Loads the address of the area that the caller has named.
    mutating func loadResultArea(_ register: GPR) {
        let bytes = signatures.ofFunction(functionIndex).parameterStackBytes
        let place = 16 &+ CallingConvention.resultPointerOffset(in: bytes)
        code.load(.w64, register, Address(.rbp, place))
    }
}
