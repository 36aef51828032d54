import Testing

@testable import ApusWASI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The process's own limit on files: an error for the guest, and no signal that ends its host.
@Suite struct SizeLimitTests {
    private static func limitFiles(to bytes: rlim_t) throws {
        var limit = rlimit(rlim_cur: bytes, rlim_max: .max)
        try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    }

    @Test func filesThatBecomeTooLongAreErrors() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            var wasi = WASI()
            wasi.preopen("/", folder.path)
            let probe = try GuestProbe(wasi)
            let (error, file) = try probe.open("file", flags: 1)
            #expect(error == .success)
            try Self.limitFiles(to: 1000)
            // One piece of 800 bytes: 200 of the second time have room.
            try probe.memory.store(UInt64(800) << 32 | 4096, at: 0)
            #expect(probe.call("fd_write", file, 0, 1, 8) == .success)
            #expect(probe.call("fd_write", file, 0, 1, 8) == .success)
            #expect(try probe.memory.load(UInt32.self, at: 8) == 200)
            #expect(probe.call("fd_write", file, 0, 1, 8) == .fbig)
            #expect(probe.call("fd_pwrite", file, 0, 1, 2000, 8) == .fbig)
            #expect(probe.call("fd_filestat_set_size", file, 2000) == .fbig)
            #expect(probe.call("fd_allocate", file, 0, 2000) == .fbig)
            // None of the signals has been left for later, either.
            var pending = sigset_t()
            #expect(unsafe sigpending(&pending) == 0)
            #expect(unsafe sigismember(&pending, SIGXFSZ) == 0)
            // What the host has blocked and not yet taken stays.
            var signals = sigset_t()
            unsafe sigemptyset(&signals)
            unsafe sigaddset(&signals, SIGXFSZ)
            unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
            pthread_kill(pthread_self(), SIGXFSZ)
            #expect(probe.call("fd_write", file, 0, 1, 8) == .fbig)
            #expect(unsafe sigpending(&pending) == 0)
            #expect(unsafe sigismember(&pending, SIGXFSZ) == 1)
        }
    }
}
