import Testing

@testable import ApusWASI

#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// A process that may not make the kernel's confined call gets the walker's confinement.
    @Suite struct RefusedCallTests {
        /// Has `openat2` fail with `error` in this thread from now on.
        private static func refuse(_ error: Int32) throws {
            typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
            guard let symbol = unsafe dlsym(nil, "prctl") else {
                Issue.record("there is no prctl")
                return
            }
            let control = unsafe unsafeBitCast(symbol, to: Control.self)
            // Instructions of BPF: code, two distances, and a number.
            func step(_ code: UInt64, _ distances: UInt64, _ number: UInt64) -> UInt64 {
                code | distances << 16 | number << 32
            }
            var filter = [
                step(0x20, 0, 0), step(0x15, 0x100, 437), step(0x06, 0, 0x50000 | UInt64(error)),
                step(0x06, 0, 0x7FFF_0000),
            ]
            let status = unsafe filter.withUnsafeMutableBytes { filter in
                var program = (UInt(4), UInt(bitPattern: filter.baseAddress))
                return unsafe withUnsafePointer(to: &program) { program in
                    if control(38, 1, 0, 0, 0) != 0 { return Int32(-1) }
                    return control(22, 2, UInt(bitPattern: program), 0, 0)
                }
            }
            try #require(status == 0)
        }

        private static func opensWithoutTheCall(refusedWith error: Int32) throws {
            let cage = try Cage()
            try refuse(error)
            let sandbox = Sandbox(strategy: .kernel)
            for path in ["file", "good", "dir/../file"] {
                Syscalls.close(try sandbox.open(cage.root, Path(path), .readOnly, mode: 0))
                _ = try sandbox.locate(cage.root, Path(path), .follow)
            }
            for path in ["up/canary", "../outside/canary", "up-file"] {
                #expect(throws: Errno.perm) {
                    try sandbox.open(cage.root, Path(path), .readOnly, mode: 0)
                }
            }
        }

        @Test func olderKernelsAreServed() async {
            await #expect(processExitsWith: .success) {
                try RefusedCallTests.opensWithoutTheCall(refusedWith: ENOSYS)
            }
        }

        @Test func callsThatAreNotAllowedAreDoneWithout() async {
            await #expect(processExitsWith: .success) {
                try RefusedCallTests.opensWithoutTheCall(refusedWith: EPERM)
            }
        }
    }
#endif
