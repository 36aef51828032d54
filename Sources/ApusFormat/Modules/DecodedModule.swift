public import ApusCollections

/// A module as its bytes say it, checked except for function bodies.
///
/// Made by `ModuleDecoder`; consumed by `FunctionValidator`, the compilers and the runtime. Its
/// index spaces start with the imports, as the specification has it (2.5.1 “Indices”).
public final class DecodedModule: Sendable {
    /// The module's bytes. All offsets in this type count from their start.
    public let bytes: ByteStorage
    public let types: ModuleTypes
    /// How many of the types are the module's own: those that come after them are the decoder's,
    /// and only blocks that it has written may have them.
    public let ownTypeCount: Int
    /// For each type, which it equals and which are above it.
    public let typePlaces: [TypePlace]
    public let imports: [Import]
    /// Type index of each function, imported ones first.
    public let functions: [UInt32]
    public let tables: [TableType]
    public let memories: [MemoryType]
    /// Type index of each tag, imported ones first.
    public let tags: [UInt32]
    public let globals: [GlobalType]
    public let exports: [Export]
    public let start: UInt32?
    public let elements: [ElementSegment]
    public let data: [DataSegment]
    /// What the data count section says, if there is one.
    public let dataCount: UInt32?
    /// Initial values of the tables the module defines (nil: null).
    public let tableInitializers: [ConstantExpression?]
    /// Initial values of the globals the module defines.
    public let globalInitializers: [ConstantExpression]
    /// Bodies of the functions the module defines.
    public let bodies: [FunctionBody]
    /// Of bodies that the decoder has written anew, ascending: where their code comes from.
    public let origins: [CodeOrigin]
    public let customSections: [CustomSection]
    /// What is said about branches; nothing without the feature.
    public let branchHints: BranchHints
    public let importedFunctionCount: Int
    public let importedTableCount: Int
    public let importedMemoryCount: Int
    public let importedTagCount: Int
    public let importedGlobalCount: Int
    /// Functions whose value can be taken (exports, element segments, globals' `ref.func`), in
    /// ascending order. `ref.func` in a body may only name one of these (3.4.13).
    public let escapingFunctions: [UInt32]
    /// Where each definition lies, for messages.
    public let offsets: ModuleOffsets

    public init(_ parts: consuming Parts) {
        bytes = parts.bytes
        types = parts.types
        ownTypeCount = parts.ownTypeCount ?? parts.types.count
        typePlaces = TypePlace.places(of: parts.types)
        imports = parts.imports
        functions = parts.functions
        tables = parts.tables
        memories = parts.memories
        tags = parts.tags
        globals = parts.globals
        exports = parts.exports
        start = parts.start
        elements = parts.elements
        data = parts.data
        dataCount = parts.dataCount
        tableInitializers = parts.tableInitializers
        globalInitializers = parts.globalInitializers
        bodies = parts.bodies
        origins = parts.origins
        customSections = parts.customSections
        branchHints = parts.branchHints
        importedFunctionCount = parts.importedFunctionCount
        importedTableCount = parts.importedTableCount
        importedMemoryCount = parts.importedMemoryCount
        importedTagCount = parts.importedTagCount
        importedGlobalCount = parts.importedGlobalCount
        escapingFunctions = parts.escapingFunctions
        offsets = parts.offsets
    }

    /// The pieces of a module while it is being decoded.
    public struct Parts {
        public var bytes: ByteStorage
        public var types = ModuleTypes()
        /// How many of them are the module's own; nil: all.
        public var ownTypeCount: Int?
        public var imports: [Import] = []
        public var functions: [UInt32] = []
        public var tables: [TableType] = []
        public var memories: [MemoryType] = []
        public var tags: [UInt32] = []
        public var globals: [GlobalType] = []
        public var exports: [Export] = []
        public var start: UInt32?
        public var elements: [ElementSegment] = []
        public var data: [DataSegment] = []
        public var dataCount: UInt32?
        public var tableInitializers: [ConstantExpression?] = []
        public var globalInitializers: [ConstantExpression] = []
        public var bodies: [FunctionBody] = []
        public var origins: [CodeOrigin] = []
        public var customSections: [CustomSection] = []
        public var branchHints = BranchHints()
        public var importedFunctionCount = 0
        public var importedTableCount = 0
        public var importedMemoryCount = 0
        public var importedTagCount = 0
        public var importedGlobalCount = 0
        public var escapingFunctions: [UInt32] = []
        public var offsets = ModuleOffsets()

        public init(bytes: ByteStorage) { self.bytes = bytes }
    }

    /// The type of function `index` (imported functions first).
    public func functionType(_ index: Int) -> FunctionType {
        types.function(Int(functions[index]))
    }

    /// What exceptions with tag `index` carry (imported tags first), as parameters of a function.
    public func tagType(_ index: Int) -> FunctionType { types.function(Int(tags[index])) }

    /// How many bytes its bodies have together: those that were rewritten lie behind others.
    public var bodyBytes: Int { bodies.reduce(0) { $0 + Int($1.end - $1.start) } }

    /// `type`, with the canonical index in place of its type index, if it has one.
    public func canonical(_ type: ValueType) -> ValueType {
        guard type.isReference, let index = type.heapType.typeIndex else { return type }
        return .reference(
            HeapType(typeIndex: canonicalIndex(index)), nullable: type.isNullable)
    }

    /// `field`, with the canonical index in place of its type index, if it has one.
    func canonical(_ field: FieldType) -> FieldType {
        guard field.storage.isReference, let index = field.storage.heapType.typeIndex else {
            return field
        }
        return field.naming(HeapType(typeIndex: canonicalIndex(index)))
    }

    /// The lowest index of a type equal to type `index`.
    public func canonicalIndex(_ index: UInt32) -> UInt32 {
        Int(index) < typePlaces.count ? typePlaces[Int(index)].canonical : index
    }
}

extension DecodedModule: TypeHierarchy {
    /// What type `index` is; nil if there is none.
    public func kind(_ index: UInt32) -> CompositeKind? {
        Int(index) < types.count ? types.kind(Int(index)) : nil
    }

    /// Whether a type is `other` or below it; both indices must be canonical.
    public func isSubtype(_ index: UInt32, of other: UInt32) -> Bool {
        guard Int(index) < typePlaces.count, Int(other) < typePlaces.count else { return false }
        return TypePlace.isSubtype(index, of: other) { typePlaces[Int($0)] }
    }
}

/// Byte offsets of a module's definitions, in the order of their sections.
public struct ModuleOffsets: Hashable, Sendable {
    public var types: [UInt32] = []
    public var imports: [UInt32] = []
    /// Entries of the function section: functions the module defines.
    public var functions: [UInt32] = []
    public var tables: [UInt32] = []
    public var memories: [UInt32] = []
    public var tags: [UInt32] = []
    public var globals: [UInt32] = []
    public var exports: [UInt32] = []
    public var start: UInt32 = 0
    public var elements: [UInt32] = []
    public var data: [UInt32] = []

    public init() {}
}

/// What a module asks of its environment. Specification: 2.5.11 “Imports”.
public struct Import: Hashable, Sendable {
    public var module: String
    public var name: String
    public var type: ExternalType

    public init(module: String, name: String, type: ExternalType) {
        self.module = module
        self.name = name
        self.type = type
    }
}

/// The type of something that is imported or exported. Specification: 2.3.16 “External Types”.
public enum ExternalType: Hashable, Sendable {
    /// Index of a function type of the module.
    case function(typeIndex: UInt32)
    case table(TableType)
    case memory(MemoryType)
    case global(GlobalType)
    /// Index of a function type of the module, whose parameters are what exceptions carry.
    case tag(typeIndex: UInt32)
}

/// What a module offers. Specification: 2.5.10 “Exports”.
public struct Export: Hashable, Sendable {
    public var name: String
    public var item: ExternalIndex

    public init(name: String, item: ExternalIndex) {
        self.name = name
        self.item = item
    }
}

/// An index into one of the index spaces of a module.
public enum ExternalIndex: Hashable, Sendable {
    case function(UInt32)
    case table(UInt32)
    case memory(UInt32)
    case global(UInt32)
    case tag(UInt32)
}

/// Where a function's locals and code lie in the module's bytes. Specification: 5.5.14.
public struct FunctionBody: Hashable, Sendable, BitwiseCopyable {
    /// Offset of the body (its local declarations, then its code).
    public var start: UInt32
    /// Offset one past the body's last byte.
    public var end: UInt32

    public init(start: UInt32, end: UInt32) {
        self.start = start
        self.end = end
    }
}

/// A custom section: its name and where its contents lie. Specification: 5.5.3.
public struct CustomSection: Hashable, Sendable {
    /// The name it has.
    public var name: String
    /// Where in the module its contents lie, in bytes.
    public var contents: Range<Int>

    /// The section that lies there.
    public init(name: String, contents: Range<Int>) {
        self.name = name
        self.contents = contents
    }
}
