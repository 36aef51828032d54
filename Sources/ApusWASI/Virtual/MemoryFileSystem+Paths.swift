internal import ApusLocks

/// For the host: files by their paths, from the uppermost directory on, with or without a slash
/// before them. Symbolic links are followed as guests follow them.
extension MemoryFileSystem {
    /// Makes a file of `bytes`, or gives them to the one that is there. Directories on the way that
    /// are missing are made.
    public func write(_ bytes: [UInt8], to path: String) throws(VirtualFileError) {
        let node = try Self.translating { () throws(Errno) in
            let path = try Self.path(path)
            if let (directory, _) = path.split(), !directory.isEmpty {
                try makeDirectories(Path(Array(directory)))
            }
            return try VirtualDirectory(rootOf: self)
                .open(path, [.writeOnly, .create], []).node
        }
        try state.withLock { (state) throws(VirtualFileError) in
            let change = try bytes.count - state.node(node).bytes.count
            guard change <= byteLimit - state.byteCount else { throw .noSpace }
            state.nodes[node]?.bytes = bytes
            state.byteCount += change
            state.touch(node)
        }
    }

    /// What a file contains.
    public func contents(of path: String) throws(VirtualFileError) -> [UInt8] {
        let node = try node(path)
        return try state.withLock { (state) throws(VirtualFileError) in
            let found = try state.node(node)
            if found.kind == .directory { throw .isDirectory }
            return found.bytes
        }
    }

    /// The names in a directory, in the order in which they were made.
    public func names(in path: String) throws(VirtualFileError) -> [String] {
        try entries(of: node(path), after: 0, limit: .max).map(\.name)
    }

    /// Makes a directory and those on the way to it that are missing.
    public func makeDirectories(_ path: String) throws(VirtualFileError) {
        try Self.translating { () throws(Errno) in try makeDirectories(Self.path(path)) }
    }

    /// What is known of what a path names.
    public func status(of path: String) throws(VirtualFileError) -> VirtualStatus {
        try status(of: node(path))
    }

    private func makeDirectories(_ path: Path) throws(Errno) {
        var above: [UInt8] = []
        for component in path.components {
            above.append(contentsOf: component)
            do throws(Errno) {
                try VirtualDirectory(rootOf: self).makeDirectory(Path(above))
            } catch {
                // A file in the way is found when something is made in it.
                if error != .exist { throw error }
            }
            above.append(UInt8(ascii: "/"))
        }
    }

    private func node(_ path: String) throws(VirtualFileError) -> VirtualNode {
        try Self.translating { () throws(Errno) in
            try VirtualDirectory(rootOf: self).locate(Self.path(path), .follow).found()
        }
    }

    private static func translating<Result>(
        _ body: () throws(Errno) -> Result
    ) throws(VirtualFileError) -> Result {
        do {
            return try body()
        } catch {
            throw VirtualFileError(errno: error)
        }
    }

    /// The path without slashes before it.
    private static func path(_ text: String) throws(Errno) -> Path {
        let relative = text.utf8.drop { $0 == UInt8(ascii: "/") }
        return relative.isEmpty ? .current : try Path([UInt8](relative))
    }
}
