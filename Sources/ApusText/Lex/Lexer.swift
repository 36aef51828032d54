internal import ApusCollections

/// Takes a text apart into words. Specification: 6.3 “Lexical Format”.
///
/// It checks that parentheses match, that strings and comments end, and that all of it is UTF-8.
struct Lexer: ~Copyable {
    let source: SourceText
    private let text: ByteWindow
    private let classes = CharacterClass.table
    private let keywords = KeywordTable.shared
    private var position = 0
    fileprivate(set) var tokens: Arena<Token>
    fileprivate(set) var annotations = Arena<Annotation>()
    fileprivate(set) var annotationTokens = Arena<Token>()
    fileprivate(set) var symbols = SymbolTable()
    /// Indices of the left parentheses that are still open.
    private var openings = Arena<UInt32>()
    /// Parentheses open within an annotation; 0 outside of annotations.
    private var annotationDepth = 0
    private var annotationStart = 0
    /// Whether the annotation that is being read is one to be kept.
    private var keepsAnnotation = false
    private var watch: TextWatch

    private init(_ source: SourceText, _ watch: TextWatch) {
        self.source = source
        self.watch = watch
        text = source.window
        tokens = Arena(capacity: source.bytes.count / 6 + 64)
    }

    /// The words of `source`, unless `watch` stops that.
    static func tokenize(
        _ source: SourceText, _ watch: TextWatch = TextWatch()
    ) throws(TextFault) -> TokenizedText {
        guard source.bytes.count < 1 << 31 else { throw TextFault(0, 0, "text too long") }
        try checkEncoding(source)
        var lexer = Lexer(source, watch)
        try lexer.run()
        return TokenizedText(lexer)
    }

    private static func checkEncoding(_ source: SourceText) throws(TextFault) {
        do {
            _ = try UTF8Span(validating: source.bytes.span)
        } catch {
            let range = error.byteOffsets
            throw TextFault(range.lowerBound, range.upperBound, "malformed UTF-8 encoding")
        }
    }

    private mutating func run() throws(TextFault) {
        while true {
            try skipSpace()
            if position >= text.count { break }
            try watch.look()
            switch text.byte(at: position) {
            case UInt8(ascii: "("): try readOpening()
            case UInt8(ascii: ")"): try readClosing()
            default: try readWord()
            }
        }
        if annotationDepth > 0 {
            throw TextFault(annotationStart, annotationStart + 2, "unclosed annotation")
        }
        if !openings.isEmpty {
            throw TextFault(
                tokens[Int(openings.last)], "unexpected token: this parenthesis is never closed")
        }
        tokens.append(Token(.end, position, position))
        tokens.append(Token(.end, position, position))
    }

    @inline(__always)
    private mutating func emit(_ token: Token) {
        if annotationDepth == 0 {
            tokens.append(token)
        } else if keepsAnnotation {
            annotationTokens.append(token)
        }
    }

    // MARK: Space and comments (6.3.2, 6.3.3)

    @inline(__always)
    private mutating func skipSpace() throws(TextFault) {
        while true {
            let byte = text.byte(at: position)
            if classes[byte].contains(.space) {
                position &+= 1
            } else if byte == UInt8(ascii: ";") {
                guard text.byte(at: position &+ 1) == byte else { return }
                try watch.look()
                skipLine()
            } else if byte == UInt8(ascii: "("), text.byte(at: position &+ 1) == UInt8(ascii: ";") {
                try watch.look()
                try skipBlockComment()
            } else {
                return
            }
        }
    }

    private mutating func skipLine() {
        while position < text.count {
            let byte = text.byte(at: position)
            if byte == 0x0A || byte == 0x0D { return }
            position &+= 1
        }
    }

    private mutating func skipBlockComment() throws(TextFault) {
        let start = position
        position &+= 2
        var depth = 1
        while depth > 0 {
            guard position < text.count else {
                throw TextFault(start, start &+ 2, "unclosed comment")
            }
            let byte = text.byte(at: position)
            let next = text.byte(at: position &+ 1)
            if byte == UInt8(ascii: "("), next == UInt8(ascii: ";") {
                depth &+= 1
                position &+= 2
            } else if byte == UInt8(ascii: ";"), next == UInt8(ascii: ")") {
                depth &-= 1
                position &+= 2
            } else {
                position &+= 1
            }
        }
    }

    // MARK: Parentheses and annotations

    private mutating func readOpening() throws(TextFault) {
        if annotationDepth == 0, text.byte(at: position &+ 1) == UInt8(ascii: "@") {
            return try readAnnotation()
        }
        if annotationDepth > 0 {
            annotationDepth &+= 1
        } else {
            openings.append(UInt32(truncatingIfNeeded: tokens.count))
        }
        emit(Token(.leftParenthesis, position, position &+ 1))
        position &+= 1
    }

    private mutating func readClosing() throws(TextFault) {
        let token = Token(.rightParenthesis, position, position &+ 1)
        position &+= 1
        if annotationDepth > 0 {
            annotationDepth &-= 1
            if annotationDepth == 0 { return finishAnnotation() }
            return emit(token)
        }
        guard !openings.isEmpty else {
            throw TextFault(token, "unexpected token: nothing to be closed here")
        }
        tokens[Int(openings.removeLast())].payload = UInt32(truncatingIfNeeded: tokens.count)
        emit(token)
    }

    private mutating func readAnnotation() throws(TextFault) {
        let start = position
        position &+= 2
        let nameStart = position
        if text.byte(at: position) == UInt8(ascii: "\"") {
            try skipString()
            if position == nameStart &+ 2 {
                throw TextFault(start, position, "empty annotation id")
            }
            try checkName(nameStart..<position)
        } else {
            skipWordCharacters()
            if position == nameStart { throw TextFault(start, position, "empty annotation id") }
        }
        annotationDepth = 1
        annotationStart = start
        let name = source.string(nameStart..<position)
        let kinds: [Annotation.Kind] = [.custom, .name, .branchHint]
        guard let kind = kinds.first(where: { $0.name == name }) else {
            keepsAnnotation = false
            return
        }
        keepsAnnotation = true
        annotations.append(
            Annotation(
                kind: kind, token: UInt32(truncatingIfNeeded: tokens.count),
                first: UInt32(truncatingIfNeeded: annotationTokens.count), end: 0,
                startOffset: UInt32(truncatingIfNeeded: start), endOffset: 0))
    }

    private mutating func finishAnnotation() {
        guard keepsAnnotation else { return }
        annotations.last.end = UInt32(truncatingIfNeeded: annotationTokens.count)
        annotations.last.endOffset = UInt32(truncatingIfNeeded: position)
    }

    // MARK: Words

    @inline(__always)
    private mutating func skipWordCharacters() {
        while classes[text.byte(at: position)].contains(.word) { position &+= 1 }
    }

    private mutating func readWord() throws(TextFault) {
        let start = position
        let first = text.byte(at: start)
        if first == UInt8(ascii: "\"") {
            try skipString()
        } else if classes[first].contains(.word) {
            skipWordCharacters()
        } else {
            return try readMark(first)
        }
        let next = text.byte(at: position)
        if next == UInt8(ascii: "\"") || (first == next && first == UInt8(ascii: "\""))
            || (first == UInt8(ascii: "\"") && classes[next].contains(.word))
        {
            return try readMixedWord(start, first)
        }
        let range = start..<position
        switch first {
        case UInt8(ascii: "\""): emit(Token(.string, start, position, try nameSymbol(range)))
        case UInt8(ascii: "$"):
            if range.count == 1 { throw TextFault(start, position, "empty identifier") }
            let symbol = symbols.intern(text, (start &+ 1)..<position)
            emit(Token(.identifier, start, position, symbol))
        case UInt8(ascii: "a")...UInt8(ascii: "z"):
            emit(Token(.keyword, start, position, keywords.number(text, range)))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"):
            emit(Token(.number, start, position))
        default:
            emit(Token(.reserved, start, position))
        }
    }

    /// A character that is no part of a word.
    private mutating func readMark(_ byte: UInt8) throws(TextFault) {
        let isMark = classes[byte].contains(.annotationMark)
        guard isMark, annotationDepth > 0 else {
            var end = position &+ 1
            while text.byte(at: end) & 0xC0 == 0x80 { end &+= 1 }
            throw TextFault(
                position, end, isMark ? "unknown operator" : "illegal character")
        }
        emit(Token(.reserved, position, position &+ 1))
        position &+= 1
    }

    /// Words and strings without space between them: an identifier in quotes, or nothing.
    private mutating func readMixedWord(_ start: Int, _ first: UInt8) throws(TextFault) {
        let quote = position
        var parts = 0
        while true {
            let byte = text.byte(at: position)
            if byte == UInt8(ascii: "\"") {
                try skipString()
            } else if classes[byte].contains(.word) {
                skipWordCharacters()
            } else {
                break
            }
            parts &+= 1
        }
        let isIdentifier = first == UInt8(ascii: "$") && quote == start &+ 1 && parts == 1
        guard isIdentifier else { return emit(Token(.reserved, start, position)) }
        if position == quote &+ 2 { throw TextFault(start, position, "empty identifier") }
        let symbol = try checkName(quote..<position)
        emit(Token(.identifier, start, position, symbol))
    }

    /// The symbol of a string in a `@name` annotation; 0 for all others.
    private mutating func nameSymbol(_ range: Range<Int>) throws(TextFault) -> UInt32 {
        guard annotationDepth == 1, keepsAnnotation, annotations.last.kind == .name else {
            return 0
        }
        return try checkName(range)
    }

    /// The symbol of what a string (its quotes included) stands for, which must be UTF-8.
    @discardableResult
    private mutating func checkName(_ range: Range<Int>) throws(TextFault) -> UInt32 {
        let bytes = StringLiteral.bytes(text, range)
        guard (try? UTF8Span(validating: bytes.span)) != nil else {
            throw TextFault(range.lowerBound, range.upperBound, "malformed UTF-8 encoding")
        }
        return symbols.intern(ByteWindow(ByteStorage(bytes)), 0..<bytes.count)
    }

    // MARK: Strings (6.3.3)

    /// Skips a string and checks its escapes.
    private mutating func skipString() throws(TextFault) {
        let start = position
        position &+= 1
        while true {
            while classes[text.byte(at: position)].contains(.string) { position &+= 1 }
            let byte = text.byte(at: position)
            switch byte {
            case UInt8(ascii: "\""):
                position &+= 1
                return
            case UInt8(ascii: "\\"):
                guard let count = StringLiteral.escapeLength(text, position) else {
                    throw TextFault(position, position &+ 2, "illegal escape")
                }
                position &+= count
            default:
                if position >= text.count || byte == 0x0A {
                    throw TextFault(start, position, "unclosed string")
                }
                throw TextFault(position, position &+ 1, "illegal character in string")
            }
        }
    }
}
