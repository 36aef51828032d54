import Foundation
import Testing

@testable import ApusWASI

/// Output of a guest's with a real terminal at the other end.
struct TerminalOutputTests {
    /// Does `work` with the host's end of a terminal, and with the terminal.
    private func withTerminal(_ work: (_ host: Int32, _ terminal: Int32) throws -> Void) throws {
        var ends: [Int32] = [-1, -1]
        let opened = unsafe ends.withUnsafeMutableBufferPointer { ends in
            unsafe openpty(&ends[0], &ends[1], nil, nil, nil)
        }
        try #require(opened == 0)
        defer { for end in ends { close(end) } }
        try work(ends[0], ends[1])
    }

    private func probe(_ descriptor: Descriptor) throws -> (GuestProbe, UInt64) {
        var table = DescriptorTable(limit: 3)
        let number = try table.insert(descriptor)
        let world = try Preview1(
            descriptors: table, clocks: .simulated(start: 0, step: 1), random: .system)
        return (GuestProbe(world), UInt64(number))
    }

    @Test(arguments: [(true, "␛[2J!"), (false, "\u{1B}[2J!")])
    func filtersUnlessToldNotTo(_ filters: Bool, _ expected: String) throws {
        try withTerminal { host, terminal in
            var wasi = WASI()
            wasi.filtersTerminalOutput = filters
            let (probe, number) = try probe(#require(wasi.inheritedOutput(terminal)))
            #expect(try probe.write("\u{1B}[2J!", to: number) == (.success, 5))
            #expect(try read(host, expected.utf8.count) == expected)
            // It is known for what it is.
            #expect(probe.call("fd_fdstat_get", number, 0) == .success)
            #expect(try probe.memory.load(UInt8.self, at: 0) == FileType.characterDevice.rawValue)
        }
    }

    /// The host does not go on in the guest's colours.
    @Test func givesColoursBack() throws {
        try withTerminal { host, terminal in
            let status = try WASI().status {
                let (probe, number) = try probe(#require(WASI().inheritedOutput(terminal)))
                #expect(try probe.write("\u{1B}[30;40mx", to: number).0 == .success)
            }
            #expect(status == 0)
            let expected = "\u{1B}[30;40mx\u{1B}[0m"
            #expect(try read(host, expected.utf8.count) == expected)
        }
    }

    /// A terminal that a guest opens by its path is one, too.
    @Test func filtersWhatGuestsOpen() throws {
        try withTerminal { host, terminal in
            let name = try #require(unsafe ttyname(terminal).map { unsafe String(cString: $0) })
            let parts = name.split(separator: "/").map(String.init)
            var wasi = WASI()
            wasi.preopen("/", "/" + parts.dropLast().joined(separator: "/"))
            let probe = try GuestProbe(wasi)
            let (error, file) = try probe.open(parts[parts.count - 1])
            try #require(error == .success)
            #expect(try probe.write("\u{1B}[6n!", to: file) == (.success, 5))
            #expect(try read(host, 7) == "␛[6n!")
        }
    }

    private func read(_ host: Int32, _ count: Int) throws -> String {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got = unsafe Foundation.read(host, &piece, piece.count)
            try #require(got > 0)
            bytes += piece[..<got]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
