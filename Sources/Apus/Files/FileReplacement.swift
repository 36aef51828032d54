internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file that is to have other contents, from one moment to the next: they are written to another
/// file beside it, which takes its name when it is complete. Whatever fails, and whoever ends the
/// process, what was there stays, and nothing is there that is cut off.
struct FileReplacement {
    /// Where paths begin.
    private let directory: Int32
    // These end with a zero.
    private let path: [CChar]
    private let folder: [CChar]
    private let temporary: [CChar]

    /// Who may use the file, and whose it is.
    struct Access {
        var mode: mode_t
        /// Whether the mode is just that; false: without what the process gives nobody (umask).
        var isExact = false
        /// Nil: the user's.
        var owner: (user: uid_t, group: gid_t)?
    }

    /// The file at `path`, seen from `directory`. A link there would be replaced itself.
    init(_ path: [UInt8], in directory: Int32 = AT_FDCWD) {
        let folder = Self.folder(of: path)
        self.directory = directory
        self.path = Self.characters(path)
        self.folder = Self.characters(folder.isEmpty ? [UInt8(ascii: ".")] : folder)
        temporary = Self.characters(folder + Array(TemporaryName.next.utf8))
    }

    private static func folder(of path: [UInt8]) -> [UInt8] {
        path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[...$0]) } ?? []
    }

    private static func characters(_ path: [UInt8]) -> [CChar] {
        path.map { CChar(bitPattern: $0) } + [0]
    }

    /// Writes the file. Returns 0 or an error number; then nothing is changed.
    func write(_ contents: [UInt8], _ access: Access) -> Int32 {
        // What has no name goes with the process. Not all systems have such files.
        writeUnnamed(contents, access) ?? writeNamed(contents, access)
    }

    /// Nil if that is not possible.
    private func writeUnnamed(_ contents: [UInt8], _ access: Access) -> Int32? {
        // SAFETY: the paths are arrays of this value's, and end with a zero.
        let descriptor = unsafe apus_open_unnamed(directory, folder, UInt32(access.mode))
        guard descriptor >= 0 else { return nil }
        let error = Self.fill(descriptor, contents, access)
        if error == 0, unsafe apus_name_file(descriptor, directory, temporary) != 0 {
            close(descriptor)
            return nil
        }
        return finish(descriptor, error)
    }

    private func writeNamed(_ contents: [UInt8], _ access: Access) -> Int32 {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        // SAFETY: the path is an array of this value's, and ends with a zero.
        let descriptor = unsafe openat(directory, temporary, flags, access.mode)
        guard descriptor >= 0 else { return errno }
        return finish(descriptor, Self.fill(descriptor, contents, access))
    }

    private static func fill(
        _ descriptor: Int32, _ contents: [UInt8], _ access: Access
    ) -> Int32 {
        if let owner = access.owner, fchown(descriptor, owner.user, owner.group) != 0 {
            return errno
        }
        if access.isExact, fchmod(descriptor, access.mode) != 0 { return errno }
        return FileDescriptor.writeAll(contents, to: descriptor)
    }

    /// Has the temporary file take the name, if there was no error.
    private func finish(_ descriptor: Int32, _ error: Int32) -> Int32 {
        var error = error
        // Some file systems only now say that there was no room.
        if close(descriptor) != 0, error == 0 { error = errno }
        // SAFETY: the paths are arrays of this value's, and end with a zero.
        if error == 0, unsafe renameat(directory, temporary, directory, path) != 0 {
            error = errno
        }
        if error != 0 { unsafe unlinkat(directory, temporary, 0) }
        return error
    }
}

// MARK: What users name

extension FileReplacement {
    /// What the system says of what is at `path`; nil if nothing is there.
    private static func status(_ path: [UInt8]) -> stat? {
        var status = stat()
        // SAFETY: the characters end with a zero, and the record is this function's own.
        return unsafe lstat(characters(path), &status) == 0 ? status : nil
    }

    /// What a path leads to.
    private enum Target {
        /// A file, or nothing yet, at this path, and no link.
        case path([UInt8])
        /// What this process has open.
        case descriptor(Int32)
        case other
    }

    /// Writes the file at `path`, or what links there lead to, and keeps its mode and its owner.
    /// Nil if it has to be written in its place: a pipe or a device, a file with other names, one
    /// of somebody else's, or in a folder that is not to be changed.
    static func write(_ contents: [UInt8], to path: [UInt8]) -> Int32? {
        let target: [UInt8]
        switch self.target(of: path) {
        case .path(let path): target = path
        // Others write there, too, before and afterwards.
        case .descriptor(let number): return FileDescriptor.writeAll(contents, to: number)
        case .other: return nil
        }
        var access = Access(mode: 0o666)
        if let status = status(target) {
            let known = FileStatus(status)
            guard known.isRegular, status.st_nlink == 1 else { return nil }
            // What must not be written is not replaced either.
            // SAFETY: the characters end with a zero.
            let probe = unsafe open(characters(target), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
            guard probe >= 0 else { return nil }
            close(probe)
            access = Access(mode: known.permissions, isExact: true)
            if status.st_uid != geteuid() || status.st_gid != getegid() {
                access.owner = (status.st_uid, status.st_gid)
            }
        }
        let error = FileReplacement(target).write(contents, access)
        return [EACCES, EPERM, EROFS, EBUSY].contains(error) ? nil : error
    }

    /// What links at `path` lead to.
    private static func target(of path: [UInt8]) -> Target {
        var path = path
        for _ in 0..<40 {
            let folder = folder(of: path)
            guard let link = link(path) else { return .path(path) }
            // What these lead to is not what they say.
            if let real = realPath(folder), real.hasPrefix("/proc/") {
                let name = String(decoding: path[folder.count...], as: UTF8.self)
                let isOwn = real == "/proc/\(getpid())/fd"
                return isOwn ? Int32(name).map { .descriptor($0) } ?? .other : .other
            }
            path = link.first == UInt8(ascii: "/") ? link : folder + link
        }
        return .other
    }

    /// What the link at `path` says; nil if it is none.
    private static func link(_ path: [UInt8]) -> [UInt8]? {
        // SAFETY: the characters end with a zero; the system writes at most as many bytes as there
        // are, and says how many.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            let count = unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
                unsafe readlink(
                    characters(path), buffer.baseAddress.unsafelyUnwrapped, buffer.count)
            }
            filled = max(count, 0)
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// The folder at `path`, without links; nil if there is none.
    private static func realPath(_ path: [UInt8]) -> String? {
        // SAFETY: the characters end with a zero; what `realpath` allocates is this function's own,
        // and is copied before it is freed.
        let path = path.isEmpty ? [UInt8(ascii: ".")] : path
        guard let real = unsafe realpath(characters(path), nil) else { return nil }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}

/// Names of files that are not finished.
enum TemporaryName {
    /// A name that nobody else has.
    static var next: String {
        let number = UInt64.random(in: .min ... .max)
        return prefix + String(getpid()) + "-" + String(number, radix: 16)
    }

    static let prefix = "unfinished-"
}

extension HostFile {
    /// Has a file at `path` that is `contents`, from one moment to the next, which nobody else may
    /// write to.
    static func replace(_ path: String, with contents: [UInt8]) throws(FileError) {
        var status = stat()
        var access = FileReplacement.Access(mode: 0o644)
        // SAFETY: the path is a string of Swift's, which lends the call its bytes with a final
        // zero; the record is this function's own.
        if unsafe lstat(path, &status) == 0 {
            let known = FileStatus(status)
            guard known.isRegular else {
                throw FileError(path: path, reason: "it is no regular file")
            }
            access = FileReplacement.Access(mode: known.permissions & 0o755, isExact: true)
        }
        let error = FileReplacement(Array(path.utf8)).write(contents, access)
        if error != 0 { throw FileError(path: path, errorNumber: error) }
    }
}
