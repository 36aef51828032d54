internal import ApusCollections

/// Puts a module together piece by piece, and writes it in the binary format.
///
/// For tests, generators and tools. Nothing is checked but the order that index spaces impose:
/// what is imported comes before what is defined. So modules that are not valid can be built too.
public struct ModuleBuilder {
    public private(set) var types = ModuleTypes()
    /// Of function types that are final, without supertype and alone in their groups.
    private var typeIndices: [FunctionType: UInt32] = [:]
    public private(set) var imports: [Import] = []
    /// Type index of each function, imported ones first.
    public private(set) var functions: [UInt32] = []
    public private(set) var tables: [TableType] = []
    public private(set) var memories: [MemoryType] = []
    /// Type index of each tag, imported ones first.
    public private(set) var tags: [UInt32] = []
    public private(set) var globals: [GlobalType] = []
    var globalInitializers: [ConstantExpression] = []
    var tableInitializers: [ConstantExpression?] = []
    public var exports: [Export] = []
    /// Index of the function that runs at instantiation.
    public var start: UInt32?
    public var elements: [ElementSegment] = []
    var data: [Data] = []
    /// Locals and code of the functions the module defines.
    var bodies: [[UInt8]] = []
    /// Whether to write the data count section, which `memory.init` and `data.drop` need.
    public var hasDataCount = true
    var customSections: [Custom] = []

    var importedFunctionCount = 0
    var importedTableCount = 0
    var importedMemoryCount = 0
    var importedTagCount = 0
    var importedGlobalCount = 0

    struct Data {
        var mode: DataSegment.Mode
        var bytes: [UInt8]
    }

    struct Custom {
        var name: String
        var bytes: [UInt8]
    }

    public init() {}

    /// A builder that holds all of `module`.
    public init(_ module: DecodedModule) {
        types = module.types
        for index in types.indices where types.group(of: index).count == 1 {
            let type = types[index]
            guard case .function(let function) = type.composite, type.isFinal,
                type.supertype == nil, typeIndices[function] == nil
            else { continue }
            typeIndices[function] = UInt32(index)
        }
        imports = module.imports
        functions = module.functions
        tables = module.tables
        memories = module.memories
        tags = module.tags
        globals = module.globals
        globalInitializers = module.globalInitializers
        tableInitializers = module.tableInitializers
        exports = module.exports
        start = module.start
        elements = module.elements
        data = module.data.map { Data(mode: $0.mode, bytes: module.bytes.array($0.contents)) }
        bodies = module.bodies.map { module.bytes.array(Int($0.start)..<Int($0.end)) }
        hasDataCount = module.dataCount != nil
        customSections = module.customSections.map {
            Custom(name: $0.name, bytes: module.bytes.array($0.contents))
        }
        importedFunctionCount = module.importedFunctionCount
        importedTableCount = module.importedTableCount
        importedMemoryCount = module.importedMemoryCount
        importedTagCount = module.importedTagCount
        importedGlobalCount = module.importedGlobalCount
    }

    // MARK: Types and imports

    /// The index of `type`, which is added unless it is there.
    public mutating func addType(_ type: FunctionType) -> UInt32 {
        if let index = typeIndices[type] { return index }
        let index = UInt32(types.count)
        types.append(type)
        typeIndices[type] = index
        return index
    }

    /// Adds a recursion group and returns the index of its first type.
    @discardableResult
    public mutating func addTypes(_ group: [SubType]) -> UInt32 {
        types.append(group: group)
        return UInt32(types.count - group.count)
    }

    /// Imports a function and returns its index.
    @discardableResult
    public mutating func importFunction(
        _ module: String, _ name: String, _ type: FunctionType
    ) -> UInt32 {
        importFunction(module, name, type: addType(type))
    }

    /// Imports a function whose type has this index, and returns its own.
    @discardableResult
    public mutating func importFunction(
        _ module: String, _ name: String, type typeIndex: UInt32
    ) -> UInt32 {
        precondition(bodies.isEmpty, "imported functions come before defined ones")
        imports.append(Import(module: module, name: name, type: .function(typeIndex: typeIndex)))
        functions.append(typeIndex)
        importedFunctionCount += 1
        return UInt32(functions.count - 1)
    }

    /// Imports a table and returns its index.
    @discardableResult
    public mutating func importTable(
        _ module: String, _ name: String, _ type: TableType
    ) -> UInt32 {
        precondition(tableInitializers.isEmpty, "imported tables come before defined ones")
        imports.append(Import(module: module, name: name, type: .table(type)))
        tables.append(type)
        importedTableCount += 1
        return UInt32(tables.count - 1)
    }

    /// Imports a memory and returns its index.
    @discardableResult
    public mutating func importMemory(
        _ module: String, _ name: String, _ type: MemoryType
    ) -> UInt32 {
        precondition(importedMemoryCount == memories.count, "imported memories come first")
        imports.append(Import(module: module, name: name, type: .memory(type)))
        memories.append(type)
        importedMemoryCount += 1
        return UInt32(memories.count - 1)
    }

    /// Imports a tag of exceptions that carry the parameters of `type`, and returns its index.
    @discardableResult
    public mutating func importTag(
        _ module: String, _ name: String, _ type: FunctionType
    ) -> UInt32 {
        precondition(importedTagCount == tags.count, "imported tags come first")
        let index = addType(type)
        imports.append(Import(module: module, name: name, type: .tag(typeIndex: index)))
        tags.append(index)
        importedTagCount += 1
        return UInt32(tags.count - 1)
    }

    /// Imports a global and returns its index.
    @discardableResult
    public mutating func importGlobal(
        _ module: String, _ name: String, _ type: GlobalType
    ) -> UInt32 {
        precondition(globalInitializers.isEmpty, "imported globals come before defined ones")
        imports.append(Import(module: module, name: name, type: .global(type)))
        globals.append(type)
        importedGlobalCount += 1
        return UInt32(globals.count - 1)
    }

    // MARK: Definitions

    /// Adds a function whose code `emit` writes, its final `end` excepted; returns its index.
    @discardableResult
    public mutating func addFunction(
        _ type: FunctionType, locals: [ValueType] = [], _ emit: (inout InstructionEncoder) -> Void
    ) -> UInt32 {
        var encoder = InstructionEncoder()
        emit(&encoder)
        encoder.emit(.end)
        return addFunction(type, locals: locals, code: encoder.bytes)
    }

    /// Adds a function with code that ends with `end`; returns its index.
    @discardableResult
    public mutating func addFunction(
        _ type: FunctionType, locals: [ValueType] = [], code: [UInt8]
    ) -> UInt32 {
        addFunction(type: addType(type), locals: locals, code: code)
    }

    /// Adds a function whose type has this index, with code that ends with `end`; returns its own.
    @discardableResult
    public mutating func addFunction(
        type typeIndex: UInt32, locals: [ValueType] = [], code: [UInt8]
    ) -> UInt32 {
        var groups: [(count: Int, type: ValueType)] = []
        for local in locals {
            if let last = groups.last, last.type == local {
                groups[groups.count - 1].count += 1
            } else {
                groups.append((1, local))
            }
        }
        var writer = ByteWriter()
        writer.write(count: groups.count)
        for group in groups {
            writer.write(count: group.count)
            writer.write(group.type)
        }
        writer.write(code)
        functions.append(typeIndex)
        bodies.append(writer.bytes)
        return UInt32(functions.count - 1)
    }

    /// Adds a table full of what `initializer` says, or of nulls, and returns its index.
    @discardableResult
    public mutating func addTable(
        _ type: TableType, _ initializer: ConstantExpression? = nil
    ) -> UInt32 {
        tables.append(type)
        tableInitializers.append(initializer)
        return UInt32(tables.count - 1)
    }

    /// Adds a memory and returns its index.
    @discardableResult
    public mutating func addMemory(_ type: MemoryType) -> UInt32 {
        memories.append(type)
        return UInt32(memories.count - 1)
    }

    /// Adds a tag of exceptions that carry the parameters of `type`, and returns its index.
    @discardableResult
    public mutating func addTag(_ type: FunctionType) -> UInt32 {
        tags.append(addType(type))
        return UInt32(tags.count - 1)
    }

    /// Adds a global and returns its index.
    @discardableResult
    public mutating func addGlobal(_ type: GlobalType, _ initializer: ConstantExpression) -> UInt32
    {
        globals.append(type)
        globalInitializers.append(initializer)
        return UInt32(globals.count - 1)
    }

    /// Exports something under a name.
    public mutating func export(_ name: String, _ item: ExternalIndex) {
        exports.append(Export(name: name, item: item))
    }

    /// Adds an element segment and returns its index.
    @discardableResult
    public mutating func addElements(_ segment: ElementSegment) -> UInt32 {
        elements.append(segment)
        return UInt32(elements.count - 1)
    }

    /// Adds a data segment and returns its index.
    @discardableResult
    public mutating func addData(_ mode: DataSegment.Mode, _ bytes: [UInt8]) -> UInt32 {
        data.append(Data(mode: mode, bytes: bytes))
        return UInt32(data.count - 1)
    }

    /// Adds a custom section, which is written after all others.
    public mutating func addCustomSection(_ name: String, _ bytes: [UInt8]) {
        customSections.append(Custom(name: name, bytes: bytes))
    }
}
