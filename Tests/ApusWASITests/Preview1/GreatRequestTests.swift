import Apus
import Testing

@testable import ApusWASI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if os(Linux)
    /// Row 30 of the failures that such systems have: the host never takes as much memory as a
    /// guest asks it to handle.
    struct GreatRequestTests {
        /// The most memory this process has had, in bytes.
        private static func peakBytes() -> Int {
            var usage = rusage()
            guard unsafe getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
            return usage.ru_maxrss << 10
        }

        @Test func hostTakesNoMemoryByTheGuestsMeasure() async {
            await #expect(processExitsWith: .success) {
                let probe = try GuestProbe(memoryBytes: 128 << 20)
                let count = UInt64(probe.count)
                // One piece that is nearly all of the memory, for reading and writing.
                try probe.memory.store((count - 4096) << 32 | 4096, at: 0)
                let all: UInt64 = 0xFFFF_FFFF
                let requests: [(String, [UInt64])] = [
                    ("random_get", [4096, count - 4096]), ("random_get", [0, all]),
                    ("fd_write", [1, 0, 1, 8]), ("fd_write", [1, 0, all, 8]),
                    ("fd_write", [1, 4096, count / 16, 8]),
                    ("fd_read", [0, 0, 1, 8]), ("fd_read", [0, 0, all, 8]),
                    ("fd_read", [0, 4096, count / 16, 8]),
                    ("fd_readdir", [3, 0, all, 0, 8]), ("fd_prestat_dir_name", [3, 0, all]),
                    ("path_open", [3, 0, 4096, count - 4096, 0, 0, 0, 0, 8]),
                    ("path_symlink", [4096, count - 4096, 3, 4096, count - 4096]),
                    ("path_readlink", [3, 4096, 100, 4096, count - 4096, 8]),
                    ("poll_oneoff", [4096, 4096, count / 64, 8]), ("poll_oneoff", [0, 0, all, 8]),
                    ("sock_send", [1, 4096, count / 16, 0, 8]),
                    ("sock_recv", [0, 4096, count / 16, 0, 8, 12]),
                ]
                for (name, arguments) in requests {
                    let before = Self.peakBytes()
                    _ = probe.call(name, arguments)
                    let more = Self.peakBytes() - before
                    #expect(more < 8 << 20, "\(name) \(arguments): \(more)")
                }
                #expect(probe.bordersAreIntact)
            }
        }
    }
#endif
