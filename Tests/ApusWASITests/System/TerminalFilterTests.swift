import Testing

@testable import ApusWASI

/// What a guest writes to a terminal is shown, and obeyed only as far as its own lines go.
struct TerminalFilterTests {
    /// What becomes of `bytes`, written in pieces of `size` bytes.
    private func shown(_ bytes: [UInt8], inPiecesOf size: Int) -> String {
        var filter = TerminalFilter()
        var shown: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            unsafe shown += filter.filter(piece.span.bytes)
        }
        return String(decoding: shown, as: UTF8.self)
    }

    private func expect(_ cases: [(String, String)], size: Int) {
        for (text, expected) in cases {
            let found = shown(Array(text.utf8), inPiecesOf: size)
            #expect(found == expected, "\(text.debugDescription)")
        }
    }

    @Test(arguments: [1, 2, 3, 100])
    func letsTextAndColoursThrough(size: Int) {
        let passing = [
            "plain\r\n\ttext\u{8}", "grüße 漢字 🐦",
            "\u{1B}[31mred\u{1B}[0m", "\u{1B}[m", "\u{1B}[1;4;38;5;8;48;2;8;8;8m", "\u{1B}[4:3m",
            "\u{1B}[38:2::8:8:8m",
            // Within the line.
            "\u{1B}[3C\u{1B}[2D\u{1B}[1G\u{1B}[0K\u{1B}[2K\u{1B}[1P\u{1B}[4X\u{1B}[1@",
            // What is below the cursor, and the plain character set.
            "\u{1B}[0J", "\u{1B}(B",
            // Up as far as it came down, and down again.
            "a\nb\n\u{1B}[2Ac\n\u{1B}[1A", "a\n\u{1B}[1F\u{1B}[1E\u{1B}[1B",
        ]
        expect(passing.map { ($0, $0) }, size: size)
        let changed: [(String, String)] = [
            ("\u{1B}[K\u{1B}[J\u{1B}[C", "\u{1B}[0K\u{1B}[0J\u{1B}[1C"),
            // No further up than it came down.
            ("\u{1B}[A", ""), ("a\n\u{1B}[99Ab", "a\n\u{1B}[1Ab"),
            ("a\n\u{1B}[A\u{1B}[A", "a\n\u{1B}[1A"),
            ("a\n\u{1B}[A\u{1B}[9B\u{1B}[9A", "a\n\u{1B}[1A\u{1B}[9B"),
            // Whether the cursor is seen.
            ("\u{1B}[?25lx\u{1B}[?25h", "x"),
        ]
        expect(changed, size: size)
    }

    @Test(arguments: [1, 2, 3, 100])
    func showsWhatWouldBeObeyed(size: Int) {
        let sequences = [
            // Positions, the whole screen, scrolling, lines, saved positions, repetition.
            "[5;10H", "[5;10f", "[d", "[2J", "[1J", "[3J", "[S", "[T", "[L", "[M", "[s", "[u",
            "[5b", "[1;5r", "7", "8", "c", "M", "D",
            // Modes, reports, questions, the size of the window and its title.
            "[?1049h", "[?2004h", "[?1000h", "[4h", "[5n", "[6n", "[c", "[>c", "[>4;1m", "[?4m",
            "[14t", "[21t", "[x", "[!p", "[0q", "[1 q", "[?25n", "[?25;1h",
            // Text that is not to be seen, and what is no sequence.
            "[8m", "[1;8m", "[0;08m", "[38;9;8m", "[8:1m", "[99999C", "[1;2C", "[3K",
            "[<1m", "[1$m", "(0", "(", "Pq", "^x", "_x", "X", "[",
        ]
        expect(sequences.map { ("\u{1B}\($0)\u{8}", "␛\($0)\u{8}") }, size: size)
        let cases: [(String, String)] = [
            ("\u{1B}]0;title\u{7}", "␛]0;title␇"),
            ("\u{1B}]52;c;AAAA\u{1B}\\", "␛]52;c;AAAA␛\\"),
            ("a\u{0}b\u{7F}\u{B}\u{E}", "a␀b␡␋␎"),
            // The controls from U+0080 on: U+009B is an escape and a bracket in one.
            ("\u{9B}31m\u{9D}x\u{85}", "\u{FFFD}31m\u{FFFD}x\u{FFFD}"),
            // A sequence is none with something else in it.
            ("\u{1B}[3\u{1B}[31mx", "␛[3\u{1B}[31mx"), ("\u{1B}[3\nm", "␛[3\nm"),
            ("\u{1B}[3ü1m", "␛[3ü1m"), ("\u{1B}\u{1B}[31m", "␛\u{1B}[31m"),
        ]
        expect(cases, size: size)
    }

    /// One that does not end is shown before it takes much room.
    @Test func boundsSequences() {
        let long = String(repeating: "1;", count: 1000)
        let text = "\u{1B}[\(long)m"
        #expect(shown(Array(text.utf8), inPiecesOf: 7) == "␛[\(long)m")
    }

    @Test(arguments: [1, 2, 100])
    func replacesWhatIsNotText(size: Int) {
        #expect(shown([0x61, 0xFF, 0x62], inPiecesOf: size) == "a\u{FFFD}b")
        #expect(shown([0xE2, 0x90, 0x61], inPiecesOf: size) == "\u{FFFD}a")
        // An overlong form of escape.
        #expect(!shown([0xC0, 0x9B], inPiecesOf: size).contains("\u{1B}"))
        #expect(!shown([0xE0, 0x80, 0x9B], inPiecesOf: size).contains("\u{1B}"))
    }

    /// Whatever is written, in whatever pieces: nothing is obeyed but what the lists above have.
    @Test func nothingElsePasses() throws {
        let alphabet: [UInt8] =
            [0x1B, 0x1B, 0x9B, 0xC2, 0x07, 0x0A, 0x0D] + "[[[]()?>;:0123489mAHJKhlnqtPB ".utf8
        let allowed = try Regex(
            #"\x1B(\[([0-9;:]*m|[1-9][0-9]{0,3}[ABCDEFGPX@]|[0-2]K|0J)|\(B)"#)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<60).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            let text = shown(bytes, inPiecesOf: Int.random(in: 1...60))
            #expect(!text.replacing(allowed, with: "").contains("\u{1B}"), "\(bytes)")
        }
    }

    /// Whether text looks as the terminal has it by itself afterwards.
    @Test func whatEndsInZeroNeedNotBePlain() {
        let plain = ["", "0", "00", "31;0", "38;5;0;0", "48;2;1;2;3;0", "0;0", "38:5:0;0"]
        let styled = [
            "38;5;0", "48;5;0", "38;2;255;0;0", "48;2;0;0;0", "1;38;5;0", "0;31", "38:5:0", "4:0",
            // What terminals do not agree about.
            "38;0", "58;5;0", "38;5", "38",
        ]
        for (looks, isPlain) in plain.map({ ($0, true) }) + styled.map({ ($0, false) }) {
            let verdict = TerminalSequence.judge(Array("\(looks)m".utf8)[...], linesAbove: 0)
            let sequence = Array("\u{1B}[\(looks)m".utf8)
            #expect(verdict == .style(sequence, isPlain: isPlain), "\(looks)")
        }
    }
}
