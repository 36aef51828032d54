import Foundation
import Testing

@testable import ApusWASI

/// A standard stream of the host's can be read or written, waited for, and asked what it is,
/// whatever lies behind it.
struct StreamTests {
    /// A guest whose descriptor 0 is `input`, and 1 `output`.
    private func probe(_ input: Int32, _ output: Int32) throws -> GuestProbe {
        var table = DescriptorTable(limit: 16)
        _ = try table.insert(#require(WASI().inheritedInput(input)))
        _ = try table.insert(#require(WASI().inheritedOutput(output)))
        return GuestProbe(
            try Preview1(
                descriptors: table, clocks: .simulated(start: 0, step: 1), random: .system))
    }

    private func withFile(
        _ path: String, _ flags: Int32, _ work: (Int32) throws -> Void
    ) throws {
        let file = unsafe open(path, flags, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        try work(file)
    }

    /// All that could be done to a file by its descriptor.
    private func calls(_ stream: UInt64) -> [(String, [UInt64])] {
        [
            ("fd_filestat_set_size", [stream, 0]), ("fd_filestat_set_times", [stream, 7, 7, 5]),
            ("fd_allocate", [stream, 0, 1 << 20]), ("fd_seek", [stream, 0, 0, 512]),
            ("fd_seek", [stream, 0, 1, 512]), ("fd_tell", [stream, 512]),
            ("fd_pread", [stream, 1024, 1, 0, 512]), ("fd_pwrite", [stream, 1024, 1, 0, 512]),
            ("fd_advise", [stream, 0, 0, 4]), ("fd_sync", [stream]), ("fd_datasync", [stream]),
            ("fd_fdstat_set_flags", [stream, 5]),
            ("fd_readdir", [stream, 2048, 1024, 0, 512]),
            ("fd_prestat_get", [stream, 512]),
            ("fd_fdstat_set_rights", [stream, Rights.all.rawValue, Rights.all.rawValue]),
            ("sock_accept", [stream, 0, 512]), ("sock_recv", [stream, 1024, 1, 0, 512, 516]),
            ("sock_send", [stream, 1024, 1, 0, 512]), ("sock_shutdown", [stream, 3]),
        ]
    }

    /// All that could be done beneath it if it were a folder in which there is "victim".
    private func pathCalls(_ stream: UInt64) -> [(String, [UInt64])] {
        [
            ("path_open", [stream, 0, 0, 6, 0, 2, 0, 0, 512]),
            ("path_open", [stream, 0, 6, 4, 1, 2, 0, 0, 512]),
            ("path_create_directory", [stream, 6, 4]), ("path_unlink_file", [stream, 0, 6]),
            ("path_remove_directory", [stream, 10, 6]),
            ("path_readlink", [stream, 0, 6, 64, 9, 512]),
            ("path_filestat_get", [stream, 0, 0, 6, 64]),
            ("path_filestat_set_times", [stream, 0, 0, 6, 7, 7, 5]),
            ("path_link", [stream, 0, 0, 6, stream, 6, 4]),
            ("path_rename", [stream, 0, 6, stream, 6, 4]),
            ("path_symlink", [0, 6, stream, 6, 4]),
        ]
    }

    private func refusesAll(_ probe: GuestProbe, _ streams: [UInt64]) throws {
        _ = try probe.put("victimevilfolder", at: 0)
        // One piece, of 4 bytes.
        try probe.memory.store(UInt64(4) << 32 | 1040, at: 1024)
        for stream in streams {
            for (name, arguments) in calls(stream) + pathCalls(stream) {
                #expect(probe.call(name, arguments) != .success, "\(name) of \(stream)")
            }
        }
    }

    @Test func filesAreOnlyReadAndWritten() throws {
        let folder = try TemporaryFolder()
        try folder.write("input", to: "in")
        try folder.write("old\n", to: "log")
        try withFile(folder.path + "in", O_RDWR) { input in
            try withFile(folder.path + "log", O_RDWR | O_APPEND) { output in
                let probe = try probe(input, output)
                var before = stat()
                try #require(unsafe fstat(input, &before) == 0)
                try refusesAll(probe, [0, 1])
                var after = stat()
                try #require(unsafe fstat(input, &after) == 0)
                #expect(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
                #expect(before.st_mtim.tv_sec == after.st_mtim.tv_sec)
                #expect(try probe.write("x", to: 0).0 == .notcapable)
                #expect(try probe.read(1, from: 1).0 == .notcapable)
                #expect(try probe.read(3, from: 0) == (.success, "inp"))
                #expect(try probe.write("new\n", to: 1) == (.success, 4))
                #expect(try folder.read("in") == "input")
                #expect(try folder.read("log") == "old\nnew\n")
                // It may know that they are files, and how far they go.
                #expect(probe.call("fd_filestat_get", 0, 64) == .success)
                #expect(try probe.memory.load(UInt64.self, at: 64 + 32) == 5)
                #expect(try probe.polled(0, writing: false) == (.success, 2))
                #expect(try probe.polled(1, writing: true) == (.success, 0))
            }
        }
    }

    @Test func foldersAreNotEntered() throws {
        let folder = try TemporaryFolder()
        try folder.write("text", to: "victim")
        try folder.makeFolder("folder")
        try withFile(folder.path, O_RDONLY | O_DIRECTORY) { directory in
            let probe = try probe(directory, directory)
            try refusesAll(probe, [0, 1])
            #expect(try probe.read(1, from: 0).0 == .isdir)
            #expect(try probe.write("x", to: 1).0 != .success)
            // Nor under another number.
            #expect(probe.call("fd_renumber", 0, 1) == .success)
            try refusesAll(probe, [1])
        }
        #expect(try folder.read("victim") == "text")
        #expect(folder.exists("folder") && !folder.exists("evil"))
    }

    @Test func socketsDoNotListen() throws {
        let (inner, outer) = try SocketTests.pair()
        let listening = socket(AF_UNIX, 1, 0)
        defer { for descriptor in [inner, outer, listening] { close(descriptor) } }
        try refusesAll(self.probe(listening, listening), [0, 1])
        // One that is connected is read and written as any stream.
        let probe = try self.probe(inner, inner)
        try refusesAll(probe, [0, 1])
        #expect(try probe.write("there", to: 1) == (.success, 5))
        var bytes = [UInt8](repeating: 0, count: 9)
        #expect(unsafe read(outer, &bytes, 9) == 5)
        #expect(unsafe write(outer, "back", 4) == 4)
        #expect(try probe.polled(0, writing: false) == (.success, 4))
        #expect(try probe.read(9, from: 0) == (.success, "back"))
    }

    /// What is no terminal is not called a character device, by which guests know one.
    @Test func devicesAreNoTerminals() throws {
        try withFile("/dev/null", O_RDWR) { device in
            let probe = try self.probe(device, device)
            for stream in [UInt64(0), 1] {
                #expect(probe.call("fd_fdstat_get", stream, 0) == .success)
                #expect(try probe.memory.load(UInt8.self, at: 0) == FileType.unknown.rawValue)
            }
            #expect(try probe.read(9, from: 0) == (.success, ""))
            #expect(try probe.write("gone", to: 1) == (.success, 4))
        }
        var wasi = WASI()
        wasi.preopen("/dev", "/dev")
        let probe = try GuestProbe(wasi)
        let (error, file) = try probe.open("null")
        #expect(error == .success)
        #expect(probe.call("fd_fdstat_get", file, 0) == .success)
        #expect(try probe.memory.load(UInt8.self, at: 0) == FileType.unknown.rawValue)
    }

    /// A reader that has gone is an error of the guest's, and no signal that ends the host.
    @Test func brokenPipesEndNobody() throws {
        let folder = try TemporaryFolder()
        try #require(unsafe mkfifo(folder.path + "pipe", 0o600) == 0)
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        let (inner, outer) = try SocketTests.pair()
        defer { close(inner) }
        wasi.sockets = [inner]
        let probe = try GuestProbe(wasi)
        let (_, reader) = try probe.open("pipe", rights: .fdRead)
        let (error, writer) = try probe.open("pipe", rights: .fdWrite)
        #expect(error == .success)
        #expect(try probe.write("a", to: writer) == (.success, 1))
        #expect(probe.call("fd_close", reader) == .success)
        #expect(try probe.write("a", to: writer).0 == .pipe)
        close(outer)
        #expect(try probe.write("a", to: 4).0 == .pipe)
    }
}
