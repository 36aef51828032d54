import ApusLocks
import Testing

@testable import ApusWASI

struct MemoryFileSystemTests {
    private func text(_ files: MemoryFileSystem, _ path: String) throws -> String {
        String(decoding: try files.contents(of: path), as: UTF8.self)
    }

    private func probe(_ files: MemoryFileSystem) throws -> GuestProbe {
        var wasi = WASI()
        wasi.preopen("/", files)
        return try GuestProbe(wasi)
    }

    @Test func hostAndGuestSeeTheSame() throws {
        let files = MemoryFileSystem()
        try files.write([UInt8]("hello".utf8), to: "/a/b/file")
        let probe = try probe(files)
        let (error, file) = try probe.open("a/b/file")
        #expect(error == .success)
        #expect(try probe.read(100, from: file) == (.success, "hello"))
        #expect(try probe.write(" world", to: file) == (.success, 6))
        #expect(try text(files, "a/b/file") == "hello world")
        #expect(try files.names(in: "/a") == ["b"])
        #expect(try files.names(in: "/") == ["a"])
        #expect(throws: VirtualFileError.notFound) { try files.contents(of: "a/c") }
        #expect(throws: VirtualFileError.isDirectory) { try files.contents(of: "a") }
        #expect(throws: VirtualFileError.notDirectory) { try files.write([], to: "a/b/file/x") }
        #expect(files.byteCount == 11)
    }

    @Test func seeksAppendsAndTruncates() throws {
        let files = MemoryFileSystem()
        let probe = try probe(files)
        let (_, file) = try probe.open("f", flags: 1)
        #expect(try probe.write("abc", to: file).0 == .success)
        #expect(probe.call("fd_seek", file, 5, 0, 0) == .success)
        #expect(try probe.write("d", to: file) == (.success, 1))
        #expect(try files.contents(of: "f") == [97, 98, 99, 0, 0, 100])
        #expect(probe.call("fd_seek", file, UInt64(bitPattern: -7), 2, 0) == .inval)
        #expect(probe.call("fd_seek", file, UInt64(bitPattern: -1), 2, 0) == .success)
        #expect(try probe.read(9, from: file) == (.success, "d"))
        let (_, appending) = try probe.open("f", descriptorFlags: 1)
        #expect(try probe.write("e", to: appending) == (.success, 1))
        #expect(try files.contents(of: "f").last == 101)
        #expect(probe.call("fd_filestat_set_size", file, 2) == .success)
        #expect(probe.call("fd_allocate", file, 1, 3) == .success)
        #expect(try files.contents(of: "f") == [97, 98, 0, 0])
        #expect(try probe.open("f", flags: 8).0 == .success)
        #expect(files.byteCount == 0)
    }

    /// What is not counted any more is not held, either.
    @Test func whatIsTakenAwayIsGivenBack() throws {
        let files = MemoryFileSystem(byteLimit: 2 << 16)
        let probe = try probe(files)
        for index in 0..<20 {
            let (_, file) = try probe.open("f\(index)", flags: 1)
            #expect(probe.call("fd_filestat_set_size", file, 1 << 16) == .success)
            #expect(probe.call("fd_filestat_set_size", file, 1 << 15) == .success)
            #expect(probe.call("fd_filestat_set_size", file, UInt64(index)) == .success)
            #expect(probe.call("fd_close", file) == .success)
        }
        let held = files.state.withLock { state in
            state.nodes.values.reduce(0) { $0 + $1.bytes.capacity }
        }
        #expect(files.byteCount == 190)
        #expect(held < 20 * 128)
        for index in 0..<2000 { try files.write([], to: "dir/\(index)") }
        for index in 0..<2000 {
            let (name, count) = try probe.put("dir/\(index)", at: 0)
            #expect(probe.call("path_unlink_file", 3, name, count) == .success)
        }
        let places = files.state.withLock { state in
            state.nodes.values.map { $0.directory.entries.capacity + $0.directory.places.capacity }
        }
        #expect(places.max() ?? 0 < 300)
    }

    @Test func keepsToItsLimits() throws {
        let files = MemoryFileSystem(byteLimit: 10, entryLimit: 3)
        let probe = try probe(files)
        let (_, file) = try probe.open("f", flags: 1)
        #expect(try probe.write("12345678", to: file) == (.success, 8))
        #expect(try probe.write("9abc", to: file) == (.success, 2))
        #expect(try probe.write("x", to: file).0 == .nospc)
        #expect(probe.call("fd_filestat_set_size", file, 11) == .nospc)
        #expect(probe.call("fd_filestat_set_size", file, UInt64(Int64.max)) == .nospc)
        #expect(probe.call("fd_filestat_set_size", file, 1 << 63) == .inval)
        #expect(probe.call("fd_allocate", file, 0, UInt64(Int64.max)) == .nospc)
        #expect(probe.call("fd_seek", file, UInt64(Int64.max), 0, 0) == .success)
        #expect(try probe.write("x", to: file).0 == .nospc)
        #expect(probe.call("fd_filestat_set_size", file, 0) == .success)
        #expect(try probe.open("g", flags: 1).0 == .success)
        #expect(try probe.open("h", flags: 1).0 == .success)
        #expect(try probe.open("i", flags: 1).0 == .nospc)
        let (name, count) = try probe.put("h", at: 0)
        #expect(probe.call("path_unlink_file", 3, name, count) == .success)
        #expect(try probe.open("i", flags: 1).0 == .success)
        #expect(throws: VirtualFileError.noSpace) {
            try files.write([UInt8](repeating: 0, count: 11), to: "i")
        }
    }

    /// What has no name stays until it is closed, and its room is free then.
    @Test func keepsWhatIsOpen() throws {
        let files = MemoryFileSystem()
        let probe = try probe(files)
        let (_, file) = try probe.open("f", flags: 1)
        #expect(try probe.write("text", to: file).0 == .success)
        let (name, count) = try probe.put("f", at: 0)
        #expect(probe.call("path_unlink_file", 3, name, count) == .success)
        #expect(try probe.open("f").0 == .noent)
        #expect(probe.call("fd_seek", file, 0, 0, 0) == .success)
        #expect(try probe.read(9, from: file) == (.success, "text"))
        #expect(files.byteCount == 4)
        #expect(probe.call("fd_close", file) == .success)
        #expect(files.byteCount == 0)
    }

    @Test func movesDirectories() throws {
        let files = MemoryFileSystem()
        for path in ["a/b/c", "d/e"] { try files.makeDirectories(path) }
        try files.write([1], to: "a/file")
        let probe = try probe(files)
        func rename(_ old: String, _ new: String) throws -> Errno {
            let (old, oldCount) = try probe.put(old, at: 0)
            let (new, newCount) = try probe.put(new, at: 512)
            return probe.call("path_rename", 3, old, oldCount, 3, new, newCount)
        }
        #expect(try rename("a", "a/b/c/a") == .inval)
        #expect(try rename("a", "a") == .success)
        #expect(try rename("a/b", "d") == .notempty)
        #expect(try rename("a/b", "a/file") == .notdir)
        #expect(try rename("a/file", "a/b") == .isdir)
        #expect(try rename("a/file/", "x") == .notdir)
        #expect(try rename("x", "y") == .noent)
        #expect(try rename(".", "y") == .busy)
        #expect(try rename("a/b", "d/e") == .success)
        #expect(try files.names(in: "d/e") == ["c"])
        #expect(try rename("d/e/c", "top") == .success)
        #expect(try rename("d", "top/d") == .success)
        #expect(try rename("top", "top/d/top") == .inval)
        #expect(try files.names(in: "top/d") == ["e"])
        #expect(try rename("a/file", "../file") == .perm)
    }

    /// Nothing leads out of the directory that a descriptor stands for.
    @Test(arguments: SandboxTests.escapes + SandboxTests.leadingOut)
    func keepsGuestsInside(_ path: String) throws {
        let files = MemoryFileSystem()
        try files.write([1], to: "outside/canary")
        try files.write([1], to: "root/dir/nested/file")
        let links = [
            ("up", "../outside"), ("up-file", "../outside/canary"), ("absolute", "/outside"),
            ("good-dir", "./dir/"), ("first", "second/nested"), ("second", "dir"),
            ("proc", "/proc/self/root"),
        ]
        let root = try files.child("root", of: files.root)
        for (name, target) in links { try files.makeLink(name, in: root, to: target) }
        let dir = try files.child("dir", of: root)
        try files.makeLink("winding", in: dir, to: "nested/../../../outside/canary")
        let probe = try probe(files)
        let (error, inner) = try probe.open("root", flags: 2, rights: .directory)
        #expect(error == .success)
        #expect(try probe.open(path, in: inner, rights: .fdRead).0 == .perm)
        let (text, count) = try probe.put(path, at: 0)
        #expect(probe.call("path_filestat_get", inner, 1, text, count, 512) == .perm)
    }

    /// Cookies stay what they are while entries come and go.
    @Test func readsDirectoriesThatChange() throws {
        let files = MemoryFileSystem()
        let names = (0..<200).map { "file\($0)" }
        for name in names { try files.write([], to: name) }
        let probe = try probe(files)
        var cookie: UInt64 = 0
        var seen: [String] = []
        while true {
            #expect(probe.call("fd_readdir", 3, 0, 40, cookie, 4096) == .success)
            let used = try probe.memory.load(UInt32.self, at: 4096)
            if used == 0 { break }
            cookie = try probe.memory.load(UInt64.self, at: 0)
            let length = Int(try probe.memory.load(UInt32.self, at: 16))
            let name = try probe.text(at: 24, min(length, 16))
            seen.append(name)
            if name.hasPrefix("file") {
                let (address, count) = try probe.put(name, at: 8192)
                #expect(probe.call("path_unlink_file", 3, address, count) == .success)
            }
        }
        #expect(seen == [".", ".."] + names)
        #expect(try files.names(in: "/").isEmpty)
        #expect(probe.call("fd_readdir", 3, 0, 40, 1 << 63, 4096) == .inval)
        #expect(probe.call("fd_readdir", 3, 0, 40, UInt64(Int64.max), 4096) == .success)
    }

    @Test func isReadOnlyWhereGrantedSo() throws {
        let files = MemoryFileSystem()
        try files.write([1], to: "f")
        var wasi = WASI()
        wasi.preopen("/", files, access: .readOnly)
        let probe = try GuestProbe(wasi)
        let reading = Rights.all.subtracting(.changing)
        #expect(try probe.open("f").0 == .notcapable)
        #expect(try probe.open("f", flags: 8, rights: reading).0 == .notcapable)
        #expect(try probe.open("g", flags: 1, rights: reading).0 == .notcapable)
        let (error, file) = try probe.open("f", rights: reading)
        #expect(error == .success)
        #expect(try probe.write("x", to: file).0 == .notcapable)
        let (name, count) = try probe.put("f", at: 0)
        #expect(probe.call("path_unlink_file", 3, name, count) == .notcapable)
        #expect(try files.contents(of: "f") == [1])
    }

    @Test func linksWithinOneSystemOnly() throws {
        let first = MemoryFileSystem()
        let second = MemoryFileSystem()
        let folder = try TemporaryFolder()
        try first.write([1, 2], to: "f")
        var wasi = WASI()
        wasi.preopen("/1", first)
        wasi.preopen("/2", second)
        wasi.preopen("/3", folder.path)
        let probe = try GuestProbe(wasi)
        let (name, count) = try probe.put("f", at: 0)
        let (other, otherCount) = try probe.put("g", at: 16)
        for target in [UInt64(4), 5] {
            #expect(probe.call("path_link", 3, 0, name, count, target, other, 1) == .xdev)
            #expect(probe.call("path_rename", 3, name, count, target, other, 1) == .xdev)
            #expect(probe.call("path_rename", target, name, count, 3, other, 1) == .xdev)
        }
        #expect(probe.call("path_link", 3, 0, name, count, 3, other, otherCount) == .success)
        #expect(probe.call("path_filestat_get", 3, 0, other, otherCount, 512) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 536) == 2)
        #expect(try probe.memory.load(UInt64.self, at: 544) == 2)
        #expect(try first.status(of: "g").links == 2)
    }
}
