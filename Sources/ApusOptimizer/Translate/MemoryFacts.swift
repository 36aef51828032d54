internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// What an access asks about its memory.
struct MemoryFacts: BitwiseCopyable {
    var checks: MemoryPlan.Checks
    var is64: Bool
    var pageSizeLog2: UInt8
    /// The memory's size in bytes never falls below this, since memories do not shrink.
    var minimumBytes: UInt64

    init(_ type: MemoryType, alwaysChecksBounds: Bool) {
        checks = MemoryPlan(type, alwaysChecksBounds: alwaysChecksBounds).checks
        is64 = type.is64
        pageSizeLog2 = type.pageSizeLog2
        minimumBytes = type.byteCount(ofPages: type.limits.minimum)
    }

    /// The type of the memory's addresses and sizes.
    var address: IRType { is64 ? .i64 : .i32 }
}

/// Where a load or store goes.
struct MemoryPlace: BitwiseCopyable {
    var base: Value
    var index: Value
    var displacement: Int32
}
