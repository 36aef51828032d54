import ApusFormat
import Testing

/// What a terminal would obey never gets into messages.
@Suite struct PrintableTextTests {
    @Test(arguments: [
        ("divide", "divide"), ("two words", "two words"), ("naïve 名前 🦅", "naïve 名前 🦅"), ("", ""),
        ("a\u{1B}[2Jb", "a\\u{1b}[2Jb"), ("a\nb\rc\td", "a\\nb\\rc\\td"), ("\u{7F}", "\\u{7f}"),
        ("\u{0}", "\\u{0}"), ("\u{9B}31m", "\\u{9b}31m"), ("\u{202E}txt", "\\u{202e}txt"),
        ("\u{2066}\u{2069}\u{200F}\u{61C}", "\\u{2066}\\u{2069}\\u{200f}\\u{61c}"),
        ("\u{2028}\u{2029}\u{85}", "\\u{2028}\\u{2029}\\u{85}"),
        ("\u{200B}\u{FEFF}\u{AD}\u{3164}\u{E0041}", "\\u{200b}\\u{feff}\\u{ad}\\u{3164}\\u{e0041}"),
        ("\u{E000}\u{FFFF}", "\\u{e000}\\u{ffff}"), (#"a\u{1b}"#, #"a\\u{1b}"#),
        // A carriage return and a line feed are one character of Swift's, but two to be escaped.
        ("\r\n", "\\r\\n"),
    ])
    func names(name: String, shown: String) {
        #expect(PrintableText.name(name) == shown)
        #expect(PrintableText.path(name) == shown)
    }

    @Test func longNamesLoseTheirMiddle() {
        let long = "begin" + String(repeating: "x", count: 1_000_000) + "end"
        let shown = PrintableText.name(long)
        #expect(shown.hasPrefix("beginxx") && shown.hasSuffix("xxend"))
        #expect(shown.count == 111)
        #expect(PrintableText.path(long) == long)
        let kept = String(repeating: "é", count: 110)
        #expect(PrintableText.name(kept) == kept)
        #expect(PrintableText.name(kept + "é").unicodeScalars.count == 111)
        // However each character is escaped.
        let controls = String(repeating: "\u{E0041}", count: 10_000)
        #expect(PrintableText.name(controls).utf8.count < 1_200)
    }

    @Test func linesKeepTabsAndBackslashes() {
        #expect(PrintableText.line("\t\"\\00\"\u{1B}") == "\t\"\\00\"\\u{1b}")
        #expect(PrintableText.line("a\nb") == "a\\nb")
    }

    @Test func listsOfTypesAreBounded() {
        #expect(ValueType.list([.i32, .externref]) == "i32 externref")
        let type = FunctionType([ValueType](repeating: .i64, count: 1_000), [])
        #expect(type.description.hasSuffix("i64 … 976 more] -> []"))
        #expect(type.description.count < 130)
    }
}
