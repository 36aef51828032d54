public import ApusFormat
public import ApusRuntime

/// A guest's linear memory.
///
/// Addresses count bytes from its start. It grows but never shrinks, so what was within it stays
/// within it. One whose type is shared may be used by other threads at the same time (`shared`):
/// then what is read may change while it is read. Specification: 4.2.8 “Memory Instances”.
public struct Memory {
    let linear: LinearMemory
    let store: Store

    init(_ linear: LinearMemory, in store: Store) {
        self.linear = linear
        self.store = store
    }

    /// Makes a memory that belongs to no instance, for instances to import. It is made of what
    /// `supplier` has; if there is none, of what those of the engine's instances are made of.
    ///
    /// - Throws: `ResourceError` if there is no room, or `type` is none that a memory can have;
    ///   what the store's limiter throws.
    public init(
        _ store: Store, _ type: MemoryType, from supplier: (any MemorySupplier)? = nil
    ) throws {
        try self.init(store.runtime.makeMemory(type, from: supplier), in: store)
    }

    /// Its type as it was declared; the minimum is the size it began with.
    public var type: MemoryType { linear.type }

    /// Its size in bytes.
    public var byteCount: Int { linear.byteCount }

    /// Its size in pages of 64 KiB.
    public var pageCount: Int { Int(truncatingIfNeeded: linear.pageCount) }

    /// Adds `pages` pages of zeros and returns how many there were; nil if it may not grow so far.
    /// Throws what the store's limiter throws, and `ResourceError` where the memory's own supplier
    /// calls this while it is asked for more.
    @discardableResult
    public func grow(by pages: Int) throws -> Int? {
        guard let pages = UInt64(exactly: pages) else { return nil }
        return try store.runtime.grow(linear, by: pages).map { Int(truncatingIfNeeded: $0) }
    }

    /// Grows as `grow(by:)` does, and waits for what an asynchronous limiter of the store says.
    /// Throws what that throws.
    @discardableResult
    public nonisolated(nonsending) func growAsync(by pages: Int) async throws -> Int? {
        guard let pages = UInt64(exactly: pages) else { return nil }
        let old = try await store.runtime.growAsync(linear, by: pages)
        return old.map { Int(truncatingIfNeeded: $0) }
    }
}

extension Memory {
    /// A copy of `count` bytes from `address` on. An `Int32` is taken as the guest means it:
    /// unsigned.
    public func read(
        at address: some FixedWidthInteger, count: some FixedWidthInteger
    ) throws(MemoryError) -> [UInt8] {
        try linear.copy(at: address, count: count)
    }

    /// Copies `bytes` to `address`; if they do not all fit, nothing is written.
    public func write(
        _ bytes: [UInt8], at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try write(bytes.span, at: address)
    }

    /// Copies `bytes` to `address`; if they do not all fit, nothing is written.
    public func write(
        _ bytes: Span<UInt8>, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try linear.replace(at: address, with: bytes)
    }

    /// The number at `address`, stored as WebAssembly stores it: little-endian, at any alignment.
    public func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Number {
        try linear.number(at: address)
    }

    /// Stores a number at `address` as WebAssembly does: little-endian, at any alignment.
    public func store<Number: FixedWidthInteger & BitwiseCopyable>(
        _ value: Number, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try linear.setNumber(at: address, to: value)
    }

    /// The UTF-8 text of `count` bytes from `address` on.
    public func string(
        at address: some FixedWidthInteger, count: some FixedWidthInteger
    ) throws(MemoryError) -> String {
        let bytes = try read(at: address, count: count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedUTF8(address: LinearMemory.offset(address))
        }
        return text
    }

    /// Copies the UTF-8 bytes of `text`, without a final zero, to `address`; if they do not all
    /// fit, nothing is written. Returns their number.
    @discardableResult
    public func write(
        _ text: String, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Int {
        let bytes = [UInt8](text.utf8)
        try write(bytes, at: address)
        return bytes.count
    }

    /// Calls `body` with all bytes of the memory as they are now, without copying them. Nothing
    /// changes them meanwhile: in `body`, calls of the store's guests and new instances throw
    /// `LendingError.isLent`, what writes to the memory `MemoryError.isLent`.
    ///
    /// - Throws: `LendingError.isShared` if the memory's type is shared: other threads cannot be
    ///   kept from changing it, so it can only be copied (`read(at:count:)`); what `body` throws.
    public func withBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
        try store.runtime.withBytes(of: linear, body)
    }

    /// Calls `body` with all bytes of the memory to be changed in place. Nobody else does meanwhile
    /// (see `withBytes(_:)`), or has them in place.
    ///
    /// - Throws: `LendingError`; what `body` throws.
    public func withMutableBytes<Result>(
        _ body: (inout MutableRawSpan) throws -> Result
    ) throws -> Result {
        try store.runtime.withMutableBytes(of: linear, body)
    }
}

extension Memory: Equatable {
    /// Whether both are the same memory.
    public static func == (left: Memory, right: Memory) -> Bool { left.linear === right.linear }
}
