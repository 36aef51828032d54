/// Segments and constant expressions (5.5.12, 5.5.15, 5.4.9).
extension ModuleDecoder {
    mutating func decodeElements(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(&reader, limit: limits.elementSegments, "element segments")
        for _ in 0..<count {
            parts.offsets.elements.append(UInt32(truncatingIfNeeded: reader.position))
            parts.elements.append(try readElementSegment(&reader))
        }
    }

    /// The flags say: 1 not active, 2 table or declarative, 4 expressions instead of indices.
    private func readElementSegment(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> ElementSegment {
        let start = reader
        let flags = try reader.readUnsigned32()
        guard flags < 8 else { throw start.malformed("malformed elements segment kind") }
        if flags != 0 { try require(.bulkMemory, start, "element segment kind") }
        let mode: ElementSegment.Mode
        if flags & 1 == 0 {
            let table = flags & 2 != 0 ? try reader.readUnsigned32() : 0
            mode = .active(table: table, offset: try readConstantExpression(&reader))
        } else {
            mode = flags & 2 != 0 ? .declarative : .passive
        }
        if flags & 4 != 0 {
            let type = flags == 4 ? ValueType.funcref : try reader.readReferenceType(features)
            let expressions = try readExpressions(&reader)
            return ElementSegment(mode: mode, type: type, initializers: .expressions(expressions))
        }
        if flags != 0 {
            let place = reader
            guard try reader.readByte() == 0 else {
                throw place.malformed("malformed element kind")
            }
        }
        let indices = try readIndices(&reader)
        return ElementSegment(mode: mode, type: .funcref, initializers: .functions(indices))
    }

    private func readIndices(_ reader: inout ByteReader) throws(ModuleError) -> [UInt32] {
        let count = try readCount(&reader, limit: .max, "elements")
        var indices: [UInt32] = []
        indices.reserveCapacity(count)
        for _ in 0..<count { indices.append(try reader.readUnsigned32()) }
        return indices
    }

    private func readExpressions(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> [ConstantExpression] {
        let count = try readCount(&reader, limit: .max, "elements")
        var expressions: [ConstantExpression] = []
        expressions.reserveCapacity(count)
        for _ in 0..<count { expressions.append(try readConstantExpression(&reader)) }
        return expressions
    }

    mutating func decodeData(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(&reader, limit: limits.dataSegments, "data segments")
        parts.data.reserveCapacity(count)
        for _ in 0..<count {
            parts.offsets.data.append(UInt32(truncatingIfNeeded: reader.position))
            let place = reader
            let flags = try reader.readUnsigned32()
            guard flags < 3 else { throw place.malformed("malformed data segment kind") }
            if flags != 0 { try require(.bulkMemory, place, "data segment kind") }
            var mode = DataSegment.Mode.passive
            if flags != 1 {
                let memory = flags == 2 ? try reader.readUnsigned32() : 0
                mode = .active(memory: memory, offset: try readConstantExpression(&reader))
            }
            let size = Int(try reader.readUnsigned32())
            parts.data.append(DataSegment(mode: mode, contents: try reader.readBytes(size)))
        }
    }

    /// Reads up to and including `end`. Specification: 3.4.14 says which instructions may occur.
    func readConstantExpression(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> ConstantExpression {
        var instructions: [ConstantExpression.Instruction] = []
        while true {
            let place = reader
            let byte = try reader.readByte()
            switch byte {
            case 0x0B: return ConstantExpression(instructions)
            case 0x41: instructions.append(.i32Const(try reader.readSigned32()))
            case 0x42: instructions.append(.i64Const(try reader.readSigned64()))
            case 0x43: instructions.append(.f32Const(bits: try reader.readWord32()))
            case 0x44: instructions.append(.f64Const(bits: try reader.readWord64()))
            case 0x23: instructions.append(.globalGet(try reader.readUnsigned32()))
            case 0xD0:
                try require(.referenceTypes, place, "ref.null")
                instructions.append(.refNull(try reader.readHeapType(features)))
            case 0xD2:
                try require(.referenceTypes, place, "ref.func")
                instructions.append(.refFunc(try reader.readUnsigned32()))
            case 0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E:
                try require(.extendedConstants, place, "arithmetic in a constant expression")
                instructions.append(Self.arithmetic(byte))
            case 0xFB...0xFE: instructions.append(try readPrefixed(byte, &reader, place))
            default:
                guard Opcodes.opcode(prefix: 0, code: Int(byte)) != nil else {
                    throw Opcodes.refusal(prefix: 0, code: UInt32(byte), at: place.position)
                }
                throw ModuleError(.invalid, at: place.position, "constant expression required")
            }
        }
    }

    private static func arithmetic(_ byte: UInt8) -> ConstantExpression.Instruction {
        switch byte {
        case 0x6A: .i32Add
        case 0x6B: .i32Sub
        case 0x6C: .i32Mul
        case 0x7C: .i64Add
        case 0x7D: .i64Sub
        default: .i64Mul
        }
    }

    /// The only such instruction that is constant, without garbage collection, is `v128.const`.
    private func readPrefixed(
        _ prefix: UInt8, _ reader: inout ByteReader, _ place: ByteReader
    ) throws(ModuleError) -> ConstantExpression.Instruction {
        let code = try reader.readUnsigned32()
        guard let row = Opcodes.opcode(prefix: prefix, code: Int(code)) else {
            throw Opcodes.refusal(prefix: prefix, code: code, at: place.position)
        }
        if let feature = row.feature { try require(feature, place, "\(row.name)") }
        // Constants of garbage collection are not there yet.
        guard prefix != 0xFB else {
            throw Opcodes.refusal(prefix: prefix, code: code, at: place.position)
        }
        guard case .vectorConst = row.operation else {
            throw ModuleError(.invalid, at: place.position, "constant expression required")
        }
        let low = try reader.readWord64()
        return .v128Const(low: low, high: try reader.readWord64())
    }
}
