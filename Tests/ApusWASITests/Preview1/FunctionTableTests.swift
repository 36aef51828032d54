import Apus
import Testing

@testable import ApusWASI

struct FunctionTableTests {
    /// The functions of preview 1 by the order of its specification, with their parameters.
    static let expected = """
        args_get ii, args_sizes_get ii, environ_get ii, environ_sizes_get ii, clock_res_get ii, \
        clock_time_get iIi, fd_advise iIIi, fd_allocate iII, fd_close i, fd_datasync i, \
        fd_fdstat_get ii, fd_fdstat_set_flags ii, fd_fdstat_set_rights iII, fd_filestat_get ii, \
        fd_filestat_set_size iI, fd_filestat_set_times iIIi, fd_pread iiiIi, fd_prestat_get ii, \
        fd_prestat_dir_name iii, fd_pwrite iiiIi, fd_read iiii, fd_readdir iiiIi, fd_renumber ii, \
        fd_seek iIii, fd_sync i, fd_tell ii, fd_write iiii, path_create_directory iii, \
        path_filestat_get iiiii, path_filestat_set_times iiiiIIi, path_link iiiiiii, \
        path_open iiiiiIIii, path_readlink iiiiii, path_remove_directory iii, path_rename iiiiii, \
        path_symlink iiiii, path_unlink_file iii, poll_oneoff iiii, proc_exit i, proc_raise i, \
        sched_yield , random_get ii, sock_accept iii, sock_recv iiiiii, sock_send iiiii, \
        sock_shutdown ii
        """

    @Test func hasEachFunctionOnce() {
        let expected = Self.expected.split(separator: ", ").map(String.init).sorted()
        let found = Preview1Function.table.map { "\($0.name) \($0.parameters)" }.sorted()
        #expect(found == expected)
        #expect(found.count == 46)
    }

    @Test func onlyExitHasNoResult() {
        let without = Preview1Function.table.filter { $0.type.results.isEmpty }
        #expect(without.map { "\($0.name)" } == ["proc_exit"])
    }

    /// Every function with pointers and sizes at the borders: an error at worst.
    @Test(arguments: [Snapshot.one, .zero])
    func survivesEdgePointers(_ snapshot: Snapshot) throws {
        let folder = try TemporaryFolder()
        var generator = Sequence(state: 20_261_124)
        let narrow: [UInt64] = [
            0, 1, 2, 3, 4, 5, 6, 8, 64, 4096, 65528, 65532, 65535, 65536, 65537, 0x7FFF_FFFF,
            0x8000_0000, 0xFFFF_FFF8, 0xFFFF_FFFF,
        ]
        let wide: [UInt64] = [0, 1, 4096, 1 << 31, 1 << 63, .max, Rights.all.rawValue]
        for round in 0..<60 {
            var wasi = WASI()
            wasi.arguments = ["a", "b"]
            wasi.environment = [(name: "a", value: "b")]
            wasi.standardInput = .bytes([1, 2, 3])
            wasi.preopen("/", folder.path)
            let probe = try GuestProbe(wasi)
            probe.snapshot = snapshot
            try folder.write("text", to: "x")
            _ = try probe.open("x")
            for address in stride(from: UInt32(0), to: 4096, by: 4) {
                let number = UInt32(truncatingIfNeeded: generator.next(narrow))
                try probe.memory.store(number, at: address)
            }
            for function in Preview1Function.table {
                for _ in 0..<10 {
                    let arguments = "\(function.parameters)".map { letter in
                        letter == "I" ? generator.next(wide) : generator.next(narrow)
                    }
                    _ = probe.call("\(function.name)", arguments)
                }
            }
            #expect(probe.bordersAreIntact, "round \(round)")
        }
    }

    /// Numbers that are the same each time.
    private struct Sequence {
        var state: UInt64

        mutating func next(_ choices: [UInt64]) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return choices[Int(state >> 33) % choices.count]
        }
    }
}
