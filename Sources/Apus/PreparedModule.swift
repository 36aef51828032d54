internal import ApusFormat
internal import ApusRuntime

/// A module whose imports are known: it can be instantiated many times, from any thread, without
/// looking anything up.
public struct PreparedModule: Sendable {
    private let resolved: ResolvedModule<Never>

    init(_ resolved: ResolvedModule<Never>) { self.resolved = resolved }

    /// The module.
    public var module: Module { resolved.module }

    /// Instantiates the module in `store` and runs its start function. Throws as
    /// `Linker.instantiate(_:in:)`.
    @discardableResult
    public func instantiate(in store: Store) throws -> Instance {
        try resolved.instantiate(in: store) { never -> Item in }
    }
}

/// A module with a source for each of its imports. `Bound` is what belongs to one store already.
struct ResolvedModule<Bound> {
    /// Where an import comes from.
    enum Source {
        /// A function that the module sees as one of this type.
        case host(SendableHostClosure, as: FunctionType)
        case bound(Bound)
        case export(of: String, name: String)
    }

    let module: Module
    /// In the order of the module's imports.
    var sources: [Source] = []
    /// The modules that have to be instantiated first, by the name they are imported under.
    var exporters: [String: ResolvedModule<Bound>] = [:]

    init(module: Module) { self.module = module }

    /// Instantiates the module and, before it, those it imports from.
    func instantiate(in store: Store, _ item: (Bound) -> Item) throws -> Instance {
        var instances: [String: Instance] = [:]
        return try instantiate(in: store, &instances, item)
    }

    private func instantiate(
        in store: Store, _ instances: inout [String: Instance], _ item: (Bound) -> Item
    ) throws -> Instance {
        guard module.engine === store.engine else { throw ForeignStoreError(thing: "module") }
        let runtime = try store.runtime
        var items: [ExternalItem] = []
        items.reserveCapacity(sources.count)
        for source in sources {
            switch source {
            case .host(let host, let type):
                items.append(.function(try host.closure.make(in: store, as: type)))
            case .bound(let bound):
                let item = item(bound)
                guard item.store === store else { throw ForeignStoreError(thing: item.noun) }
                items.append(item.external)
            case .export(let name, let export):
                let instance = try instance(name, in: store, &instances, item)
                guard let found = instance.state.export(export) else { continue }
                items.append(found)
            }
        }
        do {
            let imports = try Imports(items, for: module.loaded, in: runtime)
            return Instance(try runtime.instantiate(module.loaded, imports), in: store)
        } catch let mismatch as ImportMismatch {
            throw try linkError(mismatch, items, store)
        } catch let trap as WasmTrap {
            throw Trap(trap, in: runtime)
        }
    }

    private func instance(
        _ name: String, in store: Store, _ instances: inout [String: Instance],
        _ item: (Bound) -> Item
    ) throws -> Instance {
        if let instance = instances[name] { return instance }
        guard let exporter = exporters[name] else { throw ForeignStoreError(thing: "module") }
        let instance = try exporter.instantiate(in: store, &instances, item)
        instances[name] = instance
        return instance
    }

    private func linkError(
        _ mismatch: ImportMismatch, _ items: [ExternalItem], _ store: Store
    ) throws -> LinkError {
        let wanted = module.imports[mismatch.index]
        let found = mismatch.index < items.count ? items[mismatch.index] : nil
        return LinkError(wanted, found: try found.map { try Item($0, in: store).type })
    }
}

extension ResolvedModule: Sendable where Bound: Sendable {}
extension ResolvedModule.Source: Sendable where Bound: Sendable {}

extension Item {
    /// The store it belongs to.
    public var store: Store {
        switch self {
        case .function(let function): function.store
        case .table(let table): table.store
        case .memory(let memory): memory.store
        case .global(let global): global.store
        }
    }

    /// What it is, in a word.
    var noun: String {
        switch self {
        case .function: "function"
        case .table: "table"
        case .memory: "memory"
        case .global: "global"
        }
    }
}
