// Produces: DecodedModule. Consumes: the bytes of a module, from anyone.

public import ApusCollections

/// Reads the binary format, except for the code of functions, which `FunctionValidator` reads.
///
/// Specification: 5 “Binary Format”. Time and memory are at most proportional to the bytes: no
/// count is believed before its elements have been read.
public struct ModuleDecoder {
    let features: FeatureSet
    let limits: DecodingLimits
    var parts: DecodedModule.Parts

    /// Decodes a module. Throws `ModuleError` if it is malformed, asks for a feature that is not
    /// in `features`, or exceeds `limits`. Validate what comes out with `ModuleValidator`.
    public static func decode(
        _ bytes: ByteStorage, features: FeatureSet = .standard, limits: DecodingLimits = .init()
    ) throws(ModuleError) -> DecodedModule {
        var decoder = ModuleDecoder(
            features: features, limits: limits, parts: DecodedModule.Parts(bytes: bytes))
        try decoder.decodeModule()
        return DecodedModule(decoder.parts)
    }

    private mutating func decodeModule() throws(ModuleError) {
        guard parts.bytes.count <= limits.moduleBytes else {
            throw ModuleError(.limit, at: limits.moduleBytes, "module too large")
        }
        var reader = ByteReader(parts.bytes)
        guard try reader.readWord32() == 0x6D73_6100 else {
            throw ModuleError(.malformed, at: 0, "magic header not detected")
        }
        try reader.readVersion()
        var previous = 0
        while !reader.isAtEnd { try decodeSection(&reader, &previous) }
        try checkCounts(reader)
        collectEscapingFunctions()
        // Before bodies move: in one that is written anew hints would be of other instructions.
        if features.has(.branchHints) { parts.branchHints = BranchHints(parts) }
        if features.has(.legacyExceptions) { try rewriteLegacyBodies() }
    }

    /// Reads one section. `previous` is the rank of the last one that was not custom.
    private mutating func decodeSection(
        _ reader: inout ByteReader, _ previous: inout Int
    ) throws(ModuleError) {
        let start = reader.position
        let code = try reader.readByte()
        guard let section = Section(rawValue: code) else {
            throw ModuleError(.malformed, at: start, "malformed section id")
        }
        var contents = try reader.readPart(try reader.readUnsigned32())
        if section != .custom {
            guard section.rank > previous else {
                throw ModuleError(.malformed, at: start, "unexpected content after last section")
            }
            previous = section.rank
        }
        try decode(section, &contents)
        guard contents.isAtEnd else { throw contents.malformed("section size mismatch") }
    }

    private mutating func decode(
        _ section: Section, _ reader: inout ByteReader
    ) throws(ModuleError) {
        switch section {
        case .custom: try decodeCustom(&reader)
        case .type: try decodeTypes(&reader)
        case .import: try decodeImports(&reader)
        case .function: try decodeFunctions(&reader)
        case .table: try decodeTables(&reader)
        case .memory: try decodeMemories(&reader)
        case .tag: try decodeTags(&reader)
        case .global: try decodeGlobals(&reader)
        case .export: try decodeExports(&reader)
        case .start:
            parts.offsets.start = UInt32(truncatingIfNeeded: reader.position)
            parts.start = try reader.readUnsigned32()
        case .element: try decodeElements(&reader)
        case .dataCount:
            try require(.bulkMemory, reader, "data count section")
            parts.dataCount = try reader.readUnsigned32()
        case .code: try decodeCode(&reader)
        case .data: try decodeData(&reader)
        }
    }

    private func checkCounts(_ reader: ByteReader) throws(ModuleError) {
        let defined = parts.functions.count &- parts.importedFunctionCount
        guard parts.bodies.count == defined else {
            throw reader.malformed("function and code section have inconsistent lengths")
        }
        if let count = parts.dataCount, Int(count) != parts.data.count {
            throw reader.malformed("data count and data section have inconsistent lengths")
        }
    }

    // MARK: Helpers

    func require(
        _ feature: Feature, _ reader: ByteReader, _ what: String
    ) throws(ModuleError) {
        if !features.has(feature) {
            throw ModuleError(.unsupported(feature), at: reader.position, what)
        }
    }

    /// Reads the length of a vector. Each element takes at least a byte, so a count beyond the
    /// bytes left is wrong at once, and one that passes may be reserved.
    func readCount(
        _ reader: inout ByteReader, limit: Int, existing: Int = 0, _ what: String
    ) throws(ModuleError) -> Int {
        let start = reader.position
        let count = Int(try reader.readUnsigned32())
        guard count <= reader.remaining else { throw reader.unexpectedEnd() }
        guard count <= limit &- existing else {
            throw ModuleError(.limit, at: start, "too many \(what)")
        }
        return count
    }

    /// What `ref.func` in bodies may name (3.4.13): whatever the rest of the module names.
    private mutating func collectEscapingFunctions() {
        var named = [Bool](repeating: false, count: parts.functions.count)
        func note(_ index: UInt32) {
            if Int(index) < named.count { named[Int(index)] = true }
        }
        func note(_ expression: ConstantExpression) {
            for case .refFunc(let index) in expression.instructions { note(index) }
        }
        for export in parts.exports {
            if case .function(let index) = export.item { note(index) }
        }
        for initializer in parts.globalInitializers { note(initializer) }
        for case .some(let initializer) in parts.tableInitializers { note(initializer) }
        for segment in parts.elements {
            switch segment.initializers {
            case .functions(let indices): for index in indices { note(index) }
            case .expressions(let expressions): for expression in expressions { note(expression) }
            }
        }
        for index in named.indices where named[index] {
            parts.escapingFunctions.append(UInt32(truncatingIfNeeded: index))
        }
    }
}

extension ByteReader {
    /// Reads the version of the binary format, which components have, too.
    public mutating func readVersion() throws(ModuleError) {
        let start = position
        let version = try readWord32()
        if version == 1 { return }
        // The upper half says that it is a component, the lower one of which version.
        guard version >> 16 == 1, version & 0xFFFF != 0 else {
            throw ModuleError(.malformed, at: start, "unknown binary version")
        }
        throw ModuleError(.component, at: start, ModuleError.component)
    }
}

/// The sections of a module. Specification: 5.5.2.
public enum Section: UInt8, Sendable {
    case custom, type, `import`, function, table, memory, global, export, start, element, code
    case data, dataCount, tag

    /// The section's place in the order of sections, from 1 on.
    public var rank: Int {
        switch self {
        case .custom: 0
        case .type: 1
        case .import: 2
        case .function: 3
        case .table: 4
        case .memory: 5
        case .tag: 6
        case .global: 7
        case .export: 8
        case .start: 9
        case .element: 10
        case .dataCount: 11
        case .code: 12
        case .data: 13
        }
    }
}
