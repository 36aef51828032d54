import Testing

@testable import ApusWASI

struct SandboxTests {
    static let strategies: [Sandbox.Strategy] = [.kernel, .walker]

    /// Paths that lead outside, whatever is done with them.
    static let escapes = [
        "..", "../", "../outside/canary", "dir/../../outside/canary", "/", "/etc/passwd",
        "//etc/passwd", "./../outside/canary", "dir/nested/../../../outside/canary", "up/canary",
        "up/../canary", "dir/../up/canary", "good-dir/../../outside/canary", "proc/etc/passwd",
        "second/../..", "up/", "first/../../../outside/canary",
    ]

    /// Symbolic links whose own place is inside, but not what they point to.
    static let leadingOut = ["up-file", "absolute", "dir/winding", "up", "second/winding", "proc"]

    private func open(
        _ sandbox: Sandbox, _ cage: Cage, _ path: String, _ flags: OpenFlags
    ) -> Errno {
        outcome { () throws(Errno) in
            Syscalls.close(try sandbox.open(cage.root, Path(path), flags, mode: 0o600))
        }
    }

    @Test(arguments: strategies, escapes + leadingOut)
    func refusesToOpenWhatIsOutside(_ strategy: Sandbox.Strategy, _ path: String) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        let ways: [OpenFlags] = [
            .readOnly, .readWrite, [.writeOnly, .truncate], [.writeOnly, .create],
            [.readOnly, .directory],
        ]
        for flags in ways {
            let error = open(sandbox, cage, path, flags)
            // Creating what ends with a slash is refused before the path is followed.
            let allowed: [Errno] = flags.contains(.create) ? [.perm, .isdir] : [.perm]
            #expect(allowed.contains(error), "\(path) \(flags.rawValue)")
        }
        #expect(cage.isIntact)
    }

    @Test(arguments: strategies, escapes)
    func refusesToLocateWhatIsOutside(_ strategy: Sandbox.Strategy, _ path: String) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        for link in [Sandbox.FinalLink.keep, .followIfSlash, .follow] {
            if path == "up/", link == .keep { continue }
            #expect(
                outcome { () throws(Errno) in
                    _ = try sandbox.locate(cage.root, Path(path), link)
                } == .perm)
        }
    }

    @Test(arguments: strategies, leadingOut)
    func locatesLinksThemselvesOnly(_ strategy: Sandbox.Strategy, _ path: String) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        #expect(
            outcome { () throws(Errno) in
                _ = try sandbox.locate(cage.root, Path(path), .follow)
            } == .perm)
        let location = try sandbox.locate(cage.root, Path(path), .keep)
        #expect(try Syscalls.status(location.directory, location.name).type == .symbolicLink)
    }

    @Test(arguments: strategies)
    func opensWhatIsInside(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        let inside = [
            "file", "./file", "dir/../file", "good", "good-dir/nested/file", "first/file",
            "dir//nested/./file", "first/../nested/file", "second/../file",
        ]
        for path in inside {
            let descriptor = try sandbox.open(cage.root, Path(path), .readOnly, mode: 0)
            defer { Syscalls.close(descriptor) }
            #expect(try Syscalls.status(descriptor).size == 6, "\(path)")
        }
        for path in [".", "dir", "dir/", "good-dir", "good-dir/", "first", "dir/nested/.."] {
            let descriptor = try sandbox.open(cage.root, Path(path), .readOnly, mode: 0)
            defer { Syscalls.close(descriptor) }
            #expect(try Syscalls.status(descriptor).type == .directory, "\(path)")
        }
    }

    @Test(arguments: strategies)
    func tellsWhatIsWrong(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        let expected: [(String, Errno)] = [
            ("missing", .noent), ("dangling", .noent), ("loop", .loop), ("ping", .loop),
            ("ping/x", .loop), ("file/", .notdir), ("file/x", .notdir), ("good/", .notdir),
            ("missing/x", .noent), ("", .noent), (String(repeating: "x", count: 300), .nametoolong),
            (String(repeating: "a/", count: 2047), .noent),
            (String(repeating: "dir/../", count: 500) + "file", .success),
        ]
        for (path, error) in expected {
            #expect(open(sandbox, cage, path, .readOnly) == error, "\(path.prefix(20))")
        }
        #expect(open(sandbox, cage, "good", [.readOnly, .noFollow]) == .loop)
        #expect(open(sandbox, cage, "file", [.writeOnly, .create, .exclusive]) == .exist)
        #expect(open(sandbox, cage, "dangling", [.writeOnly, .create, .exclusive]) == .exist)
        #expect(open(sandbox, cage, "dangling", [.writeOnly, .create]) == .success)
        #expect(cage.folder.exists("root/nowhere"))
    }

    @Test(arguments: strategies)
    func countsLinks(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        try cage.folder.link("root/link0", to: "file")
        for index in 1...45 {
            try cage.folder.link("root/link\(index)", to: "link\(index - 1)")
        }
        #expect(open(sandbox, cage, "link39", .readOnly) == .success)
        #expect(open(sandbox, cage, "link45", .readOnly) == .loop)
        #expect(
            outcome { () throws(Errno) in
                _ = try sandbox.locate(cage.root, Path("link45"), .follow)
            } == .loop)
    }

    /// "x/." is no name of x.
    @Test(arguments: strategies)
    func aDotAtTheEndIsNoName(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        var wasi = WASI()
        wasi.sandbox.strategy = strategy
        wasi.preopen("/", cage.folder.path + "root")
        let files = MemoryFileSystem()
        wasi.preopen("/virtual", files)
        try files.makeDirectories("dir")
        let probe = try GuestProbe(wasi)
        try cage.folder.makeFolder("root/empty")
        try files.makeDirectories("empty")
        let (new, newCount) = try probe.put("new", at: 0)
        for directory in [UInt64(3), 4] {
            for path in ["empty/.", "empty/./", "./empty/.", "dir/../empty/."] {
                let (name, count) = try probe.put(path, at: 100)
                #expect(probe.call("path_remove_directory", directory, name, count) == .inval)
                let moved = probe.call(
                    "path_rename", directory, name, count, directory, new, newCount)
                #expect(moved == .busy, "\(path)")
                #expect(probe.call("path_unlink_file", directory, name, count) == .isdir)
                #expect(probe.call("path_create_directory", directory, name, count) == .exist)
                #expect(
                    probe.call("path_filestat_get", directory, 0, name, count, 1024) == .success)
            }
            let (name, count) = try probe.put("missing/.", at: 100)
            #expect(probe.call("path_create_directory", directory, name, count) == .noent)
        }
        #expect(cage.folder.exists("root/empty"))
    }

    @Test func refusesPathsThatAreNone() {
        #expect(throws: Errno.inval) { try Path("a\0b") }
        #expect(throws: Errno.ilseq) { try Path([0xFF, 0x61]) }
        #expect(throws: Errno.nametoolong) { try Path(String(repeating: "x", count: 4096)) }
    }

    /// Somebody swaps a folder for a link to the outside while the guest goes through it.
    @Test(arguments: strategies)
    func holdsWhileLinksAreSwapped(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        let swapper = try LinkSwapper(cage)
        defer { swapper.stop() }
        var opened = 0
        let canary = try cage.canary()
        for _ in 0..<2000 {
            let path = try Path("there/canary")
            if let descriptor = try? sandbox.open(cage.root, path, .readWrite, mode: 0) {
                opened += 1
                let inside = try Syscalls.status(descriptor)
                Syscalls.close(descriptor)
                #expect(inside.inode != canary.inode)
            }
            if let location = try? sandbox.locate(cage.root, path, .follow) {
                let status = try? Syscalls.status(location.directory, location.name)
                #expect(status?.inode != canary.inode)
            }
        }
        #expect(opened > 0)
        #expect(cage.isIntact)
    }

    /// Descriptors that were opened on the way are closed again, whether it ended well or not.
    @Test(arguments: strategies)
    func leavesNoDescriptorsOpen(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let sandbox = Sandbox(strategy: strategy)
        for _ in 0..<1000 {
            for path in ["good", "dir/nested/../..", "ping/x", "first/../../../x", "dir/missing"] {
                _ = open(sandbox, cage, path, .readOnly)
                if let path = try? Path(path) {
                    _ = try? sandbox.locate(cage.root, path, .follow)
                }
            }
        }
        let next = try Syscalls.open(cage.root, .current, OpenFlags.walk.rawValue)
        defer { Syscalls.close(next) }
        #expect(next < 2000)
    }
}
