internal import ApusCollections

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// An open directory of the host's that nobody else may write to, which is closed with this value.
/// Names in it are never followed if they are links.
struct HostDirectory: ~Copyable {
    private let file: HostFile

    /// What is in a directory.
    struct Entry {
        var name: String
        var status: FileStatus
    }

    /// The directory at `path`, which is made, with those above it, if it is not there. Throws if
    /// it is not its user's alone.
    init(_ path: String) throws {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        // SAFETY: names are strings of Swift's, which lend the calls their bytes with a final zero.
        var descriptor = unsafe open(path, flags)
        if descriptor < 0, errno == ENOENT {
            Self.make(path)
            descriptor = unsafe open(path, flags)
        }
        guard descriptor >= 0 else { throw FileError(path: path, errorNumber: errno) }
        try self.init(HostFile(descriptor: descriptor), path)
    }

    private init(_ file: consuming HostFile, _ path: String) throws {
        guard let status = file.status else { throw FileError(path: path, errorNumber: errno) }
        if let reason = status.reasonNotToTrust(asUser: geteuid()) {
            throw ArtifactError.untrusted(path: path, reason: reason)
        }
        self.file = file
    }

    /// What the system says of it.
    var status: FileStatus? { file.status }

    /// The directory `name` in this one, which is made if it is not there.
    func directory(_ name: String) throws -> HostDirectory {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        // SAFETY: `name` is a string of Swift's, which lends the calls its bytes with a final zero.
        unsafe mkdirat(file.descriptor, name, 0o700)
        let descriptor = unsafe openat(file.descriptor, name, flags)
        guard descriptor >= 0 else { throw FileError(path: name, errorNumber: errno) }
        return try HostDirectory(HostFile(descriptor: descriptor), name)
    }

    /// Makes the directory at `path` and those above it. What could not be made shows when it is
    /// opened.
    private static func make(_ path: String) {
        var parts = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            parts += part + "/"
            // SAFETY: `parts` is this function's own, and lends the call its bytes with a final
            // zero.
            unsafe mkdir(parts, 0o700)
        }
    }

    /// The file `name`, if it is there and nobody else may have written it.
    func file(_ name: String) -> HostFile? {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        // SAFETY: `name` is a string of Swift's, which lends the call its bytes with a final zero.
        let descriptor = unsafe openat(file.descriptor, name, flags)
        guard descriptor >= 0 else { return nil }
        let found = HostFile(descriptor: descriptor)
        guard let status = found.status, status.isRegular,
            status.reasonNotToTrust(asUser: geteuid()) == nil
        else { return nil }
        return found
    }

    /// Has a file `name` that is `contents`, from one moment to the next. Returns 0 or an error
    /// number; then nothing is changed.
    func replace(_ name: String, with contents: [UInt8]) -> Int32 {
        FileReplacement(Array(name.utf8), in: file.descriptor)
            .write(contents, FileReplacement.Access(mode: 0o600))
    }

    // SAFETY: `name` is a string of Swift's, which lends the call its bytes with a final zero.
    func remove(_ name: String) { unsafe unlinkat(file.descriptor, name, 0) }

    /// What is in it, in no order.
    var entries: [Entry] {
        // SAFETY: the stream is this function's own, from `fdopendir` to `closedir`; a record of
        // its is valid until the next one is read, and its name, of at most 256 bytes, ends with a
        // zero and is copied before; `status` is this function's own.
        let own = unsafe openat(file.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { return [] }
        guard let stream = unsafe fdopendir(own) else {
            close(own)
            return []
        }
        defer { unsafe closedir(stream) }
        var entries: [Entry] = []
        while let record = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &record.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    unsafe String(cString: name)
                }
            }
            var status = stat()
            guard
                unsafe fstatat(file.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            else { continue }
            let found = FileStatus(status)
            if found.isRegular { entries.append(Entry(name: name, status: found)) }
        }
        return entries
    }
}

extension HostFile {
    /// Notes that it was used now, unless that was noted within the last hour.
    borrowing func noteUse() {
        guard let status, FileStatus.now &- status.modified > 3_600_000_000_000 else { return }
        futimens(descriptor, nil)
    }
}
