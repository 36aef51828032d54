internal import ApusCollections
public import ApusFormat

/// Something a module can import or export.
public enum ExternalItem {
    case function(FunctionReference)
    case table(ReferenceTable)
    case memory(LinearMemory)
    case global(GlobalCell)
    case tag(ExceptionTag)
}

/// An import that what was given for it does not match.
public struct ImportMismatch: Error {
    /// Position in the module's list of imports.
    public var index: Int
    public var expected: Import
    /// What was given, in the text format's words; nil if nothing was.
    public var found: String?
}

/// What a module's imports are, matched against what it asks for and sorted by kind.
public final class Imports: @unchecked Sendable {
    // SAFETY: nothing of it changes. What belongs to a store is only used by who has that; what is
    // the host's alone may be used by all, as `HostImports` may.
    /// What imports them.
    public let module: LoadedModule
    /// What the host gives; nil: no function.
    let host: HostImports?
    /// The functions that come from elsewhere, by index; nil for those of the host, and nothing at
    /// all if there are no others.
    let functions: [FunctionReference?]
    public let tables: [ReferenceTable]
    public let memories: [LinearMemory]
    public let globals: [GlobalCell]
    public let tags: [ExceptionTag]

    /// The imports of a module that takes nothing but what `host` has, which is matched already;
    /// nil: nothing at all.
    public init(_ host: HostImports?, for module: LoadedModule) {
        self.module = module
        self.host = host
        functions = []
        tables = []
        memories = []
        globals = []
        tags = []
    }

    /// Matches `items`, one for each import of `module` in order; nil for those that `host` gives.
    /// All must belong to `store`, and `host` to the module.
    /// Specification: 3.5.10 “Import matching” and 4.7.2 “Instantiation”.
    public init(
        _ items: [ExternalItem?], _ host: HostImports? = nil, for module: LoadedModule,
        in store: RuntimeStore
    ) throws(ImportMismatch) {
        var functions: [FunctionReference?] = []
        var tables: [ReferenceTable] = []
        var memories: [LinearMemory] = []
        var globals: [GlobalCell] = []
        var tags: [ExceptionTag] = []
        for (index, expected) in module.module.imports.enumerated() {
            guard index < items.count else {
                throw ImportMismatch(index: index, expected: expected, found: nil)
            }
            guard let item = items[index] else {
                guard case .function = expected.type, let host, host.module === module,
                    host.functions[functions.count] != nil
                else { throw ImportMismatch(index: index, expected: expected, found: nil) }
                functions.append(nil)
                continue
            }
            guard Self.matches(item, expected.type, module, store) else {
                throw ImportMismatch(
                    index: index, expected: expected, found: Self.describe(item, store))
            }
            switch item {
            case .function(let function): functions.append(function)
            case .table(let table): tables.append(table)
            case .memory(let memory): memories.append(memory)
            case .global(let global): globals.append(global)
            case .tag(let tag): tags.append(tag)
            }
        }
        self.module = module
        self.host = host
        self.functions = functions
        self.tables = tables
        self.memories = memories
        self.globals = globals
        self.tags = tags
    }

    private static func matches(
        _ item: ExternalItem, _ expected: ExternalType, _ module: LoadedModule,
        _ store: RuntimeStore
    ) -> Bool {
        switch (item, expected) {
        case (.function(let function), .function(let type)):
            store.owns(function)
                && module.environment.types.isSubtype(
                    id: function.signature, of: module.sharedTypes.ids[Int(type)])
        case (.table(let table), .table(let type)):
            table.type.element == module.resolve(type.element) && table.type.is64 == type.is64
                && fits(table.count, table.type.limits.maximum, type.limits)
        case (.memory(let memory), .memory(let type)):
            memory.type.is64 == type.is64 && memory.type.isShared == type.isShared
                && memory.type.pageSizeLog2 == type.pageSizeLog2
                && fits(memory.pageCount, memory.type.limits.maximum, type.limits)
        case (.global(let global), .global(let type)):
            matches(global.type, module.resolve(type), module.environment.types)
        case (.tag(let tag), .tag(let type)):
            tag.signature == module.sharedTypes.ids[Int(type)]
        default:
            false
        }
    }

    /// What can be written must be of one type, what is only read may be of a narrower one (3.3.9).
    private static func matches(
        _ given: GlobalType, _ expected: GlobalType, _ types: TypeRegistry
    ) -> Bool {
        given.isMutable == expected.isMutable
            && (given.isMutable
                ? given.value == expected.value
                : given.value.matches(expected.value, in: types))
    }

    /// Whether something of size `count` that can grow to `maximum` is within `limits` (3.3.2).
    private static func fits(_ count: UInt64, _ maximum: UInt64?, _ limits: SizeLimits) -> Bool {
        guard count >= limits.minimum else { return false }
        guard let bound = limits.maximum else { return true }
        guard let maximum else { return false }
        return maximum <= bound
    }

    private static func describe(_ item: ExternalItem, _ store: RuntimeStore) -> String {
        switch item {
        case .function(let function):
            guard store.owns(function) else { return "a function of another store" }
            return "function \(store.type(of: function))"
        case .table(let table):
            return "table \(describe(table.count, table.type.limits)) \(table.type.element)"
        case .memory(let memory):
            let shared = memory.type.isShared ? " shared" : ""
            return "memory \(describe(memory.pageCount, memory.type.limits))\(shared)"
        case .global(let global):
            let value = "\(global.type.value)"
            return "global \(global.type.isMutable ? "(mut \(value))" : value)"
        case .tag(let tag):
            return "tag [\(ValueType.list(tag.type.parameters))]"
        }
    }

    private static func describe(_ count: UInt64, _ limits: SizeLimits) -> String {
        limits.maximum.map { "\(count) \($0)" } ?? "\(count)"
    }
}
