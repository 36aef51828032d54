internal import ApusCollections

/// Reads as much of JSON as a source map needs, and skips the rest.
struct JSONScanner {
    private let text: [UInt8]
    private var place = 0

    /// What a source map is made of.
    struct Fields {
        var root = ""
        var sources: [String] = []
        /// Where the mappings are in the text, which has no escapes there.
        var mappings = 0..<0
    }

    /// Deeper ones are none of ours.
    private static var depthLimit: Int { 64 }

    init(_ text: [UInt8]) { self.text = text }

    /// The fields of the map that the text is; nil if it is none.
    mutating func sourceMap() -> Fields? {
        var fields = Fields()
        var hasMappings = false
        guard skip("{") else { return nil }
        if skip("}") { return nil }
        repeat {
            guard let key = string(), skip(":") else { return nil }
            switch key {
            case "mappings":
                guard let range = stringRange() else { return nil }
                fields.mappings = range
                hasMappings = true
            case "sourceRoot":
                // It may be null.
                if let root = string() { fields.root = root } else if !skipValue() { return nil }
            case "sources":
                guard let sources = strings() else { return nil }
                fields.sources = sources
            default:
                guard skipValue() else { return nil }
            }
        } while skip(",")
        return skip("}") && hasMappings ? fields : nil
    }

    private mutating func skipSpace() {
        while place < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < text.count, text[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    /// An array of strings, of which some may be null.
    private mutating func strings() -> [String]? {
        guard skip("[") else { return nil }
        var strings: [String] = []
        if skip("]") { return strings }
        repeat {
            if let string = string() {
                strings.append(string)
            } else {
                guard skipValue() else { return nil }
                strings.append("?")
            }
        } while skip(",")
        return skip("]") ? strings : nil
    }

    /// What is between the quotes of the string that comes next; nil if none does.
    private mutating func stringRange() -> Range<Int>? {
        guard skip("\"") else { return nil }
        let start = place
        while place < text.count {
            if text[place] == UInt8(ascii: "\"") {
                place += 1
                return start..<place - 1
            }
            place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    private mutating func string() -> String? {
        guard let range = stringRange(), range.upperBound <= text.count else { return nil }
        guard text[range].contains(UInt8(ascii: "\\")) else {
            return String(decoding: text[range], as: UTF8.self)
        }
        return Self.unescaped(text[range])
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        var units: [UInt16] = []
        var rest = Array(String(decoding: bytes, as: UTF8.self).utf16)[...]
        let backslash = UInt16(UInt8(ascii: "\\"))
        while let unit = rest.popFirst() {
            guard unit == backslash, let escape = rest.popFirst() else {
                units.append(unit)
                continue
            }
            switch UInt8(truncatingIfNeeded: escape) {
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "u"):
                let digits = String(decoding: rest.prefix(4), as: UTF16.self)
                units.append(UInt16(digits, radix: 16) ?? 0xFFFD)
                rest = rest.dropFirst(4)
            default: units.append(escape)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Skips whatever comes next, however deep; false if it is no value.
    private mutating func skipValue() -> Bool {
        var depth = 0
        repeat {
            skipSpace()
            guard place < text.count else { return false }
            switch text[place] {
            case UInt8(ascii: "\""):
                if stringRange() == nil { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                place += 1
                if depth > Self.depthLimit { return false }
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return false }
                depth -= 1
                place += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                if depth == 0 { return false }
                place += 1
                continue
            default: skipWord()
            }
        } while depth > 0
        return true
    }

    /// Skips a number or a name.
    private mutating func skipWord() {
        let ends = Array(",:]}[{\" \n\r\t".utf8)
        while place < text.count, !ends.contains(text[place]) { place += 1 }
    }
}
