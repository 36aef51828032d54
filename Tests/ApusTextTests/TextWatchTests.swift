import ApusCollections
import Testing

@testable import ApusText

/// Who does not want a text any more does not wait for its end.
@Suite struct TextWatchTests {
    /// Texts that are long in one way each, with an error at the end.
    static let texts =
        [
            "(func) ", "(func nop) ", "(type (func)) ", "(global i32 (i32.const 0)) ", "(@a) ",
        ].map { String(repeating: $0, count: 20_000) + "(error)" } + [
            "(func " + String(repeating: "nop ", count: 40_000) + "error)",
            "(func " + String(repeating: "(i32.eqz ", count: 40_000) + "error)",
        ]

    private static func read(_ text: String, unless isStopped: @escaping () -> Bool) throws -> Bool
    {
        try TextFormat.parseModule(ByteStorage(Array(text.utf8)), unless: isStopped) != nil
    }

    @Test(arguments: texts.indices) func isNotReadToItsEnd(_ text: Int) throws {
        #expect(try !Self.read(Self.texts[text], unless: { true }))
        #expect(throws: TextError.self) { try Self.read(Self.texts[text], unless: { false }) }
    }

    /// Lists that one field has, by what stands before, in and behind them. They are read twice:
    /// taken apart first, then parsed.
    static let lists = [
        ("(func) (elem func ", "0 ", ")"),
        ("(func) (elem funcref ", "(ref.func 0) ", ")"),
        ("(type (func (param ", "i32 ", ")))"),
        ("(type (func ", "(param i32) ", "))"),
        ("(type (func (result ", "i32 ", ")))"),
        ("(type (struct (field ", "i32 ", ")))"),
        ("(rec ", "(type (func)) ", ")"),
        ("(func (local ", "i32 ", "))"),
        ("(func i32.const 0 br_table ", "0 ", ")"),
        ("(func try_table ", "(catch_all 0) ", "end)"),
        ("(memory 1) (data \"\" ", "\"a\" ", ")"),
        ("(func ", "(export \"\") ", ")"),
        ("", ";;\n", ""),
        ("", "(;;) ", ""),
    ]

    @Test(arguments: lists.indices) func listsAreNotReadToTheirEnd(_ list: Int) throws {
        let (start, word, end) = Self.lists[list]
        let text = start + String(repeating: word, count: 100_000) + end
        var asked = 0
        #expect(
            try Self.read(text) {
                asked += 1
                return false
            })
        let isComment = word.first == ";" || word.hasPrefix("(;")
        // Once for taking apart alone, where there are words at all.
        var asksOfLexer = 0
        _ = try Lexer.tokenize(
            SourceText(ByteStorage(Array(text.utf8))),
            TextWatch {
                asksOfLexer += 1
                return false
            })
        #expect(asksOfLexer > 4)
        #expect(isComment || asked >= asksOfLexer + 5, "\(word)")
    }

    /// Words are cheap, and asking is not.
    @Test func itIsAskedSeldom() throws {
        var asked = 0
        let text = String(repeating: "(func nop) ", count: 20_000)
        #expect(
            try Self.read(text) {
                asked += 1
                return false
            })
        #expect(asked > 2 && asked < 20)
    }

    /// Wherever it is stopped, nothing is half there.
    @Test func eachTimeItIsAskedItMayStop() throws {
        let text = String(repeating: "(func nop nop nop) ", count: 20_000)
        var times = 0
        var isRead = false
        while !isRead, times < 100 {
            var left = times
            isRead = try Self.read(text) {
                left -= 1
                return left < 0
            }
            times += 1
        }
        #expect(isRead && times > 3)
    }

    @Test func placesAreNotLookedForEither() {
        let text = ByteStorage(Array(String(repeating: "(func nop) ", count: 20_000).utf8))
        #expect(TextFormat.place(ofByte: 40, in: text) != nil)
        #expect(TextFormat.place(ofByte: 40, in: text, unless: { true }) == nil)
    }
}
