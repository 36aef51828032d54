import Foundation
import Testing

@_spi(ApusCLI) @testable import ApusWASI

struct SocketTests {
    /// Two sockets that are connected to each other.
    static func pair() throws -> (Int32, Int32) {
        var pair: [Int32] = [0, 0]
        // 1 is SOCK_STREAM, whose Swift type is not the same everywhere.
        let result = unsafe pair.withUnsafeMutableBufferPointer {
            unsafe socketpair(AF_UNIX, 1, 0, $0.baseAddress!)
        }
        try #require(result == 0)
        return (pair[0], pair[1])
    }

    private func vector(_ probe: GuestProbe, _ address: UInt32, _ count: UInt32) throws {
        try probe.memory.store(address, at: 0)
        try probe.memory.store(count, at: 4)
    }

    @Test func sendsAndReceives() throws {
        let (inner, outer) = try Self.pair()
        defer { Syscalls.close(outer) }
        defer { Syscalls.close(inner) }
        var wasi = WASI()
        wasi.sockets = [inner]
        let probe = try GuestProbe(wasi)
        let (address, count) = try probe.put("hello", at: 100)
        try vector(probe, UInt32(address), UInt32(count))
        #expect(probe.call("sock_send", 3, 0, 1, 0, 50) == .success)
        #expect(try probe.memory.load(UInt32.self, at: 50) == 5)
        #expect(unsafe Foundation.write(outer, "world", 5) == 5)
        try vector(probe, 200, 3)
        // Looking does not take.
        for flags in [UInt64(1), 0] {
            #expect(probe.call("sock_recv", 3, 0, 1, flags, 50, 54) == .success)
            #expect(try probe.text(at: 200, 3) == "wor")
        }
        #expect(probe.call("sock_recv", 3, 0, 1, 4, 50, 54) == .inval)
        #expect(probe.call("sock_shutdown", 3, 0) == .inval)
        #expect(probe.call("sock_shutdown", 3, 2) == .success)
        #expect(probe.call("sock_send", 3, 0, 1, 0, 50) == .pipe)
    }

    /// A socket that nobody else uses may be made not to wait, and is not waited for then.
    @Test func ownSocketsNeedNotWait() throws {
        let (inner, outer) = try Self.pair()
        defer { Syscalls.close(outer) }
        defer { Syscalls.close(inner) }
        var wasi = WASI()
        wasi.sockets = [inner]
        let other = try GuestProbe(wasi)
        #expect(other.call("fd_fdstat_set_flags", 3, 4) == .notsup)
        wasi.socketsAreShared = false
        let probe = try GuestProbe(wasi)
        #expect(try probe.world.wouldWait(3, writing: false))
        #expect(probe.call("fd_fdstat_set_flags", 3, 4) == .success)
        #expect(try !probe.world.wouldWait(3, writing: false))
        try vector(probe, 200, 3)
        #expect(probe.call("sock_recv", 3, 0, 1, 0, 50, 54) == .again)
        #expect(try probe.read(1, from: 3).0 == .again)
        #expect(probe.call("fd_fdstat_set_flags", 3, 0) == .success)
        #expect(try probe.world.wouldWait(3, writing: false))
    }

    @Test func onlySocketsAreSockets() throws {
        let folder = try TemporaryFolder()
        try folder.write("a", to: "a")
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        let probe = try GuestProbe(wasi)
        let (_, file) = try probe.open("a")
        #expect(probe.call("sock_shutdown", file, 3) == .notsock)
        #expect(probe.call("sock_accept", file, 0, 0) == .notsock)
        #expect(probe.call("sock_recv", 99, 0, 1, 0, 50, 54) == .badf)
        wasi.sockets = [0x7FFF_FFFF]
        #expect(throws: WASI.ConfigurationError.self) { try wasi.makeWorld() }
    }

    @Test func acceptsConnections() throws {
        let listener = socket(AF_INET, 1, 0)
        try #require(listener >= 0)
        defer { Syscalls.close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let client = socket(AF_INET, 1, 0)
        defer { Syscalls.close(client) }
        let connected = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            let generic = unsafe bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return unsafe bind(listener, generic, size) == 0 && listen(listener, 1) == 0
                && getsockname(listener, generic, &size) == 0
                && connect(client, generic, size) == 0
        }
        try #require(connected)
        var wasi = WASI()
        wasi.sockets = [listener]
        let probe = try GuestProbe(wasi)
        #expect(probe.call("sock_accept", 3, 1, 0) == .inval)
        #expect(probe.call("sock_accept", 3, 4, 0) == .success)
        #expect(try probe.memory.load(UInt32.self, at: 0) == 4)
        #expect(try probe.write("hi", to: 4) == (.success, 2))
        // Nothing has come yet, and the connection does not block.
        #expect(try probe.read(1, from: 4).0 == .again)
        #expect(probe.call("sock_accept", 4, 0, 0) == .notcapable)
    }
}
