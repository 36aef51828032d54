internal import ApusCollections
public import ApusFormat

/// Why a text was refused, and where.
public struct TextError: Error, Hashable, Sendable {
    /// The file that the text is from, if it is from one.
    public var file: String?
    /// The place at fault.
    public var place: TextPlace
    /// What is wrong, in the specification's words where it has some; then what was expected and
    /// what was found instead. What it quotes of the text is escaped and shortened.
    public var message: String

    /// Line of the text, from 1 on.
    public var line: Int { place.line }
    /// Column in that line, in Unicode scalars, from 1 on.
    public var column: Int { place.column }
}

extension TextError: CustomStringConvertible {
    /// The place and the message; below, the line of the text with a mark.
    public var description: String {
        let name = file.map { "\(PrintableText.path($0)):" } ?? ""
        return "\(name)\(line):\(column): \(message)\n\(place.excerpt)"
    }
}

/// What is wrong with a text, by the place in its bytes.
struct TextFault: Error {
    var start: Int
    var end: Int
    var message: String
    /// Nothing is wrong: nobody wants the text any more.
    var isStop = false

    /// What ends reading a text that nobody wants any more.
    static var stop: TextFault {
        var fault = TextFault(0, 0, "")
        fault.isStop = true
        return fault
    }

    init(_ start: Int, _ end: Int, _ message: String) {
        self.start = start
        self.end = end
        self.message = message
    }

    init(_ token: Token, _ message: String) {
        self.init(Int(token.start), Int(token.end), message)
    }
}
