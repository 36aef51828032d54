internal import ApusFormat
internal import ApusRuntime

/// Knows what modules may import, and instantiates them with it.
///
/// Host functions are defined by Swift closures, whose types are the functions' types:
/// ```swift
/// linker.define("env", "add") { (a: Int32, b: Int32) in a &+ b }
/// ```
/// A closure whose first parameter is a `Caller` sees who calls; it may be asynchronous, and then
/// guests have to be called asynchronously, and wait for it. The stores of the instances keep
/// the closures, so what a closure needs of a store it should get from its caller and not
/// capture. What is defined twice is what it was defined as last.
public struct Linker {
    /// The engine whose modules it links.
    public let engine: Engine
    private var definitions: [ImportName: Definition] = [:]
    private var modules: [ExactName: Module] = [:]

    /// What an import is looked up by.
    private struct ImportName: Hashable {
        var module: ExactName
        var name: ExactName

        init(_ module: String, _ name: String) {
            self.module = ExactName(module)
            self.name = ExactName(name)
        }
    }

    private enum Definition {
        case host(SendableHostClosure)
        case shared(SharedMemory)
        case item(Item)
    }

    /// A linker that knows nothing yet.
    public init(_ engine: Engine) { self.engine = engine }

    // MARK: Defining

    @usableFromInline
    mutating func define(_ module: String, _ name: String, host: HostClosure) {
        definitions[ImportName(module, name)] = .host(SendableHostClosure(sendable: host))
    }

    /// Gives `item` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ item: Item) {
        definitions[ImportName(module, name)] = .item(item)
    }

    /// Gives `function` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ function: Function) {
        define(module, name, .function(function))
    }

    /// Gives `memory` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ memory: Memory) {
        define(module, name, .memory(memory))
    }

    /// Gives `memory` to those who import `module`.`name`, in any store of its engine.
    public mutating func define(_ module: String, _ name: String, _ memory: SharedMemory) {
        definitions[ImportName(module, name)] = .shared(memory)
    }

    /// Gives `table` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ table: Table) {
        define(module, name, .table(table))
    }

    /// Gives `global` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ global: Global) {
        define(module, name, .global(global))
    }

    /// Gives `tag` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ tag: Tag) {
        define(module, name, .tag(tag))
    }

    /// Gives all exports of `instance` to those who import from `module` in its store.
    public mutating func define(_ module: String, _ instance: Instance) throws {
        for (name, item) in try instance.exports { define(module, name, item) }
    }

    /// Gives the exports of an instance of `exporter` to those who import from `module`. The
    /// instance is made, and its own imports linked, when somebody is instantiated who does.
    public mutating func define(_ module: String, _ exporter: Module) {
        modules[ExactName(module)] = exporter
    }

    // MARK: Linking

    /// Instantiates `module` in `store` and runs its start function. The instance keeps
    /// `hostState`, which functions of the host find at `caller.hostState` when it calls them.
    ///
    /// - Throws: `LinkError` if an import has no definition, or one of another type; `Trap` if a
    ///   segment does not fit or the start function stops; whatever a host function throws,
    ///   unchanged; `ResourceError` if there is no room.
    @discardableResult
    public func instantiate(
        _ module: Module, in store: Store, hostState: AnyObject? = nil
    ) throws -> Instance {
        try instantiate(module, in: store, hostState, isInitialized: true)
    }

    /// Instantiates `module` in `store` and calls its start function asynchronously. Modules that
    /// it imports from have theirs called synchronously.
    ///
    /// - Throws: what `instantiate(_:in:hostState:)` throws, and what an asynchronous call does
    ///   (`Function.callAsync(_:)`).
    @discardableResult
    public nonisolated(nonsending) func instantiateAsync(
        _ module: Module, in store: Store, hostState: AnyObject? = nil
    ) async throws -> Instance {
        var path: [String] = []
        let resolved = try resolve(module, &path) { item, _ in item }
        return try await resolved.instantiateAsync(in: store, hostState) { $0 }
    }

    /// Makes an instance of `module` in `store` with memories, tables and imports, to which nothing
    /// has happened yet: `Instance.initialize()` writes its segments and runs its start function.
    /// So the host can note down which instance it is before its functions are called.
    ///
    /// Until then its memories can be had, and nothing else of it. Throws as
    /// `instantiate(_:in:hostState:)`, but no `Trap` of this module's. Modules that it imports from
    /// are instantiated.
    public func allocate(
        _ module: Module, in store: Store, hostState: AnyObject? = nil
    ) throws -> Instance {
        try instantiate(module, in: store, hostState, isInitialized: false)
    }

    private func instantiate(
        _ module: Module, in store: Store, _ hostState: AnyObject?, isInitialized: Bool
    ) throws -> Instance {
        var path: [String] = []
        let resolved = try resolve(module, &path) { item, _ in item }
        return try resolved.instantiate(
            in: store, hostState, isInitialized: isInitialized
        ) { $0 }
    }

    /// Looks up the imports of `module` once and for all. Only definitions that belong to no store
    /// will do: host functions, shared memories, and modules.
    ///
    /// - Throws: `LinkError` if an import has no such definition, or one of another type.
    public func prepare(_ module: Module) throws -> PreparedModule {
        var path: [String] = []
        let resolved = try resolve(module, &path) { item, wanted -> Never in
            throw LinkError(
                module: wanted.module, name: wanted.name, expected: wanted.type, found: item.type,
                reason: "it belongs to one store")
        }
        return PreparedModule(resolved)
    }

    /// Finds a source for each import of `module`. `path` names the modules that are being
    /// resolved, outermost first.
    private func resolve<Bound>(
        _ module: Module, _ path: inout [String],
        _ bind: (Item, Module.Import) throws -> Bound
    ) throws -> ResolvedModule<Bound> {
        var sources: [ResolvedModule<Bound>.Source] = []
        var functions: [HostImports.Definition?] = []
        var exporters: [String: ResolvedModule<Bound>] = [:]
        for wanted in module.imports {
            switch definitions[ImportName(wanted.module, wanted.name)] {
            case .host(let host):
                guard case .function(let type) = wanted.type,
                    try host.closure.type.matches(type, in: engine.environment.types)
                else { throw LinkError(wanted, found: .function(host.closure.type)) }
                sources.append(.host)
                functions.append(host.closure.definition)
                continue
            case .shared(let memory):
                guard memory.engine === engine else {
                    throw LinkError(
                        wanted, found: .memory(memory.type), reason: "it belongs to another engine")
                }
                sources.append(.shared(memory))
            case .item(let item):
                sources.append(.bound(try bind(item, wanted)))
            case nil:
                guard let exporter = modules[ExactName(wanted.module)],
                    exporter.exports.contains(where: { $0.name == wanted.name })
                else { throw LinkError(wanted, found: nil) }
                if exporters[wanted.module] == nil {
                    if path.contains(wanted.module) {
                        throw LinkError(
                            wanted, found: wanted.type, reason: "its module imports itself")
                    }
                    path.append(wanted.module)
                    exporters[wanted.module] = try resolve(exporter, &path, bind)
                    path.removeLast()
                }
                sources.append(.export(of: wanted.module, name: wanted.name))
            }
            if case .function = wanted.type { functions.append(nil) }
        }
        return try ResolvedModule(module: module, sources, functions, exporters)
    }
}

extension LinkError {
    init(_ wanted: Module.Import, found: ItemType?, reason: String? = nil) {
        self.init(
            module: wanted.module, name: wanted.name, expected: wanted.type, found: found,
            reason: reason)
    }
}
