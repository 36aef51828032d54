#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file that a tool reads, to which code is added as it comes. What cannot be written is left
/// out: tools are only told, and must not be in a program's way.
struct ToolFile: Sendable {
    let descriptor: Int32

    /// A new file at `path`, which must not be there: nobody else's is written to, not even if it
    /// was left where ours has to be. One of ours is replaced.
    init(_ path: String) {
        // SAFETY: `path` is a string of Swift's, which lends the calls its bytes with a final zero.
        _ = unsafe unlink(path)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        descriptor = FileDescriptor.retrying { unsafe open(path, flags, 0o600) }
    }

    /// Writes all of `bytes`, as far as that is possible.
    func write(_ bytes: [UInt8]) {
        guard descriptor >= 0 else { return }
        var written = 0
        while written < bytes.count {
            let count = FileDescriptor.write(bytes[written...], to: descriptor)
            if count <= 0 { return }
            written += count
        }
    }
}
