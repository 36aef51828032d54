internal import ApusCollections
internal import ApusFormat

/// Segments and constants. Specification: 6.6.8, 6.6.9.
extension ModuleParser {
    // MARK: Constants

    /// Reads a constant expression up to a closing parenthesis into `code`.
    mutating func parseConstant() throws(TextFault) {
        code.truncate(to: 0)
        labels.begin()
        try parseInstructions()
        code.write(0x0B)
    }

    /// Reads `(keyword instruction…)`, or one instruction in parentheses, into `code`.
    private mutating func parseConstant(in keyword: Keyword) throws(TextFault) {
        if cursor.take(opening: keyword) {
            try parseConstant()
            return try cursor.expectClosing()
        }
        guard cursor.isAtOpening else { throw cursor.unexpected("(\(keyword.text)") }
        code.truncate(to: 0)
        labels.begin()
        try parseInstructions(one: true)
        code.write(0x0B)
    }

    // MARK: Element segments

    /// What a segment has, in the binary format.
    struct ElementList {
        /// Whether the elements are expressions; if not, they are indices of functions.
        var isExpressions: Bool
        var type = ValueType.funcref
        var count = 0
        var contents = ByteWriter()
    }

    mutating func parseElementIndices() throws(TextFault) -> ElementList {
        var list = ElementList(isExpressions: false)
        while let index = try takeIndex(.function) {
            list.contents.write(unsigned: index)
            list.count &+= 1
        }
        return list
    }

    mutating func parseElementIndicesAsExpressions(
        _ type: ValueType
    ) throws(TextFault) -> ElementList {
        var list = ElementList(isExpressions: true, type: type)
        while let index = try takeIndex(.function) {
            list.contents.write(0xD2)
            list.contents.write(unsigned: index)
            list.contents.write(0x0B)
            list.count &+= 1
        }
        return list
    }

    mutating func parseElementExpressions(_ type: ValueType) throws(TextFault) -> ElementList {
        var list = ElementList(isExpressions: true, type: type)
        while cursor.isAtOpening {
            try parseConstant(in: .item)
            list.contents.write(code)
            list.count &+= 1
        }
        return list
    }

    /// Reads what is in a segment. Only where no table is named, indices may stand alone.
    private mutating func parseElementList(isShort: Bool) throws(TextFault) -> ElementList {
        if cursor.take(.func) { return try parseElementIndices() }
        if isShort, cursor.isAtClosing || cursor.kind == .identifier || cursor.kind == .number {
            return try parseElementIndices()
        }
        return try parseElementExpressions(try parseReferenceType())
    }

    mutating func parseElementSegment() throws(TextFault) {
        _ = cursor.takeIdentifier()
        if cursor.take(.declare) {
            return writeElementSegment(try parseElementList(isShort: false), flags: 3)
        }
        var table: UInt32?
        let isShort = !cursor.isAtOpening(.table)
        if cursor.take(opening: .table) {
            table = try parseIndex(.table)
            try cursor.expectClosing()
        } else if cursor.kind == .number {
            // As the first version of the format had it.
            table = try parseIndex(.table)
        }
        guard table != nil || (cursor.isAtOpening && !cursor.isAtOpening(.ref)) else {
            return writeElementSegment(try parseElementList(isShort: false), flags: 1)
        }
        try parseConstant(in: .offset)
        let offset = code
        let list = try parseElementList(isShort: isShort)
        writeElementSegment(list, table: table, offset)
    }

    private mutating func writeElementSegment(_ list: ElementList, flags: UInt8) {
        sections.elements.begin(fieldToken)
        sections.elements.contents.write(list.isExpressions ? flags | 4 : flags)
        writeElements(list, withType: true)
    }

    /// Writes an active segment; in the short form, if the text names no table.
    mutating func writeElementSegment(_ list: ElementList, table: UInt32?, _ offset: ByteWriter) {
        let isShort = table == nil && (!list.isExpressions || list.type == .funcref)
        sections.elements.begin(fieldToken)
        let flags: UInt8 = isShort ? 0 : 2
        sections.elements.contents.write(list.isExpressions ? flags | 4 : flags)
        if !isShort { sections.elements.contents.write(unsigned: table ?? 0) }
        sections.elements.contents.write(offset)
        writeElements(list, withType: !isShort)
    }

    private mutating func writeElements(_ list: ElementList, withType: Bool) {
        if withType {
            if list.isExpressions {
                sections.elements.contents.write(list.type)
            } else {
                sections.elements.contents.write(0)
            }
        }
        sections.elements.contents.write(count: list.count)
        sections.elements.contents.write(list.contents)
    }

    // MARK: Data segments

    mutating func parseStrings() throws(TextFault) -> [UInt8] {
        var bytes: [UInt8] = []
        while cursor.kind == .string {
            try watch.look()
            StringLiteral.append(text.source.window, cursor.token.range, to: &bytes)
            cursor.index &+= 1
        }
        return bytes
    }

    mutating func parseDataSegment() throws(TextFault) {
        _ = cursor.takeIdentifier()
        var memory: UInt32?
        if cursor.take(opening: .memory) {
            memory = try parseIndex(.memory)
            try cursor.expectClosing()
        } else if cursor.kind == .number {
            // As the first version of the format had it.
            memory = try parseIndex(.memory)
        }
        guard memory != nil || cursor.isAtOpening else {
            let bytes = try parseStrings()
            sections.data.begin(fieldToken)
            sections.data.contents.write(1)
            return sections.data.contents.write(sized: bytes)
        }
        try parseConstant(in: .offset)
        let offset = code
        writeDataSegment(try parseStrings(), memory: memory, offset)
    }

    /// Writes an active segment; in the short form, if the text names no memory.
    mutating func writeDataSegment(_ bytes: [UInt8], memory: UInt32?, _ offset: ByteWriter) {
        sections.data.begin(fieldToken)
        if let memory {
            sections.data.contents.write(2)
            sections.data.contents.write(unsigned: memory)
        } else {
            sections.data.contents.write(0)
        }
        sections.data.contents.write(offset)
        sections.data.contents.write(sized: bytes)
    }
}
