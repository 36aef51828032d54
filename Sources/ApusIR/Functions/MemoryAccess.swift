internal import ApusCollections

/// What a load or store does besides its operands, in the 16 bits of its immediate.
///
/// Bits 0 to 4 are the width, 5 to 7 what the address belongs to, 8 to 15 the trap that a fault
/// at it means.
public struct MemoryAccess: Hashable, BitwiseCopyable, Sendable {
    public var bits: UInt16

    @inline(__always)
    public init(bits: UInt16) { self.bits = bits }

    /// An access that traps with `trapCode` where the address is not accessible; with 0 it
    /// cannot fault, and nothing is recorded for it.
    @inline(__always)
    public init(_ width: AccessWidth, _ alias: AliasClass, trapCode: UInt8 = 0) {
        bits = UInt16(width.rawValue) | UInt16(alias.rawValue) &<< 5 | UInt16(trapCode) &<< 8
    }

    @inline(__always)
    public var width: AccessWidth {
        AccessWidth(stored: UInt8(truncatingIfNeeded: bits & 31), or: .full)
    }
    @inline(__always)
    public var alias: AliasClass {
        AliasClass(stored: UInt8(truncatingIfNeeded: bits &>> 5 & 7), or: .memory)
    }
    /// The number of the trap that a fault is, 0 if there can be none.
    @inline(__always)
    public var trapCode: UInt8 { UInt8(truncatingIfNeeded: bits &>> 8) }
    @inline(__always)
    public var canTrap: Bool { trapCode != 0 }
}

/// How many bytes an access touches and how they become a value.
///
/// A store uses `full`, the `unsigned` widths (it writes the low bits) and `lane` widths only.
public enum AccessWidth: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// All bytes of the value's type.
    case full
    case signed8, unsigned8, signed16, unsigned16, signed32, unsigned32
    // Of vectors: 8 bytes widened lane by lane, one lane to all, one lane and zeroes.
    case extend8x8Signed, extend8x8Unsigned, extend16x4Signed, extend16x4Unsigned
    case extend32x2Signed, extend32x2Unsigned
    case splat8, splat16, splat32, splat64
    case zero32, zero64
    // One lane of a vector, by `loadLane` and `storeLane`.
    case lane8, lane16, lane32, lane64

    /// How many bytes an access of a value of `type` touches.
    public func bytes(_ type: IRType) -> Int {
        switch self {
        case .full: type.bits / 8
        case .signed8, .unsigned8, .splat8, .lane8: 1
        case .signed16, .unsigned16, .splat16, .lane16: 2
        case .signed32, .unsigned32, .splat32, .zero32, .lane32: 4
        case .extend8x8Signed, .extend8x8Unsigned, .extend16x4Signed, .extend16x4Unsigned,
            .extend32x2Signed, .extend32x2Unsigned, .splat64, .zero64, .lane64:
            8
        }
    }
}

/// Kinds of places. An access of one kind never touches what another kind touches.
public enum AliasClass: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// Never changes while the function runs: its loads may go anywhere and be repeated.
    case constant
    /// A linear memory. Changed by stores and calls.
    case memory
    /// The size of a memory. Changed by calls.
    case memorySize
    /// A global. Changed by stores and calls.
    case global
    /// An element of a table. Changed by stores and calls.
    case table
    /// Where a table's elements are and how many; how much is left of a segment. Changed by calls.
    case tableRecord
    /// A field of an object, at a displacement from its start: fields at different ones are
    /// different, whatever the objects. Changed by stores and calls.
    case field
    /// An element of an array. Changed by stores and calls.
    case element

    @inline(__always)
    public var mask: UInt8 { 1 &<< rawValue }
}
