import Apus
import ApusTestSupport
import Foundation
import Testing

@testable import ApusWASI

/// A real guest that tries to get out of its folder in every way there is; `Guests/escape.c` says
/// how. `APUS_RACE` is how many files it opens while links are swapped under it, and
/// `APUS_DESCRIPTORS` how many descriptors are made and given up.
struct EscapeTests {
    private static let guest = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Guests/escape.wasm")

    /// Runs the guest with the cage's root as its only folder. It ends with status 0 if it has not
    /// seen the canary, and says what it saw.
    private func run(
        _ cage: Cage, _ strategy: Sandbox.Strategy, access: WASI.Access = .readWrite,
        _ arguments: String...
    ) throws -> (status: Int32, output: String) {
        let output = CapturedOutput()
        var wasi = WASI()
        wasi.arguments = ["escape"] + arguments
        wasi.standardOutput = .capture(output)
        wasi.sandbox.strategy = strategy
        wasi.preopen("/", cage.folder.path + "root", access: access)
        let engine = Engine()
        let module = try Module(engine, contentsOf: Self.guest.path())
        return (try wasi.run(module, in: Store(engine)), output.string)
    }

    @Test(arguments: SandboxTests.strategies)
    func noPathLeadsOut(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let (status, output) = try run(cage, strategy, "matrix")
        #expect(status == 0, "\(output)")
        #expect(cage.isIntact)
    }

    /// The same beneath a folder that may only be read, in which nothing changes either.
    @Test(arguments: SandboxTests.strategies)
    func nothingChangesWhereOnlyReadingIsGranted(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let before = try FileManager.default.subpathsOfDirectory(atPath: cage.folder.path)
        let (status, output) = try run(cage, strategy, access: .readOnly, "matrix")
        // None of the paths leads to anything but what it could make itself.
        #expect(status == 3)
        #expect(output == "nothing was opened\n")
        let after = try FileManager.default.subpathsOfDirectory(atPath: cage.folder.path)
        #expect(before.sorted() == after.sorted())
        #expect(try cage.folder.read("root/file") == "inside")
        #expect(cage.isIntact)
    }

    @Test(arguments: SandboxTests.strategies)
    func noRaceLeadsOut(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        let swapper = try LinkSwapper(cage)
        defer { swapper.stop() }
        let count = TestEnvironment.number("APUS_RACE", standard: 10_000)
        let (status, output) = try run(cage, strategy, "race", "\(count)")
        #expect(status == 0, "\(output)")
        #expect(cage.isIntact)
        print("race, \(strategy): \(count) opens")
    }

    /// Whatever a guest opens, closes and renumbers, the host has no more open afterwards.
    @Test(arguments: SandboxTests.strategies)
    func noDescriptorIsLeftOpen(_ strategy: Sandbox.Strategy) throws {
        let cage = try Cage()
        var wasi = WASI()
        wasi.sandbox.strategy = strategy
        wasi.preopen("/", cage.folder.path + "root")
        wasi.descriptorLimit = 20
        do {
            let probe = try GuestProbe(wasi)
            let before = cage.openDescriptors
            let paths = ["file", "dir", "good", "up/canary", "missing", "dir/nested/../../file"]
            let count = TestEnvironment.number("APUS_DESCRIPTORS", standard: 20_000)
            for index in 0..<count {
                let (error, opened) = try probe.open(paths[index % paths.count])
                if error != .success { continue }
                switch index % 4 {
                case 0: #expect(probe.call("fd_renumber", opened, opened) == .success)
                case 1: #expect(probe.call("fd_renumber", opened, opened + 100) == .badf)
                case 2: #expect(probe.call("fd_readdir", opened, 0, 100, 0, 200) != .badf)
                default:
                    let (_, other) = try probe.open("file")
                    #expect(probe.call("fd_renumber", other, opened) == .success)
                    #expect(probe.call("fd_close", other) == .badf)
                }
                #expect(probe.call("fd_close", opened) == .success)
                #expect(probe.call("fd_close", opened) == .badf)
            }
            // More than may be open at once are refused and not kept.
            for _ in 0..<100 { _ = try probe.open("file") }
            #expect(try probe.open("file").0 == .mfile)
            #expect(cage.openDescriptors == before + 20 - 4)
        }
        // Only the cage's own is left when the world is gone.
        #expect(cage.openDescriptors == 1)
    }
}
