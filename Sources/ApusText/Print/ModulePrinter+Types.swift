internal import ApusCollections
internal import ApusFormat

/// Types, in the form that reads them from bytes. Specification: 5.3.
extension ModulePrinter {
    func reference(toType index: UInt32) -> String { names.types.reference(index) }

    func heapType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let start = reader
        let code = try reader.readSigned33()
        if code >= 0 { return reference(toType: UInt32(truncatingIfNeeded: code)) }
        guard let name = Self.abstract(UInt8(truncatingIfNeeded: code) & 0x7F) else {
            throw malformed(start, "malformed heap type")
        }
        return name
    }

    /// The abstract heap type with the binary code `code`.
    private static func abstract(_ code: UInt8) -> String? {
        (0x69...0x74).contains(code) ? HeapType(bits: 0xFFFF00 | UInt32(code)).description : nil
    }

    func valueType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let start = reader
        let code = try reader.readByte()
        switch code {
        case 0x7B...0x7F: return ValueType(bits: UInt32(code)).description
        case 0x63: return "(ref null \(try heapType(&reader)))"
        case 0x64: return "(ref \(try heapType(&reader)))"
        case 0x69...0x74:
            return ValueType.reference(HeapType(bits: 0xFFFF00 | UInt32(code)), nullable: true)
                .description
        default: throw malformed(start, "malformed value type")
        }
    }

    func valueTypes(_ reader: inout ByteReader) throws(ModuleError) -> [String] {
        var types: [String] = []
        var length = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            let type = try valueType(&reader)
            length += type.utf8.count + 1
            try checkLength(with: length)
            types.append(type)
        }
        return types
    }

    // MARK: Definitions

    mutating func printTypeEntry(_ reader: inout ByteReader) throws(ModuleError) {
        guard try reader.peekByte() == 0x4E else { return try printType(&reader, 1) }
        _ = try reader.readByte()
        try line("(rec")
        for _ in 0..<(try reader.readUnsigned32()) { try printType(&reader, 2) }
        try line(")")
    }

    private mutating func printType(
        _ reader: inout ByteReader, _ depth: Int
    ) throws(ModuleError) {
        let index = UInt32(truncatingIfNeeded: types.count)
        let name = names.types.definition(index)
        let first = try reader.peekByte()
        guard first == 0x4F || first == 0x50 else {
            return try line("(type \(name) \(try compositeType(&reader, index)))", depth)
        }
        _ = try reader.readByte()
        var text = first == 0x4F ? "(sub final" : "(sub"
        for _ in 0..<(try reader.readUnsigned32()) {
            text += " " + reference(toType: try reader.readUnsigned32())
            try checkLength(with: text.utf8.count)
        }
        text += " \(try compositeType(&reader, index)))"
        try line("(type \(name) \(text))", depth)
    }

    private mutating func compositeType(
        _ reader: inout ByteReader, _ index: UInt32
    ) throws(ModuleError) -> String {
        let start = reader
        switch try reader.readByte() {
        case 0x60:
            let parameters = try valueTypes(&reader)
            let results = try valueTypes(&reader)
            types.append(TypeShape(isFunction: true, parameters: parameters, results: results))
            return "(func\(Self.clause("param", parameters))\(Self.clause("result", results)))"
        case 0x5F:
            types.append(TypeShape())
            var text = "(struct"
            for field in 0..<(try reader.readUnsigned32()) {
                let name = names.fields[index]?.shortDefinition(field) ?? ""
                text += " (field\(name) \(try fieldType(&reader)))"
                try checkLength(with: text.utf8.count)
            }
            return text + ")"
        case 0x5E:
            types.append(TypeShape())
            return "(array \(try fieldType(&reader)))"
        default: throw malformed(start, "malformed definition type")
        }
    }

    /// ` (keyword type…)`, nothing if there are no types.
    static func clause(_ keyword: String, _ types: [String]) -> String {
        types.isEmpty ? "" : " (\(keyword) \(types.joined(separator: " ")))"
    }

    private func fieldType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let code = try reader.peekByte()
        let type: String
        if code == 0x78 || code == 0x77 {
            _ = try reader.readByte()
            type = code == 0x78 ? "i8" : "i16"
        } else {
            type = try valueType(&reader)
        }
        return try mutability(&reader) ? "(mut \(type))" : type
    }

    private func mutability(_ reader: inout ByteReader) throws(ModuleError) -> Bool {
        let start = reader
        let flag = try reader.readByte()
        guard flag < 2 else { throw malformed(start, "malformed mutability") }
        return flag == 1
    }

    // MARK: External types

    /// Limits, with what the flags say before and after them. Specification: 5.3.11.
    func limits(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let start = reader
        let flags = try reader.readByte()
        guard flags < 16 else { throw malformed(start, "malformed limits flags") }
        var text = flags & 4 != 0 ? "i64 " : ""
        text += "\(try reader.readUnsigned64())"
        if flags & 1 != 0 { text += " \(try reader.readUnsigned64())" }
        if flags & 2 != 0 { text += " shared" }
        if flags & 8 != 0 {
            let size = try reader.readUnsigned32()
            guard size < 64 else { throw malformed(start, "invalid custom page size") }
            text += " (pagesize \(UInt64(1) << UInt64(size)))"
        }
        return text
    }

    func tableType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let element = try valueType(&reader)
        return "\(try limits(&reader)) \(element)"
    }

    func globalType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let type = try valueType(&reader)
        return try mutability(&reader) ? "(mut \(type))" : type
    }

    func tagType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        let start = reader
        guard try reader.readByte() == 0 else { throw malformed(start, "malformed tag attribute") }
        return "(type \(reference(toType: try reader.readUnsigned32())))"
    }
}
