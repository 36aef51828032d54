/// Types (5.3).
extension ModuleDecoder {
    mutating func decodeTypes(_ reader: inout ByteReader) throws(ModuleError) {
        let count = try readCount(&reader, limit: limits.types, "types")
        parts.types.reserveCapacity(count)
        parts.offsets.types.reserveCapacity(count)
        for _ in 0..<count {
            parts.offsets.types.append(UInt32(truncatingIfNeeded: reader.position))
            parts.types.append(try readFunctionType(&reader))
        }
        if features.has(.functionReferences) {
            parts.canonicalTypes = TypeCanonicalizer.canonicalIndices(parts.types)
        }
    }

    private func readFunctionType(_ reader: inout ByteReader) throws(ModuleError) -> FunctionType {
        switch try reader.peekByte() {
        case 0x60: _ = try reader.readByte()
        case 0x4E, 0x4F, 0x50, 0x5E, 0x5F:
            throw ModuleError(.unsupported(.garbageCollection), at: reader.position, "type form")
        default: throw reader.malformed("malformed definition type")
        }
        let parameters = try readValueTypes(&reader, limit: limits.parameters, "parameters")
        let start = reader
        let results = try readValueTypes(&reader, limit: limits.results, "results")
        if results.count > 1 { try require(.multiValue, start, "several results") }
        return FunctionType(parameters, results)
    }

    private func readValueTypes(
        _ reader: inout ByteReader, limit: Int, _ what: String
    ) throws(ModuleError) -> [ValueType] {
        let count = try readCount(&reader, limit: limit, what)
        var types: [ValueType] = []
        types.reserveCapacity(count)
        for _ in 0..<count { types.append(try reader.readValueType(features)) }
        return types
    }

    func readTableType(_ reader: inout ByteReader) throws(ModuleError) -> TableType {
        let element = try reader.readReferenceType(features)
        let start = reader.position
        let flags = try reader.readByte()
        switch flags {
        case 0, 1: break
        case 4, 5:
            guard features.has(.memory64) else {
                throw ModuleError(.unsupported(.memory64), at: start, "64-bit table")
            }
        default: throw ModuleError(.malformed, at: start, "malformed limits flags")
        }
        let range = try readLimits(&reader, hasMaximum: flags & 1 != 0)
        var type = TableType(element: element, limits: range)
        type.is64 = flags & 4 != 0
        return type
    }

    func readMemoryType(_ reader: inout ByteReader) throws(ModuleError) -> MemoryType {
        let start = reader.position
        let flags = try reader.readByte()
        guard flags < 16 else {
            throw ModuleError(.malformed, at: start, "malformed limits flags")
        }
        if flags & 8 != 0, !features.has(.customPageSizes) {
            throw ModuleError(.unsupported(.customPageSizes), at: start, "page size")
        }
        if flags & 4 != 0, !features.has(.memory64) {
            throw ModuleError(.unsupported(.memory64), at: start, "64-bit memory")
        }
        if flags & 2 != 0 {
            throw ModuleError(.unsupported(.threads), at: start, "shared memory")
        }
        var type = MemoryType(limits: try readLimits(&reader, hasMaximum: flags & 1 != 0))
        type.is64 = flags & 4 != 0
        if flags & 8 != 0 { type.pageSizeLog2 = try readPageSize(&reader) }
        return type
    }

    /// Which sizes there are is for validation to say; all that can be written fit 64 bits.
    private func readPageSize(_ reader: inout ByteReader) throws(ModuleError) -> UInt8 {
        let place = reader
        let exponent = try reader.readUnsigned32()
        guard exponent < 64 else { throw place.malformed("invalid custom page size") }
        return UInt8(truncatingIfNeeded: exponent)
    }

    private func readLimits(
        _ reader: inout ByteReader, hasMaximum: Bool
    ) throws(ModuleError) -> SizeLimits {
        let minimum = try reader.readUnsigned64()
        let maximum = hasMaximum ? try reader.readUnsigned64() : nil
        return SizeLimits(minimum: minimum, maximum: maximum)
    }

    func readGlobalType(_ reader: inout ByteReader) throws(ModuleError) -> GlobalType {
        let value = try reader.readValueType(features)
        let mutability = try reader.readByte()
        guard mutability < 2 else {
            throw ModuleError(.malformed, at: reader.position &- 1, "malformed mutability")
        }
        return GlobalType(value, isMutable: mutability == 1)
    }
}

extension ByteReader {
    /// Specification: 5.3.5.
    mutating func readValueType(_ features: FeatureSet) throws(ModuleError) -> ValueType {
        let byte = try peekByte()
        if let refusal = ValueType.refusal(byte, features, at: position) { throw refusal }
        if byte < 0x7B { return try readReferenceType(features) }
        _ = try readByte()
        return ValueType(bits: UInt32(byte))
    }

    /// Specification: 5.3.4.
    mutating func readReferenceType(_ features: FeatureSet) throws(ModuleError) -> ValueType {
        let byte = try peekByte()
        switch byte {
        // Tables had it from the beginning; other places are to be asked about by who reads them.
        case 0x70: return .reference(try readHeapType(features), nullable: true)
        case 0x63, 0x64, 0x69...0x74:
            if let refusal = ValueType.refusal(byte, features, at: position) { throw refusal }
            let isLong = byte < 0x69
            if isLong { _ = try readByte() }
            return .reference(try readHeapType(features), nullable: byte != 0x64)
        default: throw malformed("malformed reference type")
        }
    }

    /// Specification: 5.3.3.
    mutating func readHeapType(_ features: FeatureSet) throws(ModuleError) -> HeapType {
        let start = position
        let byte = try peekByte()
        if let refusal = HeapType.refusal(byte, features, at: start) { throw refusal }
        if byte == 0x6F || byte == 0x70 {
            _ = try readByte()
            return .abstract(UInt32(byte))
        }
        let index = try readSigned33()
        guard index >= 0 else { throw ModuleError(.malformed, at: start, "malformed heap type") }
        guard features.has(.functionReferences) else {
            throw ModuleError(.unsupported(.functionReferences), at: start, "heap type")
        }
        // No module has so many types: the greatest index stands for all beyond it.
        return HeapType(typeIndex: UInt32(min(index, 0xFFFEFF)))
    }
}
