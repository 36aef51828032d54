import Foundation
import Testing

@testable import ApusWASI

/// The rights that a guest asks for when it opens something say whether it is to be read or
/// written, and no more; what was not granted, or was given up, stays out.
struct RightsTests {
    enum Place: CaseIterable { case host, memory }

    private func probe(
        _ place: Place, _ folder: TemporaryFolder, access: WASI.Access = .readWrite
    ) throws -> GuestProbe {
        try folder.makeFolder("dir")
        try folder.write("text", to: "dir/file")
        var wasi = WASI()
        switch place {
        case .host: wasi.preopen("/", folder.path, access: access)
        case .memory: wasi.preopen("/", try MemoryFileSystem(copyOf: folder.url), access: access)
        }
        return try GuestProbe(wasi)
    }

    /// What some guests ask for: only what they know that they need.
    private static let few: [Rights] = [[], .fdReaddir, .pathOpen, [.fdReaddir, .fdSeek]]

    @Test(arguments: Place.allCases, few)
    func directoriesHaveAllThatWasGranted(_ place: Place, _ rights: Rights) throws {
        let folder = try TemporaryFolder()
        let probe = try probe(place, folder)
        let (address, count) = try probe.put("dir", at: 0)
        #expect(
            probe.call(
                "path_open", 3, 0, address, count, 2, rights.rawValue, 0, 0, 512) == .success)
        let directory = UInt64(try probe.memory.load(UInt32.self, at: 512))
        let (cut, file) = try probe.open("file", in: directory, flags: 8, rights: .fdWrite)
        #expect(cut == .success)
        #expect(probe.call("fd_seek", file, 0, 0, 512) == .success)
        #expect(try probe.write("new", to: file) == (.success, 3))
        #expect(probe.call("fd_filestat_set_size", file, 2) == .success)
        #expect(probe.call("fd_filestat_get", file, 0) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 32) == 2)
        #expect(try probe.open("made", in: directory, flags: 1, rights: .fdWrite).0 == .success)
        let (name, length) = try probe.put("made", at: 0)
        #expect(probe.call("path_unlink_file", directory, name, length) == .success)
    }

    @Test(arguments: Place.allCases)
    func filesAreOpenedAsAskedFor(_ place: Place) throws {
        let folder = try TemporaryFolder()
        let probe = try probe(place, folder)
        // To set the size is not to write: such files are opened by those who only read.
        let reading: Rights = [.fdRead, .fdFilestatSetSize, .fdAllocate]
        let (_, read) = try probe.open("dir/file", rights: reading)
        #expect(try probe.read(9, from: read) == (.success, "text"))
        #expect(try probe.write("x", to: read).0 == .notcapable)
        #expect(probe.call("fd_filestat_set_size", read, 0) == .notcapable)
        #expect(probe.call("fd_allocate", read, 0, 9) == .notcapable)
        #expect(probe.call("fd_seek", read, 1, 0, 512) == .success)
        let (_, written) = try probe.open("dir/file", rights: .fdWrite)
        #expect(try probe.write("x", to: written).0 == .success)
        #expect(try probe.read(1, from: written).0 == .notcapable)
        #expect(try folder.read("dir/file") == (place == .host ? "xext" : "text"))
    }

    @Test(arguments: Place.allCases)
    func readOnlyIsNoAdvice(_ place: Place) throws {
        let folder = try TemporaryFolder()
        let probe = try probe(place, folder, access: .readOnly)
        let reading = Rights.all.subtracting(.fdWrite)
        let (error, file) = try probe.open("dir/file", rights: reading)
        #expect(error == .success)
        #expect(try probe.read(9, from: file) == (.success, "text"))
        #expect(probe.call("fd_filestat_set_size", file, 0) == .notcapable)
        #expect(probe.call("fd_filestat_set_times", file, 0, 0, 5) == .notcapable)
        #expect(try probe.open("dir/file", rights: .fdWrite).0 == .notcapable)
        for flags in [UInt64(1), 8, 9] {
            #expect(try probe.open("dir/file", flags: flags, rights: .fdRead).0 == .notcapable)
        }
        #expect(try folder.read("dir/file") == "text")
    }

    /// What a guest gives up it does not get back, nor what it opens from there on.
    @Test(arguments: Place.allCases)
    func rightsGivenUpAreGone(_ place: Place) throws {
        let folder = try TemporaryFolder()
        let probe = try probe(place, folder)
        let kept = Rights.directory.subtracting(.pathFilestatSetSize)
        let handedOn = Rights.directory.union(.file).subtracting(.fdWrite)
        #expect(
            probe.call("fd_fdstat_set_rights", 3, kept.rawValue, handedOn.rawValue) == .success)
        #expect(try probe.open("dir/file", flags: 8, rights: .fdRead).0 == .notcapable)
        #expect(try probe.open("dir/file", rights: .fdWrite).0 == .notcapable)
        let (error, directory) = try probe.open("dir", flags: 2, rights: [])
        #expect(error == .success)
        #expect(try probe.open("file", in: directory, rights: .fdWrite).0 == .notcapable)
        #expect(try probe.open("file", in: directory, rights: .fdRead).0 == .success)
        #expect(try folder.read("dir/file") == "text")
    }
}
