public import ApusFormat
internal import CApusHost

/// A memory that is to be made: one that an instance defines, or one that belongs to none.
@safe
public struct MemoryRequest {
    // SAFETY: `record` is a live apus_memory for as long as the memory, in the context of the
    // instance that is being allocated.
    public let type: MemoryType
    /// Bytes that it may have at most, in this engine.
    public let limit: UInt64
    /// Whether compiled code compares every address with its size.
    public let alwaysChecksBounds: Bool
    /// Its number among those that its module defines.
    let index: Int
    /// The slot of the instance; nil: it has none, or there is no instance.
    let place: InstancePlace?
    /// Where compiled code looks for it; nil: it has its own record.
    let record: UnsafeMutablePointer<apus_memory>?
    /// Its first contents, to be mapped; nil: zeros.
    let image: MemoryImage?

    /// A memory that belongs to no instance.
    init(_ type: MemoryType, _ configuration: RuntimeConfiguration) {
        // SAFETY: there is no record, so none has to live.
        unsafe self.init(
            type, configuration, index: 0, place: nil, record: nil, image: nil)
    }

    @unsafe init(
        _ type: MemoryType, _ configuration: RuntimeConfiguration, index: Int,
        place: InstancePlace?, record: UnsafeMutablePointer<apus_memory>?, image: MemoryImage?
    ) {
        // SAFETY: who makes the request says that the record outlives the memory.
        self.type = type
        limit = configuration.memoryBytesLimit
        alwaysChecksBounds = configuration.alwaysChecksBounds
        self.index = index
        self.place = place
        unsafe self.record = unsafe record
        self.image = image
    }
}

/// A table that is to be made: one that an instance defines, or one that belongs to none.
@safe
public struct TableRequest {
    // SAFETY: `record` is a live apus_table for as long as the table, in the context of the
    // instance that is being allocated.
    public let type: TableType
    /// Elements that it may have at most, in this engine.
    public let limit: UInt64
    /// What its elements are at first.
    let initial: UInt64
    /// Its number among those that its module defines.
    let index: Int
    /// The slot of the instance; nil: it has none, or there is no instance.
    let place: InstancePlace?
    /// Where compiled code looks for it; nil: it has its own record.
    let record: UnsafeMutablePointer<apus_table>?

    /// A table that belongs to no instance, full of `initial`.
    init(_ type: TableType, _ configuration: RuntimeConfiguration, initial: UInt64) {
        self.type = type
        limit = configuration.tableElementsLimit
        self.initial = initial
        index = 0
        place = nil
        // SAFETY: there is no record, so none has to live.
        unsafe record = nil
    }

    @unsafe init(
        _ type: TableType, _ configuration: RuntimeConfiguration, index: Int,
        place: InstancePlace?, record: UnsafeMutablePointer<apus_table>
    ) {
        // SAFETY: who makes the request says that the record outlives the table.
        self.type = type
        limit = configuration.tableElementsLimit
        initial = 0
        self.index = index
        self.place = place
        unsafe self.record = unsafe record
    }
}
