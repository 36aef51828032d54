/// Why a text was refused, and where.
public struct TextError: Error, Hashable, Sendable {
    /// The file that the text is from, if it is from one.
    public var file: String?
    /// Line of the text, from 1 on.
    public var line: Int
    /// Column in that line, in characters, from 1 on.
    public var column: Int
    /// What is wrong, in the specification's words where it has some; then what was expected and
    /// what was found instead.
    public var message: String
    /// The line of the text, perhaps shortened.
    public var sourceLine: String
    /// How far into `sourceLine` the place is, in characters.
    public var indentation: Int
    /// How many characters of `sourceLine` are at fault, at least 1.
    public var length: Int
}

extension TextError: CustomStringConvertible {
    /// The place and the message; below, the line of the text with a mark.
    public var description: String {
        var marks = ""
        for character in sourceLine.prefix(indentation) {
            marks.append(character == "\t" ? "\t" : " ")
        }
        marks += "^" + String(repeating: "~", count: max(length - 1, 0))
        let place = file.map { "\($0):" } ?? ""
        return "\(place)\(line):\(column): \(message)\n  \(sourceLine)\n  \(marks)"
    }
}

/// What is wrong with a text, by the place in its bytes.
struct TextFault: Error {
    var start: Int
    var end: Int
    var message: String

    init(_ start: Int, _ end: Int, _ message: String) {
        self.start = start
        self.end = end
        self.message = message
    }

    init(_ token: Token, _ message: String) {
        self.init(Int(token.start), Int(token.end), message)
    }
}
