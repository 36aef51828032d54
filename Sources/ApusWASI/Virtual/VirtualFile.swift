/// A node of a virtual file system that a guest has open, and where it reads and writes next.
final class VirtualFile {
    /// A virtual file system, and the number of the device that it is for guests.
    struct Volume {
        let system: any VirtualFileSystem
        let device: UInt64
    }

    let volume: Volume
    let node: VirtualNode
    let type: FileType
    var flags: DescriptorFlags
    private var position: UInt64 = 0

    /// Keeps the node open for as long as this exists.
    init(_ volume: Volume, _ node: VirtualNode, _ flags: DescriptorFlags = []) throws(Errno) {
        self.volume = volume
        self.node = node
        self.flags = flags
        do throws(VirtualFileError) {
            try volume.system.open(node)
        } catch {
            throw error.errno
        }
        do throws(VirtualFileError) {
            type = FileType(try volume.system.status(of: node).kind)
        } catch {
            volume.system.close(node)
            throw error.errno
        }
    }

    deinit { volume.system.close(node) }

    // MARK: Data

    func read(_ vectors: GuestVectors) throws(Errno) -> Int {
        let count = try read(vectors, at: position)
        position &+= UInt64(count)
        return count
    }

    func read(_ vectors: GuestVectors, at offset: UInt64) throws(Errno) -> Int {
        try vectors.fill { (buffer, done) throws(Errno) in
            let place = try Self.position(offset, UInt64(done))
            do throws(VirtualFileError) {
                return try volume.system.read(node, at: place, into: &buffer)
            } catch {
                throw error.errno
            }
        }
    }

    func write(_ vectors: GuestVectors) throws(Errno) -> Int {
        if flags.contains(.append) { position = try status().size }
        let count = try write(vectors, at: position)
        position &+= UInt64(count)
        return count
    }

    func write(_ vectors: GuestVectors, at offset: UInt64) throws(Errno) -> Int {
        let count = try vectors.drain { (bytes, done) throws(Errno) in
            let place = try Self.position(offset, UInt64(done))
            do throws(VirtualFileError) {
                return try volume.system.write(bytes, to: node, at: place)
            } catch {
                throw error.errno
            }
        }
        if !flags.isDisjoint(with: [.synchronized, .dataSynchronized]) { try synchronize() }
        return count
    }

    /// What is `distance` after `offset`, as far as files go.
    private static func position(
        _ offset: UInt64, _ distance: UInt64
    ) throws(Errno) -> UInt64 {
        let (sum, overflow) = offset.addingReportingOverflow(distance)
        guard !overflow, sum <= UInt64(Int64.max) else { throw .fbig }
        return sum
    }

    func seek(_ offset: Int64, _ origin: SeekOrigin) throws(Errno) -> UInt64 {
        let base: UInt64 =
            switch origin {
            case .start: 0
            case .current: position
            case .end: try status().size
            }
        guard let base = Int64(exactly: base) else { throw .overflow }
        let (sum, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, sum >= 0 else { throw .inval }
        position = UInt64(sum)
        return position
    }

    /// Bytes from where it reads next to the end.
    func left() throws(Errno) -> UInt64 {
        let size = try status().size
        return size > position ? size - position : 0
    }

    // MARK: The rest

    func status() throws(Errno) -> FileStatus { try volume.status(of: node) }

    func setSize(_ size: UInt64) throws(Errno) {
        do throws(VirtualFileError) {
            try volume.system.setSize(of: node, to: size)
        } catch {
            throw error.errno
        }
    }

    /// Makes the file at least that long.
    func allocate(_ offset: Int64, _ count: Int64) throws(Errno) {
        guard count > 0 else { throw .inval }
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow else { throw .fbig }
        if try status().size < UInt64(end) { try setSize(UInt64(end)) }
    }

    func setTimes(_ times: FileTimes) throws(Errno) { try volume.setTimes(of: node, times) }

    func synchronize() throws(Errno) {
        do throws(VirtualFileError) {
            try volume.system.synchronize(node)
        } catch {
            throw error.errno
        }
    }

    /// Entries that are asked for at a time.
    private static let entriesAtOnce = 64

    /// Calls `body` with each entry from `cookie` on (0: the first) until it answers false. The
    /// directory itself comes first and second, since what is above it is none of the guest's.
    func entries(
        from cookie: UInt64, _ body: (DirectoryReader.Entry) throws(Errno) -> Bool
    ) throws(Errno) {
        guard cookie <= UInt64(Int64.max) else { throw .inval }
        for (index, name) in [".", ".."].enumerated() where cookie <= index {
            let entry = DirectoryReader.Entry(
                next: UInt64(index) + 1, inode: node.number, type: .directory,
                name: [UInt8](name.utf8)[...])
            guard try body(entry) else { return }
        }
        var last = cookie > 2 ? cookie - 2 : 0
        while true {
            try Syscalls.mayGoOn()
            let page: [VirtualEntry]
            do throws(VirtualFileError) {
                page = try volume.system.entries(
                    of: node, after: last, limit: Self.entriesAtOnce)
            } catch {
                throw error.errno
            }
            for entry in page {
                // Without this, a file system at fault could keep its guest for ever.
                guard entry.cookie > last, entry.cookie < 1 << 62 else { throw .io }
                last = entry.cookie
                let entry = DirectoryReader.Entry(
                    next: entry.cookie + 2, inode: entry.node.number, type: FileType(entry.kind),
                    name: [UInt8](entry.name.utf8)[...])
                guard try body(entry) else { return }
            }
            if page.isEmpty { return }
        }
    }
}

extension VirtualFile.Volume {
    func status(of node: VirtualNode) throws(Errno) -> FileStatus {
        do throws(VirtualFileError) {
            let status = try system.status(of: node)
            return FileStatus(
                device: device, inode: node.number, type: FileType(status.kind),
                links: status.links, size: status.size, accessTime: status.accessTime,
                modificationTime: status.modificationTime, changeTime: status.changeTime)
        } catch {
            throw error.errno
        }
    }

    func setTimes(of node: VirtualNode, _ times: FileTimes) throws(Errno) {
        do throws(VirtualFileError) {
            try system.setTimes(
                of: node, access: times.access.virtual, modification: times.modification.virtual)
        } catch {
            throw error.errno
        }
    }
}

extension FileType {
    init(_ kind: VirtualNode.Kind) {
        self =
            switch kind {
            case .file: .regularFile
            case .directory: .directory
            case .symbolicLink: .symbolicLink
            }
    }
}

extension FileTime {
    fileprivate var virtual: VirtualTime {
        switch self {
        case .unchanged: .unchanged
        case .now: .now
        case .at(let time): .at(time)
        }
    }
}
