public import ApusFormat

/// Only decodes and validates: for what scripts say about modules, whatever can be run.
public final class ValidationScriptEngine: ScriptEngine {
    private let features: FeatureSet

    public init(_ features: FeatureSet) { self.features = features }

    public func check(_ bytes: [UInt8]) throws(ScriptFailure) {
        do throws(ModuleError) {
            _ = try ValidModule.decode(bytes, features: features)
        } catch {
            throw ScriptFailure(error)
        }
    }

    public func instantiate(_ bytes: [UInt8]) throws(ScriptFailure) { try check(bytes) }

    public func register(_ instance: Void, as name: String) {}

    public func invoke(
        _ instance: Void, _ name: String, _ arguments: [ReferenceValue]
    ) throws(ScriptFailure) -> [ReferenceValue] { throw .unsupported("execution") }

    public func global(
        _ instance: Void, _ name: String
    ) throws(ScriptFailure) -> ReferenceValue { throw .unsupported("execution") }
}
