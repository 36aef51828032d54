/// Which of the registers that calls keep a function has saved in its frame, and where: one below
/// the other in the order of `CallingConvention.calleeSaved`, next to the frame pointer, or to
/// where functions keep their context (`FrameLayout`).
///
/// Whoever throws an exception reads them on its way over the frames: where it lands, registers
/// hold what they held when the call was made that it leaves.
public struct SavedRegisters: BitwiseCopyable, Hashable, Sendable {
    /// A bit for each of the registers, by their order, and one for where they are.
    let bits: UInt32

    /// Places in `CallingConvention.calleeSaved`.
    public static var registerCount: Int { 4 }
    static var bitCount: UInt32 { 5 }
    private static var contextBit: UInt32 { 1 << 4 }

    init(bits: UInt32) { self.bits = bits }

    /// Those of `registers`, in a frame that has room for the context before them or has not.
    public init(_ registers: RegisterSet, behindContext: Bool) {
        var bits: UInt32 = behindContext ? Self.contextBit : 0
        for place in 0..<Self.registerCount
        where registers.has(PhysicalRegister(CallingConvention.keptRegister(place))) {
            bits |= 1 << UInt32(truncatingIfNeeded: place)
        }
        self.bits = bits
    }

    /// None.
    public static var none: SavedRegisters { SavedRegisters(bits: 0) }

    /// How many they are.
    public var count: Int { (bits & ~Self.contextBit).nonzeroBitCount }

    /// Where the first one is, from the frame pointer.
    private var start: Int32 {
        bits & Self.contextBit != 0 ? FrameLayout.context &- 8 : FrameLayout.context
    }

    /// Calls `body` with the place of each in `CallingConvention.calleeSaved`, and with where it is
    /// in the frame, from the frame pointer.
    @inline(__always)
    public func forEach(_ body: (_ place: Int, _ offset: Int32) -> Void) {
        var rest = bits & ~Self.contextBit
        var offset = start
        while rest != 0 {
            body(rest.trailingZeroBitCount, offset)
            rest &= rest &- 1
            offset &-= 8
        }
    }
}
