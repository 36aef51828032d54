public import ApusCollections
public import ApusFormat

/// The text format of WebAssembly. Specification: 6 “Text Format”.
public enum TextFormat {
    /// The binary form of the module that `text` is. It is not validated.
    ///
    /// - Throws: `TextError` if the text does not follow the format.
    public static func parseModule(_ text: ByteStorage) throws(TextError) -> [UInt8] {
        let source = SourceText(text)
        do throws(TextFault) {
            var parser = ModuleParser(try Lexer.tokenize(source))
            return try parser.parseFile()
        } catch {
            throw source.error(error)
        }
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

    /// The text of function `index` of the module whose binary form is `module`, as `print(_:)` has
    /// it; nil if the module has no code for such a function.
    ///
    /// - Throws: As `print(_:)`.
    public static func print(
        function index: UInt32, of module: ByteStorage
    ) throws(ModuleError) -> String? {
        try ModulePrinter.print(function: index, of: module)
    }

    /// Whether `bytes` are not a module in binary form, hence perhaps one in text form.
    public static func isText(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 4 else { return bytes.count > 0 && bytes[0] != 0 }
        return !(bytes[0] == 0 && bytes[1] == 0x61 && bytes[2] == 0x73 && bytes[3] == 0x6D)
    }
}
