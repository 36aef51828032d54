internal import ApusCollections

// Types in C++'s names.

extension ItaniumName {
    private static let basicTypes: [UInt8: String] = [
        0x76: "void", 0x77: "wchar_t", 0x62: "bool", 0x63: "char", 0x61: "signed char",
        0x68: "unsigned char", 0x73: "short", 0x74: "unsigned short", 0x69: "int",
        0x6A: "unsigned int", 0x6C: "long", 0x6D: "unsigned long", 0x78: "long long",
        0x79: "unsigned long long", 0x6E: "__int128", 0x6F: "unsigned __int128", 0x66: "float",
        0x64: "double", 0x65: "long double", 0x67: "__float128", 0x7A: "...",
    ]

    /// Those that `D` begins.
    private static let laterTypes: [UInt8: String] = [
        0x64: "decimal64", 0x65: "decimal128", 0x66: "decimal32", 0x68: "half",
        0x69: "char32_t", 0x73: "char16_t", 0x75: "char8_t", 0x61: "auto",
        0x63: "decltype(auto)", 0x6E: "std::nullptr_t",
    ]

    mutating func type() throws(DemanglingFailure) -> ItaniumType {
        try reader.enter()
        defer { reader.leave() }
        guard let next = reader.next else { throw .unknown }
        if let basic = Self.basicTypes[next] {
            reader.position += 1
            return ItaniumType(basic)
        }
        if next == UInt8(ascii: "D"), let second = reader.peek(1),
            let later = Self.laterTypes[second]
        {
            reader.position += 2
            return ItaniumType(later)
        }
        if next == UInt8(ascii: "S"), reader.peek(1) != UInt8(ascii: "t") {
            let type = try substitution()
            // Only with arguments it is another one.
            guard reader.next == UInt8(ascii: "I") else { return type }
            return try remembered(ItaniumType(made(type.text + arguments(false))))
        }
        let type = try compoundType(next)
        return try remembered(type)
    }

    /// `type`, which what follows may refer to.
    private mutating func remembered(_ type: ItaniumType) throws(DemanglingFailure) -> ItaniumType {
        let type = try made(type)
        substitutions.append(type)
        return type
    }

    private mutating func compoundType(_ next: UInt8) throws(DemanglingFailure) -> ItaniumType {
        switch next {
        case UInt8(ascii: "P"): return try pointer("*")
        case UInt8(ascii: "R"): return try pointer("&")
        case UInt8(ascii: "O"): return try pointer("&&")
        case UInt8(ascii: "r"), UInt8(ascii: "V"), UInt8(ascii: "K"):
            let qualifiers = qualifiers()
            return try type().qualified(qualifiers)
        case UInt8(ascii: "F"): return try functionType()
        case UInt8(ascii: "A"): return try arrayType()
        case UInt8(ascii: "M"): return try memberPointer()
        case UInt8(ascii: "T"):
            let parameter = try templateParameter()
            guard reader.next == UInt8(ascii: "I") else { return parameter }
            substitutions.append(parameter)
            return ItaniumType(try made(parameter.text + arguments(false)))
        case UInt8(ascii: "D"):
            guard reader.skip("Dp") else { throw .unknown }
            let outer = isExpanding
            isExpanding = true
            defer { isExpanding = outer }
            return try type()
        default: return ItaniumType(try name().text)
        }
    }

    private mutating func pointer(_ mark: String) throws(DemanglingFailure) -> ItaniumType {
        reader.position += 1
        return try type().pointed(mark)
    }

    /// A result and parameters.
    private mutating func functionType() throws(DemanglingFailure) -> ItaniumType {
        guard reader.skip("F") else { throw .unknown }
        _ = reader.skip("Y")
        let result = try type()
        var texts: [String] = []
        var reference = ""
        while !reader.skip("E") {
            if reader.skip("RE") {
                reference = " &"
                break
            }
            if reader.skip("OE") {
                reference = " &&"
                break
            }
            texts.append(try type().text)
        }
        guard let item = result.items.first, result.items.count == 1 else { throw .unknown }
        let parameters = texts == ["void"] ? "" : texts.joined(separator: ", ")
        return ItaniumType(
            try made(item.left + " "), try made("(\(parameters))\(reference)\(item.right)"),
            isDeclarator: true)
    }

    private mutating func arrayType() throws(DemanglingFailure) -> ItaniumType {
        guard reader.skip("A") else { throw .unknown }
        var bound = ""
        while let byte = reader.next, MangledReader.isDigit(byte) {
            bound.append(Character(Unicode.Scalar(byte)))
            reader.position += 1
        }
        guard reader.skip("_") else { throw .unknown }
        let element = try type()
        guard let item = element.items.first, element.items.count == 1 else { throw .unknown }
        // Of several dimensions the first is the outermost.
        let inner = item.isDeclarator && item.right.hasPrefix("[") ? item.right : " " + item.right
        let right = "[\(bound)]" + (item.right.isEmpty ? "" : inner)
        let left = item.left.hasSuffix(" ") ? item.left : item.left + " "
        return ItaniumType(try made(left), try made(right), isDeclarator: true)
    }

    private mutating func memberPointer() throws(DemanglingFailure) -> ItaniumType {
        guard reader.skip("M") else { throw .unknown }
        let owner = try type().text
        let member = try type()
        let isPlain = member.items.first?.isDeclarator == false
        return try made(member.pointed((isPlain ? " " : "") + owner + "::*"))
    }
}
