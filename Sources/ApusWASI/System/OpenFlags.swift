#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How the operating system is to open a file.
struct OpenFlags: OptionSet {
    let rawValue: Int32

    static let readOnly = OpenFlags(rawValue: O_RDONLY)
    static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    static let readWrite = OpenFlags(rawValue: O_RDWR)
    static let create = OpenFlags(rawValue: O_CREAT)
    static let exclusive = OpenFlags(rawValue: O_EXCL)
    static let truncate = OpenFlags(rawValue: O_TRUNC)
    static let directory = OpenFlags(rawValue: O_DIRECTORY)
    static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    static let append = OpenFlags(rawValue: O_APPEND)
    static let nonblocking = OpenFlags(rawValue: O_NONBLOCK)
    static let synchronized = OpenFlags(rawValue: O_SYNC)
    #if os(Linux)
        static let dataSynchronized = OpenFlags(rawValue: O_DSYNC)
        // O_PATH, which needs a feature macro: 010000000 on every architecture of interest.
        /// For a directory that is only walked through; goes with `noFollow` alone.
        static let walk = OpenFlags(rawValue: 0o10000000 | O_DIRECTORY | O_CLOEXEC)
    #else
        static let dataSynchronized = OpenFlags(rawValue: O_SYNC)
        static let walk = OpenFlags(rawValue: O_DIRECTORY | O_CLOEXEC)
    #endif
    /// What every opening asks for.
    static let always = OpenFlags(rawValue: O_CLOEXEC | O_NOCTTY)

    /// Whether writing is asked for.
    var writes: Bool { rawValue & O_ACCMODE != O_RDONLY }
}

/// From where a position in a file counts.
enum SeekOrigin {
    case start, current, end

    /// The operating system's number.
    var host: Int32 {
        switch self {
        case .start: SEEK_SET
        case .current: SEEK_CUR
        case .end: SEEK_END
        }
    }
}
