import Foundation
import Testing

@testable import ApusWASI

/// Every function with every combination of edge pointers and lengths: it fails with `fault` only
/// if something lies outside the memory, and does not succeed then.
struct EdgePointerTests {
    /// A function and its parameters: `d`escriptor, `f`lag, `I` wide, `pN` pointer to N bytes,
    /// `bN` buffer of N-byte units whose count follows, `n` that count, `v` vectors, `aN` buffer
    /// whose count comes later.
    static let table = """
        args_get p8 p4, args_sizes_get p4 p4, environ_get p4 p4, environ_sizes_get p4 p4,
        clock_res_get f p8, clock_time_get f I p8, fd_advise d I I f, fd_allocate d I I,
        fd_close d, fd_datasync d, fd_fdstat_get d p24, fd_fdstat_set_flags d f,
        fd_fdstat_set_rights d I I, fd_filestat_get d p64, fd_filestat_set_size d I,
        fd_filestat_set_times d I I f, fd_pread d v n I p4, fd_prestat_get d p8,
        fd_prestat_dir_name d p1 f, fd_pwrite d v n I p4, fd_read d v n p4,
        fd_readdir d b1 n I p4, fd_renumber d d, fd_seek d I f p8, fd_sync d, fd_tell d p8,
        fd_write d v n p4, path_create_directory d b1 n, path_filestat_get d f b1 n p64,
        path_filestat_set_times d f b1 n I I f, path_link d f b1 n d b1 n,
        path_open d f b1 n f I I f p4, path_readlink d b1 n b1 n p4,
        path_remove_directory d b1 n, path_rename d b1 n d b1 n, path_symlink b1 n d b1 n,
        path_unlink_file d b1 n, poll_oneoff b48 a32 n p4, proc_exit f, proc_raise f,
        sched_yield, random_get b1 n, sock_accept d f p4, sock_recv d v n f p4 p2,
        sock_send d v n f p4, sock_shutdown d f
        """.split { $0 == "," || $0 == "\n" }.map { String($0) }

    private static let memoryBytes = 4096

    /// The values that are tried for a parameter.
    private static func choices(_ role: Substring) -> [UInt64] {
        let end = UInt64(memoryBytes)
        return switch role.first {
        case "d": [0, 3, 4, 5]
        case "f", "I": [0, 1]
        case "n": [0, 1, 1 << 20, 0xFFFF_FFFF]
        default: [0, end - 1, end, 0xFFFF_FFFF]
        }
    }

    /// Whether all that the arguments name lies within the memory.
    private static func isInBounds(_ roles: [Substring], _ arguments: [UInt64]) -> Bool {
        roles.indices.allSatisfy { index in
            let unit = UInt64(roles[index].dropFirst()) ?? 8
            let size: UInt64
            switch roles[index].first {
            case "p": size = unit
            case "b", "v", "a":
                let count = roles[index...].firstIndex { $0 == "n" }.map { arguments[$0] } ?? 0
                size = unit * count
            default: return true
            }
            return arguments[index] + size <= UInt64(memoryBytes)
        }
    }

    /// A guest with a folder (3), a socket (4) and a file (5).
    private func probe(_ folder: TemporaryFolder, _ socket: Int32) throws -> GuestProbe {
        var wasi = WASI()
        wasi.arguments = ["a", "b"]
        wasi.environment = [(name: "a", value: "b")]
        wasi.standardInput = .bytes([1, 2, 3])
        wasi.preopen("/", folder.path)
        wasi.sockets = [socket]
        let probe = try GuestProbe(wasi, memoryBytes: 65536)
        #expect(try probe.open("x") == (.success, 5))
        let small = GuestProbe(probe.world, memoryBytes: Self.memoryBytes)
        // A path of one letter; as vectors, pieces that are not there.
        try small.memory.store(UInt8(ascii: "x"), at: 0)
        return small
    }

    @Test(arguments: table)
    func faultsExactlyOutside(row: String) throws {
        let words = row.split(separator: " ")
        let name = String(words[0])
        let roles = Array(words[1...])
        let folder = try TemporaryFolder()
        try folder.write("text", to: "x")
        let (inner, outer) = try SocketTests.pair()
        defer {
            close(inner)
            close(outer)
        }
        _ = fcntl(inner, F_SETFL, O_NONBLOCK)
        var probe = try probe(folder, inner)
        var combinations: [[UInt64]] = [[]]
        for role in roles {
            combinations = combinations.flatMap { start in
                Self.choices(role).map { start + [$0] }
            }
        }
        // What changes descriptors or files gets new ones now and then.
        for (number, arguments) in combinations.enumerated() {
            if number % 64 == 0 {
                try folder.write("text", to: "x")
                probe = try self.probe(folder, inner)
            }
            let error = probe.call(name, arguments)
            if Self.isInBounds(roles, arguments) {
                #expect(error != .fault, "\(name) \(arguments)")
            } else {
                #expect(error != .success, "\(name) \(arguments)")
            }
            #expect(probe.bordersAreIntact, "\(name) \(arguments)")
        }
    }

    @Test func eachFunctionIsThere() {
        let found = Set(Self.table.compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(found == Set(Preview1Function.table.map { "\($0.name)" }))
        for row in Self.table {
            let words = row.split(separator: " ")
            let function = Preview1Function.table.first { "\($0.name)" == words[0] }
            let letters = words.dropFirst().map { $0 == "I" ? "I" : "i" }.joined()
            #expect(letters == function.map { "\($0.parameters)" }, "\(row)")
        }
    }

    /// As many pieces as there may be, one over the other.
    @Test func takesManyPiecesThatOverlap() throws {
        let folder = try TemporaryFolder()
        try folder.write(String(repeating: "text", count: 1000), to: "x")
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        let probe = try GuestProbe(wasi)
        let (error, file) = try probe.open("x")
        #expect(error == .success)
        let count = GuestVectors.countLimit
        for index in 0..<count {
            let piece = UInt64(100) << 32 | UInt64(index % 50)
            try probe.memory.store(piece, at: (8 << 10) + index * 8)
        }
        let used: UInt64 = 65536 - 8
        #expect(probe.call("fd_read", file, 8 << 10, UInt64(count), used) == .success)
        // As many as one call takes.
        #expect(try probe.memory.load(UInt32.self, at: UInt32(used)) == 4000)
        #expect(probe.call("fd_pwrite", file, 8 << 10, UInt64(count), 0, used) == .success)
        #expect(try probe.memory.load(UInt32.self, at: UInt32(used)) == 6400)
        // The last of them is outside, so nothing is written at all.
        let last = (8 << 10) + count * 8 - 8
        try probe.memory.store(UInt64(100) << 32 | 65536, at: last)
        #expect(probe.call("fd_pwrite", file, 8 << 10, UInt64(count), 0, used) == .fault)
        #expect(probe.bordersAreIntact)
    }
}
