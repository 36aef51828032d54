// path_*: what is done with a path beneath a directory.

extension Preview1 {
    /// Where `path` ends beneath a directory that has `rights`.
    private func locate(
        _ descriptor: UInt32, _ rights: Rights, _ path: Path, _ link: Sandbox.FinalLink
    ) throws(Errno) -> Sandbox.Location {
        let directory = try descriptors.directory(descriptor, rights)
        return try sandbox.locate(directory, path, link)
    }

    /// What `lookupflags` say of a symbolic link at the end.
    private static func link(_ flags: UInt32) throws(Errno) -> Sandbox.FinalLink {
        switch flags {
        case 0: .followIfSlash
        case 1: .follow
        default: throw .inval
        }
    }

    /// `path_create_directory`.
    func createDirectory(_ descriptor: UInt32, _ path: Path) throws(Errno) {
        if let directory = try descriptors.virtualDirectory(descriptor, .pathCreateDirectory) {
            return try directory.makeDirectory(path)
        }
        let location = try locate(descriptor, .pathCreateDirectory, path, .keep)
        if location.name == .current { throw .exist }
        try Syscalls.makeDirectory(location.directory, location.name)
    }

    /// `path_filestat_get`.
    func fileStatus(
        _ memory: GuestMemory, _ snapshot: Snapshot, _ descriptor: UInt32, lookup: UInt32,
        _ path: Path, to address: UInt32
    ) throws(Errno) {
        if let directory = try descriptors.virtualDirectory(descriptor, .pathFilestatGet) {
            let status = try directory.status(path, Self.link(lookup))
            return try Self.store(memory, snapshot, status, at: address)
        }
        let location = try locate(descriptor, .pathFilestatGet, path, Self.link(lookup))
        let status = try Syscalls.status(location.directory, location.name)
        if location.wantsDirectory, status.type != .directory { throw .notdir }
        try Self.store(memory, snapshot, status, at: address)
    }

    /// `path_filestat_set_times`.
    func setTimes(
        _ descriptor: UInt32, lookup: UInt32, _ path: Path, _ access: UInt64,
        _ modification: UInt64, _ flags: UInt32
    ) throws(Errno) {
        let times = try FileTimes(access, modification, flags)
        if let directory = try descriptors.virtualDirectory(descriptor, .pathFilestatSetTimes) {
            return try directory.setTimes(path, Self.link(lookup), times)
        }
        let location = try locate(descriptor, .pathFilestatSetTimes, path, Self.link(lookup))
        try requireDirectoryIfSlash(location)
        try Syscalls.setTimes(
            location.directory, location.name, access: times.access,
            modification: times.modification)
    }

    /// `path_link`.
    func link(
        _ descriptor: UInt32, lookup: UInt32, _ path: Path, to newDescriptor: UInt32,
        _ newPath: Path
    ) throws(Errno) {
        let directory = try descriptors.virtualDirectory(descriptor, .pathLinkSource)
        let newDirectory = try descriptors.virtualDirectory(newDescriptor, .pathLinkTarget)
        if let directory, let newDirectory {
            return try directory.link(path, Self.link(lookup), to: newDirectory, newPath)
        }
        if directory != nil || newDirectory != nil { throw .xdev }
        let source = try locate(descriptor, .pathLinkSource, path, Self.link(lookup))
        let target = try locate(newDescriptor, .pathLinkTarget, newPath, .keep)
        try requireDirectoryIfSlash(source)
        try refuseSlash(target)
        try Syscalls.link(source.directory, source.name, to: target.directory, target.name)
    }

    /// `path_symlink`. A link that could lead outside for whoever follows it on the host is not
    /// made if it says so outright, by an absolute path.
    func symbolicLink(
        to target: Path, _ descriptor: UInt32, _ path: Path
    ) throws(Errno) {
        if target.isEmpty { throw .noent }
        if target.isAbsolute { throw .perm }
        if let directory = try descriptors.virtualDirectory(descriptor, .pathSymlink) {
            return try directory.symbolicLink(to: target, path)
        }
        let location = try locate(descriptor, .pathSymlink, path, .keep)
        try refuseSlash(location)
        try Syscalls.symbolicLink(to: target, location.directory, location.name)
    }

    /// `path_readlink`.
    func readLink(
        _ memory: GuestMemory, _ descriptor: UInt32, _ path: Path, buffer: UInt32,
        _ size: UInt32, usedAt: UInt32
    ) throws(Errno) {
        try memory.check(buffer, Int(size))
        try memory.check(usedAt, 4)
        let target = try target(descriptor, path)
        let count = min(target.count, Int(size))
        try memory.store(bytes: target.span.extracting(first: count), at: buffer)
        try memory.store(UInt32(truncatingIfNeeded: count), at: usedAt)
    }

    /// Where the symbolic link `path` points.
    private func target(_ descriptor: UInt32, _ path: Path) throws(Errno) -> [UInt8] {
        if let directory = try descriptors.virtualDirectory(descriptor, .pathReadlink) {
            return try directory.readLink(path)
        }
        let location = try locate(descriptor, .pathReadlink, path, .followIfSlash)
        try requireDirectoryIfSlash(location)
        try ProcessFiles.checkLink(in: location.directory)
        return try Syscalls.readLink(location.directory, location.name)
    }

    /// `path_remove_directory`.
    func removeDirectory(_ descriptor: UInt32, _ path: Path) throws(Errno) {
        if let directory = try descriptors.virtualDirectory(descriptor, .pathRemoveDirectory) {
            return try directory.removeDirectory(path)
        }
        let location = try locate(descriptor, .pathRemoveDirectory, path, .keep)
        try Syscalls.removeDirectory(location.directory, location.name)
    }

    /// `path_unlink_file`.
    func unlinkFile(_ descriptor: UInt32, _ path: Path) throws(Errno) {
        if let directory = try descriptors.virtualDirectory(descriptor, .pathUnlinkFile) {
            return try directory.unlinkFile(path)
        }
        let location = try locate(descriptor, .pathUnlinkFile, path, .keep)
        if location.wantsDirectory {
            let status = try Syscalls.status(location.directory, location.name)
            throw status.type == .directory ? .isdir : .notdir
        }
        try Syscalls.removeFile(location.directory, location.name)
    }

    /// `path_rename`.
    func rename(
        _ descriptor: UInt32, _ path: Path, to newDescriptor: UInt32, _ newPath: Path
    ) throws(Errno) {
        let directory = try descriptors.virtualDirectory(descriptor, .pathRenameSource)
        let newDirectory = try descriptors.virtualDirectory(newDescriptor, .pathRenameTarget)
        if let directory, let newDirectory {
            return try directory.rename(path, to: newDirectory, newPath)
        }
        if directory != nil || newDirectory != nil { throw .xdev }
        let source = try locate(descriptor, .pathRenameSource, path, .keep)
        let target = try locate(newDescriptor, .pathRenameTarget, newPath, .keep)
        if source.wantsDirectory || target.wantsDirectory {
            let status = try Syscalls.status(source.directory, source.name)
            if status.type != .directory { throw .notdir }
        }
        try Syscalls.rename(source.directory, source.name, to: target.directory, target.name)
    }

    /// A slash after a name says that it is a directory.
    private func requireDirectoryIfSlash(
        _ location: borrowing Sandbox.Location
    ) throws(Errno) {
        guard location.wantsDirectory else { return }
        let status = try Syscalls.status(location.directory, location.name)
        if status.type != .directory { throw .notdir }
    }

    /// For what is about to be made and is no directory.
    private func refuseSlash(_ location: borrowing Sandbox.Location) throws(Errno) {
        guard location.wantsDirectory else { return }
        _ = try Syscalls.status(location.directory, location.name)
        throw .exist
    }
}

// MARK: Opening

extension Preview1 {
    /// What `path_open` is asked for besides the path.
    struct Opening {
        /// `lookupflags`, `oflags`.
        var lookup: UInt32
        var flags: UInt32
        var rights: Rights
        var inheriting: Rights
        /// `fdflags`.
        var descriptorFlags: UInt32

        fileprivate var creates: Bool { flags & 1 != 0 }
        fileprivate var wantsDirectory: Bool { flags & 2 != 0 }
        fileprivate var isExclusive: Bool { flags & 4 != 0 }
        fileprivate var truncates: Bool { flags & 8 != 0 }
        fileprivate var reads: Bool { rights.contains(.fdRead) }
        fileprivate var writes: Bool { rights.contains(.fdWrite) }

        /// What the directory must allow.
        fileprivate var needed: Rights {
            var needed: Rights = .pathOpen
            if creates { needed.insert(.pathCreateFile) }
            if truncates { needed.insert(.pathFilestatSetSize) }
            return needed
        }

        /// What may be done with what was opened and is of `type`.
        fileprivate func rights(of type: FileType) -> Rights {
            var rights = Rights(applyingTo: type)
            if !reads { rights.remove(.fdRead) }
            if !writes { rights.subtract([.fdWrite, .fdAllocate, .fdFilestatSetSize]) }
            return rights
        }

        /// How the operating system is to open it.
        fileprivate func openFlags() throws(Errno) -> OpenFlags {
            guard lookup < 2, flags < 16, descriptorFlags < 32 else { throw .inval }
            if creates, wantsDirectory { throw .inval }
            var open: OpenFlags = .readOnly
            if writes { open = reads ? .readWrite : .writeOnly }
            if creates { open.insert(.create) }
            if wantsDirectory { open.insert(.directory) }
            if isExclusive { open.insert(.exclusive) }
            if truncates { open.insert(.truncate) }
            if lookup == 0 { open.insert(.noFollow) }
            let flags = DescriptorFlags(rawValue: UInt16(truncatingIfNeeded: descriptorFlags))
            if flags.contains(.append) { open.insert(.append) }
            if flags.contains(.nonblocking) { open.insert(.nonblocking) }
            if flags.contains(.dataSynchronized) { open.insert(.dataSynchronized) }
            if !flags.isDisjoint(with: [.synchronized, .readSynchronized]) {
                open.insert(.synchronized)
            }
            return open
        }
    }

    /// `path_open`. Of the rights that a guest asks for, reading and writing say how a file is to
    /// be opened. The others are advice, as they are everywhere since the interface gave them up:
    /// what is opened has all that make sense for it and that its directory hands on, for guests
    /// ask for a file's rights in a directory's place, or for few and then use more. What was not
    /// granted stays out, and so does what a guest gave up by `fd_fdstat_set_rights`.
    func open(
        _ memory: GuestMemory, _ descriptor: UInt32, _ path: Path, _ opening: Opening,
        descriptorAt: UInt32
    ) throws(Errno) {
        let flags = try opening.openFlags()
        let directory = try descriptors.virtualDirectory(descriptor, opening.needed)
        let host = try directory == nil ? descriptors.directory(descriptor, opening.needed) : -1
        let inherited = try descriptors.entry(descriptor).inheriting
        let essential = opening.rights.intersection([.fdRead, .fdWrite])
        guard inherited.isSuperset(of: essential) else { throw .notcapable }
        try memory.check(descriptorAt, 4)
        try descriptors.checkRoom(isHosts: directory == nil)
        let (resource, type) =
            if let directory {
                try Self.open(directory, path, flags, opening)
            } else {
                try open(host, path, flags)
            }
        let opened = Descriptor(
            resource: resource, type: type,
            rights: inherited.intersection(opening.rights(of: type)), inheriting: inherited)
        try memory.store(descriptors.insert(opened), at: descriptorAt)
    }

    private static func open(
        _ directory: VirtualDirectory, _ path: Path, _ flags: OpenFlags, _ opening: Opening
    ) throws(Errno) -> (Descriptor.Resource, FileType) {
        let descriptorFlags = UInt16(truncatingIfNeeded: opening.descriptorFlags)
        let file = try directory.open(path, flags, DescriptorFlags(rawValue: descriptorFlags))
        return (.virtual(file), file.type)
    }

    /// Opens a file of the host's without waiting for anybody: a pipe of that name would else keep
    /// the host until someone opens its other end.
    private func open(
        _ directory: Int32, _ path: Path, _ flags: OpenFlags
    ) throws(Errno) -> (Descriptor.Resource, FileType) {
        let host = try sandbox.open(
            directory, path, flags.union(.nonblocking), mode: 0o666)
        do throws(Errno) {
            try ProcessFiles.check(host, writes: flags.writes)
            if !flags.contains(.nonblocking) {
                let present = OpenFlags(rawValue: try Syscalls.flags(host))
                try Syscalls.setFlags(host, present.subtracting(.nonblocking).rawValue)
            }
            let type = try Syscalls.status(host).type
            return (resource(host, type), .descriptor(of: type, host))
        } catch {
            Syscalls.close(host)
            throw error
        }
    }

    /// What a descriptor of the host's that was opened for a guest is for it.
    private func resource(_ host: Int32, _ type: FileType) -> Descriptor.Resource {
        switch type {
        case .regularFile, .directory, .blockDevice: return .host(host)
        case .characterDevice where filtersTerminals && Syscalls.isTerminal(host):
            return .hostStream(HostStream(host, .terminal(TerminalOutput(host)), isOwned: true))
        default: return .hostStream(HostStream(host, .pipe, isOwned: true))
        }
    }
}
