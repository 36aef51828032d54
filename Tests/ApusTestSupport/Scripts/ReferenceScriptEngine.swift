internal import ApusCollections
public import ApusFormat

/// The reference interpreter as an engine for scripts: a check of both.
public final class ReferenceScriptEngine: ScriptEngine {
    private let store = ReferenceStore()
    private var registered: [String: ReferenceInstance] = [:]
    /// Instructions that one call may take.
    private let fuel = 50_000_000

    public init() {}

    public func check(_ bytes: [UInt8]) throws(ScriptFailure) { _ = try validate(bytes) }

    private func validate(_ bytes: [UInt8]) throws(ScriptFailure) -> DecodedModule {
        do throws(ModuleError) {
            return try ValidModule.decode(bytes)
        } catch {
            throw ScriptFailure(error)
        }
    }

    public func instantiate(_ bytes: [UInt8]) throws(ScriptFailure) -> ReferenceInstance {
        let module = try validate(bytes)
        if usesVectors(module) { throw .unsupported(Feature.simd.name) }
        var imports: [ReferenceInstance.Address] = []
        for item in module.imports {
            guard let address = registered[item.module]?.export(item.name) else {
                throw .unlinkable("unknown import")
            }
            imports.append(address)
        }
        do {
            store.fuel = fuel
            return try ReferenceInstance(module, in: store, imports: imports)
        } catch {
            throw failure(error)
        }
    }

    /// The interpreter has no vectors.
    private func usesVectors(_ module: DecodedModule) -> Bool {
        let types = module.types.flatMap { $0.parameters + $0.results }
        if types.contains(.v128) || module.globals.contains(where: { $0.value == .v128 }) {
            return true
        }
        var validator = FunctionValidator(module)
        for index in module.importedFunctionCount..<module.functions.count {
            try? validator.validate(index)
            if validator.analysis.flags.contains(.usesVectors) { return true }
        }
        return false
    }

    public func register(_ instance: ReferenceInstance, as name: String) {
        registered[name] = instance
    }

    public func invoke(
        _ instance: ReferenceInstance, _ name: String, _ arguments: [ReferenceValue]
    ) throws(ScriptFailure) -> [ReferenceValue] {
        guard case .function(let address) = instance.export(name) else {
            throw .other("no function \(name)")
        }
        do {
            store.fuel = fuel
            return try store.call(address, arguments)
        } catch {
            throw failure(error)
        }
    }

    public func global(
        _ instance: ReferenceInstance, _ name: String
    ) throws(ScriptFailure) -> ReferenceValue {
        guard case .global(let address) = instance.export(name) else {
            throw .other("no global \(name)")
        }
        return store.globals[address].value
    }

    private func failure(_ error: any Error) -> ScriptFailure {
        switch error {
        case let trap as ReferenceTrap: .trap(trap.rawValue)
        case let error as ReferenceLinkError: .unlinkable(error.message)
        case let error as ReferenceUnsupported: .unsupported(error.what)
        default: .other("\(error)")
        }
    }
}

extension ScriptFailure {
    /// What the script's words for a refused module are.
    public init(_ error: ModuleError) {
        self =
            switch error.kind {
            case .malformed: .malformed(error.message)
            case .invalid: .invalid(error.message)
            case .limit: .limit(error.message)
            case .unsupported(let feature): .unsupported(feature.name)
            }
    }
}
