internal import ApusCollections
internal import CApusHost

/// An exception. Guests refer to it by the address of its record; the store keeps it as long as one
/// of them can, and whoever has this keeps it, too. Specification: 4.2.12 “Exception Instances”.
@safe
public final class ThrownException: @unchecked Sendable {
    // SAFETY: `record` is an allocation that this object owns, with room for what the tag says. It
    // is written before the exception is thrown, and only read from then on. `origin` is written
    // once, by the thread that the store is in, before others see the exception.
    let record: UnsafeMutablePointer<apus_exception>
    /// What it is.
    public let tag: ExceptionTag
    /// The number of the store of its guests.
    private let store: UInt64
    /// Where guests were when it first left them.
    public internal(set) var origin: Backtrace?

    init(_ tag: ExceptionTag, ofStore store: UInt64) throws(ResourceError) {
        // SAFETY: the allocation has room for the head and what the tag's values take, all zeros.
        let bytes = Self.recordBytes(tag)
        guard let memory = unsafe apus_allocate(bytes) else {
            throw ResourceError(.reference, requested: bytes)
        }
        unsafe record = memory.assumingMemoryBound(to: apus_exception.self)
        self.tag = tag
        self.store = store
        unsafe record.pointee.tag = tag.address
        unsafe record.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
    }

    // SAFETY: the allocation is this object's; a store keeps it as long as a cell has its address.
    deinit { unsafe apus_free(record) }

    private static func recordBytes(_ tag: ExceptionTag) -> UInt64 {
        // SAFETY: of the record only the size is asked.
        unsafe UInt64(MemoryLayout<apus_exception>.size + tag.valueBytes)
    }

    /// About as many bytes as an exception with `tag` takes: its record, this object, and its place
    /// in the store's table.
    static func byteCount(_ tag: ExceptionTag) -> UInt64 { recordBytes(tag) + 128 }

    var byteCount: UInt64 { Self.byteCount(tag) }

    // SAFETY: only the address is taken.
    /// What guests know it by: a cell of type exnref.
    public var bits: UInt64 { UInt64(UInt(bitPattern: unsafe record)) }

    /// Whether it is one of the guests of `store`, for which alone its references mean something.
    public func belongs(to store: RuntimeStore) -> Bool { self.store == store.number }

    /// How many cells of 8 bytes there are.
    public var cellCount: Int { tag.valueBytes / 8 }

    /// The bits of a cell of what it carries.
    public internal(set) subscript(cell: Int) -> UInt64 {
        // SAFETY: the cell is below `cellCount`, as the precondition says, and there is room for so
        // many.
        get {
            precondition(UInt(bitPattern: cell) < UInt(bitPattern: cellCount))
            return unsafe cells[cell]
        }
        set {
            precondition(UInt(bitPattern: cell) < UInt(bitPattern: cellCount))
            unsafe cells[cell] = newValue
        }
    }

    private var cells: UnsafeMutablePointer<UInt64> {
        // SAFETY: the values lie behind the head, in the same allocation.
        unsafe (UnsafeMutableRawPointer(record) + MemoryLayout<apus_exception>.size)
            .assumingMemoryBound(to: UInt64.self)
    }

    // SAFETY: cells of type exnref come from guests, which cannot make references up; a store keeps
    // exceptions as long as a cell refers to them.
    /// The exception that a cell of type exnref refers to; nil for null.
    public static func of(_ bits: UInt64) -> ThrownException? {
        guard let record = unsafe UnsafePointer<apus_exception>(bitPattern: UInt(bits)),
            let owner = unsafe record.pointee.owner
        else { return nil }
        return unsafe Unmanaged<ThrownException>.fromOpaque(owner).takeUnretainedValue()
    }
}

extension ThrownException: Error {}
