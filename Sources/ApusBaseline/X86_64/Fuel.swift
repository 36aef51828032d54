internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// Counting fuel: each segment is paid for where it starts.
extension BaselineCompiler {
    /// Before an instruction: pays, if it starts a segment.
    mutating func meter() {
        if let present = fuelSegment, instructionOffset < present.end { return }
        let mayRepeat = fuelSegment?.opensLoop ?? true
        let segment = FuelSegment(reader)
        fuelSegment = segment
        let cost = Int32(truncatingIfNeeded: segment.cost)
        if mayRepeat {
            code.alu(cost == 0 ? .cmp : .sub, .w64, CallingConvention.fuel, immediate: cost)
            trap(.outOfFuel, if: .l)
        } else if cost != 0 {
            code.alu(.sub, .w64, CallingConvention.fuel, immediate: cost)
        }
    }
}
