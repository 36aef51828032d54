/// What can run scripts: Apus, or what it is compared with.
public protocol ScriptEngine {
    associatedtype Instance
    /// What instances are made of, as many as one likes.
    associatedtype Module

    /// Whether instances run. If not, only what scripts say about modules alone is tried.
    var runsInstances: Bool { get }

    /// Forgets all instances: another script begins.
    mutating func beginScript()

    /// Accepts the module in binary form `bytes`, or tells why not, without running it.
    ///
    /// - Throws: `ScriptFailure`, like all that follow.
    func validate(_ bytes: [UInt8]) throws(ScriptFailure)

    /// Compiles the module in binary form `bytes`.
    mutating func compile(_ bytes: [UInt8]) throws(ScriptFailure) -> Module

    /// Links the module with the instances that are registered, and starts it.
    mutating func instantiate(_ module: Module) throws(ScriptFailure) -> Instance

    /// Lets later modules import the exports of `instance` from `name`, beside those that may be
    /// there.
    mutating func register(_ instance: Instance, as name: String) throws(ScriptFailure)

    /// Calls an exported function.
    mutating func call(
        _ instance: Instance, _ name: String, _ arguments: [ScriptValue]
    ) throws(ScriptFailure) -> [ScriptValue]

    /// The value of an exported global.
    func global(_ instance: Instance, _ name: String) throws(ScriptFailure) -> ScriptValue
}

/// Why an engine did not do what a script asked, in the kinds that scripts tell apart.
public enum ScriptFailure: Error, Hashable, Sendable {
    case malformed(String)
    case invalid(String)
    /// An implementation limit, by the specification's leave.
    case limit(String)
    /// Needs a feature that the engine does not have.
    case unsupported(String)
    case unlinkable(String)
    case trap(String)
    /// An exception that nobody caught.
    case exception(String)
    case other(String)
}

extension ScriptFailure: CustomStringConvertible {
    /// The kind and the engine's words.
    public var description: String {
        switch self {
        case .malformed(let text): "malformed: \(text)"
        case .invalid(let text): "invalid: \(text)"
        case .limit(let text): "limit: \(text)"
        case .unsupported(let text): "unsupported: \(text)"
        case .unlinkable(let text): "unlinkable: \(text)"
        case .trap(let text): "trap: \(text)"
        case .exception(let text): text
        case .other(let text): text
        }
    }
}
