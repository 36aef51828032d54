internal import ApusCollections

/// A place in code that can stop with a trap: what the signal handler and a backtrace need.
///
/// Sorted by `codeOffset` within a function. A body is at most 7 654 321 bytes, so an offset in it
/// fits the 24 bits that the trap code leaves.
public struct TrapSite: BitwiseCopyable, Sendable {
    /// Offset of the faulting instruction from the function's start; from the image's start once
    /// linked.
    public var codeOffset: UInt32
    private var packed: UInt32

    @inline(__always)
    public init(codeOffset: UInt32, bodyOffset: UInt32, code: TrapCode) {
        self.codeOffset = codeOffset
        packed = bodyOffset | UInt32(code.rawValue) << 24
    }

    /// Offset of the wasm instruction from the start of its function's body.
    public var bodyOffset: UInt32 { packed & 0xFF_FFFF }
    public var code: TrapCode { TrapCode(stored: UInt8(packed >> 24), or: .none) }

    /// Whether its code is one, as far as it was not written here but read.
    var hasCode: Bool { TrapCode(rawValue: UInt8(packed >> 24)) != nil }
}
