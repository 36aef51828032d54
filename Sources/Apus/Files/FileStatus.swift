internal import ApusCollections

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What the system says of a file: as long as it says the same, it is the same file with the same
/// contents, unless it was changed within the grain of the file system's clock, or somebody else
/// has made the file system.
struct FileStatus: Hashable {
    private let mode: UInt32
    private let owner: UInt32
    let device: UInt64
    let inode: UInt64
    let byteCount: Int64
    /// Nanoseconds since 1970.
    let modified: Int64
    /// Likewise, of contents, owner, mode or name: nobody can set it who uses the file system.
    let changed: Int64

    init(_ record: stat) {
        mode = UInt32(record.st_mode)
        owner = record.st_uid
        device = UInt64(truncatingIfNeeded: record.st_dev)
        inode = UInt64(record.st_ino)
        byteCount = Int64(record.st_size)
        #if canImport(Darwin)
            modified = Self.nanoseconds(record.st_mtimespec)
            changed = Self.nanoseconds(record.st_ctimespec)
        #else
            modified = Self.nanoseconds(record.st_mtim)
            changed = Self.nanoseconds(record.st_ctim)
        #endif
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// The time now, as the system has it.
    static var now: Int64 {
        var time = timespec()
        // SAFETY: the record is this function's own.
        return unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 ? nanoseconds(time) : 0
    }

    private var kind: UInt32 { mode & UInt32(S_IFMT) }
    var isRegular: Bool { kind == UInt32(S_IFREG) }
    var isDirectory: Bool { kind == UInt32(S_IFDIR) }
    /// Who may use it.
    var permissions: mode_t { mode_t(mode & 0o7777) }

    /// Why others than `user` and root may have written what is there; nil if nobody may have.
    func reasonNotToTrust(asUser user: UInt32) -> String? {
        if !isRegular && !isDirectory { return "it is no regular file" }
        if owner != user && owner != 0 { return "it belongs to somebody else" }
        if mode & 0o022 != 0 { return "others may write to it" }
        return nil
    }

    /// Whether its time of change tells it from all that it becomes from now on: a file that was
    /// changed just now can be changed again within the same grain of time.
    var isSettled: Bool { isSettled(at: Self.now) }

    /// The same at the time `now`.
    func isSettled(at now: Int64) -> Bool { now &- changed > 2_000_000_000 }

    /// All that tells it from other files and other contents.
    var words: [UInt64] {
        [
            device, inode, UInt64(bitPattern: byteCount), UInt64(bitPattern: modified),
            UInt64(bitPattern: changed),
        ]
    }
}
