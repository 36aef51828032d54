/// What can run the specification's scripts: Apus, or the reference interpreter.
public protocol ScriptEngine: AnyObject {
    associatedtype Instance

    /// Accepts the module or tells why not, without running it.
    func check(_ bytes: [UInt8]) throws(ScriptFailure)
    /// Links the module with the instances that are registered, and starts it.
    func instantiate(_ bytes: [UInt8]) throws(ScriptFailure) -> Instance
    /// Lets later modules import from `instance` under this name.
    func register(_ instance: Instance, as name: String)
    func invoke(
        _ instance: Instance, _ name: String, _ arguments: [ReferenceValue]
    ) throws(ScriptFailure) -> [ReferenceValue]
    /// The value of an exported global.
    func global(_ instance: Instance, _ name: String) throws(ScriptFailure) -> ReferenceValue
}

/// Why an engine did not do what a script asked.
public enum ScriptFailure: Error, Hashable, Sendable {
    case malformed(String)
    case invalid(String)
    /// An implementation limit, by the specification's leave.
    case limit(String)
    /// Needs a feature that the engine does not have.
    case unsupported(String)
    case unlinkable(String)
    case trap(String)
    case other(String)
}
