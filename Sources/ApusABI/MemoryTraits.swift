public import ApusFormat

/// What compilers ask about the memory of an access.
public struct MemoryTraits: BitwiseCopyable, Sendable {
    public let checks: MemoryPlan.Checks
    public let is64: Bool
    public let pageSizeLog2: UInt8
    /// The memory's size in bytes never falls below this, since memories do not shrink.
    public let minimumBytes: UInt64

    public init(_ type: MemoryType, alwaysChecksBounds: Bool) {
        checks = MemoryPlan(type, alwaysChecksBounds: alwaysChecksBounds).checks
        is64 = type.is64
        pageSizeLog2 = type.pageSizeLog2
        minimumBytes = type.byteCount(ofPages: type.limits.minimum)
    }
}
