import Foundation
import Testing

@testable import ApusWASI

struct PathTests {
    /// Two folders in one: descriptor 3 is `fixed`, only to be read, descriptor 4 is `free`.
    private func probe(_ folder: TemporaryFolder) throws -> GuestProbe {
        try folder.makeFolder("fixed/dir")
        try folder.makeFolder("free")
        try folder.write("fixed", to: "fixed/file")
        try folder.write("free", to: "free/file")
        var wasi = WASI()
        wasi.preopen("/fixed", folder.path + "fixed", access: .readOnly)
        wasi.preopen("/free", folder.path + "free")
        return try GuestProbe(wasi)
    }

    @Test func readOnlyStaysAsItIs() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (file, fileCount) = try probe.put("file", at: 0)
        let (new, newCount) = try probe.put("new", at: 16)
        let (directory, directoryCount) = try probe.put("dir", at: 32)
        let readRights = Rights.all.subtracting(.changing)
        #expect(try probe.open("file", rights: readRights).0 == .success)
        #expect(try probe.open("file").0 == .notcapable)
        #expect(try probe.open("new", flags: 1, rights: readRights).0 == .notcapable)
        #expect(try probe.open("file", flags: 8, rights: readRights).0 == .notcapable)
        #expect(probe.call("path_create_directory", 3, new, newCount) == .notcapable)
        #expect(probe.call("path_unlink_file", 3, file, fileCount) == .notcapable)
        #expect(
            probe.call("path_remove_directory", 3, directory, directoryCount) == .notcapable)
        #expect(probe.call("path_rename", 3, file, fileCount, 4, new, newCount) == .notcapable)
        #expect(probe.call("path_rename", 4, file, fileCount, 3, new, newCount) == .notcapable)
        #expect(probe.call("path_link", 3, 0, file, fileCount, 4, new, newCount) == .notcapable)
        #expect(probe.call("path_link", 4, 0, file, fileCount, 3, new, newCount) == .notcapable)
        #expect(probe.call("path_symlink", file, fileCount, 3, new, newCount) == .notcapable)
        #expect(
            probe.call("path_filestat_set_times", 3, 0, file, fileCount, 0, 0, 2) == .notcapable)
        // Nor through a directory that was opened in it.
        let (error, opened) = try probe.open("dir", flags: 2, rights: readRights)
        #expect(error == .success)
        #expect(try probe.open("new", in: opened, flags: 1).0 == .notcapable)
        #expect(try folder.read("fixed/file") == "fixed")
    }

    @Test func movesAndLinksBetweenPreopens() throws {
        let folder = try TemporaryFolder()
        var wasi = WASI()
        try folder.makeFolder("a")
        try folder.makeFolder("b")
        try folder.write("text", to: "a/file")
        wasi.preopen("/a", folder.path + "a")
        wasi.preopen("/b", folder.path + "b")
        let probe = try GuestProbe(wasi)
        let (file, count) = try probe.put("file", at: 0)
        let (escape, escapeCount) = try probe.put("../b/escaped", at: 16)
        #expect(probe.call("path_link", 3, 0, file, count, 4, file, count) == .success)
        #expect(probe.call("path_link", 3, 0, file, count, 4, file, count) == .exist)
        #expect(probe.call("path_link", 3, 0, file, count, 3, escape, escapeCount) == .perm)
        #expect(probe.call("path_rename", 3, file, count, 3, escape, escapeCount) == .perm)
        #expect(probe.call("path_rename", 3, file, count, 4, file, count) == .success)
        #expect(try folder.read("b/file") == "text")
        #expect(!folder.exists("b/escaped"))
    }

    @Test func symbolicLinksStayInside() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (link, linkCount) = try probe.put("link", at: 0)
        let (absolute, absoluteCount) = try probe.put("/etc/passwd", at: 16)
        let (out, outCount) = try probe.put("../fixed/file", at: 64)
        #expect(probe.call("path_symlink", absolute, absoluteCount, 4, link, linkCount) == .perm)
        // One that leads out may be made, but leads nowhere.
        #expect(probe.call("path_symlink", out, outCount, 4, link, linkCount) == .success)
        #expect(try probe.open("link", in: 4).0 == .perm)
        #expect(probe.call("path_filestat_get", 4, 1, link, linkCount, 512) == .perm)
        #expect(probe.call("path_filestat_get", 4, 0, link, linkCount, 512) == .success)
        #expect(try probe.memory.load(UInt8.self, at: 528) == FileType.symbolicLink.rawValue)
        #expect(
            probe.call("path_filestat_set_times", 4, 1, link, linkCount, 0, 0, 2) == .perm)
        #expect(probe.call("path_readlink", 4, link, linkCount, 600, 5, 512) == .success)
        #expect(try probe.memory.load(UInt32.self, at: 512) == 5)
        #expect(try probe.text(at: 600, 6) == "../fi\0")
    }

    @Test func setsTimes() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        let (file, count) = try probe.put("file", at: 0)
        let time: UInt64 = 1_000_000_000_123_456_789
        #expect(probe.call("path_filestat_set_times", 4, 1, file, count, time, 7, 5) == .success)
        #expect(probe.call("path_filestat_get", 4, 1, file, count, 512) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 552) == time)
        #expect(try probe.memory.load(UInt64.self, at: 560) == 7)
        #expect(probe.call("path_filestat_set_times", 4, 1, file, count, 0, 0, 3) == .inval)
        #expect(probe.call("path_filestat_set_times", 4, 1, file, count, 0, 0, 12) == .inval)
        #expect(probe.call("path_filestat_set_times", 4, 1, file, count, 0, 0, 16) == .inval)
        #expect(probe.call("path_filestat_set_times", 4, 2, file, count, 0, 0, 1) == .inval)
    }

    @Test func refusesFlagsItDoesNotKnow() throws {
        let folder = try TemporaryFolder()
        let probe = try probe(folder)
        #expect(try probe.open("file", in: 4, flags: 16).0 == .inval)
        #expect(try probe.open("file", in: 4, lookup: 2).0 == .inval)
        #expect(try probe.open("file", in: 4, descriptorFlags: 32).0 == .inval)
        #expect(try probe.open("file", in: 4, flags: 3).0 == .inval)
        #expect(try probe.open("file", in: 0).0 == .notdir)
        #expect(try probe.open("file", in: 99).0 == .badf)
    }
}
