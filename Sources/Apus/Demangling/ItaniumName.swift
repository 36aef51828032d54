internal import ApusCollections

/// Names of C++ as the ABI that is called Itanium's has them: `_ZN3foo3barEi` is `foo::bar(int)`.
///
/// Not all of it is known here. Where parameters cannot be read, the name stands alone.
struct ItaniumName {
    var reader: MangledReader
    /// What `S_` and its like stand for, in order.
    var substitutions: [ItaniumType] = []
    /// What `T_` and its like stand for: the arguments of the template that was named last.
    var templateArguments: [ItaniumType] = []
    /// Whether a pack may stand here for each of its types.
    var isExpanding = false
    private var bytesMade = 0

    /// More than this of a name is not shown.
    private static var lengthLimit: Int { 2000 }
    /// All texts on the way to the name together.
    private static var workLimit: Int { 1 << 20 }

    /// What `bytes` stand for; nil if they are no such name.
    static func demangled(_ bytes: [UInt8]) -> String? {
        var name = ItaniumName(reader: MangledReader(bytes, at: 2))
        guard let text = try? name.encoding() else { return nil }
        // What comes behind a dot was added by later passes.
        guard let next = name.reader.next, next != UInt8(ascii: ".") else { return text }
        return name.isCutShort ? text : nil
    }

    /// Whether parameters could not be read.
    private var isCutShort = false

    private init(reader: MangledReader) { self.reader = reader }

    /// A name, and what is said with it.
    struct Name {
        var text: String
        /// Whether it ends with a template's arguments.
        var isTemplate = false
        /// Whether it is a constructor, destructor or conversion: no result type is given.
        var hasNoResult = false
        /// Qualifiers of a member function.
        var qualifiers = ""
    }

    /// Counts the bytes of `text`.
    mutating func made(_ text: String) throws(DemanglingFailure) -> String {
        bytesMade += text.utf8.count
        if text.utf8.count > Self.lengthLimit || bytesMade > Self.workLimit { throw .tooLong }
        return text
    }

    mutating func made(_ type: ItaniumType) throws(DemanglingFailure) -> ItaniumType {
        var count = 0
        for item in type.items { count += item.left.utf8.count + item.right.utf8.count }
        bytesMade += count
        if count > Self.lengthLimit || bytesMade > Self.workLimit { throw .tooLong }
        return type
    }

    // MARK: Functions

    /// A function with its parameters, or something that the compiler made for one or for a class.
    mutating func encoding() throws(DemanglingFailure) -> String {
        try reader.enter()
        defer { reader.leave() }
        if let special = try specialName() { return special }
        let name = try name(isOutermost: true)
        guard let next = reader.next, next != UInt8(ascii: "E"), next != UInt8(ascii: ".") else {
            return name.text
        }
        let start = reader.position
        do throws(DemanglingFailure) {
            let result = name.isTemplate && !name.hasNoResult ? try type() : nil
            let parameters = try parameters()
            let function = name.text + "(" + parameters + ")" + name.qualifiers
            guard let result = result?.items.first else { return try made(function) }
            let space = result.isDeclarator ? "" : " "
            return try made(result.left + space + function + result.right)
        } catch {
            reader.position = start
            isCutShort = true
            return try made(name.text + "(…)")
        }
    }

    /// Types up to the end of the function.
    private mutating func parameters() throws(DemanglingFailure) -> String {
        var texts: [String] = []
        while let next = reader.next, next != UInt8(ascii: "E"), next != UInt8(ascii: ".") {
            texts.append(try type().text)
        }
        if texts == ["void"] { return "" }
        return try made(texts.filter { !$0.isEmpty }.joined(separator: ", "))
    }

    private mutating func specialName() throws(DemanglingFailure) -> String? {
        if reader.skip("TV") { return try made("vtable for " + type().text) }
        if reader.skip("TT") { return try made("VTT for " + type().text) }
        if reader.skip("TI") { return try made("typeinfo for " + type().text) }
        if reader.skip("TS") { return try made("typeinfo name for " + type().text) }
        if reader.skip("GV") { return try made("guard variable for " + name().text) }
        if reader.skip("TW") { return try made("thread-local wrapper routine for " + name().text) }
        if reader.skip("TH") {
            return try made("thread-local initialization routine for " + name().text)
        }
        if reader.skip("Th") {
            try offset()
            return try made("non-virtual thunk to " + encoding())
        }
        if reader.skip("Tv") {
            try offset()
            try offset()
            return try made("virtual thunk to " + encoding())
        }
        return nil
    }

    /// How far a thunk moves its object, which is not shown.
    private mutating func offset() throws(DemanglingFailure) {
        _ = reader.skip("n")
        _ = try reader.number()
        guard reader.skip("_") else { throw .unknown }
    }

    // MARK: Names

    /// A name; the arguments of templates in the outermost one are what its types refer to.
    mutating func name(isOutermost: Bool = false) throws(DemanglingFailure) -> Name {
        try reader.enter()
        defer { reader.leave() }
        if reader.skip("N") { return try nestedName(isOutermost) }
        if reader.skip("Z") { return try localName(isOutermost) }
        var name: Name
        var isSubstitution = false
        if reader.next == UInt8(ascii: "S"), reader.peek(1) != UInt8(ascii: "t") {
            name = Name(text: try substitution().text)
            isSubstitution = true
        } else {
            let scope = reader.skip("St") ? "std::" : ""
            name = try unqualifiedName(within: nil)
            name.text = try made(scope + name.text)
        }
        guard reader.next == UInt8(ascii: "I") else {
            if isSubstitution { throw .unknown }
            return name
        }
        if !isSubstitution { substitutions.append(ItaniumType(name.text)) }
        name.text = try made(name.text + arguments(isOutermost))
        name.isTemplate = true
        return name
    }

    private mutating func nestedName(_ isOutermost: Bool) throws(DemanglingFailure) -> Name {
        var name = Name(text: "")
        let qualifiers = qualifiers()
        let reference = reader.skip("R") ? " &" : reader.skip("O") ? " &&" : ""
        while !reader.skip("E") {
            switch reader.next {
            case UInt8(ascii: "I"):
                guard !name.text.isEmpty else { throw .unknown }
                name.text = try made(name.text + arguments(isOutermost))
                name.isTemplate = true
            case UInt8(ascii: "T"):
                guard name.text.isEmpty else { throw .unknown }
                name.text = try templateParameter().text
            case UInt8(ascii: "S"):
                guard name.text.isEmpty else { throw .unknown }
                name.text = reader.skip("St") ? "std" : try substitution().text
                continue
            default:
                let part = try unqualifiedName(within: name.text)
                let separator = name.text.isEmpty ? "" : "::"
                name.text = try made(name.text + separator + part.text)
                name.isTemplate = false
                name.hasNoResult = part.hasNoResult
            }
            substitutions.append(ItaniumType(name.text))
            // So is a member marked whose initializer has a lambda.
            _ = reader.skip("M")
        }
        guard !name.text.isEmpty, !substitutions.isEmpty else { throw .unknown }
        // The whole name is no prefix of another.
        substitutions.removeLast()
        name.qualifiers = qualifiers + reference
        return name
    }

    /// Something within a function.
    private mutating func localName(_ isOutermost: Bool) throws(DemanglingFailure) -> Name {
        let function = try encoding()
        guard reader.skip("E"), !isCutShort else { throw .unknown }
        if reader.skip("s") {
            discriminator()
            return Name(text: try made(function + "::string literal"))
        }
        var entity = try name(isOutermost: isOutermost)
        discriminator()
        entity.text = try made(function + "::" + entity.text)
        return entity
    }

    private mutating func discriminator() {
        guard reader.skip("_") else { return }
        _ = reader.skip("_")
        while let byte = reader.next, MangledReader.isDigit(byte) { reader.position += 1 }
        _ = reader.skip("_")
    }

    /// ` const` and its like, in the order in which they are read.
    mutating func qualifiers() -> String {
        var text = ""
        if reader.skip("r") { text = " restrict" + text }
        if reader.skip("V") { text = " volatile" + text }
        if reader.skip("K") { text = " const" + text }
        return text
    }
}
