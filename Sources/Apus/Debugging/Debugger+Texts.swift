internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat

/// Values as people read and write them.
extension Debugger.Variable {
    /// Its value, shortened if it is long.
    public var text: String { text(depth: 0) }

    private func text(depth: Int) -> String {
        guard let type else { return value.map { "\($0)" } ?? "<unknown type>" }
        guard place != nil else { return "<optimized out>" }
        switch type.kind {
        case .structure: return structureText(type, depth)
        case .array(let count): return arrayText(count, depth)
        case .other: return value.map { "\($0)" } ?? bytesText(type)
        default: return number.map { scalarText(type, $0) } ?? "<not accessible>"
        }
    }

    private func scalarText(_ type: SourceType, _ number: UInt64) -> String {
        switch type.kind {
        case .boolean: return number == 0 ? "false" : number == 1 ? "true" : "\(number)"
        case .signed: return signedNumber.map { "\($0)" } ?? "\(number)"
        case .float:
            return type.byteCount == 4
                ? "\(Float(bitPattern: UInt32(truncatingIfNeeded: number)))"
                : "\(Double(bitPattern: number))"
        case .character(let isSigned):
            let shown = isSigned ? signedNumber.map { "\($0)" } ?? "" : "\(number)"
            guard number >= 0x20, number < 0x7F else { return shown }
            return "\(shown) '\(Character(Unicode.Scalar(UInt8(number))))'"
        case .pointer, .reference:
            let address = "0x" + String(number, radix: 16)
            return stringBehind(number).map { "\(address) \($0)" } ?? address
        case .enumeration: return enumerator(type, number)
        case .unsigned, .structure, .array, .other: return "\(number)"
        }
    }

    private func enumerator(_ type: SourceType, _ number: UInt64) -> String {
        let bits = UInt64(8 * min(type.byteCount, 8))
        let mask = bits >= 64 ? UInt64.max : 1 << bits - 1
        let name = type.enumerators.first { $0.value & mask == number & mask }?.name
        return name.map { "\($0) (\(number))" } ?? "\(number)"
    }

    /// The text that a pointer to letters points to.
    private func stringBehind(_ number: UInt64) -> String? {
        guard number != 0, let element = type?.element.flatMap({ frame.type($0) }),
            case .character = element.kind, element.byteCount == 1
        else { return nil }
        return string(at: frame.address(number), limit: Self.stringLimit)
    }

    private static var stringLimit: Int { 200 }
    private static var shownParts: Int { 8 }

    /// The text that begins at `address` and ends with a zero, or after `limit` bytes.
    private func string(at address: UInt64, limit: Int) -> String? {
        guard let memory = frame.state?.memories.first else { return nil }
        var bytes: [UInt8] = []
        while bytes.count < limit,
            let byte = try? memory.number(at: address &+ UInt64(bytes.count)) as UInt8, byte != 0
        {
            bytes.append(byte)
        }
        let isWhole = bytes.count < limit
        let text = String(decoding: bytes, as: UTF8.self)
        return Self.quoted(text) + (isWhole ? "" : "…")
    }

    private static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.map { scalar in
            PrintableText.isPrintable(scalar) ? String(scalar) : PrintableText.escape(scalar)
        }
        return "\"" + shown.joined() + "\""
    }

    private func structureText(_ type: SourceType, _ depth: Int) -> String {
        if depth > 1 { return "{…}" }
        var shown = parts(0..<Self.shownParts).map { part in
            part.name.isEmpty
                ? part.text(depth: depth + 1)
                : "\(part.name) = \(part.text(depth: depth + 1))"
        }
        if type.members.count > Self.shownParts { shown.append("…") }
        return "{" + shown.joined(separator: ", ") + "}"
    }

    private func arrayText(_ count: UInt64, _ depth: Int) -> String {
        if let element = type?.element.flatMap({ frame.type($0) }), case .character = element.kind,
            element.byteCount == 1, case .memory(let address)? = place
        {
            let limit = Int(clamping: min(count, UInt64(Self.stringLimit)))
            if let text = string(at: address, limit: limit) { return text }
        }
        if depth > 1 { return "{…}" }
        var shown = parts(0..<Self.shownParts).map { $0.text(depth: depth + 1) }
        if count > UInt64(Self.shownParts) { shown.append("…") }
        return "{" + shown.joined(separator: ", ") + "}"
    }

    private func bytesText(_ type: SourceType) -> String {
        guard case .memory(let address)? = place, type.byteCount > 0,
            let bytes = frame.state?.memories.first?.read(
                Int(clamping: min(type.byteCount, 16)), at: address)
        else { return number.map { "0x" + String($0, radix: 16) } ?? "<not accessible>" }
        return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined(separator: " ")
    }

    /// Gives it the value that `text` says: a number, a letter in quotes, `true` or `false`, the
    /// name of an enumerator, or an expression with such a value.
    ///
    /// - Throws: `VariableError` if it is none for its type, or the variable cannot be changed.
    public func set(_ text: String) throws {
        guard let type else { throw Debugger.VariableError.isFixed(name) }
        let value: Debugger.Operand
        if let known = type.enumerators.first(where: { $0.name == text }) {
            value = .integer(Int64(bitPattern: known.value))
        } else {
            value = try frame.operand(text)
        }
        guard let bits = value.bits(of: type) else { throw Debugger.VariableError.isNoValue(text) }
        guard setNumber(bits) else { throw Debugger.VariableError.isFixed(name) }
    }
}
