public import ApusFormat

/// What compilers ask about the memory of an access.
public struct MemoryTraits: BitwiseCopyable, Sendable {
    public let checks: MemoryPlan.Checks
    /// Whether an address that is compared is masked, too: where the processor goes on with a wrong
    /// one before it knows, it finds the memory's beginning.
    public let masks: Bool
    public let is64: Bool
    /// Whether other threads may make it larger.
    public let isShared: Bool
    public let pageSizeLog2: UInt8
    /// The memory's size in bytes never falls below this, since memories do not shrink.
    public let minimumBytes: UInt64

    public init(_ type: MemoryType, in environment: ModuleEnvironment) {
        checks = MemoryPlan(type, alwaysChecksBounds: environment.alwaysChecksBounds).checks
        masks = environment.masksCheckedAccesses
        is64 = type.is64
        isShared = type.isShared
        pageSizeLog2 = type.pageSizeLog2
        minimumBytes = type.byteCount(ofPages: type.limits.minimum)
    }
}
