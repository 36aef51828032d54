import Foundation
import Testing

@testable import ApusWASI

struct DescriptorTests {
    private func probe(
        _ folder: TemporaryFolder, access: WASI.Access = .readWrite
    ) throws -> GuestProbe {
        var wasi = WASI()
        wasi.preopen("/data", folder.path, access: access)
        return try GuestProbe(wasi)
    }

    @Test func readsAndWritesFiles() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (error, file) = try probe.open("new", flags: 1)
        #expect(error == .success)
        #expect(try probe.write("hello", to: file) == (.success, 5))
        #expect(try folder.read("new") == "hello")
        #expect(probe.call("fd_seek", file, 1, 0, 100) == .success)
        #expect(try probe.read(3, from: file) == (.success, "ell"))
        #expect(probe.call("fd_tell", file, 100) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 100) == 4)
        #expect(probe.call("fd_close", file) == .success)
        #expect(probe.call("fd_close", file) == .badf)
    }

    /// Many pieces: those that do not fit one call are left to the next.
    @Test func gathersPieces() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (_, file) = try probe.open("new", flags: 1)
        _ = try probe.put("ab", at: 8)
        for index in UInt32(0)..<200 {
            try probe.memory.store(UInt32(8), at: 1024 + index * 8)
            try probe.memory.store(index % 2 == 0 ? UInt32(0) : 2, at: 1028 + index * 8)
        }
        #expect(probe.call("fd_write", file, 1024, 200, 16) == .success)
        #expect(try probe.memory.load(UInt32.self, at: 16) == 128)
        #expect(try folder.read("new") == String(repeating: "ab", count: 64))
    }

    @Test func checksEveryPieceBeforeWriting() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (_, file) = try probe.open("new", flags: 1)
        try probe.memory.store(UInt64(8) << 32, at: 1024)
        try probe.memory.store(UInt64(2) << 32 | 65535, at: 1032)
        #expect(probe.call("fd_write", file, 1024, 2, 16) == .fault)
        #expect(probe.call("fd_write", file, 65532, 1, 16) == .fault)
        #expect(probe.call("fd_write", file, 65528, 1024, 16) == .fault)
        #expect(probe.call("fd_write", file, 1024, 1, 65533) == .fault)
        #expect(try folder.read("new") == "")
    }

    /// More pieces than the system takes are refused before one is looked at.
    @Test(arguments: [UInt64(1025), 8000, 0x1FFF_FFFF, 0x2000_0000, 0xFFFF_FFFF])
    func boundsThePieces(_ count: UInt64) throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (_, file) = try probe.open("new", flags: 1)
        for name in ["fd_read", "fd_write"] {
            #expect(probe.call(name, file, 0, count, 16) == .inval)
        }
        for name in ["fd_pread", "fd_pwrite"] {
            #expect(probe.call(name, file, 0, count, 0, 16) == .inval)
        }
        #expect(probe.call("fd_write", 1, 0, count, 16) == .inval)
        #expect(probe.call("fd_read", 0, 0, count, 16) == .inval)
        #expect(probe.call("fd_write", file, 0, 1024, 16) == .success)
    }

    @Test func renumbers() throws {
        let folder = try TemporaryFolder()
        try folder.write("a", to: "a")
        let probe = try probe(folder)
        let (_, file) = try probe.open("a")
        #expect(probe.call("fd_renumber", file, file) == .success)
        #expect(probe.call("fd_renumber", file, 99) == .badf)
        #expect(probe.call("fd_renumber", file, 0xFFFF_FFFF) == .badf)
        #expect(probe.call("fd_renumber", 99, file) == .badf)
        // Over the preopen: it is no directory any more.
        #expect(probe.call("fd_renumber", file, 3) == .success)
        #expect(probe.call("fd_prestat_get", 3, 0) == .badf)
        #expect(try probe.open("a").0 == .notdir)
        #expect(try probe.read(9, from: 3) == (.success, "a"))
        #expect(probe.call("fd_close", file) == .badf)
    }

    @Test func boundsTheirNumber() throws {
        let folder = try TemporaryFolder()
        try folder.write("a", to: "a")
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        wasi.descriptorLimit = 10
        let probe = try GuestProbe(wasi)
        for expected in 4..<10 { #expect(try probe.open("a") == (.success, UInt64(expected))) }
        #expect(try probe.open("a").0 == .mfile)
        #expect(probe.call("fd_close", 6) == .success)
        #expect(try probe.open("a") == (.success, 6))
        #expect(try probe.open("a").0 == .mfile)
    }

    /// A guest that opens all that it may leaves its host the most of what the process may have.
    @Test func mostOfTheProcessesDescriptorsAreTheHosts() {
        for (limit, share) in [
            (0, 0), (128, 42), (1024, 341), (4096, 1024), (.max, 1024),
        ] as [(UInt64, Int)] {
            #expect(WASI.share(ofDescriptors: limit) == share)
        }
        #expect(WASI().descriptorLimit == WASI.share(ofDescriptors: Syscalls.descriptorLimit))
    }

    @Test func rightsOnlyShrink() throws {
        let folder = try TemporaryFolder()
        try folder.write("abc", to: "a")
        let probe = try probe(folder)
        let (_, file) = try probe.open("a")
        let reading: Rights = [.fdRead, .fdTell]
        #expect(probe.call("fd_fdstat_set_rights", file, reading.rawValue, 0) == .success)
        #expect(
            probe.call("fd_fdstat_set_rights", file, Rights.fdWrite.rawValue, 0) == .notcapable)
        #expect(try probe.write("x", to: file).0 == .notcapable)
        #expect(probe.call("fd_seek", file, 1, 0, 0) == .notcapable)
        #expect(probe.call("fd_seek", file, 0, 1, 0) == .success)
        #expect(try probe.read(9, from: file) == (.success, "abc"))
    }

    @Test func listsPreopens() throws {
        let probe = try probe(TemporaryFolder())
        #expect(probe.call("fd_prestat_get", 3, 0) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 0) == 5 << 32)
        #expect(probe.call("fd_prestat_dir_name", 3, 8, 4) == .nametoolong)
        #expect(probe.call("fd_prestat_dir_name", 3, 8, 5) == .success)
        #expect(try probe.text(at: 8, 5) == "/data")
        #expect(probe.call("fd_prestat_get", 4, 0) == .badf)
        #expect(probe.call("fd_prestat_get", 0, 0) == .badf)
    }

    /// Cookies lead on exactly where they were given, however small the buffer.
    @Test(arguments: [UInt64(64), 100, 333, 4096])
    func pagesThroughDirectories(_ size: UInt64) throws {
        let folder = try TemporaryFolder()
        for index in 0..<50 { try folder.write("", to: "file-\(index)") }
        let probe = try probe(folder)
        var names: [String] = []
        var cookie: UInt64 = 0
        while true {
            #expect(probe.call("fd_readdir", 3, 0, size, cookie, 60000) == .success)
            let used = try probe.memory.load(UInt32.self, at: 60000)
            var start: UInt32 = 0
            while start + 24 <= used {
                let length = try probe.memory.load(UInt32.self, at: start + 16)
                guard start + 24 + length <= used else { break }
                cookie = try probe.memory.load(UInt64.self, at: start)
                names.append(try probe.text(at: start + 24, Int(length)))
                start += 24 + length
            }
            if UInt64(used) < size { break }
        }
        let expected = [".", ".."] + (0..<50).map { "file-\($0)" }
        #expect(names.sorted() == expected.sorted())
    }

    @Test func layoutsDifferBetweenSnapshots() throws {
        let folder = try TemporaryFolder()
        try folder.write("abc", to: "a")
        let probe = try probe(folder)
        let (_, file) = try probe.open("a")
        #expect(probe.call("fd_filestat_get", file, 0) == .success)
        #expect(try probe.memory.load(UInt8.self, at: 16) == FileType.regularFile.rawValue)
        #expect(try probe.memory.load(UInt64.self, at: 24) == 1)
        #expect(try probe.memory.load(UInt64.self, at: 32) == 3)
        probe.snapshot = .zero
        #expect(probe.call("fd_filestat_get", file, 0) == .success)
        #expect(try probe.memory.load(UInt32.self, at: 20) == 1)
        #expect(try probe.memory.load(UInt64.self, at: 24) == 3)
        // The same number means another origin.
        #expect(probe.call("fd_seek", file, 2, 2, 0) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 0) == 2)
        #expect(probe.call("fd_seek", file, UInt64(bitPattern: -1), 1, 0) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 0) == 2)
        #expect(probe.call("fd_seek", file, 0, 3, 0) == .inval)
    }
}
