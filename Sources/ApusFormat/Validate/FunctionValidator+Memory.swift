internal import ApusCollections

/// Memory, tables and segments (3.4.4, 3.4.5).
extension FunctionValidator {
    // MARK: Loads and stores

    /// Reads alignment and offset of an access of 2^`natural` bytes. Returns the type of the
    /// memory's addresses.
    mutating func readMemoryArgument(natural: UInt32) throws(ModuleError) -> ValueType {
        let alignment = try reader.readUnsigned32()
        if alignment >= 0x40 {
            return try readIndexedMemoryArgument(alignment, natural: natural)
        }
        let start = reader.position
        let offset = try reader.readOffset()
        if start >= reader.end { throw reader.unexpectedEnd() }
        guard firstAddress != .bottom else { throw invalid("unknown memory 0") }
        guard offset <= UInt64(UInt32.max) || firstAddress == .i64 else {
            throw invalid("offset out of range")
        }
        guard alignment <= natural else {
            throw invalid("alignment must not be larger than natural")
        }
        note(.accessesMemory)
        analysis.memoryWeight = analysis.memoryWeight.saturatingAdd(weight)
        return firstAddress
    }

    /// The rest of a memory argument that names its memory (5.4.6).
    @inline(never)
    private mutating func readIndexedMemoryArgument(
        _ flags: UInt32, natural: UInt32
    ) throws(ModuleError) -> ValueType {
        guard flags < 0x80 else { throw malformed("malformed memop flags") }
        guard features.has(.multiMemory) else {
            throw unsupported(.multiMemory, "memory index in a memory argument")
        }
        let index = try reader.readUnsigned32()
        let start = reader.position
        let offset = try reader.readOffset()
        if start >= reader.end { throw reader.unexpectedEnd() }
        guard Int(index) < memoryAddresses.count else { throw invalid("unknown memory \(index)") }
        let address = memoryAddresses[Int(index)]
        guard offset <= UInt64(UInt32.max) || address == .i64 else {
            throw invalid("offset out of range")
        }
        guard flags & 0x3F <= natural else {
            throw invalid("alignment must not be larger than natural")
        }
        note(.accessesMemory)
        if index == 0 { analysis.memoryWeight = analysis.memoryWeight.saturatingAdd(weight) }
        return address
    }

    mutating func validateLoad(_ opcode: UInt8) throws(ModuleError) {
        let access = Self.access(opcode)
        try pop(try readMemoryArgument(natural: access.natural))
        push(access.type)
    }

    mutating func validateStore(_ opcode: UInt8) throws(ModuleError) {
        let access = Self.access(opcode)
        let address = try readMemoryArgument(natural: access.natural)
        try pop(access.type)
        try pop(address)
    }

    /// Value type and log2 of the bytes of the load or store `opcode`, which is 0x28 to 0x3E: two
    /// bits of each make a row, in the opcodes' order.
    @inline(__always)
    private static func access(_ opcode: UInt8) -> (type: ValueType, natural: UInt32) {
        // i32 i64 f32 f64 | i32 ×4 | i64 ×6 | i32 i64 f32 f64 | i32 ×2 | i64 ×3
        let types: UInt64 = 0b01_01_01_00_00_11_10_01_00_01_01_01_01_01_01_00_00_00_00_11_10_01_00
        let sizes: UInt64 = 0b10_01_00_01_00_11_10_11_10_10_10_01_01_00_00_01_01_00_00_11_10_11_10
        let shift = UInt64(opcode &- 0x28) &* 2
        let type = 0x7F &- UInt32(truncatingIfNeeded: types &>> shift & 3)
        return (ValueType(bits: type), UInt32(truncatingIfNeeded: sizes &>> shift & 3))
    }

    /// Reads the index of a memory. Returns the type of its addresses.
    mutating func readMemoryIndex() throws(ModuleError) -> ValueType {
        guard features.has(.multiMemory) else {
            if reader.readByte() != 0 { throw unsupported(.multiMemory, "memory index") }
            guard firstAddress != .bottom else { throw invalid("unknown memory 0") }
            return firstAddress
        }
        return memoryAddresses[try readIndex(below: memoryAddresses.count, "memory")]
    }

    // MARK: Numeric

    /// Instructions without immediates whose operands share one type: packed as operand count,
    /// operand type and result type.
    mutating func validateNumeric(_ opcode: UInt8) throws(ModuleError) {
        let row = NumericSignature.of(opcode)
        if opcode >= 0xC0, !features.has(.signExtension) {
            throw refusal(of: opcode)
        }
        let operand = row.operand
        if row.isBinary { try pop(operand) }
        try pop(operand)
        push(row.result)
    }

    // MARK: Prefix FC

    mutating func validateMiscellaneous() throws(ModuleError) {
        let code = try reader.readUnsigned32()
        switch code {
        case 0...7: try validateSaturation(code)
        case 8...11: try validateBulkMemory(code)
        case 12...17: try validateTableInstruction(code)
        case 19...22: try validateWideArithmetic(code)
        default:
            throw refusal(ofPrefix: 0xFC, code: code)
        }
    }

    private mutating func validateSaturation(_ code: UInt32) throws(ModuleError) {
        guard features.has(.saturatingConversions) else {
            throw refusal(ofPrefix: 0xFC, code: code)
        }
        try pop(code & 2 == 0 ? .f32 : .f64)
        push(code < 4 ? .i32 : .i64)
    }

    /// 128-bit numbers are two operands each; products have two factors of 64 bits.
    private mutating func validateWideArithmetic(_ code: UInt32) throws(ModuleError) {
        guard features.has(.wideArithmetic) else { throw refusal(ofPrefix: 0xFC, code: code) }
        for _ in 0..<(code < 21 ? 4 : 2) { try pop(.i64) }
        push(.i64)
        push(.i64)
    }

    /// Pops what `init`, `copy` and `fill` take; `first` was pushed first.
    private mutating func pop(
        _ first: ValueType, _ second: ValueType, _ third: ValueType
    ) throws(ModuleError) {
        try pop(third)
        try pop(second)
        try pop(first)
    }

    private mutating func readDataIndex() throws(ModuleError) {
        let index = try reader.readUnsigned32()
        guard let count = module.dataCount else { throw malformed("data count section required") }
        guard index < count else { throw invalid("unknown data segment \(index)") }
    }

    private mutating func validateBulkMemory(_ code: UInt32) throws(ModuleError) {
        guard features.has(.bulkMemory) else { throw refusal(ofPrefix: 0xFC, code: code) }
        note(.callsRuntime)
        switch code {
        case 8:
            try readDataIndex()
            try pop(try readMemoryIndex(), .i32, .i32)
        case 9: try readDataIndex()
        case 10:
            let target = try readMemoryIndex()
            let source = try readMemoryIndex()
            try pop(target, source, target == source ? target : .i32)
        default:
            let address = try readMemoryIndex()
            try pop(address, .i32, address)
        }
    }

    private mutating func readElementIndex() throws(ModuleError) -> ValueType {
        let index = try readIndex(below: module.elements.count, "elem segment")
        return module.canonical(module.elements[index].contentType)
    }

    private mutating func validateTableInstruction(_ code: UInt32) throws(ModuleError) {
        let feature: Feature = code < 15 ? .bulkMemory : .referenceTypes
        guard features.has(feature) else { throw refusal(ofPrefix: 0xFC, code: code) }
        if code != 16 { note(.callsRuntime) }
        if code == 12 || code == 14 || code == 17 { note(.writesTables) }
        switch code {
        case 12:
            let type = try readElementIndex()
            let table = try readIndex(below: tables.count, "table")
            try checkElement(type, fits: table)
            try pop(tableAddresses[table], .i32, .i32)
        case 13: _ = try readElementIndex()
        case 14:
            let destination = try readIndex(below: tables.count, "table")
            let source = try readIndex(below: tables.count, "table")
            try checkElement(tables[source], fits: destination)
            let target = tableAddresses[destination]
            let origin = tableAddresses[source]
            try pop(target, origin, target == origin ? target : .i32)
        case 15:
            let table = try readIndex(below: tables.count, "table")
            let address = tableAddresses[table]
            try pop(address)
            try pop(tables[table])
            push(address)
        case 16: push(tableAddresses[try readIndex(below: tables.count, "table")])
        default:
            let table = try readIndex(below: tables.count, "table")
            let address = tableAddresses[table]
            try pop(address, tables[table], address)
        }
    }

    private func checkElement(_ type: ValueType, fits table: Int) throws(ModuleError) {
        guard type.matches(tables[table]) else {
            throw invalid("type mismatch: table \(table) holds \(tables[table]), not \(type)")
        }
    }
}
