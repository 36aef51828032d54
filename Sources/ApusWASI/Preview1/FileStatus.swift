/// What kind of thing a descriptor or path names: `filetype`.
enum FileType: UInt8 {
    case unknown = 0
    case blockDevice, characterDevice, directory, regularFile, socketDatagram, socketStream
    case symbolicLink
}

/// What is known of a file: `filestat`. Times are nanoseconds since 1970.
struct FileStatus: Equatable {
    var device: UInt64 = 0
    var inode: UInt64 = 0
    var type: FileType = .unknown
    var links: UInt64 = 1
    var size: UInt64 = 0
    var accessTime: UInt64 = 0
    var modificationTime: UInt64 = 0
    var changeTime: UInt64 = 0
}

/// A time to give a file.
enum FileTime: Equatable {
    case unchanged
    case now
    /// Nanoseconds since 1970.
    case at(UInt64)
}
