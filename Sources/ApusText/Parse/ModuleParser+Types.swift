internal import ApusCollections
internal import ApusFormat

/// Types. Specification: 6.4.
extension ModuleParser {
    // MARK: Value types

    mutating func parseValueType() throws(TextFault) -> ValueType {
        guard let type = try takeValueType() else { throw cursor.unexpected("a value type") }
        return type
    }

    mutating func takeValueType() throws(TextFault) -> ValueType? {
        try watch.look()
        return switch cursor.keyword {
        case .i32: take(.i32)
        case .i64: take(.i64)
        case .f32: take(.f32)
        case .f64: take(.f64)
        case .v128: take(.v128)
        default: try takeReferenceType()
        }
    }

    private mutating func take(_ type: ValueType) -> ValueType {
        cursor.index &+= 1
        return type
    }

    mutating func parseReferenceType() throws(TextFault) -> ValueType {
        guard let type = try takeReferenceType() else {
            throw cursor.unexpected("a reference type")
        }
        return type
    }

    private mutating func takeReferenceType() throws(TextFault) -> ValueType? {
        if cursor.take(opening: .ref) {
            let isNullable = cursor.take(.null)
            let heap = try parseHeapType()
            try cursor.expectClosing()
            return .reference(heap, nullable: isNullable)
        }
        let heap: HeapType? =
            switch cursor.keyword {
            case .funcref: .func
            case .externref: .extern
            case .anyref: .any
            case .eqref: .eq
            case .i31ref: .i31
            case .structref: .struct
            case .arrayref: .array
            case .exnref: .exn
            case .nullref: HeapType.none
            case .nullfuncref: .nofunc
            case .nullexternref: .noextern
            case .nullexnref: .noexn
            default: nil
            }
        return heap.map { take(.reference($0, nullable: true)) }
    }

    mutating func parseHeapType() throws(TextFault) -> HeapType {
        let abstract: HeapType? =
            switch cursor.keyword {
            case .func: .func
            case .extern: .extern
            case .any: .any
            case .eq: .eq
            case .i31: .i31
            case .struct: .struct
            case .array: .array
            case .exn: .exn
            case .noReference: HeapType.none
            case .noFunc: .nofunc
            case .noExtern: .noextern
            case .noExn: .noexn
            default: nil
            }
        if let abstract {
            cursor.index &+= 1
            return abstract
        }
        let token = cursor.token
        guard let index = try takeIndex(.type) else { throw cursor.unexpected("a heap type") }
        // Indices beyond this would look like abstract heap types.
        guard index < 1_000_000 else { throw TextFault(token, "unknown type \(index)") }
        return HeapType(typeIndex: index)
    }

    // MARK: Definitions

    /// Writes the types that the module defines. What type uses add comes after them.
    mutating func defineTypes() throws(TextFault) {
        while cursor.isAtOpening {
            try watch.look()
            if cursor.isAtOpening(.type) {
                fieldStart = cursor.index
                sections.types.begin(fieldToken)
                try parseTypeDefinition(inGroup: false)
            } else if cursor.isAtOpening(.rec) {
                try parseGroup()
            } else {
                cursor.skipGroup()
            }
        }
    }

    private mutating func parseGroup() throws(TextFault) {
        fieldStart = cursor.index
        sections.types.begin(fieldToken)
        var count = cursor
        count.index &+= 2
        var size = 0
        while count.isAtOpening {
            try watch.look()
            count.skipGroup()
            size &+= 1
        }
        sections.types.contents.write(0x4E)
        sections.types.contents.write(count: size)
        cursor.index &+= 2
        while cursor.isAtOpening {
            fieldStart = cursor.index
            sections.types.mark(fieldToken)
            try parseTypeDefinition(inGroup: size > 1)
        }
        try cursor.expectClosing()
    }

    private mutating func parseTypeDefinition(inGroup: Bool) throws(TextFault) {
        try watch.look()
        try cursor.expect(opening: .type)
        _ = cursor.takeIdentifier()
        if cursor.take(opening: .sub) {
            let isFinal = cursor.take(.final)
            sections.types.contents.write(isFinal ? 0x4F : 0x50)
            var supertypes = ByteWriter()
            var count = 0
            while let index = try takeIndex(.type) {
                supertypes.write(unsigned: index)
                count &+= 1
            }
            sections.types.contents.write(count: count)
            sections.types.contents.write(supertypes)
            try parseCompositeType(isPlain: !inGroup && isFinal && count == 0)
            try cursor.expectClosing()
        } else {
            try parseCompositeType(isPlain: !inGroup)
        }
        try cursor.expectClosing()
    }

    private mutating func parseCompositeType(isPlain: Bool) throws(TextFault) {
        if cursor.take(opening: .func) {
            try parseSignature(names: .ignored)
            writeFunctionType()
            typeTable.addFunction(parameters, results, isPlain: isPlain)
        } else if cursor.take(opening: .struct) {
            try parseStructureFields()
            typeTable.addOther()
        } else {
            try cursor.expect(opening: .array)
            sections.types.contents.write(0x5E)
            sections.types.contents.write(try parseFieldType())
            typeTable.addOther()
        }
        try cursor.expectClosing()
    }

    private mutating func writeFunctionType() {
        sections.types.contents.write(0x60)
        Self.write(parameters, to: &sections.types.contents)
        Self.write(results, to: &sections.types.contents)
    }

    private static func write(_ types: borrowing Arena<ValueType>, to writer: inout ByteWriter) {
        writer.write(count: types.count)
        for index in 0..<types.count { writer.write(types[index]) }
    }

    /// The fields of a structure.
    private mutating func parseStructureFields() throws(TextFault) {
        var fields = ByteWriter()
        var count: UInt32 = 0
        while cursor.take(opening: .field) {
            let token = cursor.token
            if let symbol = cursor.takeIdentifier() {
                guard typeTable.nameField(symbol, count) else {
                    throw TextFault(token, "duplicate field \(cursor.excerpt(token))")
                }
                nameField(count, try takeNameAnnotation() ?? symbol)
                fields.write(try parseFieldType())
                count &+= 1
            } else {
                while !cursor.isAtClosing {
                    nameField(count, try takeNameAnnotation())
                    fields.write(try parseFieldType())
                    count &+= 1
                }
            }
            try cursor.expectClosing()
        }
        sections.types.contents.write(0x5F)
        sections.types.contents.write(unsigned: count)
        sections.types.contents.write(fields)
    }

    /// Names field `index` of the type that is added next in the name section.
    private mutating func nameField(_ index: UInt32, _ symbol: UInt32?) {
        guard let symbol else { return }
        let owner = UInt32(truncatingIfNeeded: typeTable.count)
        names.fields.append(.init(owner: owner, index: index, symbol: symbol))
    }

    /// A field's type in the binary format.
    private mutating func parseFieldType() throws(TextFault) -> ByteWriter {
        var writer = ByteWriter()
        let isMutable = cursor.take(opening: .mut)
        if cursor.take(.i8) {
            writer.write(0x78)
        } else if cursor.take(.i16) {
            writer.write(0x77)
        } else {
            writer.write(try parseValueType())
        }
        writer.write(isMutable ? 1 : 0)
        if isMutable { try cursor.expectClosing() }
        return writer
    }

    // MARK: Signatures and type uses (6.6.3)

    /// What names of parameters are for.
    enum ParameterNames {
        case refused
        case ignored
        /// They are the names of locals.
        case bound
    }

    /// Reads parameters and results into `parameters` and `results`.
    mutating func parseSignature(names: ParameterNames) throws(TextFault) {
        parameters.removeAll()
        results.removeAll()
        while cursor.take(opening: .param) {
            if cursor.kind == .identifier {
                if names == .refused { throw cursor.unexpected("a value type") }
                if names == .bound {
                    try declare(.local)
                } else {
                    _ = cursor.takeIdentifier()
                }
                parameters.append(try parseValueType())
            } else {
                while !cursor.isAtClosing {
                    if names == .bound { try declareUnnamedLocal() }
                    parameters.append(try parseValueType())
                }
            }
            try cursor.expectClosing()
        }
        while cursor.take(opening: .result) {
            while !cursor.isAtClosing { results.append(try parseValueType()) }
            try cursor.expectClosing()
        }
    }

    /// The function type that comes next: an index, or parameters and results, or both.
    mutating func parseTypeUse(names: ParameterNames) throws(TextFault) -> UInt32 {
        let token = cursor.token
        let explicit = try parseExplicitType()
        try parseSignature(names: names)
        return try resolveTypeUse(explicit, token, names)
    }

    /// `(type x)`, if that comes next.
    mutating func parseExplicitType() throws(TextFault) -> UInt32? {
        guard cursor.take(opening: .type) else { return nil }
        let index = try parseIndex(.type)
        try cursor.expectClosing()
        return index
    }

    /// The index of the type with `parameters` and `results`, which may have been named.
    mutating func resolveTypeUse(
        _ explicit: UInt32?, _ token: Token, _ names: ParameterNames
    ) throws(TextFault) -> UInt32 {
        guard let explicit else { return implicitType() }
        let hasSignature = !parameters.isEmpty || !results.isEmpty
        if hasSignature {
            guard Int(explicit) < typeTable.count else {
                throw TextFault(token, "unknown type \(explicit)")
            }
            if !typeTable.matches(Int(explicit), parameters, results) {
                throw TextFault(token, "inline function type differs from type \(explicit)")
            }
        } else if names == .bound {
            locals.addUnnamed(typeTable.parameterCount(explicit) ?? 0)
        }
        return explicit
    }

    /// The function type with `parameters` and `results`, which is added if there is none.
    mutating func implicitType() -> UInt32 {
        if let index = typeTable.find(parameters, results) { return index }
        sections.types.begin(fieldToken)
        writeFunctionType()
        typeTable.addFunction(parameters, results, isPlain: true)
        _ = types.add(nil)
        return types.count &- 1
    }

    // MARK: Limits, tables, memories, globals

    /// The sizes of a table or memory, in the binary format; `i64` must have been taken.
    mutating func parseLimits(
        is64: Bool, of what: Space
    ) throws(TextFault) -> ByteWriter {
        let minimum = try cursor.expectUnsigned("i64")
        let maximum = try cursor.takeUnsigned("i64")
        let isShared = what == .memory && cursor.take(.shared)
        let pageSize = what == .memory ? try takePageSize() : nil
        var writer = ByteWriter()
        let flags: [(Bool, UInt8)] = [
            (maximum != nil, 1), (isShared, 2), (is64, 4), (pageSize != nil, 8),
        ]
        writer.write(flags.reduce(UInt8(0)) { $0 | ($1.0 ? $1.1 : 0) })
        writer.write(unsigned: minimum)
        if let maximum { writer.write(unsigned: maximum) }
        if let pageSize { writer.write(unsigned: UInt64(pageSize)) }
        return writer
    }

    /// The binary logarithm of the page size, if one is given.
    mutating func takePageSize() throws(TextFault) -> UInt8? {
        guard cursor.take(opening: .pagesize) else { return nil }
        let token = cursor.token
        let size = try cursor.expectUnsigned("i64")
        guard size.nonzeroBitCount == 1 else { throw TextFault(token, "invalid custom page size") }
        try cursor.expectClosing()
        return UInt8(size.trailingZeroBitCount)
    }

    /// Whether addresses are 64 bits wide: the address type, if one is given.
    mutating func takeAddressType() -> Bool {
        if cursor.take(.i64) { return true }
        _ = cursor.take(.i32)
        return false
    }

    mutating func parseTableType() throws(TextFault) -> ByteWriter {
        let is64 = takeAddressType()
        let limits = try parseLimits(is64: is64, of: .table)
        var writer = ByteWriter()
        writer.write(try parseReferenceType())
        writer.write(limits)
        return writer
    }

    mutating func parseMemoryType() throws(TextFault) -> ByteWriter {
        let is64 = takeAddressType()
        return try parseLimits(is64: is64, of: .memory)
    }

    mutating func parseGlobalType() throws(TextFault) -> ByteWriter {
        var writer = ByteWriter()
        let isMutable = cursor.take(opening: .mut)
        writer.write(try parseValueType())
        writer.write(isMutable ? 1 : 0)
        if isMutable { try cursor.expectClosing() }
        return writer
    }
}
