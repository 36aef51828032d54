internal import ApusABI
internal import ApusFormat

/// What code does now and then: paying fuel for each segment where it starts, and looking whether
/// it is to stop, where that is not done by signals.
extension BaselineCompiler {
    /// Before an instruction: pays, if it starts a segment.
    mutating func meter() {
        guard let payment = fuelMeter.payment(before: instructionOffset, reader) else { return }
        payFuel(Int32(truncatingIfNeeded: payment.cost), isChecked: payment.isChecked)
    }

    /// Leaves if the thread has been told to. Changes the flags.
    mutating func poll() {
        if pollsInterruption { emitPoll() }
    }
}
