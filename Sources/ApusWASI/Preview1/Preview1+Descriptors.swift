// fd_*: what is done with an open descriptor.

extension Preview1 {
    // MARK: Data

    /// Tells the guest how many bytes were moved.
    func finish(_ memory: GuestMemory, _ size: Int, at address: UInt32) throws(Errno) {
        work.bytes += UInt64(size)
        try memory.store(UInt32(truncatingIfNeeded: size), at: address)
    }

    /// Does something that may make `file` longer, all of whose bytes the host then writes.
    private func growing<Result>(
        _ file: VirtualFile, _ change: () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        guard isMetered else { return try change() }
        let before = try file.status().size
        let result = try change()
        let after = try file.status().size
        if after > before { work.bytes += after - before }
        return result
    }

    /// A write to a file that was opened for that waits until the disk has it.
    private func countFlush(_ host: Int32) throws(Errno) {
        guard isMetered else { return }
        let flags = OpenFlags(rawValue: try Syscalls.flags(host))
        if !flags.isDisjoint(with: [.synchronized, .dataSynchronized]) { work.flushes += 1 }
    }

    /// `fd_read`.
    func read(
        _ memory: GuestMemory, _ descriptor: UInt32, vectors: UInt32, count: UInt32,
        sizeAt: UInt32
    ) throws(Errno) {
        let resource = try descriptors.resource(descriptor, .fdRead)
        let vectors = try GuestVectors(memory, at: vectors, count: count)
        try memory.check(sizeAt, 4)
        let size: Int
        switch resource {
        case .host(let host):
            size = try letOthersIn(using: [host]) { () throws(Errno) in
                try Syscalls.read(host, vectors)
            }
        case .hostStream(let stream):
            size = try letOthersIn(using: [stream.host]) { () throws(Errno) in
                try stream.read(vectors)
            }
        case .input(var input):
            size = input.read(vectors)
            try descriptors.update(descriptor, .input(input))
        case .stream(let stream): size = stream.read(vectors)
        case .virtual(let file): size = try file.read(vectors)
        case .output: throw .badf
        }
        try finish(memory, size, at: sizeAt)
    }

    /// `fd_write`.
    func write(
        _ memory: GuestMemory, _ descriptor: UInt32, vectors: UInt32, count: UInt32,
        sizeAt: UInt32
    ) throws(Errno) {
        let resource = try descriptors.resource(descriptor, .fdWrite)
        let vectors = try GuestVectors(memory, at: vectors, count: count)
        try memory.check(sizeAt, 4)
        let size: Int
        switch resource {
        case .host(let host):
            try countFlush(host)
            size = try letOthersIn(using: [host]) { () throws(Errno) in
                try Syscalls.write(host, vectors)
            }
        case .hostStream(let stream) where stream.isStateless:
            size = try letOthersIn(using: [stream.host]) { () throws(Errno) in
                try stream.write(vectors)
            }
        case .hostStream(let stream): size = try stream.write(vectors)
        case .output(.stream(let output)):
            size = try letOthersIn(using: []) { () throws(Errno) in try output.write(vectors) }
        case .output(let sink): size = try sink.write(vectors)
        case .virtual(let file):
            size = try growing(file) { () throws(Errno) in try file.write(vectors) }
        case .input, .stream: throw .badf
        }
        try finish(memory, size, at: sizeAt)
    }

    /// `fd_pread`.
    func read(
        _ memory: GuestMemory, _ descriptor: UInt32, vectors: UInt32, count: UInt32,
        at offset: UInt64, sizeAt: UInt32
    ) throws(Errno) {
        let resource = try seekable(descriptor, [.fdRead, .fdSeek])
        let vectors = try GuestVectors(memory, at: vectors, count: count)
        try memory.check(sizeAt, 4)
        let position = try Self.position(offset)
        let size: Int
        switch resource {
        case .host(let host): size = try Syscalls.read(host, vectors, at: position)
        case .virtual(let file): size = try file.read(vectors, at: offset)
        case .input, .stream, .output, .hostStream: throw .spipe
        }
        try finish(memory, size, at: sizeAt)
    }

    /// `fd_pwrite`.
    func write(
        _ memory: GuestMemory, _ descriptor: UInt32, vectors: UInt32, count: UInt32,
        at offset: UInt64, sizeAt: UInt32
    ) throws(Errno) {
        let resource = try seekable(descriptor, [.fdWrite, .fdSeek])
        let vectors = try GuestVectors(memory, at: vectors, count: count)
        try memory.check(sizeAt, 4)
        let position = try Self.position(offset)
        let size: Int
        switch resource {
        case .host(let host):
            try countFlush(host)
            size = try Syscalls.write(host, vectors, at: position)
        case .virtual(let file):
            size = try growing(file) { () throws(Errno) in try file.write(vectors, at: offset) }
        case .input, .stream, .output, .hostStream: throw .spipe
        }
        try finish(memory, size, at: sizeAt)
    }

    /// `fd_seek`.
    func seek(
        _ memory: GuestMemory, _ snapshot: Snapshot, _ descriptor: UInt32, _ offset: Int64,
        _ whence: UInt32, positionAt: UInt32
    ) throws(Errno) {
        let origins: [SeekOrigin] =
            snapshot == .one ? [.start, .current, .end] : [.current, .end, .start]
        guard whence < 3 else { throw .inval }
        let origin = origins[Int(whence)]
        // Asking where it is takes less than moving there.
        let rights: Rights = offset == 0 && origin == .current ? .fdTell : .fdSeek
        let resource = try seekable(descriptor, rights)
        try memory.check(positionAt, 8)
        try memory.store(Self.seek(resource, offset, origin), at: positionAt)
    }

    /// `fd_tell`.
    func tell(_ memory: GuestMemory, _ descriptor: UInt32, positionAt: UInt32) throws(Errno) {
        let resource = try seekable(descriptor, .fdTell)
        try memory.store(Self.seek(resource, 0, .current), at: positionAt)
    }

    private static func seek(
        _ resource: Descriptor.Resource, _ offset: Int64, _ origin: SeekOrigin
    ) throws(Errno) -> UInt64 {
        switch resource {
        case .host(let host): try Syscalls.seek(host, offset, origin.host)
        case .virtual(let file): try file.seek(offset, origin)
        case .input, .stream, .output, .hostStream: throw .spipe
        }
    }

    /// Something that has positions: `spipe` if it has none.
    private func seekable(
        _ descriptor: UInt32, _ rights: Rights
    ) throws(Errno) -> Descriptor.Resource {
        switch try descriptors.entry(descriptor).resource {
        case .host, .virtual: return try descriptors.resource(descriptor, rights)
        case .input, .stream, .output, .hostStream: throw .spipe
        }
    }

    /// A position in a file as the operating system counts them.
    static func position(_ offset: UInt64) throws(Errno) -> Int64 {
        guard let position = Int64(exactly: offset) else { throw .inval }
        return position
    }

    // MARK: Files

    /// `fd_advise`.
    func advise(
        _ descriptor: UInt32, _ offset: UInt64, _ count: UInt64, _ advice: UInt32
    ) throws(Errno) {
        let resource = try descriptors.resource(descriptor, .fdAdvise)
        guard let advice = UInt8(exactly: advice), advice < 6 else { throw .inval }
        let (offset, count) = (try Self.position(offset), try Self.position(count))
        // Advice about a directory changes nothing.
        if try descriptors.entry(descriptor).type == .directory { throw .badf }
        if case .host(let host) = resource {
            try Syscalls.advise(host, offset, count, advice)
        }
    }

    /// `fd_allocate`.
    func allocate(_ descriptor: UInt32, _ offset: UInt64, _ count: UInt64) throws(Errno) {
        let resource = try descriptors.resource(descriptor, .fdAllocate)
        let (offset, count) = (try Self.position(offset), try Self.position(count))
        switch resource {
        case .host(let host):
            try Syscalls.allocate(host, offset, count)
            work.bytes += UInt64(count)
        case .virtual(let file):
            try growing(file) { () throws(Errno) in try file.allocate(offset, count) }
        case .input, .stream, .output, .hostStream: throw .notsup
        }
    }

    /// `fd_sync` and `fd_datasync`.
    func synchronize(_ descriptor: UInt32, dataOnly: Bool) throws(Errno) {
        let resource = try descriptors.resource(descriptor, dataOnly ? .fdDatasync : .fdSync)
        switch resource {
        case .host(let host): try Syscalls.synchronize(host, dataOnly: dataOnly)
        case .hostStream(let stream): try Syscalls.synchronize(stream.host, dataOnly: dataOnly)
        case .virtual(let file): try file.synchronize()
        case .input, .stream, .output: break
        }
    }

    /// `fd_filestat_set_size`.
    func setSize(_ descriptor: UInt32, _ size: UInt64) throws(Errno) {
        let resource = try descriptors.resource(descriptor, .fdFilestatSetSize)
        let position = try Self.position(size)
        switch resource {
        case .host(let host): try Syscalls.setSize(host, position)
        case .virtual(let file):
            try growing(file) { () throws(Errno) in try file.setSize(size) }
        case .input, .stream, .output, .hostStream: throw .notsup
        }
    }

    /// `fd_filestat_get`.
    func fileStatus(
        _ memory: GuestMemory, _ snapshot: Snapshot, _ descriptor: UInt32, to address: UInt32
    ) throws(Errno) {
        let entry = try descriptors.entry(descriptor)
        let resource = try descriptors.resource(descriptor, .fdFilestatGet)
        var status = FileStatus(type: entry.type)
        switch resource {
        case .host(let host): status = try Syscalls.status(host)
        case .hostStream(let stream): status = try Syscalls.status(stream.host)
        case .virtual(let file): status = try file.status()
        case .input, .stream, .output: break
        }
        try Self.store(memory, snapshot, status, at: address)
    }

    /// `fd_filestat_set_times`.
    func setTimes(
        _ descriptor: UInt32, _ access: UInt64, _ modification: UInt64, _ flags: UInt32
    ) throws(Errno) {
        let times = try FileTimes(access, modification, flags)
        switch try descriptors.resource(descriptor, .fdFilestatSetTimes) {
        case .host(let host):
            try Syscalls.setTimes(host, access: times.access, modification: times.modification)
        case .hostStream(let stream):
            try Syscalls.setTimes(
                stream.host, access: times.access, modification: times.modification)
        case .virtual(let file): try file.setTimes(times)
        case .input, .stream, .output: throw .notsup
        }
    }

    /// Writes a `filestat`.
    static func store(
        _ memory: GuestMemory, _ snapshot: Snapshot, _ status: FileStatus, at address: UInt32
    ) throws(Errno) {
        try memory.check(address, snapshot == .one ? 64 : 56)
        try memory.store(status.device, at: address)
        try memory.store(status.inode, at: address &+ 8)
        // The type, and the bytes between it and the next field.
        try memory.store(UInt64(status.type.rawValue), at: address &+ 16)
        var next = address &+ 24
        if snapshot == .one {
            try memory.store(status.links, at: next)
            next &+= 8
        } else {
            try memory.store(UInt32(clamping: status.links), at: address &+ 20)
        }
        try memory.store(status.size, at: next)
        try memory.store(status.accessTime, at: next &+ 8)
        try memory.store(status.modificationTime, at: next &+ 16)
        try memory.store(status.changeTime, at: next &+ 24)
    }

    // MARK: Descriptors

    /// `fd_fdstat_get`.
    func descriptorStatus(
        _ memory: GuestMemory, _ descriptor: UInt32, to address: UInt32
    ) throws(Errno) {
        let entry = try descriptors.entry(descriptor)
        var flags: DescriptorFlags = []
        switch entry.resource {
        case .host(let host):
            flags = DescriptorFlags(OpenFlags(rawValue: try Syscalls.flags(host)))
        case .hostStream(let stream):
            flags = DescriptorFlags(OpenFlags(rawValue: try Syscalls.flags(stream.host)))
        case .virtual(let file): flags = file.flags
        case .output: flags = .append
        case .input, .stream: break
        }
        try memory.check(address, 24)
        try memory.store(UInt64(entry.type.rawValue) | UInt64(flags.rawValue) << 16, at: address)
        try memory.store(entry.rights.rawValue, at: address &+ 8)
        try memory.store(entry.inheriting.rawValue, at: address &+ 16)
    }

    /// `fd_fdstat_set_flags`. What a descriptor was opened with as to synchronisation stays, and
    /// descriptors that the host shares with the guest stay as the host has them.
    func setFlags(_ descriptor: UInt32, _ flags: UInt32) throws(Errno) {
        let resource = try descriptors.resource(descriptor, .fdFdstatSetFlags)
        guard let bits = UInt16(exactly: flags), bits & ~DescriptorFlags.all.rawValue == 0 else {
            throw .inval
        }
        let wanted = DescriptorFlags(rawValue: bits)
        let changeable: DescriptorFlags = [.append, .nonblocking]
        if case .virtual(let file) = resource {
            let change = file.flags.symmetricDifference(wanted)
            guard change.isSubset(of: changeable) else { throw .notsup }
            file.flags = wanted
            return
        }
        let (host, isOwn): (Int32, Bool)
        switch resource {
        case .host(let file): (host, isOwn) = (file, true)
        case .hostStream(let stream): (host, isOwn) = (stream.host, !stream.isShared)
        case .input, .stream, .output, .virtual:
            if wanted.isSubset(of: changeable) { return }
            throw .notsup
        }
        var present = OpenFlags(rawValue: try Syscalls.flags(host))
        let change = DescriptorFlags(present).symmetricDifference(wanted)
        if change.isEmpty { return }
        guard isOwn, change.isSubset(of: changeable) else { throw .notsup }
        present.subtract([.append, .nonblocking])
        if wanted.contains(.append) { present.insert(.append) }
        if wanted.contains(.nonblocking) { present.insert(.nonblocking) }
        try Syscalls.setFlags(host, present.rawValue)
    }

    /// `fd_prestat_get`.
    func preopen(
        _ memory: GuestMemory, _ descriptor: UInt32, to address: UInt32
    ) throws(Errno) {
        guard let name = try descriptors.entry(descriptor).preopenName else { throw .badf }
        // The tag 0, a directory, and the length of its name.
        try memory.store(UInt64(name.count) << 32, at: address)
    }

    /// `fd_prestat_dir_name`.
    func preopenName(
        _ memory: GuestMemory, _ descriptor: UInt32, to address: UInt32, _ size: UInt32
    ) throws(Errno) {
        guard let name = try descriptors.entry(descriptor).preopenName else { throw .badf }
        guard name.count <= size else { throw .nametoolong }
        try memory.store(bytes: name.span, at: address)
    }

    /// `fd_readdir`: writes as much of the entries as has room. One that is cut off at the end
    /// tells the guest that there are more.
    func readDirectory(
        _ memory: GuestMemory, _ descriptor: UInt32, buffer: UInt32, _ size: UInt32,
        cookie: UInt64, usedAt: UInt32
    ) throws(Errno) {
        try memory.check(buffer, Int(size))
        try memory.check(usedAt, 4)
        var used: UInt32 = 0
        try entries(descriptor, from: cookie) { entry throws(Errno) in
            work.entries += 1
            try Self.append(memory, entry, buffer, size, &used)
            return used < size
        }
        try memory.store(used, at: usedAt)
    }

    /// Calls `body` with each entry of a directory from `cookie` on until it answers false.
    private func entries(
        _ descriptor: UInt32, from cookie: UInt64,
        _ body: (DirectoryReader.Entry) throws(Errno) -> Bool
    ) throws(Errno) {
        let entry = try descriptors.entry(descriptor)
        if case .virtual(let file) = entry.resource {
            _ = try descriptors.virtualDirectory(descriptor, .fdReaddir)
            return try file.entries(from: cookie, body)
        }
        let directory = try descriptors.directory(descriptor, .fdReaddir)
        try DirectoryReader.read(
            directory, descriptors.cookies(descriptor), from: cookie,
            passing: { work.entries += 1 }, body)
    }

    /// Writes a `dirent` and its name as far as there is room.
    private static func append(
        _ memory: GuestMemory, _ entry: DirectoryReader.Entry, _ buffer: UInt32, _ size: UInt32,
        _ used: inout UInt32
    ) throws(Errno) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24 + entry.name.count)
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: entry.next >> (8 * shift))) }
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: entry.inode >> (8 * shift))) }
        let length = UInt32(truncatingIfNeeded: entry.name.count)
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: length >> (8 * shift))) }
        bytes.append(contentsOf: [entry.type.rawValue, 0, 0, 0])
        bytes.append(contentsOf: entry.name)
        let count = min(bytes.count, Int(size - used))
        try memory.store(bytes: bytes.span.extracting(first: count), at: buffer &+ used)
        used += UInt32(truncatingIfNeeded: count)
    }
}

/// The times that `fstflags` ask for.
struct FileTimes {
    let access: FileTime
    let modification: FileTime

    init(_ access: UInt64, _ modification: UInt64, _ flags: UInt32) throws(Errno) {
        guard flags < 16 else { throw .inval }
        self.access = try Self.time(access, flags & 3)
        self.modification = try Self.time(modification, flags >> 2)
    }

    private static func time(_ time: UInt64, _ bits: UInt32) throws(Errno) -> FileTime {
        switch bits {
        case 0: .unchanged
        case 1: .at(time)
        case 2: .now
        default: throw .inval
        }
    }
}

extension DescriptorFlags {
    /// What the operating system tells of an open file.
    init(_ flags: OpenFlags) {
        self = []
        if flags.contains(.append) { insert(.append) }
        if flags.contains(.nonblocking) { insert(.nonblocking) }
        if flags.contains(.synchronized) {
            insert(.synchronized)
        } else if flags.contains(.dataSynchronized) {
            insert(.dataSynchronized)
        }
    }
}
