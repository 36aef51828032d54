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
    /// What any store may import.
    private var definitions: ImportDefinitions
    /// What belongs to one store.
    private var items: [ImportName: Item] = [:]

    /// How many things it knows, and modules that know more.
    var definitionCount: Int {
        definitions.named.count + definitions.modules.count + items.count
    }

    /// A linker that knows nothing yet.
    public init(_ engine: Engine) {
        self.engine = engine
        definitions = ImportDefinitions(engine: engine)
    }

    // MARK: Defining

    @usableFromInline
    mutating func define(_ module: String, _ name: String, host: HostClosure) {
        define(ImportName(module, name), .host(SendableHostClosure(sendable: host)))
    }

    private mutating func define(_ name: ImportName, _ definition: ImportDefinitions.Definition) {
        definitions.named[name] = definition
        items[name] = nil
    }

    /// Gives `item` to those who import `module`.`name` in its store.
    public mutating func define(_ module: String, _ name: String, _ item: Item) {
        definitions.named[ImportName(module, name)] = nil
        items[ImportName(module, name)] = item
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
        define(ImportName(module, name), .shared(memory))
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

    /// Gives all exports of `instance` to those who import from `module` in its store. Throws
    /// `InitializationError` if it is not initialized.
    public mutating func define(_ module: String, _ instance: Instance) throws {
        for (name, item) in try instance.exports { define(module, name, item) }
    }

    /// Gives the exports of an instance of `exporter` to those who import from `module`. The
    /// instance is made, and its own imports linked, when somebody is instantiated who does.
    public mutating func define(_ module: String, _ exporter: Module) {
        definitions.modules[ExactName(module)] = exporter
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
        try await resolve(module).instantiateAsync(in: store, hostState) { $0 }
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
        try resolve(module).instantiate(
            in: store, hostState, isInitialized: isInitialized
        ) { $0 }
    }

    /// Looks up the imports of `module` once and for all. Only definitions that belong to no store
    /// will do: host functions, shared memories, and modules.
    ///
    /// - Throws: `LinkError` if an import has no such definition, or one of another type.
    public func prepare(_ module: Module) throws -> PreparedModule {
        let resolved = try definitions.resolve(module) { name, wanted -> Never? in
            guard let item = items[name] else { return nil }
            throw LinkError(wanted, found: item.type, reason: "it belongs to one store", in: engine)
        }
        return PreparedModule(resolved)
    }

    /// All that is defined, for any thread to link with.
    ///
    /// - Throws: `ForeignStoreError` if something of it belongs to one store.
    public func shared() throws(ForeignStoreError) -> SharedLinker {
        if let item = items.values.first { throw ForeignStoreError(thing: item.noun) }
        return SharedLinker(definitions)
    }

    private func resolve(_ module: Module) throws -> ResolvedModule<Item> {
        try definitions.resolve(module) { name, _ in items[name] }
    }
}
