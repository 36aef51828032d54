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
        var path: [String] = []
        return try resolve(module, &path, bound)
    }

    /// `path` names the modules that are being resolved, outermost first.
    private func resolve<Bound>(
        _ module: Module, _ path: inout [String],
        _ bound: (ImportName, Module.Import) throws -> Bound?
    ) throws -> ResolvedModule<Bound> {
        var sources: [ResolvedModule<Bound>.Source] = []
        var functions: [HostImports.Definition?] = []
        var exporters: [String: ResolvedModule<Bound>] = [:]
        for wanted in module.imports {
            let name = ImportName(wanted.module, wanted.name)
            switch named[name] {
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
            case nil:
                if let item = try bound(name, wanted) {
                    sources.append(.bound(item))
                } else {
                    let exporter = try exporter(of: wanted)
                    if exporters[wanted.module] == nil {
                        try enter(wanted, &path)
                        exporters[wanted.module] = try resolve(exporter, &path, bound)
                        path.removeLast()
                    }
                    sources.append(.export(of: wanted.module, name: wanted.name))
                }
            }
            if case .function = wanted.type { functions.append(nil) }
        }
        return try ResolvedModule(module: module, sources, functions, exporters)
    }

    /// The module that exports what is wanted.
    private func exporter(of wanted: Module.Import) throws(LinkError) -> Module {
        guard let exporter = modules[ExactName(wanted.module)],
            exporter.exports.contains(where: { $0.name == wanted.name })
        else { throw LinkError(wanted, found: nil) }
        return exporter
    }

    private func enter(_ wanted: Module.Import, _ path: inout [String]) throws(LinkError) {
        if path.contains(wanted.module) {
            throw LinkError(wanted, found: wanted.type, reason: "its module imports itself")
        }
        path.append(wanted.module)
    }
}
