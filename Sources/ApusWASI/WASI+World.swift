internal import Apus

extension WASI {
    /// Opens what is granted.
    ///
    /// - Throws: `FileError` if a directory cannot be opened; `ConfigurationError` for what no
    ///   guest could be given.
    func makeWorld() throws -> Preview1 {
        var directories: [Int32] = []
        do {
            for preopen in preopens {
                guard let path = preopen.source.hostPath else { continue }
                directories.append(try Syscalls.openPreopen(path))
            }
        } catch {
            for directory in directories { Syscalls.close(directory) }
            throw error
        }
        var opened = directories[...]
        var volumes = Volumes()
        do throws(Errno) {
            var table = DescriptorTable(limit: max(descriptorLimit, 3 + preopens.count))
            _ = try table.insert(input())
            _ = try table.insert(output(standardOutput, inherited: 1))
            _ = try table.insert(output(standardError, inherited: 2))
            for preopen in preopens {
                let resource: Descriptor.Resource =
                    switch preopen.source {
                    case .host, .hostBytes: .host(opened.removeFirst())
                    case .virtual(let system): .virtual(try volumes.root(of: system))
                    }
                _ = try table.insert(preopen.descriptor(resource), isGranted: true)
            }
            for socket in sockets { _ = try table.insert(self.socket(socket)) }
            return try Preview1(
                arguments: argumentBytes,
                environment: environmentBytes.map { $0.name + [UInt8(ascii: "=")] + $0.value },
                descriptors: table, clocks: clock.clocks, random: random.bytes, sandbox: sandbox,
                filtersTerminals: filtersTerminalOutput)
        } catch {
            for directory in opened { Syscalls.close(directory) }
            throw ConfigurationError(reason: error)
        }
    }

    private func input() -> Descriptor {
        let rights = Rights.standard.subtracting(.fdWrite)
        return switch standardInput {
        case .empty: Descriptor(.input(InputBytes([])), .unknown, rights)
        case .bytes(let bytes): Descriptor(.input(InputBytes(bytes)), .unknown, rights)
        case .stream(let next): Descriptor(.stream(InputStream(next)), .unknown, rights)
        case .inherit:
            inheritedInput(0) ?? Descriptor(.input(InputBytes([])), .unknown, rights)
        }
    }

    private func output(_ output: Output, inherited host: Int32) -> Descriptor {
        let rights = Rights.standard.subtracting(.fdRead)
        return switch output {
        case .discard: Descriptor(.output(.discard), .unknown, rights)
        case .capture(let capture): Descriptor(.output(.capture(capture)), .unknown, rights)
        case .handler(let handler): Descriptor(.output(.handler(handler)), .unknown, rights)
        case .stream(let stream): Descriptor(.output(.stream(stream)), .unknown, rights)
        case .inherit: inheritedOutput(host) ?? Descriptor(.output(.discard), .unknown, rights)
        }
    }

    /// A standard stream of the host for input; nil if it is closed.
    func inheritedInput(_ host: Int32) -> Descriptor? {
        Self.inherited(host, .standard, Rights.standard.subtracting(.fdWrite))
    }

    /// A standard stream of the host for output; nil if it is closed.
    func inheritedOutput(_ host: Int32) -> Descriptor? {
        let isFiltered = filtersTerminalOutput && Syscalls.isTerminal(host)
        return Self.inherited(
            host, isFiltered ? .terminal(TerminalOutput(host)) : .standard,
            Rights.standard.subtracting(.fdRead))
    }

    /// A standard stream of the host; nil if it is closed. Guests may know that there is a file, a
    /// socket or a terminal behind it; a folder is no more than something that cannot be read.
    private static func inherited(
        _ host: Int32, _ kind: HostStream.Kind, _ rights: Rights
    ) -> Descriptor? {
        guard let found = try? Syscalls.status(host).type else { return nil }
        let type: FileType = found == .directory ? .unknown : .descriptor(of: found, host)
        return Descriptor(.hostStream(HostStream(host, kind, isOwned: false)), type, rights)
    }

    private func socket(_ host: Int32) throws(Errno) -> Descriptor {
        let type = try Syscalls.status(host).type
        guard type == .socketStream || type == .socketDatagram else { throw .notsock }
        let stream = HostStream(host, .socket, isOwned: false, isShared: socketsAreShared)
        return Descriptor(.hostStream(stream), type, .socket)
    }

    /// Something that no guest could be given: text with a zero in it, a descriptor that is no
    /// socket, or a file system whose root is no directory.
    public struct ConfigurationError: Error, CustomStringConvertible {
        let reason: Errno

        public var description: String { "the WASI configuration cannot be used: \(reason)" }
    }
}

extension Descriptor {
    fileprivate init(_ resource: Resource, _ type: FileType, _ rights: Rights) {
        self.init(resource: resource, type: type, rights: rights, inheriting: [])
    }
}

/// The virtual file systems of a world, each of which is a device of its own.
private struct Volumes {
    private var devices: [ObjectIdentifier: UInt64] = [:]

    mutating func root(of system: any VirtualFileSystem) throws(Errno) -> VirtualFile {
        let identity = ObjectIdentifier(system)
        // Far from the numbers that the host's devices have.
        let device = devices[identity] ?? 1 << 63 | UInt64(devices.count)
        devices[identity] = device
        let file = try VirtualFile(
            VirtualFile.Volume(system: system, device: device), system.root)
        guard file.type == .directory else { throw .notdir }
        return file
    }
}

extension WASI.Preopen {
    fileprivate func descriptor(_ resource: Descriptor.Resource) -> Descriptor {
        let denied: Rights = access == .readOnly ? .changing : []
        return Descriptor(
            resource: resource, type: .directory,
            rights: Rights.directory.subtracting(denied),
            inheriting: Rights.directory.union(.file).subtracting(denied),
            preopenName: guestPathBytes)
    }
}

extension WASI.Preopen.Source {
    /// The path of a directory of the host's.
    fileprivate var hostPath: [UInt8]? {
        switch self {
        case .host(let path): Array(path.utf8)
        case .hostBytes(let path): path
        case .virtual: nil
        }
    }
}

extension WASI.Clock {
    var clocks: Clocks {
        switch self {
        case .system: .system()
        case .offset(let offset): .system(offset: offset.nanoseconds)
        case .simulated(let start, let step):
            .simulated(
                start: UInt64(max(start.nanoseconds, 0)), step: UInt64(max(step.nanoseconds, 1)))
        }
    }
}

extension WASI.Random {
    fileprivate var bytes: RandomBytes {
        switch self {
        case .system: .system
        case .seeded(let seed): .seeded(state: seed)
        }
    }
}

extension Duration {
    /// Rounded towards zero, and to what 64 bits hold: 292 years.
    fileprivate var nanoseconds: Int64 {
        Int64(clamping: attoseconds / 1_000_000_000)
    }
}
