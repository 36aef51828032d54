internal import ApusCollections
public import ApusFormat
internal import ApusRuntime

extension Module {
    /// A function that a module defines.
    @_spi(ApusCLI)
    public struct DefinedFunction: Hashable, Sendable {
        /// In the module's function index space.
        public var index: Int
        /// Its name as it stands in its source, or the first it is exported under.
        public var name: String?
        /// Where its body is in the module.
        public var body: Range<Int>
        /// What it takes and gives.
        public var type: FunctionType
    }

    /// The functions that the module defines, in order.
    @_spi(ApusCLI)
    public var definedFunctions: [DefinedFunction] {
        let decoded = decoded
        let exported = decoded.exportNames
        return decoded.bodies.enumerated().map { place, body in
            let index = decoded.importedFunctionCount + place
            let name = loaded.functionName(index) ?? exported[index]
            let start = decoded.sourceOffset(of: Int(body.start))
            return DefinedFunction(
                index: index, name: name.map { DemangledName.of($0) ?? $0 },
                body: start..<decoded.sourceOffset(of: Int(body.end) - 1) + 1,
                type: loaded.functionType(decoded.functions[index]))
        }
    }

    /// The module's sections in order, with their names in the text format (those of custom
    /// sections are their own), and where their contents are.
    @_spi(ApusCLI)
    public var sections: [(name: String, contents: Range<Int>)] { decoded.sectionList }

    /// How many functions, tables, memories, globals and tags the module has, imported ones
    /// included, and how many segments of elements and data.
    @_spi(ApusCLI)
    public var counts: [(name: String, count: Int)] {
        [
            ("functions", decoded.functions.count), ("tables", decoded.tables.count),
            ("memories", decoded.memories.count), ("globals", decoded.globals.count),
            ("tags", decoded.tags.count), ("elements", decoded.elements.count),
            ("data", decoded.data.count),
        ]
    }

    /// Size of the module's binary form.
    @_spi(ApusCLI)
    public var byteCount: Int { statistics.moduleBytes }

    /// Whether both are one module, loaded once.
    @_spi(ApusCLI)
    public func isSame(as other: Module) -> Bool { loaded === other.loaded }

    /// The module's bytes without what the decoder has added.
    var ownBytes: ByteStorage {
        let all = decoded.bytes
        if all.count == decoded.ownByteCount { return all }
        return ByteStorage(all.span.extracting(first: decoded.ownByteCount))
    }

    /// The module's own name.
    @_spi(ApusCLI)
    public var ownName: String? { ModuleNames(decoded).moduleName }
}

extension DecodedModule {
    /// How many of `bytes` are the module's own; behind them is what the decoder has written anew.
    var ownByteCount: Int { origins.first.map { Int($0.start) } ?? bytes.count }

    /// The names that functions are exported under, of each the first.
    var exportNames: [Int: String] {
        var names: [Int: String] = [:]
        for export in exports.reversed() {
            if case .function(let index) = export.item { names[Int(index)] = export.name }
        }
        return names
    }

    fileprivate var sectionList: [(name: String, contents: Range<Int>)] {
        let names = [
            "custom", "type", "import", "function", "table", "memory", "global", "export",
            "start", "elem", "code", "data", "datacount", "tag",
        ]
        // Behind the magic number and the version.
        var reader = ByteReader(bytes, 8..<ownByteCount)
        var sections: [(name: String, contents: Range<Int>)] = []
        var custom = customSections.makeIterator()
        while let id = try? reader.readByte(), let length = try? reader.readUnsigned32(),
            let contents = try? reader.readBytes(Int(length)), names.indices.contains(Int(id))
        {
            let name = id == 0 ? custom.next()?.name : nil
            sections.append((name ?? names[Int(id)], contents))
        }
        return sections
    }
}
