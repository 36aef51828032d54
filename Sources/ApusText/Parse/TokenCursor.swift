internal import ApusCollections
internal import ApusFormat

/// A place among the words of a text.
struct TokenCursor {
    let text: TokenizedText
    /// Index of the next token.
    var index: Int

    init(_ text: TokenizedText, at index: Int = 0) {
        self.text = text
        self.index = index
    }

    var token: Token { @inline(__always) get { text.tokens[index] } }
    var kind: Token.Kind { @inline(__always) get { text.tokens[index].kind } }
    var isAtClosing: Bool { @inline(__always) get { kind == .rightParenthesis } }
    var isAtOpening: Bool { @inline(__always) get { kind == .leftParenthesis } }

    /// Goes on to the next token. The last one stays.
    @inline(__always)
    mutating func advance() { if kind != .end { index &+= 1 } }

    /// Goes on to the token after the parenthesis that closes the one at `opening`.
    mutating func skipGroup() {
        index = Int(token.payload) &+ 1
    }

    // MARK: Keywords

    @inline(__always)
    func isAt(_ keyword: Keyword) -> Bool {
        token.kind == .keyword && token.payload == keyword.rawValue
    }

    /// Whether a parenthesis and `keyword` come next.
    @inline(__always)
    func isAtOpening(_ keyword: Keyword) -> Bool {
        guard isAtOpening else { return false }
        let next = text.tokens[index &+ 1]
        return next.kind == .keyword && next.payload == keyword.rawValue
    }

    /// The keyword after the parenthesis that comes next.
    var openingKeyword: Keyword? {
        guard isAtOpening else { return nil }
        return Self.keyword(text.tokens[index &+ 1])
    }

    /// The keyword that comes next.
    var keyword: Keyword? { Self.keyword(token) }

    /// Whether what comes next is no part of a module, but of a script.
    var isAtCommand: Bool {
        switch openingKeyword ?? keyword {
        case .module, .register, .invoke, .get, .assertReturn, .assertTrap, .assertExhaustion,
            .assertInvalid, .assertMalformed, .assertUnlinkable, .assertException,
            .assertInvalidCustom, .assertMalformedCustom:
            true
        default: false
        }
    }

    private static func keyword(_ token: Token) -> Keyword? {
        guard token.kind == .keyword, token.payload != 0,
            token.payload < KeywordTable.firstInstruction
        else { return nil }
        return Keyword(rawValue: token.payload)
    }

    @inline(__always)
    mutating func take(_ keyword: Keyword) -> Bool {
        guard isAt(keyword) else { return false }
        index &+= 1
        return true
    }

    /// Takes a parenthesis and `keyword`, if they come next.
    @inline(__always)
    mutating func take(opening keyword: Keyword) -> Bool {
        guard isAtOpening(keyword) else { return false }
        index &+= 2
        return true
    }

    mutating func expect(opening keyword: Keyword) throws(TextFault) {
        guard take(opening: keyword) else { throw unexpected("(\(keyword.text)") }
    }

    mutating func expectOpening() throws(TextFault) {
        guard isAtOpening else { throw unexpected("(") }
        advance()
    }

    @inline(__always)
    mutating func expectClosing() throws(TextFault) {
        guard isAtClosing else { throw unexpected(")") }
        index &+= 1
    }

    mutating func takeIdentifier() -> UInt32? {
        let token = token
        guard token.kind == .identifier else { return nil }
        index &+= 1
        return token.payload
    }

    // MARK: Literals

    /// The bytes of the string that comes next.
    mutating func expectString() throws(TextFault) -> [UInt8] {
        let token = token
        guard token.kind == .string else { throw unexpected("a string") }
        index &+= 1
        return StringLiteral.bytes(text.source.window, token.range)
    }

    /// The string that comes next, which must be UTF-8.
    mutating func expectName() throws(TextFault) -> [UInt8] {
        let token = token
        let bytes = try expectString()
        guard (try? UTF8Span(validating: bytes.span)) != nil else {
            throw TextFault(token, "malformed UTF-8 encoding")
        }
        return bytes
    }

    /// An integer of at most `bits` bits, with or without a sign.
    mutating func expectInteger(bits: UInt64, _ what: String) throws(TextFault) -> UInt64 {
        let token = token
        guard token.kind == .number,
            let literal = IntegerLiteral(text.source.window, token.range)
        else { throw unexpected("an \(what) number") }
        guard let value = literal.value(bits: bits) else {
            throw TextFault(token, "\(what) constant out of range")
        }
        index &+= 1
        return value
    }

    /// The bits of a float.
    mutating func expectFloat(_ format: FloatFormat, _ what: String) throws(TextFault) -> UInt64 {
        let token = token
        guard token.kind == .number || token.kind == .keyword else {
            throw unexpected("an \(what) number")
        }
        switch FloatLiteral.parse(text.source.window, token.range, format) {
        case .bits(let bits):
            index &+= 1
            return bits
        case .outOfRange: throw TextFault(token, "\(what) constant out of range")
        case .malformed: throw unexpected("an \(what) number")
        }
    }

    /// A number without a sign; nil if something else comes next.
    mutating func takeUnsigned(
        limit: UInt64 = .max, _ what: String
    ) throws(TextFault) -> UInt64? {
        let token = token
        guard token.kind == .number,
            let literal = IntegerLiteral(text.source.window, token.range), !literal.hasSign
        else { return nil }
        guard let value = literal.unsigned, value <= limit else {
            throw TextFault(token, "\(what) constant out of range")
        }
        index &+= 1
        return value
    }

    mutating func expectUnsigned(
        limit: UInt64 = .max, _ what: String
    ) throws(TextFault) -> UInt64 {
        guard let value = try takeUnsigned(limit: limit, what) else { throw unexpected("a number") }
        return value
    }

    // MARK: Faults

    /// What the text has at `token`, for messages.
    func excerpt(_ token: Token) -> String {
        let most = 40
        let range = token.range
        if range.count <= most { return PrintableText.line(text.source.string(range)) }
        let beginning = range.lowerBound..<(range.lowerBound + most)
        return PrintableText.line(text.source.string(beginning)) + "…"
    }

    /// Something else than `expected` comes next.
    func unexpected(_ expected: String) -> TextFault {
        let token = token
        switch token.kind {
        case .end: return TextFault(token, "unexpected end: expected \(expected)")
        case .reserved:
            return TextFault(token, "unknown operator \(excerpt(token)): expected \(expected)")
        case .keyword where token.payload == 0:
            return TextFault(token, "unknown operator \(excerpt(token)): expected \(expected)")
        default:
            return TextFault(token, "unexpected token \(excerpt(token)): expected \(expected)")
        }
    }
}
