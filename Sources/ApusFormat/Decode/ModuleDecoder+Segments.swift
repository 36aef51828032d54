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
        while let instruction = try readConstant(&reader) { instructions.append(instruction) }
        return ConstantExpression(instructions)
    }

    /// Reads an instruction; nil if it is `end`.
    private func readConstant(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> ConstantExpression.Instruction? {
        let place = reader
        let operation = try readOperation(&reader)
        switch operation {
        case .end: return nil
        case .i32Const: return .i32Const(try reader.readSigned32())
        case .i64Const: return .i64Const(try reader.readSigned64())
        case .f32Const: return .f32Const(bits: try reader.readWord32())
        case .f64Const: return .f64Const(bits: try reader.readWord64())
        case .vectorConst:
            let low = try reader.readWord64()
            return .v128Const(low: low, high: try reader.readWord64())
        case .globalGet: return .globalGet(try reader.readUnsigned32())
        case .refNull: return .refNull(try reader.readHeapType(features))
        case .refFunc: return .refFunc(try reader.readUnsigned32())
        case .binary(let type, let binary):
            guard let instruction = ConstantExpression.Instruction(type, binary) else { break }
            try require(.extendedConstants, place, "arithmetic in a constant expression")
            return instruction
        // Constants of garbage collection are not there yet.
        case .structNew, .arrayNew, .arrayNewFixed, .refI31, .anyConvertExtern, .externConvertAny:
            throw ModuleError(.unsupported(.garbageCollection), at: place.position, "constant")
        case .unreachable, .nop, .block, .loop, .if, .else, .br, .brIf, .brTable, .brOnNull,
            .brOnNonNull, .brOnCast, .brOnCastFail, .return, .call, .callRef, .callIndirect,
            .returnCall, .returnCallRef, .returnCallIndirect, .throw, .throwRef, .tryTable, .drop,
            .select, .selectTyped, .localGet, .localSet, .localTee, .globalSet, .tableGet,
            .tableSet, .tableSize, .tableGrow, .tableFill, .tableCopy, .tableInit, .elementDrop,
            .load, .store, .memorySize, .memoryGrow, .memoryFill, .memoryCopy, .memoryInit,
            .dataDrop, .refIsNull, .refAsNonNull, .refEq, .refTest, .refCast, .structGet,
            .structSet, .arrayNewData, .arrayNewElement, .arrayGet, .arraySet, .arrayLength,
            .arrayFill, .arrayCopy, .arrayInitData, .arrayInitElement, .i31Get, .unary, .test,
            .compare, .convert, .wide, .vectorLoad, .vectorStore, .vectorLoadLane,
            .vectorStoreLane, .vectorShuffle, .vectorSplat, .vectorExtractLane,
            .vectorReplaceLane, .vectorNot, .vectorAnyTrue, .vectorBitwise, .vectorBitselect,
            .vectorAllTrue, .vectorBitmask, .vectorCompare, .vectorShift, .vectorUnary,
            .vectorBinary, .vectorTernary, .vectorConvert, .atomicNotify, .atomicWait,
            .atomicFence, .atomicLoad, .atomicStore, .atomicReadModifyWrite,
            .atomicCompareExchange:
            break
        }
        throw ModuleError(.invalid, at: place.position, "constant expression required")
    }

    private func readOperation(_ reader: inout ByteReader) throws(ModuleError) -> Operation {
        let place = reader.position
        let first = try reader.readByte()
        let prefix = Opcodes.isPrefix(first) ? first : 0
        let code = prefix == 0 ? UInt32(first) : try reader.readUnsigned32()
        let row = ValidationRow.row(prefix: prefix, code: code)
        guard row.isOn(features) else {
            throw Opcodes.refusal(prefix: prefix, code: code, features: features, at: place)
        }
        return row.operation
    }
}

extension ConstantExpression.Instruction {
    /// The arithmetic that constants may be made with; nil for other operators.
    fileprivate init?(_ type: NumberType, _ binary: BinaryOperator) {
        switch (type, binary) {
        case (.i32, .add): self = .i32Add
        case (.i32, .subtract): self = .i32Sub
        case (.i32, .multiply): self = .i32Mul
        case (.i64, .add): self = .i64Add
        case (.i64, .subtract): self = .i64Sub
        case (.i64, .multiply): self = .i64Mul
        default: return nil
        }
    }
}
