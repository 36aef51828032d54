public import ApusCollections
public import ApusFormat

/// The text format of WebAssembly. Specification: 6 “Text Format”.
public enum TextFormat {
    /// The binary form of the module that `text` is, which may have its bytes or another text in
    /// strings: `(module binary …)`, `(module quote …)`. It is not validated.
    ///
    /// - Throws: `TextError` if the text does not follow the format.
    public static func parseModule(_ text: ByteStorage) throws(TextError) -> [UInt8] {
        // Nobody stops it.
        try parseModule(text, unless: { false }) ?? []
    }

    /// As `parseModule(_:)`; nil if `isStopped`, which is asked now and then, has said so before
    /// the end.
    public static func parseModule(
        _ text: ByteStorage, unless isStopped: @escaping () -> Bool
    ) throws(TextError) -> [UInt8]? {
        let watch = TextWatch(isStopped)
        switch try parseFile(text, watch) {
        case .module(let bytes): return bytes
        case nil: return nil
        case .quotation(let quoted):
            do throws(TextError) {
                switch try parseFile(ByteStorage(quoted), watch) {
                case .module(let bytes): return bytes
                case nil: return nil
                case .quotation: break
                }
            } catch {
                var error = error
                error.message = "in the quoted module: \(error.message)"
                throw error
            }
            let fault = TextFault(0, 0, "a quoted module in a quoted module")
            throw SourceText(text).error(fault)
        }
    }

    private static func parseFile(
        _ text: ByteStorage, _ watch: TextWatch
    ) throws(TextError) -> ModuleParser.ParsedFile? {
        let source = SourceText(text)
        do throws(TextFault) {
            var parser = ModuleParser(try Lexer.tokenize(source, watch), watch)
            return try parser.parseFile()
        } catch {
            if error.isStop { return nil }
            throw source.error(error)
        }
    }

    /// The place in `text`, a module, that the byte at `offset` of its binary form comes from; nil
    /// if there is none, since the module has its bytes in strings, say, or if `isStopped` says so
    /// before it is found.
    ///
    /// The text is parsed again for that.
    public static func place(
        ofByte offset: Int, in text: ByteStorage, unless isStopped: (() -> Bool)? = nil
    ) -> TextPlace? {
        let source = SourceText(text)
        let watch = TextWatch(isStopped)
        guard let tokens = try? Lexer.tokenize(source, watch) else { return nil }
        var parser = ModuleParser(tokens, keepsPlaces: true, watch)
        guard (try? parser.parseFile()) != nil,
            let mark = parser.places.last(where: { $0.offset <= offset })
        else { return nil }
        let token = tokens.word(of: mark)
        return source.place(Int(token.start), Int(token.end), LineIndex(source))
    }

    /// Where in `text`, a module, its functions and instructions stand; nil if it does not follow
    /// the format, or has the module in strings.
    ///
    /// The text is parsed for that, and what is kept for each instruction takes more than it does
    /// in the module: to be asked only when somebody wants to know.
    public static func codePlaces(in text: ByteStorage) -> CodePlaces? {
        let source = SourceText(text)
        guard let tokens = try? Lexer.tokenize(source) else { return nil }
        var parser = ModuleParser(tokens, keepsPlaces: true)
        guard case .module(let bytes)? = try? parser.parseFile(), !parser.places.isEmpty else {
            return nil
        }
        let lines = LineIndex(source)
        var places: [CodePlaces.Place] = []
        for mark in parser.places where mark.kind != .other {
            let position = lines.position(Int(tokens.word(of: mark).start))
            places.append(
                CodePlaces.Place(
                    offset: mark.offset, line: position.line, column: position.column))
        }
        return CodePlaces(module: bytes, places: places)
    }

    /// The binary form of the module that `text` is. Throws `TextError`.
    public static func parseModule(_ text: String) throws(TextError) -> [UInt8] {
        try parseModule(ByteStorage(Array(text.utf8)))
    }

    /// The commands of the script that `text` is. Modules in it that do not follow the format are
    /// kept with their errors.
    ///
    /// - Throws: `TextError` if the script itself does not follow its grammar.
    public static func parseScript(_ text: ByteStorage) throws(TextError) -> Script {
        let source = SourceText(text)
        do throws(TextFault) {
            var parser = ScriptParser(try Lexer.tokenize(source))
            return try parser.parse()
        } catch {
            throw source.error(error)
        }
    }

    /// The module whose binary form is `module` as text: flat instructions, with the names of its
    /// name section. Parsed again, it gives the same bytes, as far as the encoding leaves no
    /// choice.
    ///
    /// - Throws: `ModuleError` if sections or instructions cannot be read. Nothing is validated.
    public static func print(_ module: ByteStorage) throws(ModuleError) -> String {
        try ModulePrinter.print(module)
    }

    /// As `print(_:)`, and what is on the text's lines.
    public static func printWithPlaces(
        _ module: ByteStorage
    ) throws(ModuleError) -> PrintedModule {
        try ModulePrinter.printWithPlaces(module)
    }

    /// The text of function `index` of the module whose binary form is `module`, as `print(_:)` has
    /// it; nil if the module has no code for such a function.
    ///
    /// - Throws: As `print(_:)`, of what the function is printed with.
    public static func print(
        function index: UInt32, of module: ByteStorage
    ) throws(ModuleError) -> String? {
        var functions = try FunctionTexts(module)
        let lines = try functions.lines(ofFunction: Int(index))
        return lines.map { lines in lines.map { $0.text + "\n" }.joined() }
    }

    /// Whether `bytes` are not a module in binary form, hence perhaps one in text form.
    public static func isText(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 4 else { return bytes.count > 0 && bytes[0] != 0 }
        return !(bytes[0] == 0 && bytes[1] == 0x61 && bytes[2] == 0x73 && bytes[3] == 0x6D)
    }
}
