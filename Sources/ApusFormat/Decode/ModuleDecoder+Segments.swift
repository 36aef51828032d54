internal import ApusCollections

/// Segments (5.5.12, 5.5.15).
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
}
