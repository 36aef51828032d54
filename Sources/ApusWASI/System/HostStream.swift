/// A stream of the host's that has no positions for a guest, whatever lies behind it: it can be
/// read or written, waited for, and asked what it is.
struct HostStream {
    /// What writing to it takes.
    enum Kind {
        /// The process's own standard input or output.
        case standard
        /// A terminal, which is not to obey all that a guest writes.
        case terminal(TerminalOutput)
        /// A pipe or device that the guest opened, whose other end may be gone.
        case pipe
        case socket
    }

    let host: Int32
    let kind: Kind
    /// Whether it is closed with the guest's descriptor.
    let isOwned: Bool
    /// Whether others use it, too: it stays as they have it.
    let isShared: Bool

    init(_ host: Int32, _ kind: Kind, isOwned: Bool, isShared: Bool? = nil) {
        self.host = host
        self.kind = kind
        self.isOwned = isOwned
        self.isShared = isShared ?? !isOwned
    }

    var isSocket: Bool { if case .socket = kind { true } else { false } }

    /// Whether nothing of ours is changed by writing to it.
    var isStateless: Bool { if case .terminal = kind { false } else { true } }

    func read(_ vectors: GuestVectors) throws(Errno) -> Int {
        try Syscalls.read(host, vectors)
    }

    /// Takes the pieces in order. Returns how many bytes it took. No guest ends the process by
    /// writing to what it opened itself when nobody reads there any more.
    func write(_ vectors: GuestVectors) throws(Errno) -> Int {
        switch kind {
        case .standard: try Syscalls.write(host, vectors)
        case .terminal(let terminal): try terminal.write(vectors)
        case .pipe: try Syscalls.writeQuietly(host, vectors)
        case .socket: try Syscalls.send(host, vectors)
        }
    }

    func close() {
        if case .terminal(let terminal) = kind { terminal.reset() }
        if isOwned { Syscalls.close(host) }
    }
}

extension FileType {
    /// What a guest is told that its descriptor of something of `type` is. A character device is
    /// taken for a terminal by most of them, so only a terminal is called that.
    static func descriptor(of type: FileType, _ host: Int32) -> FileType {
        type == .characterDevice && !Syscalls.isTerminal(host) ? .unknown : type
    }
}
