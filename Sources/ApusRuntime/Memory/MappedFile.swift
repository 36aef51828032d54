public import ApusCollections
internal import CApusHost

/// A file whose contents are read where the system has them.
///
/// Who changes or shortens the file changes what is read, and who shortens it ends the process: it
/// must be nobody's but those who run this.
@safe
public final class MappedFile: Sendable {
    // SAFETY: `start` is a mapping of `byteCount` bytes, followed by a page of zeros, that this
    // object owns.
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer
    let byteCount: UInt64

    private init(_ start: UnsafeMutableRawPointer, _ byteCount: UInt64) {
        // SAFETY: `map` gives a mapping that it has just made.
        unsafe self.start = start
        self.byteCount = byteCount
    }

    /// Maps the open file `descriptor`, which need not stay open.
    public static func map(_ descriptor: Int32) throws(ResourceError) -> MappedFile {
        let size = apus_file_bytes(descriptor)
        guard size >= 0 else {
            throw ResourceError(
                .codeFile, requested: 0, errorNumber: Int32(truncatingIfNeeded: -size))
        }
        let bytes = UInt64(size)
        // SAFETY: the mapping has as many bytes as the file and becomes the object's.
        guard bytes <= 1 << 40, let start = unsafe apus_file_map(descriptor, bytes) else {
            throw ResourceError(.codeFile, requested: bytes)
        }
        return unsafe MappedFile(start, bytes)
    }

    // SAFETY: who has an address in it keeps this object.
    deinit { unsafe apus_unmap(start, apus_file_map_bytes(byteCount)) }

    /// The contents, which keep this object.
    public var bytes: ByteStorage {
        // SAFETY: the mapping has `byteCount` bytes and a page of zeros behind them, and the
        // storage keeps this object.
        let first = unsafe start.assumingMemoryBound(to: UInt8.self)
        return unsafe ByteStorage(first, count: Int(byteCount), of: self)
    }

    /// Where the contents at `offset` are, for those who keep this object.
    func address(at offset: UInt64) -> UnsafeRawPointer {
        precondition(offset <= byteCount)
        // SAFETY: the offset is within the file, as the precondition says; who asks keeps this
        // object.
        return unsafe UnsafeRawPointer(start + Int(offset))
    }
}
