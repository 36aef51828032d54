import Foundation
import Testing

@testable import ApusWASI

struct ProcessTests {
    @Test func laysOutArgumentsAndEnvironment() throws {
        var wasi = WASI()
        wasi.arguments = ["program", "", "ü"]
        wasi.environment = [(name: "A", value: "1"), (name: "B", value: "2=3")]
        let probe = try GuestProbe(wasi)
        #expect(probe.call("args_sizes_get", 0, 4) == .success)
        #expect(try probe.memory.load(UInt32.self, at: 0) == 3)
        #expect(try probe.memory.load(UInt32.self, at: 4) == 12)
        #expect(probe.call("args_get", 16, 64) == .success)
        #expect(try probe.text(at: 64, 12) == "program\0\0ü\0")
        let pointers = try (0..<3).map { try probe.memory.load(UInt32.self, at: 16 + $0 * 4) }
        #expect(pointers == [64, 72, 73])
        #expect(probe.call("environ_sizes_get", 0, 4) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 0) == 10 << 32 | 2)
        #expect(probe.call("environ_get", 16, 64) == .success)
        #expect(try probe.text(at: 64, 10) == "A=1\0B=2=3\0")
        #expect(probe.call("args_get", 65532, 64) == .fault)
        #expect(probe.call("args_get", 0, 65530) == .fault)
    }

    @Test func refusesTextWithZeros() {
        var wasi = WASI()
        wasi.arguments = ["a\0b"]
        #expect(throws: WASI.ConfigurationError.self) { try GuestProbe(wasi) }
    }

    @Test func grantsNothingByItself() throws {
        let first = try GuestProbe()
        let second = try GuestProbe()
        #expect(first.call("fd_prestat_get", 3, 0) == .badf)
        #expect(try first.read(10, from: 0) == (.success, ""))
        #expect(try first.write("gone", to: 1) == (.success, 4))
        for probe in [first, second] {
            #expect(probe.call("random_get", 0, 64) == .success)
            #expect(probe.call("clock_time_get", 0, 0, 64) == .success)
            #expect(probe.call("clock_time_get", 1, 0, 72) == .success)
        }
        #expect(try first.memory.bytes(at: 0, 80) == second.memory.bytes(at: 0, 80))
        #expect(try first.memory.bytes(at: 0, 16) != [UInt8](repeating: 0, count: 16))
    }

    @Test func capturesUpToALimit() throws {
        let output = CapturedOutput(byteLimit: 6)
        var wasi = WASI()
        wasi.standardOutput = .capture(output)
        let probe = try GuestProbe(wasi)
        #expect(try probe.write("hello", to: 1) == (.success, 5))
        #expect(try probe.write("world", to: 1) == (.success, 1))
        #expect(try probe.write("!", to: 1).0 == .nospc)
        #expect(output.string == "hellow")
        #expect(try probe.read(1, from: 1).0 == .notcapable)
    }

    @Test func readsInputFromBytes() throws {
        var wasi = WASI()
        wasi.standardInput = .bytes([UInt8]("hello".utf8))
        let probe = try GuestProbe(wasi)
        #expect(try probe.read(3, from: 0) == (.success, "hel"))
        #expect(try probe.read(3, from: 0) == (.success, "lo"))
        #expect(try probe.read(3, from: 0) == (.success, ""))
        #expect(try probe.write("x", to: 0).0 == .notcapable)
    }

    /// What a guest sees of time and chance is the same each time, whatever it was before.
    @Test func canBeMadeDeterministic() throws {
        func observed(_ wasi: WASI) throws -> [UInt8] {
            let probe = try GuestProbe(wasi)
            for round in UInt64(0)..<4 {
                #expect(probe.call("random_get", round * 64, 32) == .success)
                #expect(probe.call("clock_time_get", 0, 0, round * 64 + 32) == .success)
                #expect(probe.call("clock_time_get", 1, 0, round * 64 + 40) == .success)
                #expect(probe.call("clock_time_get", 2, 0, round * 64 + 48) == .success)
                #expect(probe.call("clock_res_get", 0, round * 64 + 56) == .success)
            }
            // An hour is over at once, where the host makes the time.
            let hour: UInt64 = probe.world.clocks.isSimulated ? 3_600_000_000_000 : 1
            try probe.memory.store(UInt64(1), at: 1024 + 16)
            try probe.memory.store(hour, at: 1024 + 24)
            #expect(probe.call("poll_oneoff", 1024, 2048, 1, 3072) == .success)
            #expect(probe.call("clock_time_get", 1, 0, 256) == .success)
            #expect(try probe.memory.load(UInt64.self, at: 256) >= hour)
            return try probe.memory.bytes(at: 0, 264)
        }
        var wasi = WASI()
        wasi.clock = .system
        wasi.random = .system
        #expect(try observed(wasi) != observed(wasi))
        wasi.makeDeterministic(seed: 7)
        let first = try observed(wasi)
        #expect(try observed(wasi) == first)
        wasi.makeDeterministic()
        #expect(try observed(wasi) != first)
        #expect(try observed(wasi) == observed(WASI()))
    }

    @Test func fillsWithRandomBytes() throws {
        var wasi = WASI()
        wasi.random = .system
        let probe = try GuestProbe(wasi)
        #expect(probe.call("random_get", 0, 65536) == .success)
        #expect(Set(try probe.memory.bytes(at: 0, 65536)).count == 256)
        #expect(probe.call("random_get", 1, 65536) == .fault)
        #expect(probe.call("random_get", 0, 0xFFFF_FFFF) == .fault)
        #expect(probe.call("random_get", 65536, 0) == .success)
        #expect(probe.call("random_get", 65537, 0) == .fault)
    }

    @Test func tellsTheTime() throws {
        var wasi = WASI()
        wasi.clock = .system
        let probe = try GuestProbe(wasi)
        for clock in UInt64(0)..<4 {
            #expect(probe.call("clock_time_get", clock, 0, 0) == .success)
            #expect(try probe.memory.load(UInt64.self, at: 0) > 0)
            #expect(probe.call("clock_res_get", clock, 0) == .success)
            #expect(try probe.memory.load(UInt64.self, at: 0) > 0)
        }
        #expect(probe.call("clock_time_get", 4, 0, 0) == .inval)
        #expect(probe.call("clock_time_get", 0, 0, 65529) == .fault)
    }

    @Test func exits() throws {
        let probe = try GuestProbe()
        // The call ends before it would come so far.
        #expect(probe.call("proc_exit", 42) == .canceled)
        #expect(probe.call("proc_raise", 9) == .notsup)
        #expect(probe.call("sched_yield") == .success)
    }
}
