internal import ApusCollections
internal import ApusFormat

/// Parses scripts. A module in text form that is not one is a fault of that module only.
struct ScriptParser: ~Copyable {
    private let text: TokenizedText
    private var cursor: TokenCursor
    private var modules: ModuleParser
    private let lines: LineIndex

    init(_ text: TokenizedText) {
        self.text = text
        cursor = TokenCursor(text)
        modules = ModuleParser(text)
        lines = LineIndex(text.source)
    }

    mutating func parse() throws(TextFault) -> Script {
        if Self.fields.contains(where: { cursor.openingKeyword == $0 }) {
            let line = lineOfNextToken()
            let module = Script.Module(name: nil, form: .text(try parseFields(name: nil)))
            guard cursor.kind == .end else { throw cursor.unexpected("the end of the text") }
            return Script(commands: [.init(line: line, action: .module(module))])
        }
        let commands = try parseCommands(inThread: false)
        guard cursor.kind == .end else { throw cursor.unexpected("a command") }
        return Script(commands: commands)
    }

    /// What a script begins with that is one module without `(module`.
    private static let fields: [Keyword] = [
        .type, .rec, .import, .func, .table, .memory, .global, .tag, .export, .start, .elem, .data,
    ]

    private func lineOfNextToken() -> Int { lines.position(Int(cursor.token.start)).line }

    private mutating func parseCommands(inThread: Bool) throws(TextFault) -> [Script.Command] {
        var commands: [Script.Command] = []
        while cursor.isAtOpening {
            let line = lineOfNextToken()
            let keyword = cursor.openingKeyword
            let action = try parseCommand(keyword, inThread: inThread)
            commands.append(.init(line: line, action: action))
        }
        return commands
    }

    private mutating func parseCommand(
        _ keyword: Keyword?, inThread: Bool
    ) throws(TextFault) -> Script.CommandKind {
        let start = cursor.index
        cursor.index &+= 2
        let command: Script.CommandKind
        switch keyword {
        case .module: return try parseModuleCommand()
        case .register:
            command = .register(name: try parseName(), instance: takeName())
        case .invoke, .get:
            cursor.index = start
            return .action(try parseAction())
        case .assertReturn: command = .assertReturn(try parseAction(), try parsePatterns())
        case .assertTrap:
            command =
                cursor.isAtOpening(.module)
                ? .assertModuleTrap(try parseModule(), try parseName())
                : .assertTrap(try parseAction(), try parseName())
        case .assertExhaustion: command = .assertExhaustion(try parseAction(), try parseName())
        case .assertException: command = .assertException(try parseAction())
        case .assertInvalid: command = .assertInvalid(try parseModule(), try parseName())
        case .assertMalformed: command = .assertMalformed(try parseModule(), try parseName())
        case .assertUnlinkable: command = .assertUnlinkable(try parseModule(), try parseName())
        case .assertInvalidCustom:
            command = .assertInvalidCustom(try parseModule(), try parseName())
        case .assertMalformedCustom:
            command = .assertMalformedCustom(try parseModule(), try parseName())
        case .thread where !inThread: command = try parseThread()
        case .wait: command = .wait(takeName() ?? "")
        default:
            cursor.index = start &+ 1
            throw cursor.unexpected("a command")
        }
        try cursor.expectClosing()
        return command
    }

    /// `(shared (module $name))` each, then commands.
    private mutating func parseThread() throws(TextFault) -> Script.CommandKind {
        let name = takeName() ?? ""
        var shared: [String] = []
        while cursor.take(opening: .shared) {
            try cursor.expect(opening: .module)
            shared.append(takeName() ?? "")
            try cursor.expectClosing()
            try cursor.expectClosing()
        }
        return .thread(name: name, shared: shared, try parseCommands(inThread: true))
    }

    // MARK: Modules

    /// The name that an identifier stands for, if there is one.
    private mutating func takeName() -> String? {
        cursor.takeIdentifier().map { text.symbols.name($0) }
    }

    private mutating func parseName() throws(TextFault) -> String {
        String(decoding: try cursor.expectString(), as: UTF8.self)
    }

    /// `(module …)` as a command of its own. Its keyword has been taken.
    private mutating func parseModuleCommand() throws(TextFault) -> Script.CommandKind {
        if cursor.take(.instance) {
            let command = Script.CommandKind.instance(name: takeName(), definition: takeName())
            try cursor.expectClosing()
            return command
        }
        if cursor.take(.definition) { return .definition(try parseModuleContents()) }
        return .module(try parseModuleContents())
    }

    private mutating func parseModule() throws(TextFault) -> Script.Module {
        try cursor.expect(opening: .module)
        _ = cursor.take(.definition)
        return try parseModuleContents()
    }

    /// What follows `(module`, with the closing parenthesis.
    private mutating func parseModuleContents() throws(TextFault) -> Script.Module {
        let symbol = cursor.takeIdentifier()
        let name = symbol.map { text.symbols.name($0) }
        let form: Script.Module.Form
        if cursor.take(.binary) {
            form = .binary(parseStrings())
        } else if cursor.take(.quote) {
            form = .quote(parseStrings())
        } else {
            form = .text(try parseFields(name: symbol))
        }
        try cursor.expectClosing()
        return Script.Module(name: name, form: form)
    }

    private mutating func parseStrings() -> [UInt8] {
        var bytes: [UInt8] = []
        while cursor.kind == .string {
            StringLiteral.append(text.source.window, cursor.token.range, to: &bytes)
            cursor.index &+= 1
        }
        return bytes
    }

    /// The fields of a module, up to what closes it.
    private mutating func parseFields(
        name: UInt32?
    ) throws(TextFault) -> Result<[UInt8], TextError> {
        modules.cursor.index = cursor.index
        var result: Result<[UInt8], TextError>
        do throws(TextFault) {
            result = .success(try modules.parseFields(name: name))
        } catch {
            result = .failure(text.source.error(error, lines))
        }
        while cursor.isAtOpening { cursor.skipGroup() }
        if !cursor.isAtClosing, cursor.kind != .end, case .success = result {
            throw cursor.unexpected("a module field")
        }
        while !cursor.isAtClosing, cursor.kind != .end {
            if cursor.isAtOpening { cursor.skipGroup() } else { cursor.advance() }
        }
        return result
    }

    // MARK: Actions and values

    private mutating func parseAction() throws(TextFault) -> Script.Action {
        let isCall = cursor.isAtOpening(.invoke)
        guard isCall || cursor.isAtOpening(.get) else { throw cursor.unexpected("(invoke or (get") }
        cursor.index &+= 2
        let instance = takeName()
        let name = try parseName()
        var arguments: [Script.Constant] = []
        while isCall, cursor.isAtOpening { arguments.append(try parseConstant()) }
        try cursor.expectClosing()
        return Script.Action(
            instance: instance, name: name, arguments: isCall ? arguments : nil)
    }

    private mutating func parseConstant() throws(TextFault) -> Script.Constant {
        let keyword = cursor.openingKeyword
        try cursor.expectOpening()
        let word = cursor.excerpt(cursor.token)
        cursor.index &+= 1
        let constant: Script.Constant
        switch (word, keyword) {
        case ("i32.const", _):
            let bits = try cursor.expectInteger(bits: 32, "i32")
            constant = .i32(UInt32(truncatingIfNeeded: bits))
        case ("i64.const", _): constant = .i64(try cursor.expectInteger(bits: 64, "i64"))
        case ("f32.const", _):
            let bits = try cursor.expectFloat(.single, "f32")
            constant = .f32(bits: UInt32(truncatingIfNeeded: bits))
        case ("f64.const", _): constant = .f64(bits: try cursor.expectFloat(.double, "f64"))
        case ("v128.const", _): constant = .v128(try cursor.expectVector().bytes)
        case ("ref.null", _): constant = .null(try parseHeapType())
        case (_, .refExtern): constant = .external(try parseNumber())
        case (_, .refHost): constant = .host(try parseNumber())
        default:
            cursor.index &-= 1
            throw cursor.unexpected("a constant")
        }
        try cursor.expectClosing()
        return constant
    }

    private mutating func parseHeapType() throws(TextFault) -> HeapType {
        modules.cursor.index = cursor.index
        let type = try modules.parseHeapType()
        cursor.index = modules.cursor.index
        return type
    }

    private mutating func parseNumber() throws(TextFault) -> UInt32 {
        UInt32(
            truncatingIfNeeded: try cursor.expectUnsigned(limit: UInt64(UInt32.max), "i32"))
    }

    // MARK: Patterns

    private mutating func parsePatterns() throws(TextFault) -> [Script.Pattern] {
        var patterns: [Script.Pattern] = []
        while cursor.isAtOpening {
            if cursor.take(opening: .either) {
                var alternatives: [Script.Pattern] = []
                while cursor.isAtOpening { alternatives.append(try parsePattern()) }
                try cursor.expectClosing()
                patterns.append(.either(alternatives))
            } else {
                patterns.append(try parsePattern())
            }
        }
        return patterns
    }

    private static let references: [String: HeapType] = [
        "ref.func": .func, "ref.any": .any, "ref.eq": .eq, "ref.i31": .i31, "ref.struct": .struct,
        "ref.array": .array, "ref.exn": .exn,
    ]

    private mutating func parsePattern() throws(TextFault) -> Script.Pattern {
        try cursor.expectOpening()
        let word = cursor.excerpt(cursor.token)
        cursor.index &+= 1
        let pattern: Script.Pattern
        switch word {
        case "i32.const":
            let bits = try cursor.expectInteger(bits: 32, "i32")
            pattern = .i32(UInt32(truncatingIfNeeded: bits))
        case "i64.const": pattern = .i64(try cursor.expectInteger(bits: 64, "i64"))
        case "f32.const": pattern = .f32(try parseFloat(.single, "f32"))
        case "f64.const": pattern = .f64(try parseFloat(.double, "f64"))
        case "v128.const": pattern = .v128(lanes: try parseLanes())
        case "ref.null": pattern = .null(cursor.isAtClosing ? nil : try parseHeapType())
        case "ref.extern": pattern = .external(cursor.isAtClosing ? nil : try parseNumber())
        case "ref.host": pattern = .host(cursor.isAtClosing ? nil : try parseNumber())
        default:
            guard let heap = Self.references[word] else {
                cursor.index &-= 1
                throw cursor.unexpected("a result")
            }
            pattern = .reference(heap)
        }
        try cursor.expectClosing()
        return pattern
    }

    private mutating func parseFloat(
        _ format: FloatFormat, _ what: String
    ) throws(TextFault) -> Script.FloatPattern {
        if cursor.take(.nanCanonical) { return .canonicalNaN }
        if cursor.take(.nanArithmetic) { return .arithmeticNaN }
        return .bits(try cursor.expectFloat(format, what))
    }

    private mutating func parseLanes() throws(TextFault) -> [Script.FloatPattern] {
        guard let syntax = LaneSyntax(cursor.keyword) else {
            throw cursor.unexpected("the shape of a vector")
        }
        cursor.index &+= 1
        var lanes: [Script.FloatPattern] = []
        for _ in 0..<syntax.count {
            if let format = syntax.format {
                lanes.append(try parseFloat(format, syntax.what))
            } else {
                lanes.append(.bits(try cursor.expectLane(syntax)))
            }
        }
        return lanes
    }
}
