import Apus
import ApusABI
import ApusFormat
import ApusTestSupport

/// Apus as an engine for the specification's scripts.
final class ApusScriptEngine: ScriptEngine {
    private let engine: Engine
    private let store: Store
    private var linker: Linker

    init(_ configuration: Engine.Configuration = .init()) {
        engine = Engine(configuration)
        store = Store(engine)
        linker = Linker(engine)
    }

    func check(_ bytes: [UInt8]) throws(ScriptFailure) {
        do {
            try Module.validate(engine, bytes: bytes)
        } catch {
            throw Self.failure(error)
        }
    }

    func instantiate(_ bytes: [UInt8]) throws(ScriptFailure) -> Instance {
        do {
            return try linker.instantiate(Module(engine, bytes: bytes), in: store)
        } catch {
            throw Self.failure(error)
        }
    }

    func register(_ instance: Instance, as name: String) {
        for export in (try? instance.exports) ?? [] {
            linker.define(name, export.name, export.item)
        }
    }

    func invoke(
        _ instance: Instance, _ name: String, _ arguments: [ReferenceValue]
    ) throws(ScriptFailure) -> [ReferenceValue] {
        do {
            return try instance.function(name).call(arguments.map { Value($0) })
                .map { ReferenceValue($0) }
        } catch {
            throw Self.failure(error)
        }
    }

    func global(_ instance: Instance, _ name: String) throws(ScriptFailure) -> ReferenceValue {
        do {
            return ReferenceValue(try instance.global(name).value)
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> ScriptFailure {
        switch error {
        case let error as ModuleError: return ScriptFailure(error)
        case let trap as Trap: return .trap(trap.code.description)
        case let error as CompilationError:
            if case .unsupported(let feature) = error.reason { return .unsupported(feature.name) }
            return .limit("\(error)")
        case let error as LinkError:
            return .unlinkable(error.found == nil ? "unknown import" : "incompatible import type")
        default: return .other("\(error)")
        }
    }
}
