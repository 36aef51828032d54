internal import ApusABI
internal import ApusCollections
internal import ApusFormat

/// The frame of a compiled function, from its frame pointer down: the context (if the function can
/// leave its instance), saved registers, slots of locals, one for an allowance of heat (if there
/// may be loops with calls), slots of the operand stack.
extension BaselineCompiler {
    mutating func layOutFrame(_ analysis: borrowing BodyAnalysis) throws(CompilationError) {
        var next = -Int(FrameLayout.context) + 8 * saved.count
        // A function that may hold vectors has room for one in each slot.
        slotBytes = analysis.flags.contains(.usesVectors) || signatures.hasVectors ? 16 : 8
        let signature = signatures.ofFunction(functionIndex)
        var general = 0
        var float = 0
        var incoming = FrameLayout.stackArguments
        for index in 0..<min(Int(signature.parameterCount), analysis.locals.usedEnd) {
            let type = parameterClass(signature, index)
            let isUsed = analysis.locals.weight(index) != 0
            if arrivesOnStack(type, &general, &float) {
                if isUsed { localSlots[index] = incoming }
                incoming &+= type.stackBytes
            } else if isUsed {
                next += Int(slotBytes)
                localSlots[index] = Int32(truncatingIfNeeded: -next)
            }
        }
        var index = analysis.locals.nextUsed(Int(signature.parameterCount))
        while index < analysis.locals.count {
            next += Int(slotBytes)
            localSlots[index] = Int32(truncatingIfNeeded: -next)
            index = analysis.locals.nextUsed(index &+ 1)
        }
        heatSlot = 0
        if heatCount == .bytes, analysis.flags.contains(.loops),
            !analysis.flags.isDisjoint(with: [.calls, .callsRuntime])
        {
            next += Int(slotBytes)
            heatSlot = Int32(truncatingIfNeeded: -next)
        }
        stackBase = Int32(truncatingIfNeeded: -next) &- slotBytes
        next += Int(slotBytes) * (analysis.maxStackHeight + 1)
        next = (next + 15) & ~15
        guard next < FrameLayout.bytesLimit else { throw failure(.tooLarge) }
        frameBytes = Int32(next)
    }

    @inline(__always)
    mutating func parameterClass(_ signature: Signature, _ index: Int) -> ValueClass {
        ValueClass(signatures.type(Int(signature.parameterStart) &+ index))
    }

    private mutating func arrivesOnStack(
        _ type: ValueClass, _ general: inout Int, _ float: inout Int
    )
        -> Bool
    {
        if type.isInVector {
            float &+= 1
            return float > CallingConvention.floatArgumentCount
        }
        general &+= 1
        return general > CallingConvention.generalArgumentCount
    }
}
