#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An open file of the host's, which is closed with this value.
struct HostFile: ~Copyable {
    let descriptor: Int32

    /// Takes over `descriptor`.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Opens what can be read at `path`, whatever it is; if it is a pipe, when somebody has opened
    /// its other end, or at once if it `isAwaited` by who reads.
    static func reading(_ path: String, isAwaited: Bool = false) throws(FileError) -> HostFile {
        let flags = O_RDONLY | O_CLOEXEC | (isAwaited ? O_NONBLOCK : 0)
        // SAFETY: `path` is a string of Swift's, which lends the call its bytes with a final zero.
        let descriptor = FileDescriptor.retrying { unsafe open(path, flags) }
        guard descriptor >= 0 else { throw FileError(path: path, errorNumber: errno) }
        return HostFile(descriptor: descriptor)
    }

    /// Opens the file at `path` if its contents may be run as machine code: see
    /// `FileStatus.reasonNotToTrust`.
    static func trusted(_ path: String) throws -> HostFile {
        // What is opened may be a pipe that nobody writes to.
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        // SAFETY: `path` is a string of Swift's, which lends the call its bytes with a final zero.
        let descriptor = FileDescriptor.retrying { unsafe open(path, flags) }
        guard descriptor >= 0 else {
            if errno == ELOOP { throw ArtifactError.untrusted(path: path, reason: "it is a link") }
            throw FileError(path: path, errorNumber: errno)
        }
        let file = HostFile(descriptor: descriptor)
        guard let status = file.status else { throw FileError(path: path, errorNumber: errno) }
        if status.isDirectory { throw FileError(path: path, errorNumber: EISDIR) }
        if let reason = status.reasonNotToTrust(asUser: geteuid()) {
            throw ArtifactError.untrusted(path: path, reason: reason)
        }
        return file
    }

    /// What the system says of it.
    var status: FileStatus? {
        var record = stat()
        // SAFETY: the record is this function's own.
        return unsafe fstat(descriptor, &record) == 0 ? FileStatus(record) : nil
    }
}
