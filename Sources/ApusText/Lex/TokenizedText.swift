internal import ApusCollections

/// A text taken apart into words.
///
/// Made by `Lexer`; consumed by the parsers of modules and scripts.
final class TokenizedText {
    let source: SourceText
    /// The words of the text without its annotations; the last two are of the kind `end`.
    let tokens: Arena<Token>
    /// Annotations that mean something, in the order of the text.
    let annotations: Arena<Annotation>
    /// The words of those annotations, without their names and outer parentheses.
    let annotationTokens: Arena<Token>
    let symbols: SymbolTable

    init(_ lexer: consuming Lexer) {
        source = lexer.source
        tokens = lexer.tokens
        annotations = lexer.annotations
        annotationTokens = lexer.annotationTokens
        symbols = lexer.symbols
    }

    /// Index of the first annotation before token `token` or a later one.
    func firstAnnotation(from token: Int) -> Int {
        var low = 0
        var high = annotations.count
        while low < high {
            let middle = (low + high) / 2
            if Int(annotations[middle].token) < token { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
