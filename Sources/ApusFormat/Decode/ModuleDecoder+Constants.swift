internal import ApusCollections

/// Constant expressions (5.4.9).
extension ModuleDecoder {
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
        case .structNew(let values): return .structNew(try reader.readUnsigned32(), values)
        case .arrayNew(let values): return .arrayNew(try reader.readUnsigned32(), values)
        case .arrayNewFixed:
            let type = try reader.readUnsigned32()
            return .arrayNewFixed(type, count: try reader.readUnsigned32())
        case .refI31: return .refI31
        case .anyConvertExtern: return .anyConvertExtern
        case .externConvertAny: return .externConvertAny
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
        let (table, index) = ValidationRow.find(prefix: prefix, code: code)
        let row = table[index]
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
