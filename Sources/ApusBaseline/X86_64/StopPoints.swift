internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// A place at which the guest may be told to stop, before an instruction.
struct StopPoint: BitwiseCopyable {
    /// Where it goes if it is, and where it goes on.
    var label: Label
    var resume: Label
    /// Of the instruction in the module.
    var instructionOffset: Int
}

/// Looking before each instruction whether a debugger wants the guest to stop there (`docs/abi.md`,
/// “Stop points”).
///
/// All locals and operands are in their slots by then, constants included, so that they can be read
/// and changed there: what is pushed goes to its slot before the next instruction.
extension BaselineCompiler {
    /// Before an instruction that can be reached. Changes the flags.
    mutating func markStopPoint() {
        guard let stops = layout.stops else { return }
        spillOperands()
        let point = StopPoint(
            label: code.makeLabel(), resume: code.makeLabel(),
            instructionOffset: instructionOffset)
        let scratch = CallingConvention.scratch
        code.load(.w64, scratch, Address(CallingConvention.context, stops))
        code.alu(.cmp, .w8, Address(scratch, stopPlace(of: instructionOffset)), immediate: 0)
        code.jump(.ne, point.label)
        code.bind(point.resume)
        stopPoints.append(point)
    }

    /// Where the byte of an instruction is among those of the module.
    private mutating func stopPlace(of offset: Int) -> Int32 {
        Int32(truncatingIfNeeded: offset &- layout.stopRange.lowerBound)
    }

    /// Moves all operands to their slots. What is above those that are there is what the last
    /// instruction has pushed.
    private mutating func spillOperands() {
        spillForMerge(upTo: stack.count)
        var position = stack.count &- 1
        while position >= 0, stack[position].kind == .constant {
            spill(position)
            position &-= 1
        }
    }

    /// Behind the function's code: tells the runtime.
    mutating func emitStops() {
        for index in 0..<stopPoints.count {
            let point = stopPoints[index]
            if index & 63 == 63, mustStop() { return }
            instructionOffset = point.instructionOffset
            code.bind(point.label)
            code.moveImmediate(
                RuntimeCall.argument(0),
                UInt64(UInt32(bitPattern: stopPlace(of: instructionOffset))))
            code.callRuntime(UInt64(RuntimeFunction.stop.rawValue))
            markReturn()
            code.jump(point.resume)
        }
    }
}
