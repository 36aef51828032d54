/// Blanks out comments and the contents of string literals, keeping lines and columns.
struct CodeFilter {
    private let text: [UInt8]
    private var place = 0
    private var output: [UInt8] = []

    static func code(of text: String) -> String {
        var filter = CodeFilter(text: Array(text.utf8))
        filter.run()
        return String(decoding: filter.output, as: UTF8.self)
    }

    private init(text: [UInt8]) {
        self.text = text
        output.reserveCapacity(text.count)
    }

    private mutating func run() {
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "/") where starts("//"):
                while place < text.count, text[place] != UInt8(ascii: "\n") { blank() }
            case UInt8(ascii: "/") where starts("/*"): blankUntil("*/")
            case UInt8(ascii: "\"") where starts("\"\"\""): blankUntil("\"\"\"")
            case UInt8(ascii: "#") where starts("#\""): blankUntil("\"#")
            case UInt8(ascii: "\""): blankString()
            default:
                output.append(text[place])
                place += 1
            }
        }
    }

    /// Whether `word`, which is not empty, comes next. Nearly always its first byte says no.
    private func starts(_ word: String) -> Bool {
        guard place < text.count, text[place] == word.utf8.first else { return false }
        return text[place...].starts(with: word.utf8)
    }

    private mutating func blank() {
        output.append(text[place] == UInt8(ascii: "\n") ? text[place] : UInt8(ascii: " "))
        place += 1
    }

    private mutating func blankUntil(_ end: String) {
        for _ in 0..<end.utf8.count where place < text.count { blank() }
        while place < text.count, !starts(end) { blank() }
        for _ in 0..<end.utf8.count where place < text.count { blank() }
    }

    /// A literal on one line; an interpolation in it is blanked with it.
    private mutating func blankString() {
        var depth = 0
        blank()
        while place < text.count, text[place] != UInt8(ascii: "\n") {
            if starts("\\(") {
                depth += 1
                blank()
            } else if starts("\\") {
                blank()
            } else if depth > 0, starts("(") {
                depth += 1
            } else if depth > 0, starts(")") {
                depth -= 1
            } else if depth == 0, starts("\"") {
                blank()
                return
            }
            if place < text.count { blank() }
        }
    }
}
