import Foundation
import Testing

@testable import ApusWASI

#if os(Linux)
    /// A guest that may use `/proc` cannot leave its sandbox by it.
    struct ProcessFilesTests {
        private func probe(_ folder: String, _ strategy: Sandbox.Strategy) throws -> GuestProbe {
            var wasi = WASI()
            wasi.sandbox.strategy = strategy
            wasi.preopen("/proc", folder)
            return try GuestProbe(wasi)
        }

        private static let reading = Rights.all.subtracting([
            .fdWrite, .fdAllocate, .fdFilestatSetSize,
        ])

        @Test(arguments: [Sandbox.Strategy.kernel, .walker])
        func processesAreNotReached(_ strategy: Sandbox.Strategy) throws {
            let me = "\(getpid())"
            let probe = try probe("/proc", strategy)
            let files = [
                "mem", "environ", "maps", "task/\(me)/mem", "oom_score_adj", "root/etc/hosts",
            ]
            for place in ["self", "thread-self", me] {
                for file in files {
                    let path = "\(place)/\(file)"
                    for rights in [Rights.all, Self.reading, [.fdWrite], [.fdRead]] {
                        #expect(try probe.open(path, rights: rights).0 != .success, "\(path)")
                    }
                }
            }
            let inside = try self.probe("/proc/self", strategy)
            #expect(try inside.open("mem", rights: .fdRead).0 == .acces)
            #expect(try inside.open("mem", rights: .fdWrite).0 == .acces)
        }

        /// Where they lead is a path of the host's.
        @Test(arguments: [Sandbox.Strategy.kernel, .walker])
        func linksOfProcessesAreNotTold(_ strategy: Sandbox.Strategy) throws {
            let probe = try probe("/proc", strategy)
            func read(_ path: String) throws -> Errno {
                let (address, count) = try probe.put(path, at: 60000)
                return probe.call("path_readlink", 3, address, count, 0, 4096, 8192)
            }
            for path in ["self/exe", "self/cwd", "self/fd/0", "\(getpid())/ns/mnt"] {
                #expect(try read(path) == .acces, "\(path)")
            }
            #expect(try read("self") == .success)
        }

        @Test func theRestMayBeRead() throws {
            let probe = try probe("/proc", .kernel)
            let (error, file) = try probe.open("sys/kernel/ostype", rights: Self.reading)
            #expect(error == .success)
            #expect(try probe.read(5, from: file) == (.success, "Linux"))
            #expect(try probe.open("sys/kernel/hostname").0 != .success)
            #expect(try probe.open("self", flags: 2, rights: Self.reading).0 == .success)
            #expect(try probe.open("sys", flags: 2, rights: Self.reading).0 == .success)
        }

        /// Elsewhere numbers are names like any other.
        @Test func otherFileSystemsAreAsBefore() throws {
            let folder = try TemporaryFolder()
            try folder.makeFolder("1234")
            let probe = try probe(folder.path, .kernel)
            #expect(try probe.open("1234/mem", flags: 1).0 == .success)
        }
    }
#endif
