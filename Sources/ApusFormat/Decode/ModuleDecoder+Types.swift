internal import ApusCollections

/// Types (5.3).
extension ModuleDecoder {
    mutating func decodeTypes(_ reader: inout ByteReader) throws(ModuleError) {
        // Each entry is a group: of one type, or with its number of types and those.
        let count = try readCount(&reader, limit: typeLimit, "types")
        parts.types.reserve(count)
        parts.offsets.types.reserveCapacity(count)
        for _ in 0..<count {
            guard try reader.peekByte() == 0x4E else {
                try readSubType(&reader, startsGroup: true)
                continue
            }
            try require(.garbageCollection, reader, "recursion group")
            _ = try reader.readByte()
            let members = try readCount(
                &reader, limit: typeLimit, existing: parts.types.count, "types")
            for member in 0..<members { try readSubType(&reader, startsGroup: member == 0) }
        }
    }

    private var typeLimit: Int { min(limits.types, ModuleTypes.limit) }

    /// Specification: 5.3.7 “Composite Types” and 5.3.8 “Recursive Types”.
    private mutating func readSubType(
        _ reader: inout ByteReader, startsGroup: Bool
    ) throws(ModuleError) {
        guard parts.types.count < typeLimit else {
            throw ModuleError(.limit, at: reader.position, "too many types")
        }
        parts.offsets.types.append(UInt32(truncatingIfNeeded: reader.position))
        var isFinal = true
        var supertype: UInt32?
        let form = try reader.peekByte()
        if form == 0x4F || form == 0x50 {
            try require(.garbageCollection, reader, "sub type")
            isFinal = form == 0x4F
            _ = try reader.readByte()
            supertype = try readSupertype(&reader)
        }
        try readCompositeType(&reader) { kind, parts in
            parts.types.begin(
                kind, isFinal: isFinal, supertype: supertype, startsGroup: startsGroup)
        }
    }

    /// There may be one, though the format has room for more.
    private func readSupertype(_ reader: inout ByteReader) throws(ModuleError) -> UInt32? {
        let start = reader
        let count = try readCount(&reader, limit: .max, "supertypes")
        var supertype: UInt32?
        for _ in 0..<count { supertype = try reader.readUnsigned32() }
        guard count < 2 else {
            throw ModuleError(.invalid, at: start.position, "sub type with \(count) supertypes")
        }
        return supertype
    }

    /// Reads a type's form, calls `begin` with its kind, and then adds its fields.
    private mutating func readCompositeType(
        _ reader: inout ByteReader, _ begin: (CompositeKind, inout DecodedModule.Parts) -> Void
    ) throws(ModuleError) {
        let start = reader
        switch try reader.readByte() {
        case 0x60:
            begin(.function, &parts)
            try readSignature(&reader)
        case 0x5F:
            try require(.garbageCollection, start, "structure type")
            begin(.structure, &parts)
            let count = try readCount(&reader, limit: limits.fields, "fields")
            for _ in 0..<count { parts.types.addField(try readFieldType(&reader)) }
        case 0x5E:
            try require(.garbageCollection, start, "array type")
            begin(.array, &parts)
            parts.types.addField(try readFieldType(&reader))
        default: throw start.malformed("malformed definition type")
        }
    }

    /// The parameters and results of a function type.
    private mutating func readSignature(_ reader: inout ByteReader) throws(ModuleError) {
        let parameters = try readCount(&reader, limit: limits.parameters, "parameters")
        for _ in 0..<parameters {
            parts.types.addField(FieldType(try reader.readValueType(features)))
        }
        let start = reader
        let results = try readCount(&reader, limit: limits.results, "results")
        for _ in 0..<results { parts.types.addResult(try reader.readValueType(features)) }
        if results > 1 { try require(.multiValue, start, "several results") }
    }

    private func readFieldType(_ reader: inout ByteReader) throws(ModuleError) -> FieldType {
        var storage = ValueType.i8
        switch try reader.peekByte() {
        case 0x78: _ = try reader.readByte()
        case 0x77:
            _ = try reader.readByte()
            storage = .i16
        default: storage = try reader.readValueType(features)
        }
        return FieldType(storage, isMutable: try readMutability(&reader))
    }

    private func readMutability(_ reader: inout ByteReader) throws(ModuleError) -> Bool {
        let start = reader
        let mutability = try reader.readByte()
        guard mutability < 2 else { throw start.malformed("malformed mutability") }
        return mutability == 1
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
        if flags & 2 != 0, !features.has(.threads) {
            throw ModuleError(.unsupported(.threads), at: start, "shared memory")
        }
        var type = MemoryType(limits: try readLimits(&reader, hasMaximum: flags & 1 != 0))
        type.is64 = flags & 4 != 0
        type.isShared = flags & 2 != 0
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
        return GlobalType(value, isMutable: try readMutability(&reader))
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
        if (0x69...0x74).contains(byte) {
            _ = try readByte()
            return .abstract(UInt32(byte))
        }
        let index = try readSigned33()
        guard index >= 0 else { throw ModuleError(.malformed, at: start, "malformed heap type") }
        guard features.has(.functionReferences) else {
            throw ModuleError(.unsupported(.functionReferences), at: start, "heap type")
        }
        // No module has so many types: this index stands for all beyond it.
        return HeapType(typeIndex: UInt32(min(index, Int64(ModuleTypes.limit))))
    }
}
