internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// A module brought to life in a store. Specification: 4.2.6 “Module Instances”.
public struct Instance {
    let state: InstanceState
    /// The store it belongs to.
    public let store: Store

    init(_ state: InstanceState, in store: Store) {
        self.state = state
        self.store = store
    }

    /// Instantiates a module that imports nothing, and runs its start function.
    ///
    /// - Throws: `LinkError` if it does import something; `Trap` if a segment does not fit or the
    ///   start function stops; `ResourceError` if there is no room.
    @discardableResult
    public init(_ store: Store, _ module: Module) throws {
        self = try Linker(store.engine).instantiate(module, in: store)
    }
}

extension Instance {
    /// What the host gave it when it was made.
    public var hostState: AnyObject? { state.hostState }

    /// Whether its segments are written, so that it can be used. It is when its start function is
    /// run.
    public var isInitialized: Bool { state.phase == .ready }

    /// Gives an instance that `allocate` has made its first contents, and runs its start function.
    ///
    /// - Throws: `InitializationError` if that has been tried before; `Trap` if a segment does not
    ///   fit or the start function stops; whatever a host function throws, unchanged.
    public func initialize() throws {
        guard state.phase == .allocated else { throw InitializationError.isDone }
        let runtime = try store.runtime
        do {
            try runtime.initialize(state)
        } catch {
            throw ofEmbedder(error, runtime)
        }
    }

    /// The same, but its start function is called asynchronously.
    ///
    /// - Throws: what `initialize()` throws, and what an asynchronous call does
    ///   (`Function.callAsync(_:)`).
    public nonisolated(nonsending) func initializeAsync() async throws {
        guard state.phase == .allocated else { throw InitializationError.isDone }
        let runtime = try store.runtime
        do {
            try await runtime.initializeAsync(state)
        } catch {
            throw ofTask(error, runtime)
        }
    }
}

extension Instance: Equatable {
    /// Whether both are the same instance.
    public static func == (left: Instance, right: Instance) -> Bool { left.state === right.state }
}

/// Something that an instance exports, or that a linker gives to imports.
public enum Item {
    /// A function.
    case function(Function)
    /// A table.
    case table(Table)
    /// A linear memory.
    case memory(Memory)
    /// A global variable.
    case global(Global)
    /// A tag of exceptions.
    case tag(Tag)

    /// Its type. The minimum of a memory's or table's limits is its present size.
    public var type: ItemType {
        switch self {
        case .function(let function): return .function(function.type)
        case .table(let table):
            var type = table.type
            type.limits.minimum = UInt64(table.count)
            return .table(type)
        case .memory(let memory):
            var type = memory.type
            type.limits.minimum = UInt64(memory.pageCount)
            return .memory(type)
        case .global(let global): return .global(global.type)
        case .tag(let tag): return .tag(tag.parameters)
        }
    }

    init(_ item: ExternalItem, in store: Store) throws {
        self =
            switch item {
            case .function(let function): .function(try Function(function, in: store))
            case .table(let table): .table(Table(table, in: store))
            case .memory(let memory): .memory(Memory(memory, in: store))
            case .global(let global): .global(Global(global, in: store))
            case .tag(let tag): .tag(Tag(tag, in: store))
            }
    }

    /// The runtime's side of it.
    var external: ExternalItem {
        switch self {
        case .function(let function): .function(function.reference)
        case .table(let table): .table(table.references)
        case .memory(let memory): .memory(memory.linear)
        case .global(let global): .global(global.cell)
        case .tag(let tag): .tag(tag.tag)
        }
    }
}

extension Instance {
    /// What the instance exports, in its module's order. Throws `InitializationError` if it is not
    /// initialized.
    public var exports: [(name: String, item: Item)] {
        get throws {
            if !isInitialized { throw InitializationError.isMissing }
            return try state.module.module.exports.compactMap { export in
                try state.item(export.item).map { (export.name, try Item($0, in: store)) }
            }
        }
    }

    /// Whether it has a start function, which ran when it was made.
    @_spi(ApusWASI) public var hasStartFunction: Bool { state.module.module.start != nil }

    /// What the instance exports as `name`, nil if there is nothing. Throws `InitializationError`
    /// if it is not initialized, unless that is a memory.
    public func export(_ name: String) throws -> Item? {
        guard let item = state.export(name) else { return nil }
        // References that must not be null are before that.
        if case .memory = item {} else if !isInitialized { throw InitializationError.isMissing }
        return try Item(item, in: store)
    }

    /// The function that is exported as `name`.
    ///
    /// - Throws: `ExportError` if there is none.
    public func function(_ name: String) throws -> Function {
        let item = try export(name)
        guard case .function(let function) = item else {
            throw ExportError(name: name, expected: "function", found: item?.type)
        }
        return function
    }

    /// The memory that is exported as `name`. Throws `ExportError` if there is none.
    public func memory(_ name: String) throws -> Memory {
        let item = try export(name)
        guard case .memory(let memory) = item else {
            throw ExportError(name: name, expected: "memory", found: item?.type)
        }
        return memory
    }

    /// The memory that is exported as "memory". Throws `ExportError` if there is none.
    public var memory: Memory {
        get throws { try memory("memory") }
    }

    /// The table that is exported as `name`. Throws `ExportError` if there is none.
    public func table(_ name: String) throws -> Table {
        let item = try export(name)
        guard case .table(let table) = item else {
            throw ExportError(name: name, expected: "table", found: item?.type)
        }
        return table
    }

    /// The global that is exported as `name`. Throws `ExportError` if there is none.
    public func global(_ name: String) throws -> Global {
        let item = try export(name)
        guard case .global(let global) = item else {
            throw ExportError(name: name, expected: "global", found: item?.type)
        }
        return global
    }

    /// The tag that is exported as `name`. Throws `ExportError` if there is none.
    public func tag(_ name: String) throws -> Tag {
        let item = try export(name)
        guard case .tag(let tag) = item else {
            throw ExportError(name: name, expected: "tag", found: item?.type)
        }
        return tag
    }
}

extension Instance {
    /// The function that is exported as `name`, with Swift types:
    /// `try instance.function("add", as: ((Int32, Int32) -> Int32).self)`.
    ///
    /// - Throws: `ExportError` if there is none, or one of other types.
    @inlinable
    public func function<each Parameter: WasmValue>(
        _ name: String, as type: ((repeat each Parameter) -> Void).Type
    ) throws -> TypedFunction<Void, repeat each Parameter> {
        try named(name) { try function(name).typed(as: type) }
    }

    /// The function that is exported as `name`, with Swift types. Throws `ExportError` if there is
    /// none, or one of other types.
    @inlinable
    public func function<each Parameter: WasmValue, Result: WasmValue>(
        _ name: String, as type: ((repeat each Parameter) -> Result).Type
    ) throws -> TypedFunction<Result, repeat each Parameter> {
        try named(name) { try function(name).typed(as: type) }
    }

    /// The function that is exported as `name` and has several results, with Swift types. Throws
    /// `ExportError` if there is none, or one of other types.
    @inlinable
    public func function<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        _ name: String,
        as type: ((repeat each Parameter) -> (First, Second, repeat each Other)).Type
    ) throws -> TypedFunction<(First, Second, repeat each Other), repeat each Parameter> {
        try named(name) { try function(name).typed(as: type) }
    }

    /// Does `work`, and says in its errors which export they are about.
    @inlinable @inline(__always)
    func named<Result>(_ name: String, _ work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch {
            throw naming(name, error)
        }
    }

    @usableFromInline
    func naming(_ name: String, _ error: any Error) -> any Error {
        guard var error = error as? ExportError else { return error }
        error.name = name
        return error
    }
}
