internal import ApusCollections

/// Imports, exports and the definitions that are not segments (5.5.5 to 5.5.11, 5.5.14).
extension ModuleDecoder {
    mutating func decodeCustom(_ reader: inout ByteReader) throws(ModuleError) {
        let name = try reader.readName()
        parts.customSections.append(CustomSection(name: name, contents: reader.skipRest()))
    }

    mutating func decodeImports(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(&reader, limit: limits.imports, "imports")
        parts.imports.reserveCapacity(count)
        for _ in 0..<count {
            parts.offsets.imports.append(UInt32(truncatingIfNeeded: reader.position))
            let module = try reader.readName()
            let name = try reader.readName()
            let type = try readImportType(&reader)
            parts.imports.append(Import(module: module, name: name, type: type))
        }
    }

    private mutating func readImportType(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> ExternalType {
        let start = reader
        switch try reader.readByte() {
        case 0:
            let index = try reader.readUnsigned32()
            parts.functions.append(index)
            parts.importedFunctionCount &+= 1
            return .function(typeIndex: index)
        case 1:
            let type = try readTableType(&reader)
            try addTable(type, start)
            parts.importedTableCount &+= 1
            return .table(type)
        case 2:
            let type = try readMemoryType(&reader)
            try addMemory(type, start)
            parts.importedMemoryCount &+= 1
            return .memory(type)
        case 3:
            let type = try readGlobalType(&reader)
            if type.isMutable { try require(.mutableGlobals, start, "import of a mutable global") }
            parts.globals.append(type)
            parts.importedGlobalCount &+= 1
            return .global(type)
        case 4:
            try require(.exceptions, start, "tag")
            let index = try readTag(&reader)
            parts.tags.append(index)
            parts.importedTagCount &+= 1
            return .tag(typeIndex: index)
        default:
            throw start.malformed("malformed import kind")
        }
    }

    mutating func decodeFunctions(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(
            &reader, limit: limits.functions, existing: parts.functions.count, "functions")
        parts.functions.reserveCapacity(parts.functions.count &+ count)
        parts.offsets.functions.reserveCapacity(count)
        for _ in 0..<count {
            parts.offsets.functions.append(UInt32(truncatingIfNeeded: reader.position))
            parts.functions.append(try reader.readUnsigned32())
        }
    }

    mutating func decodeTables(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(
            &reader, limit: limits.tables, existing: parts.tables.count, "tables")
        for _ in 0..<count {
            parts.offsets.tables.append(UInt32(truncatingIfNeeded: reader.position))
            let start = reader
            let hasInitializer = try reader.peekByte() == 0x40
            if hasInitializer {
                try require(.functionReferences, start, "table initializer")
                _ = try reader.readByte()
                guard try reader.readByte() == 0 else {
                    throw start.malformed("zero byte expected")
                }
            }
            try addTable(try readTableType(&reader), start)
            parts.tableInitializers.append(
                hasInitializer ? try readConstantExpression(&reader) : nil)
        }
    }

    private mutating func addTable(
        _ type: TableType, _ place: ByteReader
    ) throws(ModuleError) {
        if !parts.tables.isEmpty { try require(.referenceTypes, place, "multiple tables") }
        guard parts.tables.count < limits.tables else {
            throw ModuleError(.limit, at: place.position, "too many tables")
        }
        parts.tables.append(type)
    }

    mutating func decodeMemories(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(
            &reader, limit: limits.memories, existing: parts.memories.count, "memories")
        for _ in 0..<count {
            parts.offsets.memories.append(UInt32(truncatingIfNeeded: reader.position))
            let start = reader
            try addMemory(try readMemoryType(&reader), start)
        }
    }

    private mutating func addMemory(
        _ type: MemoryType, _ place: ByteReader
    ) throws(ModuleError) {
        if !parts.memories.isEmpty { try require(.multiMemory, place, "multiple memories") }
        guard parts.memories.count < limits.memories else {
            throw ModuleError(.limit, at: place.position, "too many memories")
        }
        parts.memories.append(type)
    }

    mutating func decodeGlobals(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(
            &reader, limit: limits.globals, existing: parts.globals.count, "globals")
        parts.globals.reserveCapacity(parts.globals.count &+ count)
        for _ in 0..<count {
            parts.offsets.globals.append(UInt32(truncatingIfNeeded: reader.position))
            parts.globals.append(try readGlobalType(&reader))
            parts.globalInitializers.append(try readConstantExpression(&reader))
        }
    }

    mutating func decodeTags(_ reader: inout ByteReader) throws(ModuleError) {
        try require(.exceptions, reader, "tag section")
        let count = try readCount(
            &reader, limit: limits.tags, existing: parts.tags.count, "tags")
        parts.tags.reserveCapacity(parts.tags.count &+ count)
        for _ in 0..<count {
            parts.offsets.tags.append(UInt32(truncatingIfNeeded: reader.position))
            parts.tags.append(try readTag(&reader))
        }
    }

    /// The attribute of a tag, which says that it is one of exceptions, and its type (5.3.13).
    private func readTag(_ reader: inout ByteReader) throws(ModuleError) -> UInt32 {
        let start = reader
        guard try reader.readByte() == 0 else { throw start.malformed("malformed tag attribute") }
        return try reader.readUnsigned32()
    }

    mutating func decodeExports(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(&reader, limit: limits.exports, "exports")
        parts.exports.reserveCapacity(count)
        for _ in 0..<count {
            parts.offsets.exports.append(UInt32(truncatingIfNeeded: reader.position))
            let name = try reader.readName()
            let place = reader
            let kind = try reader.readByte()
            let index = try reader.readUnsigned32()
            let item: ExternalIndex
            switch kind {
            case 0: item = .function(index)
            case 1: item = .table(index)
            case 2: item = .memory(index)
            case 3: item = .global(index)
            case 4:
                try require(.exceptions, place, "tag")
                item = .tag(index)
            default: throw place.malformed("malformed export kind")
            }
            parts.exports.append(Export(name: name, item: item))
        }
    }

    mutating func decodeCode(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(&reader, limit: limits.functions, "function bodies")
        parts.bodies.reserveCapacity(count)
        for _ in 0..<count {
            let start = reader.position
            let size = Int(try reader.readUnsigned32())
            // What is not there is not too large.
            let range = try reader.readBytes(size)
            guard size <= limits.functionBytes else {
                throw ModuleError(.limit, at: start, "function body too large")
            }
            parts.bodies.append(
                FunctionBody(
                    start: UInt32(truncatingIfNeeded: range.lowerBound),
                    end: UInt32(truncatingIfNeeded: range.upperBound)))
        }
    }
}
