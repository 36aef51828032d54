/// A place in a text, for people.
public struct TextPlace: Hashable, Sendable {
    /// Line of the text, from 1 on.
    public var line: Int
    /// Column in that line, in Unicode scalars, from 1 on.
    public var column: Int
    /// The line of the text, perhaps shortened.
    public var sourceLine: String
    /// How far into `sourceLine` the place is, in characters.
    public var indentation: Int
    /// How many characters of `sourceLine` are meant, at least 1.
    public var length: Int

    /// The place of something in a text.
    public init(line: Int, column: Int, sourceLine: String, indentation: Int, length: Int) {
        self.line = line
        self.column = column
        self.sourceLine = sourceLine
        self.indentation = indentation
        self.length = length
    }

    /// Two lines: the one of the text, and below it a mark.
    public var excerpt: String {
        var marks = ""
        for character in sourceLine.prefix(indentation) {
            marks.append(character == "\t" ? "\t" : " ")
        }
        marks += "^" + String(repeating: "~", count: max(length - 1, 0))
        return "  \(sourceLine)\n  \(marks)"
    }
}
