internal import ApusCollections
internal import ApusFormat

/// The second time over the fields: imports, definitions, exports. Specification: 6.6.
extension ModuleParser {
    mutating func parseField() throws(TextFault) {
        guard let keyword = cursor.openingKeyword else { throw cursor.unexpected("a module field") }
        if keyword == .type || keyword == .rec { return cursor.skipGroup() }
        fieldStart = cursor.index
        cursor.index &+= 2
        switch keyword {
        case .import: try parseImport()
        case .func: try parseFunction()
        case .table: try parseTable()
        case .memory: try parseMemory()
        case .global: try parseGlobal()
        case .tag: try parseTag()
        case .export: try parseExport()
        case .start:
            sections.start = try parseIndex(.function)
            sections.startToken = fieldToken
        case .elem: try parseElementSegment()
        case .data: try parseDataSegment()
        default: throw cursor.unexpected("a module field")
        }
        try cursor.expectClosing()
    }

    // MARK: Imports and exports

    private mutating func parseImport() throws(TextFault) {
        let module = try cursor.expectName()
        let name = try cursor.expectName()
        let space = Self.space(cursor.openingKeyword)
        cursor.index &+= 2
        _ = cursor.takeIdentifier()
        try writeImport(module, name, space)
        try cursor.expectClosing()
    }

    /// Writes an import whose type comes next.
    private mutating func writeImport(
        _ module: [UInt8], _ name: [UInt8], _ space: Space?
    ) throws(TextFault) {
        var type = ByteWriter()
        switch space {
        case .table:
            type.write(1)
            type.write(try parseTableType())
            counts.tables &+= 1
        case .memory:
            type.write(2)
            type.write(try parseMemoryType())
            counts.memories &+= 1
        case .global:
            type.write(3)
            type.write(try parseGlobalType())
            counts.globals &+= 1
        case .tag:
            type.write([4, 0])
            type.write(unsigned: try parseTypeUse(names: .ignored))
            counts.tags &+= 1
        default:
            type.write(0)
            locals.reset(symbolCount: text.symbols.count)
            function = counts.functions
            type.write(unsigned: try parseTypeUse(names: .bound))
            collectLocalNames()
            function = nil
            counts.functions &+= 1
        }
        sections.imports.begin(fieldToken)
        sections.imports.contents.write(sized: module)
        sections.imports.contents.write(sized: name)
        sections.imports.contents.write(type)
    }

    /// The exports of a definition, and its import. True if it is imported.
    private mutating func parseInlineExports(
        _ space: Space, kind: UInt8, _ index: UInt32
    ) throws(TextFault) -> Bool {
        _ = cursor.takeIdentifier()
        while cursor.take(opening: .export) {
            try watch.look()
            let name = try cursor.expectName()
            try cursor.expectClosing()
            writeExport(name, kind, index)
        }
        guard cursor.take(opening: .import) else { return false }
        let module = try cursor.expectName()
        let name = try cursor.expectName()
        try cursor.expectClosing()
        try writeImport(module, name, space)
        return true
    }

    private mutating func writeExport(_ name: [UInt8], _ kind: UInt8, _ index: UInt32) {
        sections.exports.begin(fieldToken)
        sections.exports.contents.write(sized: name)
        sections.exports.contents.write(kind)
        sections.exports.contents.write(unsigned: index)
    }

    private mutating func parseExport() throws(TextFault) {
        let name = try cursor.expectName()
        let spaces: [Space] = [.function, .table, .memory, .global, .tag]
        guard let space = Self.space(cursor.openingKeyword), let kind = spaces.firstIndex(of: space)
        else { throw cursor.unexpected("what is exported") }
        cursor.index &+= 2
        writeExport(name, UInt8(kind), try parseIndex(space))
        try cursor.expectClosing()
    }

    // MARK: Functions

    private mutating func parseFunction() throws(TextFault) {
        if try parseInlineExports(.function, kind: 0, counts.functions) { return }
        locals.reset(symbolCount: text.symbols.count)
        function = counts.functions
        counts.functions &+= 1
        let type = try parseTypeUse(names: .bound)
        sections.functions.begin(fieldToken)
        sections.functions.contents.write(unsigned: type)
        code.truncate(to: 0)
        codeMarks.removeAll()
        try parseLocals()
        let localMarks = codeMarks.count
        collectLocalNames()
        labels.begin()
        try parseInstructions()
        mark(cursor.index)
        code.write(0x0B)
        writeBody(localMarks: localMarks)
        function = nil
    }

    /// Writes `code`, whose first marks are those of locals.
    private mutating func writeBody(localMarks: Int) {
        sections.code.begin(fieldToken)
        sections.code.contents.write(count: code.count)
        sections.code.mark(fieldToken, .body)
        let start = sections.code.contents.count
        for index in 0..<codeMarks.count {
            let mark = codeMarks[index]
            sections.code.marks.append(
                PlaceMark(
                    start + mark.offset, mark.token, index < localMarks ? .other : .instruction))
        }
        sections.code.contents.write(code)
    }

    /// Declarations of locals; equal neighbours are written as one.
    private mutating func parseLocals() throws(TextFault) {
        localTypes.removeAll()
        localTokens.removeAll()
        while cursor.take(opening: .local) {
            if cursor.kind == .identifier {
                try declare(.local)
                try parseLocal()
            } else {
                while !cursor.isAtClosing {
                    try declareUnnamedLocal()
                    try parseLocal()
                }
            }
            try cursor.expectClosing()
        }
        var groups = 0
        for index in 0..<localTypes.count
        where index == 0 || localTypes[index] != localTypes[index &- 1] { groups &+= 1 }
        code.write(count: groups)
        var start = 0
        while start < localTypes.count {
            var end = start &+ 1
            while end < localTypes.count, localTypes[end] == localTypes[start] { end &+= 1 }
            if keepsPlaces { mark(localTokens[start]) }
            code.write(count: end &- start)
            code.write(localTypes[start])
            start = end
        }
    }

    private mutating func parseLocal() throws(TextFault) {
        if keepsPlaces { localTokens.append(cursor.index) }
        localTypes.append(try parseValueType())
    }

    private mutating func collectLocalNames() {
        guard let function else { return }
        for index in 0..<locals.names.count {
            let name = locals.names[index]
            names.locals.append(.init(owner: function, index: name.index, symbol: name.symbol))
        }
    }

    // MARK: Tables, memories, globals, tags

    private mutating func parseTable() throws(TextFault) {
        if try parseInlineExports(.table, kind: 1, counts.tables) { return }
        let index = counts.tables
        counts.tables &+= 1
        sections.tables.begin(fieldToken)
        var type = cursor
        _ = type.take(.i64) || type.take(.i32)
        guard type.kind == .number else { return try parseTableWithElements(index) }
        let written = try parseTableType()
        if cursor.isAtClosing {
            sections.tables.contents.write(written)
        } else {
            try parseConstant()
            sections.tables.contents.write([0x40, 0])
            sections.tables.contents.write(written)
            sections.tables.contents.write(code)
        }
    }

    /// A table that is as large as the segment written inside it.
    private mutating func parseTableWithElements(_ index: UInt32) throws(TextFault) {
        let is64 = takeAddressType()
        let type = try parseReferenceType()
        try cursor.expect(opening: .elem)
        let list: ElementList
        if cursor.isAtOpening {
            list = try parseElementExpressions(type)
        } else if type == .funcref {
            list = try parseElementIndices()
        } else {
            list = try parseElementIndicesAsExpressions(type)
        }
        try cursor.expectClosing()
        sections.tables.contents.write(type)
        sections.tables.contents.write(is64 ? 5 : 1)
        sections.tables.contents.write(count: list.count)
        sections.tables.contents.write(count: list.count)
        code.truncate(to: 0)
        code.write([is64 ? 0x42 : 0x41, 0, 0x0B])
        writeElementSegment(list, table: index == 0 ? nil : index, code)
    }

    private mutating func parseMemory() throws(TextFault) {
        if try parseInlineExports(.memory, kind: 2, counts.memories) { return }
        let index = counts.memories
        counts.memories &+= 1
        sections.memories.begin(fieldToken)
        let is64 = takeAddressType()
        if cursor.kind == .number {
            sections.memories.contents.write(try parseLimits(is64: is64, of: .memory))
            return
        }
        let pageSize = try takePageSize()
        try cursor.expect(opening: .data)
        let bytes = try parseStrings()
        try cursor.expectClosing()
        let shift = UInt64(pageSize ?? 16)
        let count = UInt64(bytes.count)
        let pages = count >> shift &+ (count & ((1 << shift) &- 1) == 0 ? 0 : 1)
        sections.memories.contents.write((is64 ? 5 : 1) | (pageSize == nil ? 0 : 8))
        sections.memories.contents.write(unsigned: pages)
        sections.memories.contents.write(unsigned: pages)
        if let pageSize { sections.memories.contents.write(unsigned: UInt64(pageSize)) }
        code.truncate(to: 0)
        code.write([is64 ? 0x42 : 0x41, 0, 0x0B])
        writeDataSegment(bytes, memory: index == 0 ? nil : index, code)
    }

    private mutating func parseGlobal() throws(TextFault) {
        if try parseInlineExports(.global, kind: 3, counts.globals) { return }
        counts.globals &+= 1
        let type = try parseGlobalType()
        try parseConstant()
        sections.globals.begin(fieldToken)
        sections.globals.contents.write(type)
        sections.globals.contents.write(code)
    }

    private mutating func parseTag() throws(TextFault) {
        if try parseInlineExports(.tag, kind: 4, counts.tags) { return }
        counts.tags &+= 1
        let type = try parseTypeUse(names: .ignored)
        sections.tags.begin(fieldToken)
        sections.tags.contents.write(0)
        sections.tags.contents.write(unsigned: type)
    }
}
