internal import ApusFormat
internal import ApusRuntime

/// What an import is looked up by.
struct ImportName: Hashable {
    var module: ExactName
    var name: ExactName

    init(_ module: String, _ name: String) {
        self.module = ExactName(module)
        self.name = ExactName(name)
    }
}

/// What modules may import of no store in particular.
struct ImportDefinitions: Sendable {
    /// What an import is defined as.
    enum Definition: Sendable {
        case host(SendableHostClosure)
        case shared(SharedMemory)
    }

    let engine: Engine
    var named: [ImportName: Definition] = [:]
    /// Modules whose instances export what is not defined by name.
    var modules: [ExactName: Module] = [:]

    /// Finds a source for each import of `module`; `bound` gives what belongs to one store.
    func resolve<Bound>(
        _ module: Module, _ bound: (ImportName, Module.Import) throws -> Bound?
    ) throws -> ResolvedModule<Bound> {
        var resolution = Resolution<Bound>()
        return try resolve(module, &resolution, bound)
    }

    /// What has been found out on the way.
    private struct Resolution<Bound> {
        /// The modules that are being resolved, outermost first.
        var path: [ExactName] = []
        /// Those that have been: many may import from the same one.
        var resolved: [ExactName: ResolvedModule<Bound>] = [:]
        /// What modules export that others import from.
        var exports: [ExactName: Set<ExactName>] = [:]
    }

    private func resolve<Bound>(
        _ module: Module, _ resolution: inout Resolution<Bound>,
        _ bound: (ImportName, Module.Import) throws -> Bound?
    ) throws -> ResolvedModule<Bound> {
        var sources: [ResolvedModule<Bound>.Source] = []
        var functions: [HostImports.Definition?] = []
        var exporters: [ExactName: ResolvedModule<Bound>] = [:]
        for wanted in module.imports {
            let name = ImportName(wanted.module, wanted.name)
            switch named[name] {
            case .host(let host):
                guard case .function(let type) = wanted.type,
                    try host.closure.type.matches(type, in: engine.environment.types)
                else {
                    throw LinkError(wanted, found: .function(host.closure.type), in: engine)
                }
                sources.append(.host)
                functions.append(host.closure.definition)
                continue
            case .shared(let memory):
                guard memory.engine === engine else {
                    throw LinkError(
                        wanted, found: .memory(memory.type),
                        reason: "it belongs to another engine", in: engine)
                }
                sources.append(.shared(memory))
            case nil:
                if let item = try bound(name, wanted) {
                    sources.append(.bound(item))
                } else {
                    let exporter = try exporter(of: wanted, &resolution)
                    if exporters[name.module] == nil {
                        exporters[name.module] = try resolve(
                            exporter, for: wanted, &resolution, bound)
                    }
                    sources.append(.export(of: name.module, name: wanted.name))
                }
            }
            if case .function = wanted.type { functions.append(nil) }
        }
        return try ResolvedModule(module: module, sources, functions, exporters)
    }

    /// The module that exports what is wanted.
    private func exporter<Bound>(
        of wanted: Module.Import, _ resolution: inout Resolution<Bound>
    ) throws(LinkError) -> Module {
        let name = ExactName(wanted.module)
        guard let exporter = modules[name] else { throw LinkError(wanted, found: nil, in: engine) }
        if resolution.exports[name] == nil {
            resolution.exports[name] = Set(exporter.exports.map { ExactName($0.name) })
        }
        guard resolution.exports[name]?.contains(ExactName(wanted.name)) == true else {
            throw LinkError(wanted, found: nil, in: engine)
        }
        return exporter
    }

    /// Resolves a module that what is `wanted` comes from, unless it has been.
    private func resolve<Bound>(
        _ exporter: Module, for wanted: Module.Import, _ resolution: inout Resolution<Bound>,
        _ bound: (ImportName, Module.Import) throws -> Bound?
    ) throws -> ResolvedModule<Bound> {
        let name = ExactName(wanted.module)
        if let resolved = resolution.resolved[name] { return resolved }
        if resolution.path.contains(name) {
            throw LinkError(
                wanted, found: wanted.type, reason: "its module imports itself", in: engine)
        }
        resolution.path.append(name)
        let resolved = try resolve(exporter, &resolution, bound)
        resolution.path.removeLast()
        resolution.resolved[name] = resolved
        return resolved
    }
}
