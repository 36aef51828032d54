public import ApusFormat

/// Goes along the instructions of a function with a compiler, and says where to pay for which.
public struct FuelMeter: BitwiseCopyable, Sendable {
    /// The segment that is being compiled; none before the first one.
    private var segment: FuelSegment?

    /// A meter at the start of a function.
    public init() {}

    /// What is to be paid where a segment starts.
    public struct Payment: BitwiseCopyable, Sendable {
        public var cost: UInt32
        /// Whether to look if there was enough: where a function or a loop starts.
        public var isChecked: Bool
    }

    /// What is to be paid before the instruction at `offset` in the module, which is the one that
    /// `reader` reads next; nil if nothing is.
    @inline(__always)
    public mutating func payment(
        before offset: Int, _ reader: borrowing InstructionReader
    ) -> Payment? {
        if let segment, offset < segment.end { return nil }
        return start(reader)
    }

    private mutating func start(_ reader: borrowing InstructionReader) -> Payment? {
        let isChecked = segment?.opensLoop ?? true
        let next = FuelSegment(reader)
        segment = next
        return next.cost == 0 && !isChecked ? nil : Payment(cost: next.cost, isChecked: isChecked)
    }
}
