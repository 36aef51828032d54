/// A directory of a virtual file system that a guest names paths beneath. None leads above it:
/// not by "..", not from the root, not through symbolic links.
struct VirtualDirectory {
    let volume: VirtualFile.Volume
    let node: VirtualNode

    private var system: any VirtualFileSystem { volume.system }

    init(_ file: VirtualFile) {
        volume = file.volume
        node = file.node
    }

    /// The uppermost one.
    init(rootOf system: any VirtualFileSystem) {
        volume = VirtualFile.Volume(system: system, device: 0)
        node = system.root
    }

    /// Bytes that a name has at most.
    static let nameLimit = 255

    /// Where a path ends.
    struct Location {
        /// The directory that it ends in.
        var directory: VirtualNode
        /// The name there; nil if the path names the directory itself.
        var name: String?
        /// What has that name; nil if nothing has.
        var node: VirtualNode?
        /// The path ended with a slash.
        var wantsDirectory: Bool

        /// The name to make something with.
        func free() throws(Errno) -> String {
            guard let name else { throw .exist }
            return name
        }

        /// What is there.
        func found() throws(Errno) -> VirtualNode {
            guard let node else { throw .noent }
            return node
        }
    }

    /// Follows `path`.
    ///
    /// - Throws: `perm` if it leads out of the directory.
    func locate(_ path: Path, _ link: Sandbox.FinalLink) throws(Errno) -> Location {
        if path.isEmpty { throw .noent }
        if path.isAbsolute { throw .perm }
        var trail = [node]
        var rest: [ArraySlice<UInt8>] = path.components.reversed()
        // Then no name in a directory is meant, but a directory by whatever name.
        var isNameless = path.split() == nil
        var wantsDirectory = isNameless || path.endsWithSlash
        var links = 0
        while let component = rest.popLast() {
            try Syscalls.mayGoOn()
            let current = trail[trail.count - 1]
            if component.elementsEqual("..".utf8) {
                trail.removeLast()
                if trail.isEmpty { throw .perm }
                continue
            }
            guard component.count <= Self.nameLimit else { throw .nametoolong }
            let name = String(decoding: component, as: UTF8.self)
            let isLast = rest.isEmpty && !isNameless
            let child = try child(name, of: current, isLast: isLast)
            let kind = try child.map { (child) throws(Errno) in try volume.status(of: child).type }
            if let child, kind == .symbolicLink,
                !isLast || link.applies(withSlash: wantsDirectory)
            {
                links += 1
                if links > Sandbox.linkLimit { throw .loop }
                let target = try target(of: child)
                if isLast {
                    isNameless = target.split() == nil
                    if isNameless || target.endsWithSlash { wantsDirectory = true }
                }
                rest.append(contentsOf: target.components.reversed())
                if rest.count > Sandbox.depthLimit { throw .nametoolong }
                continue
            }
            if isLast {
                return Location(
                    directory: current, name: name, node: child, wantsDirectory: wantsDirectory)
            }
            guard let child, kind == .directory else { throw .notdir }
            if trail.count > Sandbox.depthLimit { throw .nametoolong }
            trail.append(child)
        }
        let last = trail[trail.count - 1]
        return Location(directory: last, name: nil, node: last, wantsDirectory: true)
    }

    /// Nil if there is nothing of that name, where that is allowed: at the end.
    private func child(
        _ name: String, of directory: VirtualNode, isLast: Bool
    ) throws(Errno) -> VirtualNode? {
        do throws(VirtualFileError) {
            return try system.child(name, of: directory)
        } catch {
            if isLast, error == .notFound { return nil }
            throw error.errno
        }
    }

    private func target(of link: VirtualNode) throws(Errno) -> Path {
        let target = try Path(
            perform { (system) throws(VirtualFileError) in try system.target(of: link) })
        if target.isEmpty { throw .noent }
        if target.isAbsolute { throw .perm }
        return target
    }

    /// What is at `location`, which is a directory if its path said so.
    func existing(_ location: Location) throws(Errno) -> FileStatus {
        let status = try volume.status(of: location.found())
        if location.wantsDirectory, status.type != .directory { throw .notdir }
        return status
    }

    /// Does something with the file system whose failure guests are told.
    func perform<Result>(
        _ body: (any VirtualFileSystem) throws(VirtualFileError) -> Result
    ) throws(Errno) -> Result {
        do throws(VirtualFileError) {
            return try body(system)
        } catch {
            throw error.errno
        }
    }
}

// MARK: What paths are for

extension VirtualDirectory {
    /// Opens what `path` names.
    func open(
        _ path: Path, _ flags: OpenFlags, _ descriptorFlags: DescriptorFlags
    ) throws(Errno) -> VirtualFile {
        let isExclusive = flags.contains([.create, .exclusive])
        let follows = !flags.contains(.noFollow) && !isExclusive
        let location = try locate(path, follows ? .follow : .followIfSlash)
        if flags.contains(.create), location.wantsDirectory { throw .isdir }
        guard let node = location.node else {
            guard flags.contains(.create) else { throw .noent }
            let name = try location.free()
            let made = try perform { (system) throws(VirtualFileError) in
                try system.makeFile(name, in: location.directory)
            }
            return try VirtualFile(volume, made, descriptorFlags)
        }
        if isExclusive { throw .exist }
        let type = try volume.status(of: node).type
        if type == .symbolicLink { throw .loop }
        if flags.contains(.directory) || location.wantsDirectory, type != .directory {
            throw .notdir
        }
        let changes = flags.writes || flags.contains(.truncate) || flags.contains(.create)
        if type == .directory, changes { throw .isdir }
        let file = try VirtualFile(volume, node, descriptorFlags)
        if flags.contains(.truncate) { try file.setSize(0) }
        return file
    }

    func makeDirectory(_ path: Path) throws(Errno) {
        let location = try locate(path, .keep)
        let name = try location.free()
        try perform { (system) throws(VirtualFileError) in
            try system.makeDirectory(name, in: location.directory)
        }
    }

    func status(_ path: Path, _ link: Sandbox.FinalLink) throws(Errno) -> FileStatus {
        try existing(locate(path, link))
    }

    func setTimes(
        _ path: Path, _ link: Sandbox.FinalLink, _ times: FileTimes
    ) throws(Errno) {
        let location = try locate(path, link)
        _ = try existing(location)
        try volume.setTimes(of: location.found(), times)
    }

    /// Gives what `path` names the name `newPath` beneath `directory`.
    func link(
        _ path: Path, _ link: Sandbox.FinalLink, to directory: VirtualDirectory, _ newPath: Path
    ) throws(Errno) {
        guard system === directory.system else { throw .xdev }
        let source = try locate(path, link)
        if try existing(source).type == .directory { throw .perm }
        let node = try source.found()
        let target = try directory.locate(newPath, .keep)
        let name = try target.freeWithoutSlash()
        try perform { (system) throws(VirtualFileError) in
            try system.link(node, as: name, in: target.directory)
        }
    }

    func symbolicLink(to target: Path, _ path: Path) throws(Errno) {
        let location = try locate(path, .keep)
        let name = try location.freeWithoutSlash()
        let text = String(decoding: target.text, as: UTF8.self)
        try perform { (system) throws(VirtualFileError) in
            try system.makeLink(name, in: location.directory, to: text)
        }
    }

    func readLink(_ path: Path) throws(Errno) -> [UInt8] {
        let location = try locate(path, .followIfSlash)
        guard try existing(location).type == .symbolicLink else { throw .inval }
        let node = try location.found()
        return try perform { (system) throws(VirtualFileError) in
            [UInt8](try system.target(of: node).utf8)
        }
    }

    func removeDirectory(_ path: Path) throws(Errno) {
        let location = try locate(path, .keep)
        guard let name = location.name else { throw .inval }
        try perform { (system) throws(VirtualFileError) in
            try system.removeDirectory(name, in: location.directory)
        }
    }

    func unlinkFile(_ path: Path) throws(Errno) {
        let location = try locate(path, .keep)
        _ = try existing(location)
        guard let name = location.name, !location.wantsDirectory else { throw .isdir }
        try perform { (system) throws(VirtualFileError) in
            try system.removeFile(name, in: location.directory)
        }
    }

    func rename(
        _ path: Path, to directory: VirtualDirectory, _ newPath: Path
    ) throws(Errno) {
        guard system === directory.system else { throw .xdev }
        let source = try locate(path, .keep)
        let target = try directory.locate(newPath, .keep)
        let type = try existing(source).type
        if target.wantsDirectory, type != .directory { throw .notdir }
        guard let name = source.name, let newName = target.name else { throw .busy }
        try perform { (system) throws(VirtualFileError) in
            try system.rename(
                name, in: source.directory, to: newName, in: target.directory)
        }
    }
}

extension VirtualDirectory.Location {
    /// The name to make something with that is no directory.
    fileprivate func freeWithoutSlash() throws(Errno) -> String {
        guard wantsDirectory else { return try free() }
        _ = try found()
        throw .exist
    }
}
