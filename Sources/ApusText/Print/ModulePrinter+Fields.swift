internal import ApusCollections
internal import ApusFormat

/// Imports, exports, tables, segments and functions.
extension ModulePrinter {
    mutating func printImport(_ reader: inout ByteReader) throws(ModuleError) {
        let module = PrintedText.string(try reader.readName())
        let name = PrintedText.string(try reader.readName())
        let start = reader
        let text: String
        switch try reader.readByte() {
        case 0:
            let index = counts.functions
            counts.functions &+= 1
            let type = try reader.readUnsigned32()
            text = "func \(names.functions.definition(index))\(typeUse(type, index))"
        case 1:
            text = "table \(names.tables.definition(counts.tables)) \(try tableType(&reader))"
            counts.tables &+= 1
        case 2:
            text = "memory \(names.memories.definition(counts.memories)) \(try limits(&reader))"
            counts.memories &+= 1
        case 3:
            text = "global \(names.globals.definition(counts.globals)) \(try globalType(&reader))"
            counts.globals &+= 1
        case 4:
            text = "tag \(names.tags.definition(counts.tags)) \(try tagType(&reader))"
            counts.tags &+= 1
        default: throw malformed(start, "malformed import kind")
        }
        try line("(import \(module) \(name) (\(text)))")
    }

    /// The type of function `index`, with its parameters' names; begins with a space.
    private func typeUse(_ type: UInt32, _ index: UInt32) -> String {
        var text = " (type \(reference(toType: type)))"
        guard Int(type) < types.count, types[Int(type)].isFunction else { return text }
        let shape = types[Int(type)]
        // Who reads the text is told a long type once, where it is defined.
        if shape.parameters.count + shape.results.count > Self.longType, names.locals[index] == nil
        {
            return text
        }
        text += variables("param", shape.parameters, names.locals[index], from: 0)
        return text + Self.clause("result", shape.results)
    }

    private static var longType: Int { 40 }

    /// Parameters or locals: those with names each by itself, the others together.
    private func variables(
        _ keyword: String, _ types: [String], _ names: PrintedNames?, from first: UInt32
    ) -> String {
        guard let names else { return Self.clause(keyword, types) }
        var text = ""
        var unnamed: [String] = []
        for (offset, type) in types.enumerated() {
            let index = first &+ UInt32(truncatingIfNeeded: offset)
            if names.isNamed(index) {
                text += Self.clause(keyword, unnamed)
                unnamed = []
                text += " (\(keyword)\(names.shortDefinition(index)) \(type))"
            } else {
                unnamed.append(type)
            }
        }
        return text + Self.clause(keyword, unnamed)
    }

    mutating func printExport(_ reader: inout ByteReader) throws(ModuleError) {
        let name = PrintedText.string(try reader.readName())
        let start = reader
        let kind = try reader.readByte()
        let index = try reader.readUnsigned32()
        let item: String
        switch kind {
        case 0: item = "func \(names.functions.reference(index))"
        case 1: item = "table \(names.tables.reference(index))"
        case 2: item = "memory \(names.memories.reference(index))"
        case 3: item = "global \(names.globals.reference(index))"
        case 4: item = "tag \(names.tags.reference(index))"
        default: throw malformed(start, "malformed export kind")
        }
        try line("(export \(name) (\(item)))")
    }

    mutating func printTable(_ reader: inout ByteReader) throws(ModuleError) {
        let name = names.tables.definition(counts.tables)
        counts.tables &+= 1
        let start = reader
        if try reader.peekByte() == 0x40 {
            _ = try reader.readByte()
            guard try reader.readByte() == 0 else { throw malformed(start, "malformed table") }
            let type = try tableType(&reader)
            try line("(table \(name) \(type) \(try constant(&reader)))")
        } else {
            try line("(table \(name) \(try tableType(&reader)))")
        }
    }

    // MARK: Segments

    mutating func printElements(
        _ index: UInt32, _ reader: inout ByteReader
    ) throws(ModuleError) {
        let start = reader
        let flags = try reader.readUnsigned32()
        guard flags < 8 else { throw malformed(start, "malformed elements segment kind") }
        var text = "(elem \(names.elements.definition(index))"
        if flags & 1 == 0 {
            if flags & 2 != 0 {
                text += " (table \(names.tables.reference(try reader.readUnsigned32())))"
            }
            text += " (offset \(try constant(&reader)))"
        } else if flags & 2 != 0 {
            text += " declare"
        }
        if flags & 4 == 0 {
            if flags != 0, try reader.readByte() != 0 {
                throw malformed(start, "malformed element kind")
            }
            text += " func"
            for _ in 0..<(try reader.readUnsigned32()) {
                text += " " + names.functions.reference(try reader.readUnsigned32())
                try checkLength(with: text.utf8.count)
            }
        } else {
            text += flags == 4 ? " funcref" : " " + (try valueType(&reader))
            for _ in 0..<(try reader.readUnsigned32()) {
                text += " (item \(try constant(&reader)))"
                try checkLength(with: text.utf8.count)
            }
        }
        try line(text + ")")
    }

    mutating func printData(_ index: UInt32, _ reader: inout ByteReader) throws(ModuleError) {
        let start = reader
        let flags = try reader.readUnsigned32()
        guard flags < 3 else { throw malformed(start, "malformed data segment kind") }
        write("  (data \(names.data.definition(index)) ")
        if flags == 2 {
            write("(memory \(names.memories.reference(try reader.readUnsigned32()))) ")
        }
        if flags != 1 { write("(offset \(try constant(&reader))) ") }
        let count = Int(try reader.readUnsigned32())
        PrintedText.append(window, try reader.readBytes(count), to: &output)
        write(")\n")
    }

    // MARK: Functions

    /// More locals than any module may have.
    private static var localsLimit: UInt64 { 50_000 }

    mutating func printFunction(_ reader: inout ByteReader) throws(ModuleError) {
        let place = definedFunctionCount
        guard functionTypes.indices.contains(place) else {
            throw malformed(reader, "function and code section have inconsistent lengths")
        }
        let body = try reader.readPart(try reader.readUnsigned32())
        let index = counts.functions
        definedFunctionCount += 1
        counts.functions &+= 1
        try printFunction(index, functionTypes[place], body)
    }

    /// Prints function `index` of this type, whose code `code` reads.
    mutating func printFunction(
        _ index: UInt32, _ type: UInt32, _ code: ByteReader
    ) throws(ModuleError) {
        var body = code
        if keepsPlaces { heads.append((output.count, code.position)) }
        try line("(func \(names.functions.definition(index))\(typeUse(type, index))")
        var locals: [String] = []
        var total: UInt64 = 0
        var length = 0
        for _ in 0..<(try body.readUnsigned32()) {
            let count = try body.readUnsigned32()
            total += UInt64(count)
            guard total <= Self.localsLimit else {
                throw ModuleError(.limit, at: body.position, "too many locals")
            }
            let type = try valueType(&body)
            length += Int(count) * (type.utf8.count + 1)
            try checkLength(with: length)
            for _ in 0..<count { locals.append(type) }
        }
        let known = Int(type) < types.count ? types[Int(type)].parameters.count : 0
        let first = UInt32(truncatingIfNeeded: known)
        let declarations = variables("local", locals, names.locals[index], from: first)
        if !declarations.isEmpty { try line(String(declarations.dropFirst()), 2) }
        try printCode(&body, function: index, bodyStart: code.position)
        try line(")")
    }
}
