internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// Counting fuel: each segment is paid for where it starts.
extension BaselineCompiler {
    /// Before an instruction: pays, if it starts a segment.
    mutating func meter() {
        guard let payment = fuelMeter.payment(before: instructionOffset, reader) else { return }
        let isTooLittle = code.payFuel(Int32(truncatingIfNeeded: payment.cost))
        if payment.isChecked { trap(.outOfFuel, if: isTooLittle) }
    }
}
