internal import ApusABI
internal import ApusFormat
internal import ApusIR

/// Counting fuel: each segment is paid for where it starts. And looking whether to stop, where that
/// is not left to signals.
extension FunctionTranslator {
    /// Before an instruction: pays, if it starts a segment.
    mutating func meter() {
        if let present = fuelSegment, instructionOffset < present.end { return }
        let mayRepeat = fuelSegment?.opensLoop ?? true
        let segment = FuelSegment(reader)
        fuelSegment = segment
        // What is not reached here ends a frame, and costs nothing.
        if !isReachable || (segment.cost == 0 && !mayRepeat) { return }
        let cost = builder.constant(.i32, UInt64(segment.cost))
        builder.append(
            ApusIR.Instruction(.payFuel, .none, immediate: mayRepeat ? 1 : 0, a: cost.number))
    }

    /// Leaves if the thread has been told to.
    mutating func poll() {
        guard pollsInterruption else { return }
        builder.append(ApusIR.Instruction(.poll, .none))
    }
}
