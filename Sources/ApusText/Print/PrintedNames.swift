internal import ApusCollections
internal import ApusFormat

/// The identifiers that the things of one kind are printed with.
struct PrintedNames {
    private var identifiers: [UInt32: String] = [:]
    /// Names that cannot be identifiers as they are.
    private var annotations: [UInt32: String] = [:]
    private var used: Set<String> = []

    init() {}

    /// Names thing `index`. Names of one kind of thing come in ascending order of indices.
    mutating func add(_ index: UInt32, _ name: String) {
        guard PrintedText.canIdentify(name) else {
            annotations[index] = name
            return
        }
        var unique = name
        var number = 1
        while !used.insert(unique).inserted {
            // The index makes it nearly always new. Names that were made to be taken already pay
            // for each other: each of them costs one step of one thing.
            unique = number == 1 ? "\(name).\(index)" : "\(name).\(index).\(number)"
            number += 1
        }
        if unique != name { annotations[index] = name }
        identifiers[index] = PrintedText.identifier(unique)
    }

    /// How thing `index` is named where it is used.
    func reference(_ index: UInt32) -> String { identifiers[index] ?? "\(index)" }

    /// What follows the keyword where thing `index` is defined: a name, or its number as a comment.
    func definition(_ index: UInt32) -> String {
        (identifiers[index] ?? "(;\(index);)") + annotation(index)
    }

    /// The same for things whose numbers nobody asks for; begins with a space if it is not empty.
    func shortDefinition(_ index: UInt32) -> String {
        (identifiers[index].map { " " + $0 } ?? "") + annotation(index)
    }

    private func annotation(_ index: UInt32) -> String {
        annotations[index].map { " (@name \(PrintedText.string($0)))" } ?? ""
    }

    func isNamed(_ index: UInt32) -> Bool {
        identifiers[index] != nil || annotations[index] != nil
    }
}

/// Names and strings as the text format writes them.
enum PrintedText {
    /// Whether `name` is used as an identifier: not if it is empty, nor if repeating it wherever
    /// the thing is used would make a small module a large text.
    static func canIdentify(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= longestIdentifier
    }

    private static var longestIdentifier: Int { 250 }

    /// `name` as an identifier, in quotes if it must be.
    static func identifier(_ name: String) -> String {
        let classes = CharacterClass.table
        let isPlain = name.utf8.allSatisfy { classes[$0].contains(.word) }
        return isPlain ? "$" + name : "$" + string(name)
    }

    /// `text` as a string.
    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default:
                if PrintableText.isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    result += PrintableText.escape(scalar)
                }
            }
        }
        return result + "\""
    }

    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends the bytes of `text` in `range` as a string.
    static func append(_ text: ByteWindow, _ range: Range<Int>, to result: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let backslash = UInt8(ascii: "\\")
        result.append(quote)
        for index in range {
            let byte = text.byte(at: index)
            if byte >= 0x20, byte < 0x7F, byte != quote, byte != backslash {
                result.append(byte)
            } else {
                result += [backslash, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        result.append(quote)
    }

    static func float(_ bits: UInt64, _ format: FloatFormat) -> String {
        let isSingle = format.fractionBits == 23
        let sign = bits & format.sign != 0 ? "-" : ""
        let magnitude = bits & ~format.sign
        if magnitude == format.infinity { return sign + "inf" }
        if magnitude == format.canonicalNaN { return sign + "nan" }
        if magnitude > format.infinity {
            return sign + "nan:0x" + String(magnitude & ~format.infinity, radix: 16)
        }
        // The shortest decimal that is read as the same number.
        return isSingle
            ? "\(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))"
            : "\(Double(bitPattern: bits))"
    }
}
