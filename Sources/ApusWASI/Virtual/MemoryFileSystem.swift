internal import ApusLocks

/// A file system whose files are in the host's memory: for guests that need a folder but none of
/// the host's, for input that was never a file, and for output to look at afterwards.
/// ```swift
/// let files = MemoryFileSystem()
/// try files.write([UInt8]("hello".utf8), to: "greetings/first.txt")
/// var wasi = WASI()
/// wasi.preopen("/data", files)
/// ```
/// What guests can make it hold is limited; for each byte of theirs the host holds at most two. It
/// outlives the guests; several may share it.
public final class MemoryFileSystem: VirtualFileSystem {
    /// Bytes that all files and link targets together have at most.
    public let byteLimit: Int
    /// Files, directories and links that there are at most.
    public let entryLimit: Int
    let state: SystemMutex<State>

    /// An empty file system. Times are told by a clock of its own, which is the same each time if
    /// nothing else is said.
    ///
    /// - Parameters:
    ///   - byteLimit: bytes that all files together have at most.
    ///   - entryLimit: names that there are at most.
    ///   - clock: what time it is when something is changed.
    public init(
        byteLimit: Int = 64 << 20, entryLimit: Int = 65536, clock: WASI.Clock = .simulated()
    ) {
        self.byteLimit = max(byteLimit, 0)
        self.entryLimit = max(entryLimit, 0)
        state = SystemMutex(State(clocks: clock.clocks))
    }

    /// Its uppermost directory.
    public var root: VirtualNode { State.root }

    /// Bytes that all files and link targets together have.
    public var byteCount: Int { state.withLock { $0.byteCount } }

    struct Node {
        let kind: VirtualNode.Kind
        /// Of a file its contents, of a symbolic link its target.
        var bytes: [UInt8] = []
        var directory = Directory()
        /// The directory that a directory is in.
        var parent = State.root
        /// Names that it has.
        var links: UInt64 = 1
        /// How often it is open.
        var opened = 0
        var accessTime: UInt64
        var modificationTime: UInt64
        var changeTime: UInt64

        init(_ kind: VirtualNode.Kind, at time: UInt64) {
            self.kind = kind
            accessTime = time
            modificationTime = time
            changeTime = time
        }
    }

    /// All that changes.
    struct State {
        static let root = VirtualNode(number: 1)

        var nodes: [VirtualNode: Node] = [:]
        var clocks: Clocks
        var byteCount = 0
        var entryCount = 0
        private var lastNumber: UInt64 = 1

        init(clocks: Clocks) {
            self.clocks = clocks
            nodes[Self.root] = Node(.directory, at: now())
        }

        mutating func now() -> UInt64 { (try? clocks.now(.realtime)) ?? 0 }

        func node(_ node: VirtualNode) throws(VirtualFileError) -> Node {
            guard let found = nodes[node] else { throw .notFound }
            return found
        }

        /// What has one name more than before.
        mutating func add(_ kind: VirtualNode.Kind) -> VirtualNode {
            lastNumber += 1
            let node = VirtualNode(number: lastNumber)
            nodes[node] = Node(kind, at: now())
            return node
        }

        /// Frees what has neither a name nor anyone who has it open.
        mutating func releaseIfUnused(_ node: VirtualNode) {
            guard let found = nodes[node], found.links == 0, found.opened == 0 else { return }
            byteCount -= found.bytes.count
            nodes[node] = nil
        }

        /// Notes that the contents changed.
        mutating func touch(_ node: VirtualNode) {
            let time = now()
            nodes[node]?.modificationTime = time
            nodes[node]?.changeTime = time
        }
    }
}

// MARK: Nodes

extension MemoryFileSystem {
    public func open(_ node: VirtualNode) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            guard state.nodes[node] != nil else { throw .notFound }
            state.nodes[node]?.opened += 1
        }
    }

    public func close(_ node: VirtualNode) {
        state.withLock { state in
            guard let found = state.nodes[node], found.opened > 0 else { return }
            state.nodes[node]?.opened -= 1
            state.releaseIfUnused(node)
        }
    }

    public func status(of node: VirtualNode) throws(VirtualFileError) -> VirtualStatus {
        try state.withLock { (state) throws(VirtualFileError) in
            let node = try state.node(node)
            var status = VirtualStatus(kind: node.kind, size: UInt64(node.bytes.count))
            status.links = node.links
            status.accessTime = node.accessTime
            status.modificationTime = node.modificationTime
            status.changeTime = node.changeTime
            return status
        }
    }

    public func setTimes(
        of node: VirtualNode, access: VirtualTime, modification: VirtualTime
    ) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            var changed = try state.node(node)
            let now = state.now()
            changed.accessTime = access.applied(to: changed.accessTime, now: now)
            changed.modificationTime = modification.applied(
                to: changed.modificationTime, now: now)
            changed.changeTime = now
            state.nodes[node] = changed
        }
    }
}

extension VirtualTime {
    fileprivate func applied(to time: UInt64, now: UInt64) -> UInt64 {
        switch self {
        case .unchanged: time
        case .now: now
        case .at(let wanted): wanted
        }
    }
}

// MARK: Contents

extension MemoryFileSystem {
    public func read(
        _ node: VirtualNode, at offset: UInt64, into buffer: inout MutableRawSpan
    ) throws(VirtualFileError) -> Int {
        // The bytes are shared, not copied, while the lock is held.
        let bytes = try state.withLock { (state) throws(VirtualFileError) in
            let found = try state.node(node)
            if found.kind == .directory { throw .isDirectory }
            return found.bytes
        }
        guard offset < UInt64(bytes.count) else { return 0 }
        return buffer.fill(from: bytes.span, at: Int(offset))
    }

    public func write(
        _ bytes: RawSpan, to node: VirtualNode, at offset: UInt64
    ) throws(VirtualFileError) -> Int {
        let count = bytes.byteCount
        if count == 0 { return 0 }
        return try state.withLock { (state) throws(VirtualFileError) in
            let size = try file(node, state)
            guard let start = Int(exactly: offset) else { throw .tooLarge }
            let room = byteLimit - state.byteCount + size - start
            // As much as fits, as a full disk takes it.
            let taken = min(count, room)
            guard taken > 0 else { throw .noSpace }
            state.nodes[node]?.bytes.overwrite(at: start, with: bytes, count: taken)
            state.byteCount += max(start + taken - size, 0)
            state.touch(node)
            return taken
        }
    }

    public func setSize(of node: VirtualNode, to size: UInt64) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            let before = try file(node, state)
            guard let size = Int(exactly: size) else { throw .tooLarge }
            guard size - before <= byteLimit - state.byteCount else { throw .noSpace }
            if size > before {
                state.nodes[node]?.bytes.append(
                    contentsOf: repeatElement(0, count: size - before))
            } else {
                state.nodes[node]?.bytes.shorten(to: size)
            }
            state.byteCount += size - before
            state.touch(node)
        }
    }

    /// The size of what must be a file.
    private func file(_ node: VirtualNode, _ state: State) throws(VirtualFileError) -> Int {
        let found = try state.node(node)
        switch found.kind {
        case .file: return found.bytes.count
        case .directory: throw .isDirectory
        case .symbolicLink: throw .invalid
        }
    }

    public func synchronize(_ node: VirtualNode) {}
}

extension [UInt8] {
    /// Keeps the first `size` bytes, and no more storage than twice that: it is `size` that counts
    /// as held.
    fileprivate mutating func shorten(to size: Int) {
        if size < capacity / 2 {
            self = Array(self[..<size])
        } else {
            removeLast(count - size)
        }
    }
}
