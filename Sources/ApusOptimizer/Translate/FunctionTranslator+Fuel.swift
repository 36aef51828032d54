internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Counting fuel: each segment is paid for where it starts. And looking whether to stop, where that
/// is not left to signals.
extension FunctionTranslator {
    /// Before an instruction: pays, if it starts a segment.
    mutating func meter() {
        guard let payment = fuelMeter.payment(before: instructionOffset, reader),
            // What is not reached here ends a frame, and costs nothing.
            isReachable
        else { return }
        let cost = builder.constant(.i32, UInt64(payment.cost))
        builder.append(
            ApusIR.Instruction(
                .payFuel, .none, immediate: payment.isChecked ? 1 : 0, a: cost.number))
    }

    /// Leaves if the thread has been told to.
    mutating func poll() {
        guard pollsInterruption else { return }
        builder.append(ApusIR.Instruction(.poll, .none))
    }
}
