internal import ApusCollections

/// The words of a line of a function's text, one after the other.
struct LineReader {
    private var tokens: ArraySlice<Substring>
    private let line: Int

    init() {
        tokens = []
        line = 0
    }

    /// Divides `text` into words, which are letters, digits, `.` and `-`, `->`, and single signs.
    init(_ text: Substring, _ line: Int) {
        self.line = line
        var tokens: [Substring] = []
        var rest = text
        while let character = rest.first {
            if character.isWhitespace {
                rest.removeFirst()
            } else if rest.hasPrefix("->") {
                tokens.append("->")
                rest.removeFirst(2)
            } else if Self.isOfWord(character) {
                let word = rest.prefix(while: Self.isOfWord)
                tokens.append(word)
                rest.removeFirst(word.count)
            } else {
                tokens.append(rest.prefix(1))
                rest.removeFirst()
            }
        }
        self.tokens = tokens[...]
    }

    private static func isOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "." || character == "-"
    }

    var isAtEnd: Bool { tokens.isEmpty }

    func error(_ message: String) -> IRTextError { IRTextError(line: line, message: message) }

    func peek(_ word: String) -> Bool { tokens.first.map { $0 == word } ?? false }

    /// Whether the token after the next one is `word`.
    func peek(second word: String) -> Bool {
        tokens.dropFirst().first.map { $0 == word } ?? false
    }

    func startsWith(_ prefix: String) -> Bool { tokens.first?.hasPrefix(prefix) ?? false }

    /// Skips `word` if it is next.
    mutating func skip(_ word: String) -> Bool {
        guard peek(word) else { return false }
        tokens.removeFirst()
        return true
    }

    mutating func expect(_ word: String) throws(IRTextError) {
        guard skip(word) else {
            throw error("\(word) is expected, not \(tokens.first ?? "the end")")
        }
    }

    mutating func word() throws(IRTextError) -> Substring {
        guard let token = tokens.popFirst() else { throw error("the line ends too early") }
        return token
    }

    /// A number behind `prefix`, as in `v12`.
    mutating func number(_ prefix: String) throws(IRTextError) -> UInt32 {
        let word = try word()
        guard word.hasPrefix(prefix), let number = UInt32(word.dropFirst(prefix.count)) else {
            throw error("\(prefix) and a number are expected, not \(word)")
        }
        return number
    }

    mutating func value() throws(IRTextError) -> UInt32 { try number("v") }

    mutating func integer() throws(IRTextError) -> Int {
        let word = try word()
        guard let integer = Int(word) else { throw error("a number is expected, not \(word)") }
        return integer
    }

    /// A decimal number with its sign, or hexadecimal bits.
    mutating func bits() throws(IRTextError) -> UInt64 {
        let word = try word()
        if word.hasPrefix("0x"), let bits = UInt64(word.dropFirst(2), radix: 16) { return bits }
        guard let number = Int64(word) else { throw error("a constant is expected, not \(word)") }
        return UInt64(bitPattern: number)
    }

    /// `0x` and 32 digits, the last lane first.
    mutating func vector() throws(IRTextError) -> VectorBits {
        let digits = try word().dropFirst(2)
        guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else { throw error("0x and 32 digits are expected") }
        return VectorBits(low: low, high: high)
    }

    mutating func type() throws(IRTextError) -> IRType {
        let word = try word()
        guard let type = IRType.allCases.first(where: { "\($0)" == word }) else {
            throw error("unknown type \(word)")
        }
        return type
    }
}
