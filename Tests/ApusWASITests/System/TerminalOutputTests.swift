import Foundation
import Testing

@testable import ApusWASI

/// What a guest writes to a terminal is shown and not obeyed.
struct TerminalOutputTests {
    /// What becomes of `text`, written in pieces of `size` bytes.
    private func shown(_ bytes: [UInt8], inPiecesOf size: Int) -> String {
        let output = TerminalOutput(-1)
        var shown: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            unsafe shown += output.filter(piece.span.bytes)
        }
        return String(decoding: shown, as: UTF8.self)
    }

    @Test(arguments: [1, 2, 3, 100])
    func showsWhatWouldBeObeyed(size: Int) {
        let cases: [(String, String)] = [
            ("plain\r\n\ttext\u{8}", "plain\r\n\ttext\u{8}"),
            ("\u{1B}[31mred\u{1B}[0m", "␛[31mred␛[0m"),
            ("\u{1B}]0;title\u{7}", "␛]0;title␇"),
            ("a\u{0}b\u{7F}", "a␀b␡"),
            // The controls from U+0080 on: U+009B is an escape and a bracket in one.
            ("\u{9B}31m", "\u{FFFD}31m"),
            ("grüße 漢字 🐦", "grüße 漢字 🐦"),
        ]
        for (text, expected) in cases {
            #expect(shown(Array(text.utf8), inPiecesOf: size) == expected)
        }
    }

    @Test(arguments: [1, 2, 100])
    func replacesWhatIsNotText(size: Int) {
        #expect(shown([0x61, 0xFF, 0x62], inPiecesOf: size) == "a\u{FFFD}b")
        #expect(shown([0xE2, 0x90, 0x61], inPiecesOf: size) == "\u{FFFD}a")
        // An overlong form of escape.
        #expect(!shown([0xC0, 0x9B], inPiecesOf: size).contains("\u{1B}"))
        #expect(!shown([0xE0, 0x80, 0x9B], inPiecesOf: size).contains("\u{1B}"))
    }

    /// With a real terminal at the other end.
    @Test func filtersOnTerminalsOnly() throws {
        var ends: [Int32] = [-1, -1]
        let opened = unsafe ends.withUnsafeMutableBufferPointer { ends in
            unsafe openpty(&ends[0], &ends[1], nil, nil, nil)
        }
        try #require(opened == 0)
        let (host, terminal) = (ends[0], ends[1])
        defer {
            close(host)
            close(terminal)
        }
        for (filters, expected) in [(true, "␛[2J!"), (false, "\u{1B}[2J!")] {
            var wasi = WASI()
            wasi.filtersTerminalOutput = filters
            let descriptor = try #require(wasi.inheritedOutput(terminal))
            var table = DescriptorTable(limit: 3)
            let number = try table.insert(descriptor)
            let world = try Preview1(
                descriptors: table, clocks: .simulated(start: 0, step: 1), random: .system)
            let probe = GuestProbe(world)
            #expect(try probe.write("\u{1B}[2J!", to: UInt64(number)) == (.success, 5))
            #expect(try read(host, expected.utf8.count) == expected)
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
