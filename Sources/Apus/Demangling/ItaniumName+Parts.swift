internal import ApusCollections

// The smallest parts of C++'s names.

extension ItaniumName {
    /// A part of a name; a constructor is called as the class `scope` is.
    mutating func unqualifiedName(within scope: String?) throws(DemanglingFailure) -> Name {
        // Names that are local to a file are marked.
        _ = reader.skip("L")
        guard let next = reader.next else { throw .unknown }
        var name: Name
        switch next {
        case 0x30...0x39: name = Name(text: try sourceName())
        case UInt8(ascii: "C"), UInt8(ascii: "D"):
            guard let scope, let kind = reader.peek(1), MangledReader.isDigit(kind) else {
                throw .unknown
            }
            reader.position += 2
            let class_ = Self.lastPart(of: scope)
            name = Name(text: next == UInt8(ascii: "C") ? class_ : "~" + class_)
            name.hasNoResult = true
        case UInt8(ascii: "U"): name = Name(text: try unnamedType())
        default: name = try operatorName()
        }
        while reader.skip("B") { name.text = try made("\(name.text)[abi:\(sourceName())]") }
        return name
    }

    private mutating func sourceName() throws(DemanglingFailure) -> String {
        let bytes = try reader.piece(reader.number())
        if bytes.starts(with: "_GLOBAL__N".utf8) { return "(anonymous namespace)" }
        if bytes.isEmpty { throw .unknown }
        return try made(String(decoding: bytes, as: UTF8.self))
    }

    /// A lambda, or a type without a name.
    private mutating func unnamedType() throws(DemanglingFailure) -> String {
        if reader.skip("Ut") { return "{unnamed type#\(try ordinal())}" }
        guard reader.skip("Ul") else { throw .unknown }
        var texts: [String] = []
        while !reader.skip("E") { texts.append(try type().text) }
        let parameters = texts == ["void"] ? "" : texts.joined(separator: ", ")
        return try made("{lambda(\(parameters))#\(ordinal())}")
    }

    /// `_` is 1, `0_` is 2, and so on.
    private mutating func ordinal() throws(DemanglingFailure) -> Int {
        if reader.skip("_") { return 1 }
        let number = try reader.number()
        guard reader.skip("_") else { throw .unknown }
        return number + 2
    }

    /// The last part of `name`, without its template's arguments.
    private static func lastPart(of name: String) -> String {
        var depth = 0
        var part: [UInt8] = []
        for byte in name.utf8 {
            if byte == UInt8(ascii: "<") { depth += 1 }
            if depth == 0 {
                part.append(byte)
                if part.suffix(2).elementsEqual("::".utf8) { part = [] }
            }
            if byte == UInt8(ascii: ">"), depth > 0 { depth -= 1 }
        }
        let text = String(decoding: part, as: UTF8.self)
        // The standard's own short names.
        switch name {
        case "std::string": return "basic_string"
        case "std::istream", "std::ostream", "std::iostream":
            return "basic_" + text
        default: return text
        }
    }

    private mutating func operatorName() throws(DemanglingFailure) -> Name {
        if reader.skip("cv") {
            var name = Name(text: try made("operator " + type().text))
            name.hasNoResult = true
            return name
        }
        if reader.skip("li") { return Name(text: try made("operator\"\" " + sourceName())) }
        let code = try reader.piece(2)
        guard let symbol = Self.operators[String(decoding: code, as: UTF8.self)] else {
            throw .unknown
        }
        return Name(text: "operator" + symbol)
    }

    private static let operators: [String: String] = [
        "nw": " new", "na": " new[]", "dl": " delete", "da": " delete[]", "aw": " co_await",
        "ps": "+", "ng": "-", "ad": "&", "de": "*", "co": "~", "pl": "+", "mi": "-", "ml": "*",
        "dv": "/", "rm": "%", "an": "&", "or": "|", "eo": "^", "aS": "=", "pL": "+=", "mI": "-=",
        "mL": "*=", "dV": "/=", "rM": "%=", "aN": "&=", "oR": "|=", "eO": "^=", "ls": "<<",
        "rs": ">>", "lS": "<<=", "rS": ">>=", "eq": "==", "ne": "!=", "lt": "<", "gt": ">",
        "le": "<=", "ge": ">=", "ss": "<=>", "nt": "!", "aa": "&&", "oo": "||", "pp": "++",
        "mm": "--", "cm": ",", "pm": "->*", "pt": "->", "cl": "()", "ix": "[]", "qu": "?",
    ]

    // MARK: Templates

    /// A template's arguments in angle brackets. Types refer to those of the outermost name.
    mutating func arguments(_ isOutermost: Bool) throws(DemanglingFailure) -> String {
        guard reader.skip("I") else { throw .unknown }
        let outer = isExpanding
        isExpanding = false
        var arguments: [ItaniumType] = []
        while !reader.skip("E") {
            let argument = try argument()
            // Nobody else has the array while it grows, or each argument would copy all before.
            if isOutermost { templateArguments = [] }
            arguments.append(argument)
            if isOutermost { templateArguments = arguments }
        }
        isExpanding = outer
        let texts = arguments.map(\.text).filter { !$0.isEmpty }.joined(separator: ", ")
        return try made("<" + texts + ">")
    }

    private mutating func argument() throws(DemanglingFailure) -> ItaniumType {
        try reader.enter()
        defer { reader.leave() }
        if reader.skip("J") {
            var types: [ItaniumType] = []
            while !reader.skip("E") { types.append(try argument()) }
            return try made(ItaniumType(pack: types))
        }
        if reader.skip("L") { return ItaniumType(try literal()) }
        // Of expressions only the most frequent one is known: the address of something.
        if reader.skip("XadL_Z") {
            let text = try made("&(" + encoding() + ")")
            guard reader.skip("EE") else { throw .unknown }
            return ItaniumType(text)
        }
        return try type()
    }

    private static let suffixes: [UInt8: String] = [
        0x69: "", 0x6A: "u", 0x6C: "l", 0x6D: "ul", 0x78: "ll", 0x79: "ull",
    ]

    private mutating func literal() throws(DemanglingFailure) -> String {
        if reader.skip("_Z") {
            let text = try encoding()
            guard reader.skip("E"), !text.isEmpty else { throw .unknown }
            return text
        }
        if reader.skip("DnE") || reader.skip("Dn0E") { return "nullptr" }
        if reader.skip("b0E") { return "false" }
        if reader.skip("b1E") { return "true" }
        guard let kind = reader.next else { throw .unknown }
        // Floats are written as their bits.
        if "fdeg".utf8.contains(kind) { throw .unknown }
        let type = try type().text
        let sign = reader.skip("n") ? "-" : ""
        var digits = ""
        while let byte = reader.next, MangledReader.isDigit(byte) {
            digits.append(Character(Unicode.Scalar(byte)))
            reader.position += 1
        }
        guard reader.skip("E"), !digits.isEmpty else { throw .unknown }
        if let suffix = Self.suffixes[kind] { return try made(sign + digits + suffix) }
        return try made("(\(type))\(sign)\(digits)")
    }

    /// What `T_` or its like stands for.
    mutating func templateParameter() throws(DemanglingFailure) -> ItaniumType {
        guard reader.skip("T") else { throw .unknown }
        var index = 0
        if !reader.skip("_") {
            index = try reader.number() + 1
            guard reader.skip("_") else { throw .unknown }
        }
        guard index < templateArguments.count else { throw .unknown }
        let argument = templateArguments[index]
        if argument.isPack, !isExpanding { throw .unknown }
        return argument
    }

    /// What `S_` or its like stands for.
    mutating func substitution() throws(DemanglingFailure) -> ItaniumType {
        guard reader.skip("S") else { throw .unknown }
        if let name = Self.standardNames[try reader.take()] { return ItaniumType(name) }
        reader.position -= 1
        var index = 0
        if !reader.skip("_") {
            repeat {
                let byte = try reader.take()
                let digit: UInt8
                switch byte {
                case 0x30...0x39: digit = byte - 0x30
                case 0x41...0x5A: digit = byte - 0x41 + 10
                default: throw .unknown
                }
                index = index * 36 + Int(digit)
                if index > substitutions.count { throw .unknown }
            } while !reader.skip("_")
            index += 1
        }
        guard index < substitutions.count else { throw .unknown }
        return substitutions[index]
    }

    private static let standardNames: [UInt8: String] = [
        0x61: "std::allocator", 0x62: "std::basic_string", 0x73: "std::string",
        0x69: "std::istream", 0x6F: "std::ostream", 0x64: "std::iostream",
    ]
}
