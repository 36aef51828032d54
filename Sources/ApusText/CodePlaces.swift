internal import ApusCollections

/// Where in a text the code of its module stands.
public struct CodePlaces: Sendable {
    /// A place in the module, and the one in the text that it comes from.
    public struct Place: Hashable, Sendable {
        /// In the module's bytes: of an instruction, or of where a function's body begins.
        public var offset: Int
        /// Of the instruction's word, or the function's, counted from 1.
        public var line: Int
        /// Likewise, in Unicode scalars.
        public var column: Int
    }

    /// The module's binary form.
    public let module: [UInt8]
    /// Ascending by offset.
    public let places: [Place]
}

extension TokenizedText {
    /// The word that stands for what `mark` marks: the first one behind a parenthesis.
    func word(of mark: PlaceMark) -> Token {
        let token = tokens[Int(mark.token)]
        let next = tokens[Int(mark.token) &+ 1]
        return token.kind == .leftParenthesis && next.kind == .keyword ? next : token
    }
}
