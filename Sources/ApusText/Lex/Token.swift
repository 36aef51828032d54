internal import ApusCollections

/// A word of a text. Specification: 6.3.1 “Tokens”.
struct Token: BitwiseCopyable {
    enum Kind: UInt8 {
        case end
        case leftParenthesis
        case rightParenthesis
        /// A word that begins with a small letter; numbers that do (`inf`, `nan`) too.
        case keyword
        case identifier
        /// A word that begins with a digit or a sign.
        case number
        case string
        /// A word that means nothing.
        case reserved
    }

    /// Offset in the text of its first byte.
    var start: UInt32
    /// Offset in the text of the first byte after it.
    var end: UInt32
    /// Of a left parenthesis: the index of the token that closes it. Of a keyword: its number in
    /// `KeywordTable`. Of an identifier: its symbol.
    var payload: UInt32
    var kind: Kind

    init(_ kind: Kind, _ start: Int, _ end: Int, _ payload: UInt32 = 0) {
        self.kind = kind
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        self.payload = payload
    }

    var range: Range<Int> { Int(start)..<Int(end) }
}

/// An annotation that means something to Apus. Its words are kept apart from those of the text, so
/// that the parser comes upon it only where it asks for it. Specification: 6.3.5 “Annotations”.
struct Annotation: BitwiseCopyable {
    enum Kind: UInt8 {
        case custom
        case name
        case branchHint

        /// The annotation's own name.
        var name: String {
            switch self {
            case .custom: "custom"
            case .name: "name"
            case .branchHint: "metadata.code.branch_hint"
            }
        }
    }

    var kind: Kind
    /// Index of the token of the text that it stands before.
    var token: UInt32
    /// Indices of its words among those of all annotations.
    var first: UInt32
    var end: UInt32
    /// Offsets in the text.
    var startOffset: UInt32
    var endOffset: UInt32
}
