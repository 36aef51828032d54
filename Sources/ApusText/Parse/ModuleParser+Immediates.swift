internal import ApusCollections
internal import ApusFormat

/// What follows an instruction's name. Specification: 6.5.2 to 6.5.9.
extension ModuleParser {
    /// Reads the immediates of an instruction that is not structured, and writes it to `pending`.
    mutating func parsePlain(_ row: InstructionRow) throws(TextFault) {
        if row.usesData { sections.needsDataCount = sections.needsDataCount || function != nil }
        switch row.syntax {
        case .select: return try parseSelect(row)
        case .test: return try parseTest(row)
        default: break
        }
        writeCode(row)
        switch row.form {
        case .none: break
        case .zeroByte: pending.write(0)
        case .local: pending.write(unsigned: try parseIndex(.local))
        case .global: pending.write(unsigned: try parseIndex(.global))
        case .function: pending.write(unsigned: try parseIndex(.function))
        case .type: pending.write(unsigned: try parseIndex(.type))
        case .tag: pending.write(unsigned: try parseIndex(.tag))
        case .element: pending.write(unsigned: try parseIndex(.element))
        case .data: pending.write(unsigned: try parseIndex(.data))
        case .label: pending.write(unsigned: try parseLabel())
        case .labelTable: try parseLabels()
        case .i32:
            let bits = try cursor.expectInteger(bits: 32, "i32")
            pending.write(signed: Int64(Int32(truncatingIfNeeded: bits)))
        case .i64:
            pending.write(signed: Int64(bitPattern: try cursor.expectInteger(bits: 64, "i64")))
        case .f32:
            let bits = try cursor.expectFloat(.single, "f32")
            pending.write(word32: UInt32(truncatingIfNeeded: bits))
        case .f64: pending.write(word64: try cursor.expectFloat(.double, "f64"))
        case .heapType: pending.write(try parseHeapType())
        case .table: pending.write(unsigned: try takeIndex(.table) ?? 0)
        case .memory: pending.write(unsigned: try takeIndex(.memory) ?? 0)
        case .tableAndTable: try parsePair(.table)
        case .memoryAndMemory: try parsePair(.memory)
        case .elementAndTable: try parseSegment(.element, .table)
        case .dataAndMemory: try parseSegment(.data, .memory)
        case .memoryArgument: try parseMemoryArgument(row, withLane: false)
        case .memoryArgumentAndLane: try parseMemoryArgument(row, withLane: true)
        case .lane: try parseLane()
        case .bytes16: try parseBytes(row)
        case .typeAndTable: try parseIndirectCall()
        case .typeAndField: try parseStructureField()
        case .typeAndCount: try parseTypeAnd(nil)
        case .typeAndData: try parseTypeAnd(.data)
        case .typeAndElement: try parseTypeAnd(.element)
        case .typeAndType: try parseTypeAnd(.type)
        case .castBranch: try parseCastBranch()
        case .blockType, .catchTable, .valueTypes: throw cursor.unexpected("another instruction")
        }
    }

    // MARK: Labels

    mutating func parseLabel() throws(TextFault) -> UInt32 {
        guard let label = try takeLabel() else { throw cursor.unexpected("a label") }
        return label
    }

    private mutating func takeLabel() throws(TextFault) -> UInt32? {
        try watch.look()
        let token = cursor.token
        if token.kind == .number {
            return UInt32(
                truncatingIfNeeded: try cursor.expectUnsigned(limit: UInt64(UInt32.max), "i32"))
        }
        guard let symbol = cursor.takeIdentifier() else { return nil }
        guard let depth = labels.depth(symbol) else {
            throw TextFault(token, "unknown label \(cursor.excerpt(token))")
        }
        return depth
    }

    /// The labels of a `br_table`, the last of which is the default.
    private mutating func parseLabels() throws(TextFault) {
        var last = try parseLabel()
        var others = ByteWriter()
        var count = 0
        while let next = try takeLabel() {
            others.write(unsigned: last)
            count &+= 1
            last = next
        }
        pending.write(count: count)
        pending.write(others)
        pending.write(unsigned: last)
    }

    // MARK: Indices

    /// Two indices, or none: both are 0 then.
    private mutating func parsePair(_ space: Space) throws(TextFault) {
        guard let first = try takeIndex(space) else { return pending.write([0, 0]) }
        pending.write(unsigned: first)
        pending.write(unsigned: try parseIndex(space))
    }

    /// An index of a segment, perhaps after one of a table or memory.
    private mutating func parseSegment(_ segment: Space, _ target: Space) throws(TextFault) {
        var next = cursor
        next.advance()
        let isPair = next.kind == .number || next.kind == .identifier
        let index = isPair ? try parseIndex(target) : 0
        pending.write(unsigned: try parseIndex(segment))
        pending.write(unsigned: index)
    }

    private mutating func parseTypeAnd(_ space: Space?) throws(TextFault) {
        pending.write(unsigned: try parseIndex(.type))
        if let space {
            pending.write(unsigned: try parseIndex(space))
        } else {
            pending.write(
                unsigned: try cursor.expectUnsigned(limit: UInt64(UInt32.max), "i32"))
        }
    }

    private mutating func parseStructureField() throws(TextFault) {
        let type = try parseIndex(.type)
        pending.write(unsigned: type)
        let token = cursor.token
        if let symbol = cursor.takeIdentifier() {
            guard let field = typeTable.field(symbol, of: type) else {
                throw TextFault(token, "unknown field \(cursor.excerpt(token))")
            }
            pending.write(unsigned: field)
        } else {
            pending.write(
                unsigned: try cursor.expectUnsigned(limit: UInt64(UInt32.max), "i32"))
        }
    }

    private mutating func parseIndirectCall() throws(TextFault) {
        let table = try takeIndex(.table) ?? 0
        pending.write(unsigned: try parseTypeUse(names: .refused))
        pending.write(unsigned: table)
    }

    // MARK: Types

    private mutating func parseSelect(_ row: InstructionRow) throws(TextFault) {
        guard cursor.isAtOpening(.result) else { return writeCode(row) }
        results.removeAll()
        while cursor.take(opening: .result) {
            while !cursor.isAtClosing { results.append(try parseValueType()) }
            try cursor.expectClosing()
        }
        pending.write(0x1C)
        pending.write(count: results.count)
        for index in 0..<results.count { pending.write(results[index]) }
    }

    /// The code depends on whether null passes.
    private mutating func parseTest(_ row: InstructionRow) throws(TextFault) {
        let type = try parseReferenceType()
        pending.write(row.prefix)
        pending.write(unsigned: UInt64(row.code) &+ (type.isNullable ? 1 : 0))
        pending.write(type.heapType)
    }

    private mutating func parseCastBranch() throws(TextFault) {
        let label = try parseLabel()
        let source = try parseReferenceType()
        let target = try parseReferenceType()
        pending.write((source.isNullable ? 1 : 0) | (target.isNullable ? 2 : 0))
        pending.write(unsigned: label)
        pending.write(source.heapType)
        pending.write(target.heapType)
    }

    // MARK: Memory and lanes

    private mutating func parseMemoryArgument(
        _ row: InstructionRow, withLane: Bool
    ) throws(TextFault) {
        var memory: UInt32 = 0
        // A number alone is the lane; before anything else it is the memory.
        var next = cursor
        next.advance()
        let isLane = withLane && cursor.kind == .number && !Self.continuesAccess(next)
        if !isLane { memory = try takeIndex(.memory) ?? 0 }
        let offset = try takeSetting("offset=") ?? 0
        let token = cursor.token
        var alignment = UInt64(row.naturalAlignment)
        if let value = try takeSetting("align=") {
            guard value.nonzeroBitCount == 1 else {
                throw TextFault(token, "alignment must be a power of two")
            }
            alignment = UInt64(value.trailingZeroBitCount)
        }
        if memory == 0 {
            pending.write(unsigned: alignment)
        } else {
            pending.write(unsigned: alignment | 0x40)
            pending.write(unsigned: memory)
        }
        pending.write(unsigned: offset)
        if withLane { try parseLane() }
    }

    /// Whether what comes next belongs to a memory access whose memory has been named.
    private static func continuesAccess(_ cursor: TokenCursor) -> Bool {
        cursor.kind == .number || startsSetting(cursor, "offset=")
            || startsSetting(cursor, "align=")
    }

    private static func startsSetting(_ cursor: TokenCursor, _ name: StaticString) -> Bool {
        let token = cursor.token
        guard token.kind == .keyword, token.payload == 0 else { return false }
        return cursor.text.source.window.starts(at: Int(token.start), with: name)
    }

    /// The number after `name`, if that comes next.
    private mutating func takeSetting(_ name: StaticString) throws(TextFault) -> UInt64? {
        guard Self.startsSetting(cursor, name) else { return nil }
        let token = cursor.token
        let digits = (Int(token.start) &+ name.utf8CodeUnitCount)..<Int(token.end)
        guard let literal = IntegerLiteral(text.source.window, digits), !literal.hasSign else {
            throw cursor.unexpected("a number after \(name)")
        }
        guard let value = literal.unsigned else {
            throw TextFault(token, "i64 constant out of range")
        }
        cursor.index &+= 1
        return value
    }

    private mutating func parseLane() throws(TextFault) {
        let lane = try cursor.takeUnsigned(limit: 255, "i8")
        guard let lane else { throw cursor.unexpected("a lane index") }
        pending.write(UInt8(truncatingIfNeeded: lane))
    }

    /// A vector constant, or the lanes of a shuffle.
    private mutating func parseBytes(_ row: InstructionRow) throws(TextFault) {
        if row.code == 12 {
            let vector = try cursor.expectVector()
            for byte in vector.bytes { pending.write(byte) }
            return
        }
        for _ in 0..<16 {
            guard let lane = try cursor.takeUnsigned(limit: 255, "i8") else {
                throw cursor.unexpected("16 lane indices: invalid lane length")
            }
            pending.write(UInt8(truncatingIfNeeded: lane))
        }
    }
}

extension ByteWindow {
    /// Whether the bytes from `start` on are those of `word`.
    func starts(at start: Int, with word: StaticString) -> Bool {
        var offset = start
        for byte in word.description.utf8 {
            if self.byte(at: offset) != byte { return false }
            offset &+= 1
        }
        return true
    }
}
