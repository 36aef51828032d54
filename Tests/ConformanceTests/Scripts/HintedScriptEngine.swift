import Apus
import ApusFormat
import ApusScript
import ApusTestSupport

/// Apus with a hint, right or wrong, at each branch of each module that is instantiated.
struct HintedScriptEngine: ScriptEngine {
    private var engine: ApusScriptEngine
    private let features: FeatureSet
    private var choices = ChoiceSource(seed: 1)

    init(_ configuration: Engine.Configuration) {
        engine = ApusScriptEngine(configuration)
        features = configuration.features
    }

    var runsInstances: Bool { true }

    mutating func beginScript() { engine.beginScript() }

    func validate(_ bytes: [UInt8]) throws(ScriptFailure) { try engine.validate(bytes) }

    mutating func compile(_ bytes: [UInt8]) throws(ScriptFailure) -> Module {
        let hinted = try? GeneratedModule.addingHints(to: bytes, features: features, &choices)
        return try engine.compile(hinted ?? bytes)
    }

    mutating func instantiate(_ module: Module) throws(ScriptFailure) -> Instance {
        try engine.instantiate(module)
    }

    mutating func register(_ instance: Instance, as name: String) throws(ScriptFailure) {
        try engine.register(instance, as: name)
    }

    mutating func call(
        _ instance: Instance, _ name: String, _ arguments: [ScriptValue]
    ) throws(ScriptFailure) -> [ScriptValue] { try engine.call(instance, name, arguments) }

    func global(
        _ instance: Instance, _ name: String
    ) throws(ScriptFailure) -> ScriptValue { try engine.global(instance, name) }
}
