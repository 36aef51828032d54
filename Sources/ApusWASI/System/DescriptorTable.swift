/// What a guest's descriptor stands for.
struct Descriptor {
    /// What it leads to.
    enum Resource {
        /// A file or directory of the host, closed with this descriptor.
        case host(Int32)
        case hostStream(HostStream)
        case input(InputBytes)
        case stream(InputStream)
        case output(OutputSink)
        case virtual(VirtualFile)
    }

    var resource: Resource
    var type: FileType
    /// What may be done with it.
    var rights: Rights
    /// What may be done at most with what is opened through it.
    var inheriting: Rights
    /// The path under which the guest knows a preopened directory.
    var preopenName: [UInt8]?
    /// Where reading goes on in a directory of the host's, once it has been read.
    var cookies: DirectoryCookies?

    /// The host's descriptor that is closed with this one.
    var ownedHost: Int32? {
        switch resource {
        case .host(let host): host
        case .hostStream(let stream): stream.isOwned ? stream.host : nil
        case .input, .stream, .output, .virtual: nil
        }
    }
}

/// A guest's descriptors, by their numbers.
struct DescriptorTable: ~Copyable {
    private var entries: [Descriptor?] = []
    /// Entries that are there at most.
    let limit: Int
    /// How many descriptors of the host's it has, which are closed with it.
    private var owned = 0
    /// No entry below this is free.
    private var firstFree = 0
    private let cookieBudget = CookieBudget()
    /// How many calls use a descriptor of the host's without having the table.
    private var lent: [Int32: Int] = [:]
    /// Those of them that are to be closed when they are not used any more.
    private var closing: Set<Int32> = []
    /// Outputs that somebody reads as they come, whether or not a descriptor still leads there.
    private var streams: [StreamedOutput] = []

    init(limit: Int) { self.limit = max(limit, 3) }

    deinit {
        for case let entry? in entries { Self.close(entry) }
        for stream in streams { stream.finish() }
        for host in closing { Syscalls.close(host) }
        DescriptorShare.giveBack(owned)
    }

    /// A call is to use a descriptor of the host's, whatever others do to the table meanwhile.
    mutating func lend(_ host: Int32) { lent[host, default: 0] += 1 }

    /// The call is done with it.
    mutating func takeBack(_ host: Int32) {
        guard let count = lent[host] else { return }
        lent[host] = count > 1 ? count - 1 : nil
        guard count == 1, closing.remove(host) != nil else { return }
        Syscalls.close(host)
        noteClosed()
    }

    /// A descriptor of the host's that was the table's has been closed.
    private mutating func noteClosed() {
        owned -= 1
        DescriptorShare.giveBack(1)
    }

    /// Adds a descriptor at the lowest free number. Whatever it owns is closed if there is no
    /// room; for what the host grants there is among the guests' descriptors.
    mutating func insert(
        _ descriptor: Descriptor, isGranted: Bool = false
    ) throws(Errno) -> UInt32 {
        if case .output(.stream(let stream)) = descriptor.resource { streams.append(stream) }
        while firstFree < entries.count, entries[firstFree] != nil { firstFree += 1 }
        guard firstFree < limit else {
            Self.close(descriptor)
            throw .mfile
        }
        if descriptor.ownedHost != nil {
            if isGranted {
                DescriptorShare.grant()
            } else if !DescriptorShare.take(forWhoHas: owned) {
                Self.close(descriptor)
                throw .nfile
            }
            owned += 1
        }
        if firstFree == entries.count {
            entries.append(descriptor)
        } else {
            entries[firstFree] = descriptor
        }
        firstFree += 1
        return UInt32(truncatingIfNeeded: firstFree - 1)
    }

    /// Throws if there is no room for one more, or if it is one of the host's and guests have as
    /// many of these as they may.
    func checkRoom(isHosts: Bool) throws(Errno) {
        let hasRoom =
            entries.count < limit
            || entries[min(firstFree, entries.count)...].contains { $0 == nil }
        if !hasRoom { throw .mfile }
        if isHosts, !DescriptorShare.hasRoom(forWhoHas: owned) { throw .nfile }
    }

    /// How many descriptors are open.
    var count: Int { entries.count { $0 != nil } }

    /// Where `descriptor` is in the table.
    @inline(__always)
    private func index(_ descriptor: UInt32) throws(Errno) -> Int {
        let index = Int(descriptor)
        guard index < entries.count, entries[index] != nil else { throw .badf }
        return index
    }

    /// A copy of the entry.
    func entry(_ descriptor: UInt32) throws(Errno) -> Descriptor {
        guard let entry = entries[try index(descriptor)] else { throw .badf }
        return entry
    }

    /// Its resource, if it has all of `rights`.
    @inline(__always)
    func resource(
        _ descriptor: UInt32, _ rights: Rights
    ) throws(Errno) -> Descriptor.Resource {
        let index = try index(descriptor)
        guard let entry = entries[index] else { throw .badf }
        guard entry.rights.isSuperset(of: rights) else {
            // What a directory never can is told as POSIX tells it.
            let isFileOnly = entry.type == .directory && rights.isDisjoint(with: .directory)
            throw isFileOnly ? .isdir : .notcapable
        }
        return entry.resource
    }

    /// The host's descriptor, if it has all of `rights`.
    @inline(__always)
    func host(_ descriptor: UInt32, _ rights: Rights) throws(Errno) -> Int32 {
        guard case .host(let host) = try resource(descriptor, rights) else { throw .notsup }
        return host
    }

    /// The host's descriptor of a directory that has all of `rights`.
    func directory(_ descriptor: UInt32, _ rights: Rights) throws(Errno) -> Int32 {
        guard entries[try index(descriptor)]?.type == .directory else { throw .notdir }
        return try host(descriptor, rights)
    }

    /// The directory of a virtual file system that has all of `rights`; nil if the descriptor leads
    /// elsewhere.
    func virtualDirectory(
        _ descriptor: UInt32, _ rights: Rights
    ) throws(Errno) -> VirtualDirectory? {
        guard case .virtual(let file)? = entries[try index(descriptor)]?.resource else {
            return nil
        }
        guard file.type == .directory else { throw .notdir }
        _ = try resource(descriptor, rights)
        return VirtualDirectory(file)
    }

    /// The socket that has all of `rights`.
    func socket(_ descriptor: UInt32, _ rights: Rights) throws(Errno) -> Int32 {
        guard case .hostStream(let stream)? = entries[try index(descriptor)]?.resource,
            stream.isSocket
        else { throw .notsock }
        _ = try resource(descriptor, rights)
        return stream.host
    }

    /// Where reading goes on in a directory of the host's.
    mutating func cookies(_ descriptor: UInt32) throws(Errno) -> DirectoryCookies {
        let index = try index(descriptor)
        if let found = entries[index]?.cookies { return found }
        let made = DirectoryCookies(cookieBudget)
        entries[index]?.cookies = made
        return made
    }

    /// Replaces the resource of an entry.
    mutating func update(_ descriptor: UInt32, _ resource: Descriptor.Resource) throws(Errno) {
        entries[try index(descriptor)]?.resource = resource
    }

    /// Takes rights away; they never come back.
    mutating func restrict(
        _ descriptor: UInt32, to rights: Rights, inheriting: Rights
    ) throws(Errno) {
        let index = try index(descriptor)
        guard let entry = entries[index], entry.rights.isSuperset(of: rights),
            entry.inheriting.isSuperset(of: inheriting)
        else { throw .notcapable }
        entries[index]?.rights = rights
        entries[index]?.inheriting = inheriting
    }

    mutating func close(_ descriptor: UInt32) throws(Errno) {
        let index = try index(descriptor)
        if let entry = entries[index] { closeUnlessLent(entry) }
        entries[index] = nil
        firstFree = min(firstFree, index)
    }

    /// Gives `from` the number `to`, whose descriptor is closed.
    mutating func renumber(_ from: UInt32, to: UInt32) throws(Errno) {
        let source = try index(from)
        let target = try index(to)
        if source == target { return }
        if let entry = entries[target] { closeUnlessLent(entry) }
        entries[target] = entries[source]
        entries[source] = nil
        firstFree = min(firstFree, source)
    }

    /// Closes what a descriptor owns, now or when nobody uses it any more.
    private mutating func closeUnlessLent(_ descriptor: Descriptor) {
        guard let host = descriptor.ownedHost else { return Self.close(descriptor) }
        if lent[host] != nil {
            closing.insert(host)
        } else {
            Self.close(descriptor)
            noteClosed()
        }
    }

    private static func close(_ descriptor: Descriptor) {
        switch descriptor.resource {
        case .host(let host): Syscalls.close(host)
        case .hostStream(let stream): stream.close()
        case .input, .stream, .output, .virtual: break
        }
    }
}
