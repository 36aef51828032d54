import Foundation
import Testing

@testable import ApusWASI

struct PollingTests {
    private func subscribe(
        _ probe: GuestProbe, _ index: UInt32, clock: UInt32, timeout: UInt64, absolute: Bool = false
    ) throws {
        let start = index * 48
        try probe.memory.store(UInt64(100 + index), at: start)
        try probe.memory.store(UInt64(0), at: start + 8)
        try probe.memory.store(clock, at: start + 16)
        try probe.memory.store(timeout, at: start + 24)
        try probe.memory.store(UInt64(absolute ? 1 : 0), at: start + 40)
    }

    private func subscribe(
        _ probe: GuestProbe, _ index: UInt32, type: UInt8, descriptor: UInt32
    ) throws {
        let start = index * 48
        try probe.memory.store(UInt64(100 + index), at: start)
        try probe.memory.store(UInt64(type), at: start + 8)
        try probe.memory.store(descriptor, at: start + 16)
    }

    /// The end of time comes, too, on clocks that are not the host's.
    @Test(arguments: [UInt32(0), 1], [true, false])
    func simulatedClocksReachTheirEnd(_ clock: UInt32, _ absolute: Bool) throws {
        let probe = try GuestProbe()
        let timeouts: [UInt64] = [UInt64.max, UInt64.max - 1, 1 << 63]
        for timeout in timeouts {
            try subscribe(probe, 0, clock: clock, timeout: timeout, absolute: absolute)
            #expect(try poll(probe, 1) == [[100, 0, 0, 0]])
        }
    }

    /// What a guest that sleeps waits for is closed when it does so no more, whoever closes it; at
    /// the latest with its world.
    @Test(arguments: [true, false]) func whatIsWaitedForStaysOpen(isGivenBack: Bool) throws {
        let folder = try TemporaryFolder()
        try #require(unsafe mkfifo(folder.path + "pipe", 0o600) == 0)
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        let probe = try GuestProbe(wasi)
        let (_, pipe) = try probe.open("pipe", rights: .fdRead)
        /// Whether somebody has it open for reading.
        func isOpen() -> Bool {
            let writer = unsafe open(folder.path + "pipe", O_WRONLY | O_NONBLOCK)
            if writer >= 0 { Syscalls.close(writer) }
            return writer >= 0
        }
        try subscribe(probe, 0, type: 1, descriptor: UInt32(pipe))
        let poll = try probe.world.beginPoll(
            probe.memory, .one, subscriptions: 0, events: 4096, count: 1, readyAt: 8192)
        probe.world.lend(poll)
        #expect(probe.call("fd_close", pipe) == .success)
        #expect(probe.call("fd_close", pipe) == .badf)
        #expect(isOpen())
        if isGivenBack {
            probe.world.takeBack(poll)
        } else {
            probe.world = try WASI().makeWorld()
        }
        #expect(!isOpen())
    }

    /// User data, error, type and bytes of each event.
    private func poll(_ probe: GuestProbe, _ count: UInt64) throws -> [[UInt64]] {
        #expect(probe.call("poll_oneoff", 0, 4096, count, 8192) == .success)
        let ready = try probe.memory.load(UInt32.self, at: 8192)
        return try (0..<ready).map { index in
            let start = 4096 + index * 32
            return [
                try probe.memory.load(UInt64.self, at: start),
                UInt64(try probe.memory.load(UInt16.self, at: start + 8)),
                UInt64(try probe.memory.load(UInt8.self, at: start + 10)),
                try probe.memory.load(UInt64.self, at: start + 16),
            ]
        }
    }

    @Test func waitsForTheFirstClock() throws {
        var wasi = WASI()
        wasi.clock = .system
        let probe = try GuestProbe(wasi)
        try subscribe(probe, 0, clock: 1, timeout: 20_000_000)
        try subscribe(probe, 1, clock: 0, timeout: 60_000_000_000)
        let start = ContinuousClock.now
        #expect(try poll(probe, 2) == [[100, 0, 0, 0]])
        #expect(start.duration(to: .now) >= .milliseconds(20))
    }

    @Test func simulatedClocksDoNotWait() throws {
        let probe = try GuestProbe()
        try subscribe(probe, 0, clock: 1, timeout: 3_600_000_000_000)
        let start = ContinuousClock.now
        #expect(try poll(probe, 1) == [[100, 0, 0, 0]])
        #expect(start.duration(to: .now) < .seconds(60))
        #expect(probe.call("clock_time_get", 1, 0, 0) == .success)
        #expect(try probe.memory.load(UInt64.self, at: 0) >= 3_600_000_000_000)
    }

    @Test func tellsWhatIsReadyAndWhatIsWrong() throws {
        let folder = try TemporaryFolder()
        try folder.write("hello", to: "file")
        var wasi = WASI()
        wasi.standardInput = .bytes([1, 2, 3])
        wasi.preopen("/", folder.path)
        let probe = try GuestProbe(wasi)
        let (_, file) = try probe.open("file")
        try subscribe(probe, 0, type: 1, descriptor: 0)
        try subscribe(probe, 1, type: 2, descriptor: 1)
        try subscribe(probe, 2, type: 1, descriptor: UInt32(file))
        try subscribe(probe, 3, type: 1, descriptor: 77)
        try subscribe(probe, 4, clock: 9, timeout: 0)
        try subscribe(probe, 5, clock: 1, timeout: 1 << 62)
        let badf = UInt64(Errno.badf.rawValue)
        let inval = UInt64(Errno.inval.rawValue)
        #expect(
            try poll(probe, 6) == [
                [100, 0, 1, 3], [101, 0, 2, 0], [102, 0, 1, 5], [103, badf, 1, 0],
                [104, inval, 0, 0],
            ])
    }

    @Test func pollsSockets() throws {
        let (inner, outer) = try SocketTests.pair()
        defer { Syscalls.close(outer) }
        defer { Syscalls.close(inner) }
        var wasi = WASI()
        wasi.sockets = [inner]
        wasi.clock = .system
        let probe = try GuestProbe(wasi)
        try subscribe(probe, 0, type: 1, descriptor: 3)
        try subscribe(probe, 1, clock: 1, timeout: 1_000_000)
        #expect(try poll(probe, 2) == [[101, 0, 0, 0]])
        #expect(unsafe Foundation.write(outer, "ab", 2) == 2)
        try subscribe(probe, 1, clock: 1, timeout: 3_600_000_000_000)
        #expect(try poll(probe, 2) == [[100, 0, 1, 2]])
    }

    @Test func refusesNonsense() throws {
        let probe = try GuestProbe()
        #expect(probe.call("poll_oneoff", 0, 4096, 0, 8192) == .inval)
        #expect(probe.call("poll_oneoff", 0, 4096, 0xFFFF_FFFF, 8192) == .inval)
        #expect(probe.call("poll_oneoff", 65500, 4096, 1, 8192) == .fault)
        #expect(probe.call("poll_oneoff", 0, 65510, 1, 8192) == .fault)
        #expect(probe.call("poll_oneoff", 0, 4096, 1, 65534) == .fault)
        try probe.memory.store(UInt64(3), at: 8)
        #expect(probe.call("poll_oneoff", 0, 4096, 1, 8192) == .inval)
    }
}
