internal import ApusCollections
public import ApusFormat

/// How compiled code keeps an access within its memory, and what address space that takes.
///
/// Compilers and the runtime derive it from the same two facts, so both know of a memory that is
/// imported what they know of an own one.
public struct MemoryPlan: BitwiseCopyable, Hashable, Sendable {
    /// Who notices that an access is out of bounds.
    public enum Checks: UInt8, BitwiseCopyable, Hashable, Sendable {
        /// The processor, for constant offsets below 2 GiB: all that an address and such an offset
        /// reach is reserved. The end of an access with a larger offset is compared.
        case none
        /// Code compares the address with the memory's size, the processor notices what a constant
        /// offset adds to it: `guardBytes` beyond the largest size are reserved.
        case address
        /// Code compares the end of the access with the memory's size.
        case access
    }

    public let checks: Checks

    /// The plan for memories of `type`, in an engine that may rely on the processor unless
    /// `alwaysChecksBounds`.
    public init(_ type: MemoryType, alwaysChecksBounds: Bool) {
        if alwaysChecksBounds || type.pageSizeLog2 < 16 {
            checks = .access
        } else {
            checks = type.is64 ? .address : .none
        }
    }

    /// Whether code compares anything for an access with the constant `offset`.
    @inline(__always)
    public static func compares(_ checks: Checks, offset: UInt64) -> Bool {
        checks != .none || offset > UInt64(Int32.max)
    }

    /// What 32-bit addresses and offsets below 2 GiB can reach, and the widest access.
    public static var fullReservationBytes: UInt64 { (4 << 30) + guardBytes }
    /// What an offset that is a displacement can reach, and the widest access.
    public static var guardBytes: UInt64 { (2 << 30) + (64 << 10) }
    /// Inaccessible bytes before a memory that leaves something to the processor: what an address
    /// with a sign could reach, which compiled code never makes.
    public var guardBytesBefore: UInt64 { checks == .access ? 0 : Self.signedReachBytes }
    /// How far before a memory an i32 could reach if it were taken as signed.
    public static var signedReachBytes: UInt64 { 2 << 30 }
    /// The most bytes that any memory may have, so that no reservation exceeds what processes
    /// have.
    public static var byteCountLimit: UInt64 { 1 << 46 }

    /// Address space to reserve for a memory that can grow to `maximumBytes`, which is at most
    /// `byteCountLimit`: a multiple of 64 KiB, and not 0.
    public func reservedBytes(maximumBytes: UInt64) -> UInt64 {
        let rounded = max((maximumBytes &+ 0xFFFF) & ~0xFFFF, 0x10000)
        return switch checks {
        case .none: Self.fullReservationBytes
        case .address: rounded &+ Self.guardBytes
        case .access: rounded
        }
    }
}
