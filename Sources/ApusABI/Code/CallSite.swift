/// What is known of a return address: where in the body the call is, what handles exceptions that
/// leave it, and which registers of its caller's the function has in its frame. 12 bytes
/// (`docs/abi.md`).
///
/// Sorted by `codeOffset` within a function. Lists of handlers are counted within the function, so
/// that 20 bits are enough: a list of its own takes a call and a clause of a body of at most
/// 7 654 321 bytes.
public struct CallSite: BitwiseCopyable, Sendable {
    /// Offset of the return address from the function's start; from the image's start once linked.
    public var codeOffset: UInt32
    /// 24 bits of the body offset, the low 8 of the list; its high 12, 5 of the saved registers.
    private var low: UInt32
    private var high: UInt32

    /// The most that a number of a list can be.
    public static var numberLimit: UInt32 { 0xF_FFFE }
    /// The number of no list.
    private static var none: UInt32 { 0xF_FFFF }

    /// A call that returns to `codeOffset`. `handlers` is the number of its list among the
    /// function's, no more than `numberLimit`.
    @inline(__always)
    public init(
        codeOffset: UInt32, bodyOffset: UInt32, handlers: UInt32? = nil,
        saved: SavedRegisters = .none
    ) {
        let list = handlers ?? Self.none
        self.codeOffset = codeOffset
        low = bodyOffset | list << 24
        high = list >> 8 | saved.bits << 12
    }

    /// Offset of the wasm instruction from the start of its function's body.
    public var bodyOffset: UInt32 { low & 0xFF_FFFF }

    /// Number of the list of handlers among the function's; nil if no exception is caught here.
    public var handlers: UInt32? {
        let list = low >> 24 | (high & 0xFFF) << 8
        return list == Self.none ? nil : list
    }

    /// What the function has saved in its frame of its caller's.
    public var saved: SavedRegisters {
        SavedRegisters(bits: high >> 12 & (1 << SavedRegisters.bitCount &- 1))
    }
}
