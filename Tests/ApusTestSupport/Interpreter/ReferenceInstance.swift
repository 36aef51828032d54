internal import ApusCollections
public import ApusFormat

/// A module that has been instantiated in a `ReferenceStore`. Specification: 4.2.6, 4.5.4.
public final class ReferenceInstance {
    public let module: DecodedModule
    let store: ReferenceStore
    /// The module's types, as the store knows them.
    let types: ReferenceTypes
    /// Addresses in the store of all that the module's indices name.
    public internal(set) var functions: [Int] = []
    public internal(set) var tables: [Int] = []
    public internal(set) var memories: [Int] = []
    public internal(set) var globals: [Int] = []
    public internal(set) var tags: [Int] = []
    /// What is left of the segments; a dropped one is empty.
    var elements: [[UInt64]] = []
    var data: [[UInt8]] = []

    /// The address in the store of something that is imported or exported.
    public enum Address: Hashable, Sendable {
        case function(Int)
        case table(Int)
        case memory(Int)
        case global(Int)
        case tag(Int)
    }

    /// Links, initialises and starts `module`, which must be valid.
    ///
    /// Throws `ReferenceLinkError` if an import does not fit, a `ReferenceTrap` if a segment does
    /// not fit or the start function traps; what happened before stays, as the specification
    /// demands.
    public init(
        _ module: DecodedModule, in store: ReferenceStore, imports: [Address]
    ) throws {
        self.module = module
        self.store = store
        types = ReferenceTypes(module.types, in: store)
        try link(imports)
        defineFunctions()
        defineTags()
        defineMemories()
        try initialize()
    }

    /// Where the export `name` lies.
    public func export(_ name: String) -> Address? {
        let name = ExactName(name)
        guard let export = module.exports.first(where: { ExactName($0.name) == name }) else {
            return nil
        }
        return switch export.item {
        case .function(let index): .function(functions[Int(index)])
        case .table(let index): .table(tables[Int(index)])
        case .memory(let index): .memory(memories[Int(index)])
        case .global(let index): .global(globals[Int(index)])
        case .tag(let index): .tag(tags[Int(index)])
        }
    }

    private func link(_ imports: [Address]) throws {
        guard imports.count == module.imports.count else {
            throw ReferenceLinkError("unknown import")
        }
        for (imported, address) in zip(module.imports, imports) {
            guard fits(address, imported.type) else {
                throw ReferenceLinkError("incompatible import type")
            }
            switch address {
            case .function(let address): functions.append(address)
            case .table(let address): tables.append(address)
            case .memory(let address): memories.append(address)
            case .global(let address): globals.append(address)
            case .tag(let address): tags.append(address)
            }
        }
    }

    /// Import matching. Specification: 4.5.2, 3.3.
    private func fits(_ address: Address, _ wanted: ExternalType) -> Bool {
        switch (address, wanted) {
        case (.function(let address), .function(let typeIndex)):
            return store.isSubtype(
                store.functions[address].typeNumber, of: types.numbers[Int(typeIndex)])
        case (.table(let address), .table(let type)):
            let table = store.tables[address]
            return table.type.element == types.canonical(type.element)
                && table.type.is64 == type.is64
                && fits(UInt64(table.elements.count), table.type.limits.maximum, type.limits)
        case (.memory(let address), .memory(let type)):
            let memory = store.memories[address]
            return memory.type.is64 == type.is64 && memory.type.isShared == type.isShared
                && memory.type.pageSizeLog2 == type.pageSizeLog2
                && fits(memory.pageCount, memory.type.limits.maximum, type.limits)
        case (.global(let address), .global(let type)):
            let (found, wanted) = (store.globals[address].type, types.canonical(type))
            if found.isMutable || wanted.isMutable { return found == wanted }
            return found.value.matches(wanted.value, in: store)
        case (.tag(let address), .tag(let typeIndex)):
            return store.tags[address].typeNumber == types.numbers[Int(typeIndex)]
        default:
            return false
        }
    }

    private func fits(_ size: UInt64, _ maximum: UInt64?, _ wanted: SizeLimits) -> Bool {
        guard size >= wanted.minimum else { return false }
        guard let most = wanted.maximum else { return true }
        guard let maximum else { return false }
        return maximum <= most
    }

    private func defineFunctions() {
        for (position, body) in module.bodies.enumerated() {
            let index = module.importedFunctionCount + position
            let type = types.functions[Int(module.functions[index])]
            let code = ReferenceCode(body, in: module)
            let number = types.numbers[Int(module.functions[index])]
            store.functions.append(
                ReferenceFunction(type: type, typeNumber: number, body: .wasm(self, code)))
            functions.append(store.functions.count - 1)
        }
    }

    private func defineTags() {
        for type in module.tags.dropFirst(module.importedTagCount) {
            store.tags.append(
                ReferenceStore.Tag(
                    typeNumber: types.numbers[Int(type)],
                    types: types.functions[Int(type)].parameters))
            tags.append(store.tags.count - 1)
        }
    }

    private func defineMemories() {
        for type in module.memories.dropFirst(module.importedMemoryCount) {
            memories.append(store.addMemory(type))
        }
    }

    /// In the specification's order: globals, tables, segments, the effects of active segments,
    /// the start function.
    private func initialize() throws {
        let ownGlobals = module.globals.dropFirst(module.importedGlobalCount)
        for (type, initializer) in zip(ownGlobals, module.globalInitializers) {
            store.globals.append(
                ReferenceGlobal(type: types.canonical(type), cell: try evaluate(initializer)))
            globals.append(store.globals.count - 1)
        }
        let ownTables = module.tables.dropFirst(module.importedTableCount)
        for (position, type) in ownTables.enumerated() {
            let initializer =
                position < module.tableInitializers.count ? module.tableInitializers[position] : nil
            var type = type
            type.element = types.canonical(type.element)
            store.tables.append(
                ReferenceTable(type: type, filledWith: try initializer.map(evaluate)?.low ?? 0))
            tables.append(store.tables.count - 1)
        }
        elements = try module.elements.map { segment in
            if case .passive = segment.mode { try evaluate(segment) } else { [] }
        }
        data = module.data.map(contents)
        try initializeTables()
        try initializeMemories()
        if let start = module.start { _ = try store.call(functions[Int(start)], []) }
    }

    private func initializeTables() throws {
        for (index, segment) in module.elements.enumerated() {
            switch segment.mode {
            case .passive: continue
            case .declarative: break
            case .active(let table, let offset):
                let start = try evaluate(offset).low
                let room = store.tables[tables[Int(table)]].elements.count
                let count = segment.initializers.count
                // Whoever does not fit is not evaluated.
                _ = try Self.range(start, UInt64(count), within: room, else: .tableOutOfBounds)
                elements[index] = try evaluate(segment)
                try initializeTable(
                    table, segment: index, to: start, from: 0, count: UInt64(count))
            }
            elements[index] = []
        }
    }

    private func initializeMemories() throws {
        for (index, segment) in module.data.enumerated() {
            guard case .active(let memory, let offset) = segment.mode else { continue }
            let start = try evaluate(offset).low
            let count = UInt64(data[index].count)
            try initializeMemory(memory, segment: index, to: start, from: 0, count: count)
            data[index] = []
        }
    }

    private func contents(_ segment: DataSegment) -> [UInt8] {
        let all = module.bytes
        return segment.contents.map { all.span[$0] }
    }

    private func evaluate(_ segment: ElementSegment) throws -> [UInt64] {
        switch segment.initializers {
        case .functions(let indices): indices.map { UInt64(functions[Int($0)]) + 1 }
        case .expressions(let expressions): try expressions.map { try evaluate($0).low }
        }
    }
}
