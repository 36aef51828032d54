internal import ApusLocks

extension MemoryFileSystem {
    /// Names in the order in which they were made, found by name and by place.
    struct Directory {
        struct Entry {
            /// Grows from entry to entry, and is never used again.
            let cookie: UInt64
            /// Nil for one that was taken away.
            var child: (name: [UInt8], node: VirtualNode)?
        }

        private(set) var places: [[UInt8]: UInt64] = [:]
        private(set) var entries: [Entry] = []
        private var lastCookie: UInt64 = 0

        var count: Int { places.count }

        /// Where the first entry is whose cookie is greater.
        private func index(after cookie: UInt64) -> Int {
            var low = 0
            var high = entries.count
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].cookie <= cookie { low = middle + 1 } else { high = middle }
            }
            return low
        }

        subscript(name: [UInt8]) -> VirtualNode? {
            guard let cookie = places[name] else { return nil }
            return entries[index(after: cookie - 1)].child?.node
        }

        mutating func insert(_ name: [UInt8], _ node: VirtualNode) {
            lastCookie += 1
            places[name] = lastCookie
            entries.append(Entry(cookie: lastCookie, child: (name, node)))
        }

        mutating func remove(_ name: [UInt8]) {
            guard let cookie = places.removeValue(forKey: name) else { return }
            entries[index(after: cookie - 1)].child = nil
            // Seldom enough that taking away each costs the same in the end.
            if entries.count > 16, entries.count > 2 * places.count {
                // New ones, since the old ones would keep the room for all that ever was there.
                entries = entries.filter { $0.child != nil }
                places = Dictionary(uniqueKeysWithValues: places.map { $0 })
            }
        }

        func entries(after cookie: UInt64, limit: Int) -> [Entry] {
            var found: [Entry] = []
            var index = index(after: cookie)
            while index < entries.count, found.count < limit {
                if entries[index].child != nil { found.append(entries[index]) }
                index += 1
            }
            return found
        }
    }
}

extension MemoryFileSystem.State {
    /// What `name` stands for in `directory`, which must be one; nil if for nothing.
    fileprivate func find(
        _ name: [UInt8], in directory: VirtualNode
    ) throws(VirtualFileError) -> VirtualNode? {
        let found = try node(directory)
        guard found.kind == .directory else { throw .notDirectory }
        return found.directory[name]
    }

    /// Checks that one more name may come into `directory`.
    fileprivate func checkFree(
        _ name: [UInt8], in directory: VirtualNode, limit: Int
    ) throws(VirtualFileError) {
        if try find(name, in: directory) != nil { throw .exists }
        // A directory that was taken away stays empty.
        guard let found = nodes[directory], found.links > 0 else { throw .notFound }
        guard entryCount < limit else { throw .noSpace }
    }

    fileprivate mutating func insert(
        _ name: [UInt8], _ node: VirtualNode, in directory: VirtualNode
    ) {
        nodes[directory]?.directory.insert(name, node)
        entryCount += 1
        touch(directory)
    }

    /// Takes a name away, and what has no other and is not open.
    fileprivate mutating func remove(
        _ name: [UInt8], _ node: VirtualNode, in directory: VirtualNode
    ) {
        nodes[directory]?.directory.remove(name)
        entryCount -= 1
        touch(directory)
        let time = now()
        nodes[node]?.links -= 1
        nodes[node]?.changeTime = time
        releaseIfUnused(node)
    }

    /// Whether `node` is `directory` or somewhere above it.
    fileprivate func isAbove(_ node: VirtualNode, _ directory: VirtualNode) -> Bool {
        var place = directory
        while place != Self.root {
            if place == node { return true }
            place = nodes[place]?.parent ?? Self.root
        }
        return node == Self.root
    }
}

// MARK: Looking

extension MemoryFileSystem {
    public func child(
        _ name: String, of directory: VirtualNode
    ) throws(VirtualFileError) -> VirtualNode {
        try state.withLock { (state) throws(VirtualFileError) in
            guard let found = try state.find([UInt8](name.utf8), in: directory) else {
                throw .notFound
            }
            return found
        }
    }

    public func entries(
        of directory: VirtualNode, after cookie: UInt64, limit: Int
    ) throws(VirtualFileError) -> [VirtualEntry] {
        try state.withLock { (state) throws(VirtualFileError) in
            let found = try state.node(directory)
            guard found.kind == .directory else { throw .notDirectory }
            return found.directory.entries(after: cookie, limit: limit).compactMap { entry in
                guard let (name, node) = entry.child, let kind = state.nodes[node]?.kind else {
                    return nil
                }
                return VirtualEntry(
                    name: String(decoding: name, as: UTF8.self), node: node, kind: kind,
                    cookie: entry.cookie)
            }
        }
    }

    public func target(of node: VirtualNode) throws(VirtualFileError) -> String {
        try state.withLock { (state) throws(VirtualFileError) in
            let found = try state.node(node)
            guard found.kind == .symbolicLink else { throw .invalid }
            return String(decoding: found.bytes, as: UTF8.self)
        }
    }
}

// MARK: Making and taking away

extension MemoryFileSystem {
    public func makeFile(
        _ name: String, in directory: VirtualNode
    ) throws(VirtualFileError) -> VirtualNode {
        try make(.file, name, in: directory)
    }

    public func makeDirectory(
        _ name: String, in directory: VirtualNode
    ) throws(VirtualFileError) {
        _ = try make(.directory, name, in: directory)
    }

    public func makeLink(
        _ name: String, in directory: VirtualNode, to target: String
    ) throws(VirtualFileError) {
        _ = try make(.symbolicLink, name, in: directory, [UInt8](target.utf8))
    }

    private func make(
        _ kind: VirtualNode.Kind, _ name: String, in directory: VirtualNode, _ bytes: [UInt8] = []
    ) throws(VirtualFileError) -> VirtualNode {
        try state.withLock { (state) throws(VirtualFileError) in
            let name = [UInt8](name.utf8)
            try state.checkFree(name, in: directory, limit: entryLimit)
            guard bytes.count <= byteLimit - state.byteCount else { throw .noSpace }
            let node = state.add(kind)
            state.nodes[node]?.bytes = bytes
            state.nodes[node]?.parent = directory
            state.byteCount += bytes.count
            state.insert(name, node, in: directory)
            return node
        }
    }

    public func link(
        _ node: VirtualNode, as name: String, in directory: VirtualNode
    ) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            let found = try state.node(node)
            if found.kind == .directory { throw .notPermitted }
            // Without a name it cannot get one again.
            if found.links == 0 { throw .notFound }
            let name = [UInt8](name.utf8)
            try state.checkFree(name, in: directory, limit: entryLimit)
            let time = state.now()
            state.nodes[node]?.links += 1
            state.nodes[node]?.changeTime = time
            state.insert(name, node, in: directory)
        }
    }

    public func removeFile(
        _ name: String, in directory: VirtualNode
    ) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            let name = [UInt8](name.utf8)
            guard let node = try state.find(name, in: directory) else { throw .notFound }
            if state.nodes[node]?.kind == .directory { throw .isDirectory }
            state.remove(name, node, in: directory)
        }
    }

    public func removeDirectory(
        _ name: String, in directory: VirtualNode
    ) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            let name = [UInt8](name.utf8)
            guard let node = try state.find(name, in: directory) else { throw .notFound }
            let found = try state.node(node)
            guard found.kind == .directory else { throw .notDirectory }
            guard found.directory.count == 0 else { throw .notEmpty }
            state.remove(name, node, in: directory)
        }
    }

    public func rename(
        _ name: String, in directory: VirtualNode,
        to newName: String, in newDirectory: VirtualNode
    ) throws(VirtualFileError) {
        try state.withLock { (state) throws(VirtualFileError) in
            let (name, newName) = ([UInt8](name.utf8), [UInt8](newName.utf8))
            guard let node = try state.find(name, in: directory) else { throw .notFound }
            let moved = try state.node(node)
            guard try state.node(newDirectory).links > 0 else { throw .notFound }
            if moved.kind == .directory, state.isAbove(node, newDirectory) { throw .invalid }
            if let replaced = try state.find(newName, in: newDirectory) {
                // Two names of one thing stay as they are.
                if replaced == node { return }
                try Self.check(moved, replaces: state.node(replaced))
                state.remove(newName, replaced, in: newDirectory)
            }
            state.nodes[directory]?.directory.remove(name)
            state.entryCount -= 1
            state.touch(directory)
            let time = state.now()
            state.nodes[node]?.parent = newDirectory
            state.nodes[node]?.changeTime = time
            state.insert(newName, node, in: newDirectory)
        }
    }

    private static func check(_ moved: Node, replaces other: Node) throws(VirtualFileError) {
        switch (moved.kind == .directory, other.kind == .directory) {
        case (true, false): throw .notDirectory
        case (false, true): throw .isDirectory
        case (true, true): if other.directory.count > 0 { throw .notEmpty }
        case (false, false): break
        }
    }
}
