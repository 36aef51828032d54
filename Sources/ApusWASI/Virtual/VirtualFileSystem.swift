/// Files and directories that the program makes up instead of taking them from the host, for
/// guests to use as if they were there. `MemoryFileSystem` is one.
///
/// A file system knows *nodes*: files, directories and symbolic links. It is never asked about
/// paths, only about one name in one directory: following paths and links, and keeping guests
/// within what they were granted, is done by those who ask. Names are UTF-8 of 1 to 255 bytes,
/// without slash or zero, never "." or "..", and differ if their bytes do, which is not what
/// comparing `String`s tells.
///
/// Several guests may share a file system, in different threads. Guests wait while it is asked.
public protocol VirtualFileSystem: AnyObject, Sendable {
    /// The directory that a guest is granted.
    var root: VirtualNode { get }

    /// A guest opened `node`, which stays usable until `close`, even without a name.
    ///
    /// - Throws: `notFound` if it is gone by now.
    func open(_ node: VirtualNode) throws(VirtualFileError)
    /// Called once for each `open`.
    func close(_ node: VirtualNode)

    /// What is known of a node.
    func status(of node: VirtualNode) throws(VirtualFileError) -> VirtualStatus
    /// Changes the times of a node.
    func setTimes(
        of node: VirtualNode, access: VirtualTime, modification: VirtualTime
    ) throws(VirtualFileError)

    // MARK: Files

    /// Fills the beginning of `buffer` with what the file has from `offset` on. Returns how many
    /// bytes that were; 0 at the file's end.
    func read(
        _ node: VirtualNode, at offset: UInt64, into buffer: inout MutableRawSpan
    ) throws(VirtualFileError) -> Int
    /// Writes at `offset`, with zeros before it if the file ends earlier. Returns how many of the
    /// bytes were written.
    func write(
        _ bytes: RawSpan, to node: VirtualNode, at offset: UInt64
    ) throws(VirtualFileError) -> Int
    /// Cuts a file off, or makes it longer by zeros.
    func setSize(of node: VirtualNode, to size: UInt64) throws(VirtualFileError)
    /// Makes sure that what was written lasts.
    func synchronize(_ node: VirtualNode) throws(VirtualFileError)

    // MARK: Directories

    /// The node called `name`.
    ///
    /// - Throws: `notFound`; `notDirectory` if `directory` is none.
    func child(_ name: String, of directory: VirtualNode) throws(VirtualFileError) -> VirtualNode
    /// At most `limit` entries, in an order that does not change while others come and go: the
    /// first ones after the entry whose `cookie` is given, from the beginning if that is 0.
    func entries(
        of directory: VirtualNode, after cookie: UInt64, limit: Int
    ) throws(VirtualFileError) -> [VirtualEntry]

    /// Makes an empty file. Throws `exists` if the name is taken, as all that follow do.
    func makeFile(_ name: String, in directory: VirtualNode) throws(VirtualFileError) -> VirtualNode
    /// Makes an empty directory.
    func makeDirectory(_ name: String, in directory: VirtualNode) throws(VirtualFileError)
    /// Makes a symbolic link.
    func makeLink(
        _ name: String, in directory: VirtualNode, to target: String
    ) throws(VirtualFileError)
    /// Gives a node that is no directory another name.
    func link(
        _ node: VirtualNode, as name: String, in directory: VirtualNode
    ) throws(VirtualFileError)
    /// Where a symbolic link points.
    func target(of node: VirtualNode) throws(VirtualFileError) -> String

    /// Takes away the name of a node that is no directory.
    func removeFile(_ name: String, in directory: VirtualNode) throws(VirtualFileError)
    /// Takes away an empty directory.
    func removeDirectory(_ name: String, in directory: VirtualNode) throws(VirtualFileError)
    /// Gives a node another name and place at once. What has the new name is replaced: a
    /// directory, which must be empty, by a directory, anything else by what is none.
    func rename(
        _ name: String, in directory: VirtualNode,
        to newName: String, in newDirectory: VirtualNode
    ) throws(VirtualFileError)
}

/// A file, directory or symbolic link of a virtual file system. Its number is never that of
/// another, not even of one that is gone; guests see it as the inode.
public struct VirtualNode: Hashable, Sendable {
    /// What tells it from all others of its file system.
    public var number: UInt64

    /// The node with a number.
    public init(number: UInt64) { self.number = number }

    /// What a node can be.
    public enum Kind: Sendable {
        /// A file with bytes.
        case file
        /// A directory.
        case directory
        /// A link that has a path.
        case symbolicLink
    }
}

/// What is known of a node.
public struct VirtualStatus: Hashable, Sendable {
    /// What it is.
    public var kind: VirtualNode.Kind
    /// Bytes that it has: of a file its contents, of a symbolic link its target.
    public var size: UInt64
    /// How many names it has.
    public var links: UInt64 = 1
    /// When it was last read, in nanoseconds since 1970, like all times here.
    public var accessTime: UInt64 = 0
    /// When its contents changed.
    public var modificationTime: UInt64 = 0
    /// When anything about it changed.
    public var changeTime: UInt64 = 0

    /// A status with one link, all of whose times are 0.
    public init(kind: VirtualNode.Kind, size: UInt64) {
        self.kind = kind
        self.size = size
    }
}

/// A name in a directory of a virtual file system.
public struct VirtualEntry: Hashable, Sendable {
    /// The entry's name.
    public var name: String
    /// What it names.
    public var node: VirtualNode
    /// What that is.
    public var kind: VirtualNode.Kind
    /// From where reading the directory goes on after this entry: greater than 0, and below 2⁶².
    /// The C library of most guests loses its place (`telldir`) from 2³¹ on.
    public var cookie: UInt64

    /// An entry of a directory.
    public init(name: String, node: VirtualNode, kind: VirtualNode.Kind, cookie: UInt64) {
        self.name = name
        self.node = node
        self.kind = kind
        self.cookie = cookie
    }
}

/// A time that a node is to get.
public enum VirtualTime: Hashable, Sendable {
    /// The one that it has.
    case unchanged
    /// The time by the file system's own clock.
    case now
    /// Nanoseconds since 1970.
    case at(UInt64)
}

/// Why a virtual file system did not do what it was asked to.
public struct VirtualFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the guest is told.
    let errno: Errno

    /// There is nothing of that name.
    public static let notFound = VirtualFileError(errno: .noent)
    /// The name is taken.
    public static let exists = VirtualFileError(errno: .exist)
    /// A directory where there should be none.
    public static let isDirectory = VirtualFileError(errno: .isdir)
    /// No directory where there should be one.
    public static let notDirectory = VirtualFileError(errno: .notdir)
    /// The directory is not empty.
    public static let notEmpty = VirtualFileError(errno: .notempty)
    /// There is no room left.
    public static let noSpace = VirtualFileError(errno: .nospc)
    /// The file cannot be that long.
    public static let tooLarge = VirtualFileError(errno: .fbig)
    /// It makes no sense, for example to move a directory into itself.
    public static let invalid = VirtualFileError(errno: .inval)
    /// It is not allowed.
    public static let notPermitted = VirtualFileError(errno: .perm)
    /// Nothing in it can be changed.
    public static let readOnly = VirtualFileError(errno: .rofs)
    /// The file system cannot do that at all.
    public static let unsupported = VirtualFileError(errno: .notsup)
    /// It went wrong.
    public static let failed = VirtualFileError(errno: .io)

    public var description: String { "the virtual file system answered: \(errno)" }
}
