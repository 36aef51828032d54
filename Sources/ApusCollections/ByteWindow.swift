/// Reads bytes and words anywhere in a `ByteStorage` with one check each, for decoders.
///
/// Beyond the storage's end it reads zeroes.
@frozen @safe
public struct ByteWindow: Sendable {
    // SAFETY: `base` is the address of `storage`'s bytes, which this value keeps alive and nobody
    // writes. Every read is of at most 8 bytes and begins below `count`, and `ByteStorage.padding`
    // (16) more bytes follow those.
    /// Where the bytes are.
    public let storage: ByteStorage
    @usableFromInline nonisolated(unsafe) let base: UnsafePointer<UInt8>
    /// The number of bytes, without the padding.
    public let count: Int

    @inlinable @inline(__always)
    public init(_ storage: ByteStorage) {
        self.storage = storage
        // SAFETY: `storage` is kept beside its address.
        unsafe base = UnsafePointer(storage.base)
        count = storage.count
    }

    /// The byte at `offset`, 0 if there is none.
    @inlinable @inline(__always)
    public func byte(at offset: Int) -> UInt8 {
        if UInt(bitPattern: offset) >= UInt(bitPattern: count) { return 0 }
        // SAFETY: `offset` is below `count`, as was compared.
        return unsafe base[offset]
    }

    /// The 8 bytes from `offset` on, the first one lowest, zeroes for those beyond the end.
    @inlinable @inline(__always)
    public func word(at offset: Int) -> UInt64 {
        if UInt(bitPattern: offset) >= UInt(bitPattern: count) { return 0 }
        // SAFETY: `offset` is below `count`, as was compared, and the padding has room for the rest
        // of a word.
        let raw = unsafe UnsafeRawPointer(base + offset)
        return unsafe UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self))
    }
}
