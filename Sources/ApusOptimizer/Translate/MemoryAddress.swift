internal import ApusABI
internal import ApusIR

/// Where a load or store goes.
struct MemoryAddress: BitwiseCopyable {
    var base: Value
    var index: Value
    var displacement: Int32
}

extension MemoryTraits {
    /// The type of the memory's addresses and sizes.
    var address: IRType { is64 ? .i64 : .i32 }
}
