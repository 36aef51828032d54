/// Finds what guest paths name, beneath a directory that they cannot leave: not by "..", not from
/// the root, not through symbolic links, and not by others renaming things meanwhile.
struct Sandbox: Sendable {
    /// How paths are followed.
    enum Strategy: Sendable {
        /// The kernel's own confinement (openat2, Linux 5.6); where it is missing, the walker.
        case kernel
        /// One directory at a time, following symbolic links by hand.
        case walker
    }

    /// Symbolic links that one path may lead through.
    static let linkLimit = 40
    /// Directories that one path may lead through.
    static let depthLimit = 2048

    var strategy: Strategy = .kernel

    /// What to do with a symbolic link at the end of a path.
    enum FinalLink {
        case keep
        /// Follow it if a slash comes after it.
        case followIfSlash
        case follow
    }

    /// Where a path ends: a name in an open directory. The name is one component, never "..", and
    /// has no slash. Closes the directory in the end if that was opened for it.
    struct Location: ~Copyable {
        let directory: Int32
        let name: Path
        /// The path ended with a slash.
        let wantsDirectory: Bool
        private let owned: Bool

        init(_ directory: Int32, _ name: Path, wantsDirectory: Bool, owned: Bool) {
            self.directory = directory
            self.name = name
            self.wantsDirectory = wantsDirectory
            self.owned = owned
        }

        deinit { if owned { Syscalls.close(directory) } }
    }

    /// Opens `path` beneath `root`. Whether a final symbolic link is followed is up to
    /// `OpenFlags.noFollow`.
    ///
    /// - Throws: `perm` if the path leads outside, or what opening throws.
    func open(
        _ root: Int32, _ path: Path, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> Int32 {
        try check(path)
        // A walk's flags are complete; openat2 refuses O_PATH with O_NOCTTY.
        let flags = flags.contains(.walk) ? flags : flags.union(.always)
        let mode = flags.contains(.create) ? mode : 0
        if strategy == .kernel {
            if let opened = try openBeneath(root, path, flags, mode: mode) { return opened }
        }
        return try openByWalking(root, path, flags, mode: mode)
    }

    /// Where `path` ends beneath `root`. A name whose link was followed is no symbolic link, if
    /// nobody changes it meanwhile; what is done with it must not follow one in any case.
    func locate(_ root: Int32, _ path: Path, _ link: FinalLink) throws(Errno) -> Location {
        try check(path)
        guard strategy == .kernel else { return try walk(root, path, link) }
        var path = path
        for _ in 0...Self.linkLimit {
            try Syscalls.mayGoOn()
            guard let location = try locateOnce(root, path) else {
                return try walk(root, path, link)
            }
            guard link.applies(withSlash: location.wantsDirectory), let parts = path.split()
            else { return location }
            guard let target = try Self.target(location.directory, location.name) else {
                return location
            }
            let slash = location.wantsDirectory ? [UInt8(ascii: "/")] : []
            path = try Path(Array(parts.directory) + target.text + slash)
            try check(path)
        }
        throw .loop
    }

    private func check(_ path: Path) throws(Errno) {
        if path.isEmpty { throw .noent }
        if path.isAbsolute { throw .perm }
    }

    /// Where the symbolic link `name` points; nil if it is none, or not there.
    private static func target(_ directory: Int32, _ name: Path) throws(Errno) -> Path? {
        let text: [UInt8]
        do {
            text = try Syscalls.readLink(directory, name)
        } catch .inval {
            return nil
        } catch .noent {
            return nil
        }
        if text.first == UInt8(ascii: "/") { throw .perm }
        return Path(unchecked: text)
    }
}

// MARK: By the kernel

extension Sandbox {
    /// Nil if the kernel cannot.
    private func openBeneath(
        _ root: Int32, _ path: Path, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> Int32? {
        // `again`: something was renamed while ".." was followed.
        for _ in 0..<16 {
            do {
                return try Syscalls.openBeneath(root, path, flags.rawValue, mode: mode)
            } catch .nosys {
                return nil
            } catch .perm {
                if isRefused(root) { return nil }
                throw .perm
            } catch .xdev {
                throw .perm
            } catch .again {
                continue
            }
        }
        return nil
    }

    /// Whether it is the call that is not allowed, and not what it was made for: what confines a
    /// process may refuse like this whatever it does not know.
    private func isRefused(_ root: Int32) -> Bool {
        do {
            Syscalls.close(
                try Syscalls.openBeneath(root, .current, OpenFlags.walk.rawValue))
            return false
        } catch {
            return error == .perm
        }
    }

    private func locateOnce(_ root: Int32, _ path: Path) throws(Errno) -> Location? {
        guard let (directory, name) = path.split() else {
            guard let opened = try openBeneath(root, path, .walk, mode: 0) else {
                return nil
            }
            return Location(opened, .current, wantsDirectory: true, owned: true)
        }
        let slash = path.endsWithSlash
        let last = Path(unchecked: Array(name))
        if directory.isEmpty {
            return Location(root, last, wantsDirectory: slash, owned: false)
        }
        let above = Path(unchecked: Array(directory))
        guard let opened = try openBeneath(root, above, .walk, mode: 0) else {
            return nil
        }
        return Location(opened, last, wantsDirectory: slash, owned: true)
    }
}

// MARK: By walking

extension Sandbox {
    private func openByWalking(
        _ root: Int32, _ path: Path, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> Int32 {
        // An exclusive creation never follows a final link, and neither may the opening below.
        let follow =
            !flags.contains(.noFollow)
            && !(flags.contains(.create) && flags.contains(.exclusive))
        var flags = flags.union(.noFollow)
        for _ in 0..<16 {
            let location = try walk(root, path, follow ? .follow : .followIfSlash)
            if location.wantsDirectory {
                if flags.contains(.create) { throw .isdir }
                flags.insert(.directory)
            }
            do {
                return try Syscalls.open(
                    location.directory, location.name, flags.rawValue, mode: mode)
            } catch .loop {
                // With `follow`, somebody put a link there after the walk had passed.
                if !follow { throw .loop }
            }
        }
        throw .loop
    }

    /// The open directories from the root to where the walk is.
    private struct Trail: ~Copyable {
        let root: Int32
        var opened: [Int32] = []

        init(_ root: Int32) { self.root = root }

        var current: Int32 { opened.last ?? root }

        mutating func enter(_ name: Path) throws(Errno) {
            if opened.count == Sandbox.depthLimit { throw .nametoolong }
            let flags: OpenFlags = [.walk, .noFollow]
            opened.append(try Syscalls.open(current, name, flags.rawValue))
        }

        mutating func leave() throws(Errno) {
            guard let last = opened.popLast() else { throw .perm }
            Syscalls.close(last)
        }

        /// A descriptor of the current directory that the caller closes.
        mutating func take() throws(Errno) -> Int32 {
            if let last = opened.popLast() { return last }
            return try Syscalls.open(root, .current, OpenFlags.walk.rawValue)
        }

        deinit { for descriptor in opened { Syscalls.close(descriptor) } }
    }

    private func walk(
        _ root: Int32, _ path: Path, _ link: FinalLink
    ) throws(Errno) -> Location {
        var trail = Trail(root)
        var rest: [ArraySlice<UInt8>] = path.components.reversed()
        // Then no name in a directory is meant, but a directory by whatever name.
        var isNameless = path.split() == nil
        var wantsDirectory = isNameless || path.endsWithSlash
        var links = 0
        while let component = rest.popLast() {
            try Syscalls.mayGoOn()
            if component.elementsEqual("..".utf8) {
                try trail.leave()
                continue
            }
            let name = Path(unchecked: Array(component))
            let isLast = rest.isEmpty && !isNameless
            if !isLast || link.applies(withSlash: wantsDirectory),
                let target = try Self.target(trail.current, name)
            {
                links += 1
                if links > Self.linkLimit { throw .loop }
                if target.isEmpty { throw .noent }
                if isLast {
                    isNameless = target.split() == nil
                    if isNameless || target.endsWithSlash { wantsDirectory = true }
                }
                rest.append(contentsOf: target.components.reversed())
                if rest.count > Self.depthLimit { throw .nametoolong }
                continue
            }
            if isLast {
                return Location(
                    try trail.take(), name, wantsDirectory: wantsDirectory, owned: true)
            }
            try trail.enter(name)
        }
        return Location(try trail.take(), .current, wantsDirectory: true, owned: true)
    }
}

extension Sandbox.FinalLink {
    func applies(withSlash slash: Bool) -> Bool {
        switch self {
        case .keep: false
        case .followIfSlash: slash
        case .follow: true
        }
    }
}
