// Consumes: the bytes of any module, valid or not. Made of it: a text that is parsed to the same
// bytes, as far as the encoding leaves no choice.

internal import ApusCollections
internal import ApusFormat

/// Prints a module as text, straight from its bytes, so that modules print which use features
/// that nothing else here knows yet.
struct ModulePrinter {
    let bytes: ByteStorage
    let window: ByteWindow
    var names = NameSection()
    var output: [UInt8] = []

    /// A defined type, as far as others need it.
    struct TypeShape {
        var isFunction = false
        var parameters: [String] = []
        var results: [String] = []
    }
    var types: [TypeShape] = []
    /// Type index of each defined function.
    var functionTypes: [UInt32] = []
    var hints: [UInt32: [Int: UInt8]] = [:]
    var counts = ModuleParser.Counts()
    /// How many functions have been printed with their code.
    var definedFunctionCount = 0
    /// The bodies of the functions that have code, if they are to be printed one by one.
    private(set) var bodies: [ByteReader] = []
    /// Where in the output lines begin that are instructions, and at which bytes of the module
    /// these are, if somebody wants to know.
    var places: [(start: Int, offset: Int)] = []
    /// Likewise, where lines begin that are the heads of functions, and where their bodies are.
    var heads: [(start: Int, offset: Int)] = []
    let keepsPlaces: Bool

    private struct Part {
        var section: Section
        /// The section before it, custom ones not counted.
        var previous: Section?
        var isAfterNames = false
        var reader: ByteReader
        /// Of a custom section directly before the code: that.
        var code: ByteReader?
    }

    private init(_ bytes: ByteStorage, keepsPlaces: Bool = false) {
        self.bytes = bytes
        self.keepsPlaces = keepsPlaces
        window = ByteWindow(bytes)
    }

    /// The text of the module `bytes`.
    ///
    /// - Throws: `ModuleError` if its sections or instructions cannot be read.
    static func print(_ bytes: ByteStorage) throws(ModuleError) -> String {
        var printer = ModulePrinter(bytes)
        try printer.printModule()
        return String(decoding: printer.output, as: UTF8.self)
    }

    /// The text of the module `bytes`, and what is on its lines.
    ///
    /// - Throws: As `print(_:)`.
    static func printWithPlaces(_ bytes: ByteStorage) throws(ModuleError) -> PrintedModule {
        var printer = ModulePrinter(bytes, keepsPlaces: true)
        try printer.printModule()
        return PrintedModule(printer.output, printer.heads + printer.places)
    }

    /// What prints functions of the module `bytes` one by one: see `printFunction(at:)`.
    ///
    /// - Throws: `ModuleError` if what functions are printed with cannot be read.
    init(functionsOf bytes: ByteStorage) throws(ModuleError) {
        self.init(bytes, keepsPlaces: true)
        var reader = try Self.readHeader(bytes)
        for part in try readSections(&reader) {
            var entries = part.reader
            switch part.section {
            case .type, .import, .function:
                for index in 0..<(try entries.readUnsigned32()) {
                    try printEntry(part.section, index, &entries)
                }
            case .code:
                for _ in 0..<(try entries.readUnsigned32()) {
                    bodies.append(try entries.readPart(try entries.readUnsigned32()))
                }
            case .custom: _ = try takeHints(part)
            case .table, .memory, .global, .export, .start, .element, .data, .dataCount, .tag: break
            }
        }
        try checkFunctionCount(bodies.count, reader)
    }

    /// How many functions are imported, once imports have been printed.
    var importCount: Int { Int(counts.functions) - definedFunctionCount }

    /// Prints nothing but the function whose body is at `place` among `bodies`.
    mutating func printFunction(at place: Int) throws(ModuleError) {
        output.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        heads.removeAll(keepingCapacity: true)
        let index = UInt32(truncatingIfNeeded: importCount + place)
        try printFunction(index, functionTypes[place], bodies[place])
    }

    // MARK: Writing

    mutating func write(_ text: String) { output.append(contentsOf: text.utf8) }

    /// A line that is indented by `depth` steps.
    mutating func line(_ text: String, _ depth: Int = 1) throws(ModuleError) {
        try checkLength(with: text.utf8.count)
        // Deep nesting must not make the text grow with the square of the depth.
        for _ in 0..<min(depth, 30) { write("  ") }
        write(text)
        output.append(0x0A)
    }

    /// A module of a few bytes can declare more parameters and locals than anyone wants to see as
    /// text, and name what has a long name once for each byte: beyond so many times its own size,
    /// and some, it is refused.
    private static var mostTextPerByte: Int { 256 }
    private static var mostTextOfSmall: Int { 16 << 20 }

    /// Refuses a text that `count` more bytes make too long. Whatever puts a list together asks
    /// before it is longer than a text may be.
    func checkLength(with count: Int) throws(ModuleError) {
        let limit = bytes.count * Self.mostTextPerByte + Self.mostTextOfSmall
        guard count <= limit - output.count else {
            throw ModuleError(
                .limit, at: bytes.count,
                "the text is more than \(Self.mostTextPerByte) times as large as the module")
        }
    }

    func malformed(_ reader: ByteReader, _ message: String) -> ModuleError {
        ModuleError(.malformed, at: reader.position, message)
    }

    // MARK: Sections

    private mutating func printModule() throws(ModuleError) {
        var reader = try Self.readHeader(bytes)
        let parts = try readSections(&reader)
        let name = names.module.map { moduleName($0) } ?? ""
        write("(module\(name)\n")
        if names.unknownCount > 0 {
            try line(
                ";; of the name section: \(names.unknownCount) subsections of unknown kinds, with "
                    + "\(names.unknownBytes) bytes, are not in this text")
        }
        for part in parts { try print(part) }
        try checkFunctionCount(definedFunctionCount, reader)
        write(")\n")
    }

    /// What comes behind the magic number and the version.
    private static func readHeader(_ bytes: ByteStorage) throws(ModuleError) -> ByteReader {
        var reader = ByteReader(bytes)
        guard try reader.readWord32() == 0x6D73_6100 else {
            throw ModuleError(.malformed, at: 0, "magic header not detected")
        }
        try reader.readVersion()
        return reader
    }

    private func checkFunctionCount(_ count: Int, _ reader: ByteReader) throws(ModuleError) {
        guard count == functionTypes.count else {
            throw malformed(reader, "function and code section have inconsistent lengths")
        }
    }

    private func moduleName(_ name: String) -> String {
        name.isEmpty ? " (@name \"\")" : " " + PrintedText.identifier(name)
    }

    /// Takes the sections apart, and reads the names that others are printed with.
    private mutating func readSections(_ reader: inout ByteReader) throws(ModuleError) -> [Part] {
        var parts: [Part] = []
        var previous: Section?
        // Names that other sections follow could not be written again where they are.
        var firstLast = 0
        while !reader.isAtEnd {
            let start = reader
            guard let section = Section(rawValue: try reader.readByte()) else {
                throw malformed(start, "malformed section id")
            }
            let part = try reader.readPart(try reader.readUnsigned32())
            if section != .custom {
                guard section.rank > previous?.rank ?? 0 else {
                    throw malformed(start, "unexpected content after last section")
                }
                previous = section
                firstLast = parts.count + 1
                if section == .code, !parts.isEmpty { parts[parts.count - 1].code = part }
            }
            parts.append(Part(section: section, previous: previous, reader: part))
        }
        try takeNames(&parts, from: firstLast)
        return parts
    }

    /// Reads the first name section of `parts` from index `first` on, which is none of them any
    /// more then.
    private mutating func takeNames(
        _ parts: inout [Part], from first: Int
    ) throws(ModuleError) {
        for index in first..<parts.count {
            var reader = parts[index].reader
            guard try reader.readName() == "name", let names = try? NameSection(reader) else {
                continue
            }
            self.names = names
            parts.remove(at: index)
            for later in index..<parts.count { parts[later].isAfterNames = true }
            return
        }
    }

    /// Reads branch hints, if it is they that `part` holds, and they can be written where the
    /// instructions are that they are of.
    private mutating func takeHints(_ part: Part) throws(ModuleError) -> Bool {
        guard let code = part.code else { return false }
        var reader = part.reader
        guard try reader.readName() == Annotation.Kind.branchHint.name,
            let hints = readHints(reader), areWritable(hints, in: code)
        else { return false }
        self.hints = hints
        return true
    }

    private mutating func print(_ part: Part) throws(ModuleError) {
        var reader = part.reader
        switch part.section {
        case .custom:
            if try takeHints(part) { return }
            try printCustom(&reader, part.previous, isLast: part.isAfterNames)
        case .start: try line("(start \(names.functions.reference(try reader.readUnsigned32())))")
        case .dataCount: _ = try reader.readUnsigned32()
        case .type, .import, .function, .table, .memory, .global, .export, .element, .code, .data,
            .tag:
            for index in 0..<(try reader.readUnsigned32()) {
                try printEntry(part.section, index, &reader)
            }
        }
        guard reader.isAtEnd else { throw malformed(reader, "section size mismatch") }
    }

    private mutating func printEntry(
        _ section: Section, _ index: UInt32, _ reader: inout ByteReader
    ) throws(ModuleError) {
        switch section {
        case .type: try printTypeEntry(&reader)
        case .import: try printImport(&reader)
        case .function: functionTypes.append(try reader.readUnsigned32())
        case .table: try printTable(&reader)
        case .memory:
            let name = names.memories.definition(counts.memories)
            counts.memories &+= 1
            try line("(memory \(name) \(try limits(&reader)))")
        case .tag:
            let name = names.tags.definition(counts.tags)
            counts.tags &+= 1
            try line("(tag \(name) \(try tagType(&reader)))")
        case .global:
            let name = names.globals.definition(counts.globals)
            counts.globals &+= 1
            let type = try globalType(&reader)
            try line("(global \(name) \(type) \(try constant(&reader)))")
        case .export: try printExport(&reader)
        case .element: try printElements(index, &reader)
        case .code: try printFunction(&reader)
        case .data: try printData(index, &reader)
        case .custom, .start, .dataCount: break
        }
    }

    /// The keyword that stands for a section in the placement of custom sections.
    private static func keyword(_ section: Section) -> String {
        switch section {
        case .custom: "last"
        case .type: "type"
        case .import: "import"
        case .function: "func"
        case .table: "table"
        case .memory: "memory"
        case .global: "global"
        case .export: "export"
        case .start: "start"
        case .element: "elem"
        case .code: "code"
        case .data: "data"
        case .dataCount: "datacount"
        case .tag: "tag"
        }
    }

    private mutating func printCustom(
        _ reader: inout ByteReader, _ previous: Section?, isLast: Bool
    ) throws(ModuleError) {
        let name = try reader.readName()
        let contents = try reader.readBytes(reader.remaining)
        write("  (@custom \(PrintedText.string(name))")
        if !isLast {
            write(previous.map { " (after \(Self.keyword($0)))" } ?? " (before first)")
        }
        write(" ")
        PrintedText.append(window, contents, to: &output)
        write(")\n")
    }
}
