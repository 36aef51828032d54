internal import ApusFormat
internal import ApusRuntime

/// A module whose imports are known: it can be instantiated many times, from any thread.
///
/// All that depends on no store is looked up and matched once, when it is made: for functions of
/// the host nothing is left to do, and an instance that is used again has them already.
public struct PreparedModule: Sendable {
    private let resolved: ResolvedModule<Never>

    init(_ resolved: ResolvedModule<Never>) { self.resolved = resolved }

    /// The module.
    public var module: Module { resolved.module }

    /// Instantiates the module in `store` and runs its start function. The instance keeps
    /// `hostState`. Throws as `Linker.instantiate(_:in:hostState:)`.
    @discardableResult
    public func instantiate(in store: Store, hostState: AnyObject? = nil) throws -> Instance {
        try resolved.instantiate(in: store, hostState, isInitialized: true) { never -> Item in }
    }

    /// Instantiates the module in `store` and calls its start function asynchronously. Throws as
    /// `Linker.instantiateAsync(_:in:hostState:)`.
    @discardableResult
    public nonisolated(nonsending) func instantiateAsync(
        in store: Store, hostState: AnyObject? = nil
    ) async throws -> Instance {
        try await resolved.instantiateAsync(in: store, hostState) { never -> Item in }
    }

    /// Makes an instance in `store` that is not initialized yet: see
    /// `Linker.allocate(_:in:hostState:)`, as which it throws.
    public func allocate(in store: Store, hostState: AnyObject? = nil) throws -> Instance {
        try resolved.instantiate(in: store, hostState, isInitialized: false) { never -> Item in }
    }
}

/// A module with a source for each of its imports. `Bound` is what belongs to one store already.
final class ResolvedModule<Bound> {
    /// Where an import comes from.
    enum Source {
        /// A function of the host: it is among the `hostImports`.
        case host
        case shared(SharedMemory)
        case bound(Bound)
        case export(of: ExactName, name: String)
    }

    let module: Module
    /// In the order of the module's imports.
    private let sources: [Source]
    /// The functions that the host gives; nil if there are none.
    private let hostImports: HostImports?
    /// What its imports are in every instance: if all of them are functions of the host, or there
    /// are none.
    private let fixedImports: Imports?
    /// The modules that have to be instantiated first, by the name they are imported under.
    private let exporters: [ExactName: ResolvedModule<Bound>]

    /// A module that imports from `sources`. Those of the host do what `definitions` say, one for
    /// each function that the module imports.
    init(
        module: Module, _ sources: [Source], _ definitions: [HostImports.Definition?],
        _ exporters: [ExactName: ResolvedModule<Bound>]
    ) throws(ResourceError) {
        self.module = module
        self.sources = sources
        self.exporters = exporters
        var hostCount = 0
        for definition in definitions where definition != nil { hostCount += 1 }
        hostImports = hostCount > 0 ? try HostImports(definitions, for: module.loaded) : nil
        fixedImports = hostCount == sources.count ? Imports(hostImports, for: module.loaded) : nil
    }

    /// Instantiates the module and, before it, those it imports from, which are always initialized.
    func instantiate(
        in store: Store, _ hostState: AnyObject?, isInitialized: Bool, _ item: (Bound) -> Item
    ) throws -> Instance {
        var instances: [ExactName: Instance] = [:]
        return try instantiate(in: store, hostState, isInitialized, &instances, item)
    }

    private func instantiate(
        in store: Store, _ hostState: AnyObject?, _ isInitialized: Bool,
        _ instances: inout [ExactName: Instance], _ item: (Bound) -> Item
    ) throws -> Instance {
        if let fixedImports {
            return try make(fixedImports, in: store, hostState, isInitialized)
        }
        let runtime = try runtime(of: store)
        var items: [ExternalItem?] = []
        items.reserveCapacity(sources.count)
        for source in sources {
            switch source {
            case .host: items.append(nil)
            case .shared(let memory): items.append(.memory(memory.memory))
            case .bound(let bound):
                let item = item(bound)
                guard item.store === store else { throw ForeignStoreError(thing: item.noun) }
                items.append(item.external)
            case .export(let name, let export):
                let instance = try instance(name, in: store, &instances, item)
                guard let found = instance.state.export(export) else {
                    throw LinkError(
                        module.imports[items.count], found: nil, in: module.engine)
                }
                items.append(found)
            }
        }
        let imports: Imports
        do throws(ImportMismatch) {
            imports = try Imports(items, hostImports, for: module.loaded, in: runtime)
        } catch {
            throw try linkError(error, items, store)
        }
        return try make(imports, in: store, hostState, isInitialized)
    }

    /// That of `store`, if the module can have instances there.
    private func runtime(of store: Store) throws -> RuntimeStore {
        guard module.engine === store.engine else { throw ForeignStoreError.module }
        return try store.runtime
    }

    /// The modules that are instantiated, in that order, besides those that are in `seen`.
    private func loaded(_ seen: inout Set<ExactName>) -> [LoadedModule] {
        var modules: [LoadedModule] = []
        for case .export(let name, _) in sources where seen.insert(name).inserted {
            modules += exporters[name]?.loaded(&seen) ?? []
        }
        return modules + [module.loaded]
    }

    /// Instantiates the module and, before it, those it imports from, and calls its start function
    /// asynchronously.
    nonisolated(nonsending) func instantiateAsync(
        in store: Store, _ hostState: AnyObject?, _ item: (Bound) -> Item
    ) async throws -> Instance {
        var seen: Set<ExactName> = []
        let instance = try await store.runtime.withConsent(toInstancesOf: loaded(&seen)) {
            try instantiate(in: store, hostState, isInitialized: false, item)
        }
        try await instance.initializeAsync()
        return instance
    }

    private func make(
        _ imports: Imports, in store: Store, _ hostState: AnyObject?, _ isInitialized: Bool
    ) throws -> Instance {
        let request = InstanceAllocationRequest(
            imports: imports, store: try runtime(of: store), hostState: hostState)
        if !isInitialized {
            return Instance(try request.store.allocate(request), in: store)
        }
        do {
            return Instance(try request.store.instantiate(request), in: store)
        } catch {
            throw ofEmbedder(error, request.store)
        }
    }

    private func instance(
        _ name: ExactName, in store: Store, _ instances: inout [ExactName: Instance],
        _ item: (Bound) -> Item
    ) throws -> Instance {
        if let instance = instances[name] { return instance }
        guard let exporter = exporters[name] else { throw ForeignStoreError.module }
        let instance = try exporter.instantiate(in: store, nil, true, &instances, item)
        instances[name] = instance
        return instance
    }

    private func linkError(
        _ mismatch: ImportMismatch, _ items: [ExternalItem?], _ store: Store
    ) throws -> LinkError {
        let wanted = module.imports[mismatch.index]
        let found = mismatch.index < items.count ? items[mismatch.index] : nil
        return LinkError(
            wanted, found: try found.map { try Item($0, in: store).type }, in: module.engine)
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
        case .tag(let tag): tag.store
        }
    }

    /// What it is, in a word.
    var noun: String {
        switch self {
        case .function: "function"
        case .table: "table"
        case .memory: "memory"
        case .global: "global"
        case .tag: "tag"
        }
    }
}
