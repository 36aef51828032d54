import ApusFormat
import ApusScript
import ApusTestSupport

/// Only decodes and validates: for what scripts say about modules, whatever the compilers have.
struct ValidationScriptEngine: ScriptEngine {
    let features: FeatureSet

    var runsInstances: Bool { false }

    func beginScript() {}

    func validate(_ bytes: [UInt8]) throws(ScriptFailure) {
        do throws(ModuleError) {
            _ = try ValidModule.decode(bytes, features: features)
        } catch {
            throw ScriptFailure(error)
        }
    }

    func compile(_ bytes: [UInt8]) throws(ScriptFailure) { try validate(bytes) }

    func instantiate(_ module: Void) {}

    func register(_ instance: Void, as name: String) {}

    func call(
        _ instance: Void, _ name: String, _ arguments: [ScriptValue]
    ) throws(ScriptFailure) -> [ScriptValue] { throw .unsupported("execution") }

    func global(_ instance: Void, _ name: String) throws(ScriptFailure) -> ScriptValue {
        throw .unsupported("execution")
    }
}
