internal import ApusCollections
internal import CApusHost

/// Memory for machine code: first writable, then executable, never both; or mapped from a file, and
/// never writable.
///
/// The compilation driver reserves it, writes code through `bytes`, and hands it to a `CodeImage`,
/// which makes it executable.
@safe
public struct CodeMemory: ~Copyable, @unchecked Sendable {
    // SAFETY: `start` is a mapping of `capacity` bytes that this value alone owns; it is written
    // only through `bytes`, which asks for exclusive access and refuses once it is executable.
    private let start: UnsafeMutableRawPointer
    /// Bytes it has, a multiple of the machine's page.
    public let capacity: Int
    public private(set) var isExecutable: Bool

    /// Code of this size is worth large pages, for the faults and for instruction fetch.
    private static var largePagesFrom: Int { 4 << 20 }

    /// Reserves room for `capacity` bytes of code and a little more.
    public init(capacity: Int) throws(ResourceError) {
        let page = Int(truncatingIfNeeded: apus_page_bytes())
        guard capacity >= 0, capacity <= 1 << 40 else {
            throw ResourceError(
                .code, requested: UInt64(truncatingIfNeeded: capacity), limit: 1 << 40)
        }
        // A return address may be one past the last instruction: no other code begins there.
        let bytes = (capacity + 1 + page - 1) / page * page
        // SAFETY: the reservation has `bytes` bytes, which become this value's, or are given back
        // where this fails.
        guard let start = unsafe apus_reserve(UInt64(bytes)) else {
            throw ResourceError(.code, requested: UInt64(bytes))
        }
        let error = unsafe apus_protect(start, UInt64(bytes), apus_access_write)
        guard error == 0 else {
            unsafe apus_unmap(start, UInt64(bytes))
            throw ResourceError(.code, requested: UInt64(bytes), errorNumber: error)
        }
        if bytes >= Self.largePagesFrom {
            unsafe apus_prefer_large_pages(start, UInt64(bytes))
        }
        unsafe self.start = start
        self.capacity = bytes
        isExecutable = false
    }

    /// Code that lies in an open file: `byteCount` bytes from `offset` on, a multiple of the
    /// machine's page. The file need not stay open.
    ///
    /// Who may write to the file may write code: it must be nobody but who runs this.
    public init(file: Int32, offset: UInt64, byteCount: Int) throws(ResourceError) {
        let page = apus_page_bytes()
        let size = apus_file_bytes(file)
        guard size >= 0 else {
            throw ResourceError(
                .code, requested: UInt64(max(byteCount, 0)),
                errorNumber: Int32(truncatingIfNeeded: -size))
        }
        // Beyond the page in which the file ends there is nothing to execute but a fault.
        guard byteCount > 0, offset % page == 0, offset <= UInt64(size),
            UInt64(byteCount) <= UInt64(size) - offset
        else {
            throw ResourceError(
                .codeFile,
                requested: offset.addingReportingOverflow(UInt64(max(byteCount, 0)))
                    .partialValue, limit: UInt64(size))
        }
        let bytes = (UInt64(byteCount) + 1 + page - 1) / page * page
        // SAFETY: the file has so many bytes from `offset` on, as was compared; the mapping becomes
        // this value's.
        guard let start = unsafe apus_code_map(file, offset, bytes) else {
            throw ResourceError(.code, requested: bytes)
        }
        unsafe self.start = start
        capacity = Int(bytes)
        isExecutable = true
    }

    // SAFETY: the mapping is this value's alone; who runs code in it keeps its image, and so this.
    deinit { unsafe apus_unmap(start, UInt64(capacity)) }

    // SAFETY: only the address is taken.
    /// Address of the first byte.
    public var base: UInt { UInt(bitPattern: unsafe start) }

    /// The code, to be written; empty once it is executable.
    public var bytes: MutableSpan<UInt8> {
        @_lifetime(&self)
        mutating get {
            // SAFETY: the mapping has `capacity` bytes, writable until it is executable, and the
            // span has this value to itself meanwhile.
            let pointer = unsafe start.assumingMemoryBound(to: UInt8.self)
            return unsafe _overrideLifetime(
                MutableSpan(_unsafeStart: pointer, count: isExecutable ? 0 : capacity),
                mutating: &self)
        }
    }

    /// Copies `code` to `offset`. The code must fit.
    public mutating func write(_ code: Span<UInt8>, at offset: Int) {
        precondition(!isExecutable && offset >= 0 && code.count <= capacity - offset)
        // SAFETY: what is copied fits and the mapping is writable, as the precondition says; the
        // source is lent for the copy.
        unsafe code.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress else { return }
            unsafe apus_populate(start + offset, UInt64(source.count))
            unsafe (start + offset).copyMemory(from: first, byteCount: source.count)
        }
    }

    /// Turns the memory from writable to executable, for good.
    public mutating func makeExecutable() throws(ResourceError) {
        if isExecutable { return }
        // SAFETY: the mapping has `capacity` bytes, and nobody has a span of it while this value
        // changes.
        let error = unsafe apus_protect(start, UInt64(capacity), apus_access_execute)
        guard error == 0 else {
            throw ResourceError(.code, requested: UInt64(capacity), errorNumber: error)
        }
        isExecutable = true
    }
}
