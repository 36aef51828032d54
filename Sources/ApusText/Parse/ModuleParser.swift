// Consumes: the words of a text. Made of it: the bytes of a module, which the decoder and the
// validator read like any other.

internal import ApusCollections
internal import ApusFormat

/// Parses a module. Specification: 6.6 “Modules”.
///
/// Goes over the fields twice: first it gives each thing its index, so that names may be used
/// before they are defined; then it writes the sections. One parser may parse many modules of the
/// same text.
struct ModuleParser: ~Copyable {
    let text: TokenizedText
    let rows: [InstructionRow]
    var cursor: TokenCursor
    var types = IndexSpace("type")
    var functions = IndexSpace("function")
    var tables = IndexSpace("table")
    var memories = IndexSpace("memory")
    var globals = IndexSpace("global")
    var tags = IndexSpace("tag")
    var elements = IndexSpace("elem segment")
    var data = IndexSpace("data segment")
    var typeTable = TypeTable()
    var sections = ModuleSections()
    var names = NameCollector()

    // What is being parsed at present.
    var parameters = Arena<ValueType>()
    var results = Arena<ValueType>()
    var locals = IndexSpace("local")
    var localTypes = Arena<ValueType>()
    /// The tokens of those types, if places are kept.
    var localTokens = Arena<Int>()
    var labels = LabelStack()
    /// The code of the present function or constant expression.
    var code = ByteWriter()
    /// Instructions whose operands come first.
    var pending = ByteWriter()
    var frames = Arena<InstructionFrame>()
    /// Index of the present function, nil in constant expressions.
    var function: UInt32?
    var hints = Arena<BranchHint>()
    /// Annotations of the present module that have found their place.
    var placedAnnotations: Set<Int> = []

    // For who asks where in the text a byte comes from.
    let keepsPlaces: Bool
    /// Index of the first token of the present field.
    var fieldStart = 0
    /// Where in `code` instructions begin.
    var codeMarks = Arena<PlaceMark>()
    /// Where in the module that was parsed last entries and instructions begin.
    private(set) var places: [PlaceMark] = []

    var watch: TextWatch

    init(_ text: TokenizedText, keepsPlaces: Bool = false, _ watch: TextWatch = TextWatch()) {
        self.text = text
        self.keepsPlaces = keepsPlaces
        self.watch = watch
        rows = KeywordTable.shared.instructions
        cursor = TokenCursor(text)
        // Scripts ask for types before they have had a module.
        reset()
    }

    /// Parses a text that is one module: `(module …)`, or its fields alone. Of a script the error
    /// says that it is one.
    mutating func parseFile() throws(TextFault) -> ParsedFile {
        do throws(TextFault) {
            return try parseOneModule()
        } catch {
            guard cursor.isAtCommand, !error.isStop else { throw error }
            var error = error
            error.message += "; test scripts have that, and `apus wast` runs them"
            throw error
        }
    }

    private mutating func parseOneModule() throws(TextFault) -> ParsedFile {
        let isWrapped = cursor.take(opening: .module)
        if !isWrapped { try refuseComponent() }
        let name = isWrapped ? cursor.takeIdentifier() : nil
        let file: ParsedFile
        if isWrapped, cursor.take(.binary) {
            file = .module(try parseStrings())
        } else if isWrapped, cursor.take(.quote) {
            file = .quotation(try parseStrings())
        } else {
            file = .module(try parseFields(name: name))
        }
        if isWrapped { try cursor.expectClosing() }
        guard cursor.kind == .end else { throw cursor.unexpected("the end of the text") }
        return file
    }

    /// What a file with one module holds.
    enum ParsedFile {
        /// The module's binary form.
        case module([UInt8])
        /// Another text, whose module it is.
        case quotation([UInt8])
    }

    private mutating func refuseComponent() throws(TextFault) {
        guard cursor.isAtOpening else { return }
        let word = text.tokens[cursor.index &+ 1]
        if word.kind == .keyword, cursor.excerpt(word) == "component" {
            throw TextFault(word, ModuleError.component)
        }
    }

    /// Parses the fields that come next, of the module `name`, up to a closing parenthesis or the
    /// end of the text.
    mutating func parseFields(name: UInt32? = nil) throws(TextFault) -> [UInt8] {
        reset()
        let start = cursor.index
        names.module = try takeNameAnnotation() ?? name
        try declareFields()
        let end = cursor.index
        cursor.index = start
        try defineTypes()
        cursor.index = start
        while cursor.isAtOpening {
            try watch.look()
            try parseField()
        }
        try checkAnnotations(start...end)
        writeHints()
        writeNames()
        places = []
        return sections.encode(&places)
    }

    private mutating func reset() {
        let count = text.symbols.count
        types.reset(symbolCount: count)
        functions.reset(symbolCount: count)
        tables.reset(symbolCount: count)
        memories.reset(symbolCount: count)
        globals.reset(symbolCount: count)
        tags.reset(symbolCount: count)
        elements.reset(symbolCount: count)
        data.reset(symbolCount: count)
        locals.reset(symbolCount: count)
        labels.reset(symbolCount: count)
        typeTable.reset()
        sections = ModuleSections()
        names = NameCollector()
        code.truncate(to: 0)
        pending.truncate(to: 0)
        frames.removeAll()
        hints.removeAll()
        function = nil
        placedAnnotations.removeAll()
        counts = Counts()
    }

    /// How many things of each kind have been written.
    struct Counts {
        var functions: UInt32 = 0
        var tables: UInt32 = 0
        var memories: UInt32 = 0
        var globals: UInt32 = 0
        var tags: UInt32 = 0
    }
    var counts = Counts()

    // MARK: Identifiers and indices

    enum Space {
        case type, function, table, memory, global, tag, element, data, local
    }

    /// An index of `space`, as a number or a name.
    mutating func parseIndex(_ space: Space) throws(TextFault) -> UInt32 {
        guard let index = try takeIndex(space) else { throw cursor.unexpected("an index") }
        return index
    }

    /// An index of `space`, if there is one.
    mutating func takeIndex(_ space: Space) throws(TextFault) -> UInt32? {
        try watch.look()
        let token = cursor.token
        if token.kind == .number {
            return UInt32(
                truncatingIfNeeded: try cursor.expectUnsigned(limit: UInt64(UInt32.max), "i32"))
        }
        guard token.kind == .identifier else { return nil }
        cursor.index &+= 1
        if let index = lookUp(token.payload, space) { return index }
        throw TextFault(token, "unknown \(what(space)) \(cursor.excerpt(token))")
    }

    private mutating func lookUp(_ symbol: UInt32, _ space: Space) -> UInt32? {
        switch space {
        case .type: types.index(symbol)
        case .function: functions.index(symbol)
        case .table: tables.index(symbol)
        case .memory: memories.index(symbol)
        case .global: globals.index(symbol)
        case .tag: tags.index(symbol)
        case .element: elements.index(symbol)
        case .data: data.index(symbol)
        case .local: locals.index(symbol)
        }
    }

    mutating func what(_ space: Space) -> String {
        switch space {
        case .type: types.what
        case .function: functions.what
        case .table: tables.what
        case .memory: memories.what
        case .global: globals.what
        case .tag: tags.what
        case .element: elements.what
        case .data: data.what
        case .local: locals.what
        }
    }

    /// Adds a thing to `space`, with the identifier and the name annotation that come next.
    mutating func declare(_ space: Space) throws(TextFault) {
        let token = cursor.token
        let symbol = cursor.takeIdentifier()
        let name = try takeNameAnnotation()
        let isNew =
            switch space {
            case .type: types.add(symbol, name: name)
            case .function: functions.add(symbol, name: name)
            case .table: tables.add(symbol, name: name)
            case .memory: memories.add(symbol, name: name)
            case .global: globals.add(symbol, name: name)
            case .tag: tags.add(symbol, name: name)
            case .element: elements.add(symbol, name: name)
            case .data: data.add(symbol, name: name)
            case .local: locals.add(symbol, name: name)
            }
        guard isNew else {
            let kind = space == .function ? "func" : what(space)
            throw TextFault(token, "duplicate \(kind) \(cursor.excerpt(token))")
        }
    }

    /// Adds a local without an identifier; an annotation may name it.
    mutating func declareUnnamedLocal() throws(TextFault) {
        _ = locals.add(nil, name: try takeNameAnnotation())
    }

    // MARK: Places

    /// The token that stands for the present field, if places are kept.
    var fieldToken: UInt32? {
        mutating get { keepsPlaces ? UInt32(truncatingIfNeeded: fieldStart) : nil }
    }

    /// Notes that what is written to `code` next comes from `token`.
    @inline(__always)
    mutating func mark(_ token: Int) {
        if keepsPlaces {
            codeMarks.append(PlaceMark(code.count, UInt32(truncatingIfNeeded: token)))
        }
    }
}
