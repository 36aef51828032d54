import ApusTestSupport
import Foundation
import Testing

@testable import ApusWASI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What guests of one process have of its descriptors together.
@Suite struct DescriptorShareTests {
    /// How many files a guest can open, and what it learns then.
    private static func openAll(_ probe: GuestProbe) throws -> (count: Int, end: Errno) {
        for count in 0..<1000 {
            let error = try probe.open("a").0
            if error != .success { return (count, error) }
        }
        return (1000, .success)
    }

    /// However many guests open all that they may, the host can go on, and so can the next guest;
    /// what they had is there again when they are gone.
    @Test func noGuestsStarveTheirHost() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            try folder.write("a", to: "a")
            var wasi = WASI()
            wasi.preopen("/", folder.path)
            wasi.descriptorLimit = 1000
            // More than a process may have from the one that has begun it.
            var limit = rlimit(rlim_cur: 960, rlim_max: 960)
            #if canImport(Glibc)
                let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            #else
                let kind = RLIMIT_NOFILE
            #endif
            try #require(unsafe setrlimit(kind, &limit) == 0)
            for _ in 0..<3 {
                var probes: [GuestProbe] = []
                var counts: [Int] = []
                for _ in 0..<5 {
                    let probe = try GuestProbe(wasi)
                    let (count, end) = try DescriptorShareTests.openAll(probe)
                    #expect(end == .nfile)
                    probes.append(probe)
                    counts.append(count + 1)
                }
                // Half of two thirds, then half of what is left, and so on.
                #expect(counts == [320, 160, 80, 40, 20])
                var own: [Int32] = []
                for _ in 0..<20 {
                    let descriptor = dup(2)
                    #expect(descriptor >= 0)
                    own.append(descriptor)
                }
                for descriptor in own { close(descriptor) }
                // Who has much less than others may open more again.
                for file in 4..<60 as Range<UInt64> {
                    #expect(probes[2].call("fd_close", file) == .success)
                }
                #expect(try probes[2].open("a") == (.success, 4))
            }
        }
    }
}
