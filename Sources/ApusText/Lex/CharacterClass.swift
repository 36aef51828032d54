internal import ApusCollections

/// What the bytes of a text mean outside of strings and comments.
struct CharacterClass: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8

    /// May be part of a word. Specification: 6.3.5 “idchar”.
    static let word = CharacterClass(rawValue: 1)
    static let space = CharacterClass(rawValue: 2)
    static let digit = CharacterClass(rawValue: 4)
    static let hexadecimalDigit = CharacterClass(rawValue: 8)
    /// May be part of a string as it is.
    static let string = CharacterClass(rawValue: 16)
    /// Admitted in annotations only.
    static let annotationMark = CharacterClass(rawValue: 32)

    /// Whether it has all that `other` has. With the one that all sets have, builds for debugging
    /// take half as long again to read texts.
    @inline(__always)
    func contains(_ other: CharacterClass) -> Bool { rawValue & other.rawValue == other.rawValue }

    static let table = ConstantTable<CharacterClass> { byte in
        var classes: CharacterClass = []
        let marks = "!#$%&'*+-./:<=>?@\\^_`|~".utf8
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): classes = [.word, .digit, .hexadecimalDigit]
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
            classes = [.word, .hexadecimalDigit]
        case UInt8(ascii: "g")...UInt8(ascii: "z"), UInt8(ascii: "G")...UInt8(ascii: "Z"):
            classes = .word
        case 0x20, 0x09, 0x0A, 0x0D: classes = .space
        default: if marks.contains(byte) { classes = .word }
        }
        if ",;[]{}".utf8.contains(byte) { classes.insert(.annotationMark) }
        if byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            classes.insert(.string)
        }
        return classes
    }
}
