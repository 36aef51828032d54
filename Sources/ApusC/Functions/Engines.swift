internal import Apus
internal import CApusC

/// How an engine is set up.
final class ConfigurationObject: HandleObject {
    static var kind: UInt32 { apus_kind_config.rawValue }

    var configuration = Engine.Configuration()

    init() {
        // Only the host makes these, and the API has nothing to say that there are too many.
        configuration.limits.instances = .max
        configuration.limits.memories = .max
        configuration.limits.tables = .max
    }
}

/// An engine.
final class EngineObject: HandleObject {
    static var kind: UInt32 { apus_kind_engine.rawValue }

    let engine: Engine

    init(_ configuration: Engine.Configuration) { engine = Engine(configuration) }
}

@c @implementation
public func wasm_config_new() -> OpaquePointer? { unsafe Handle.make(ConfigurationObject()) }

@c @implementation
public func wasm_engine_new() -> OpaquePointer? {
    unsafe Handle.make(EngineObject(ConfigurationObject().configuration))
}

@c @implementation
public func wasm_engine_new_with_config(_ configuration: OpaquePointer?) -> OpaquePointer? {
    let taken = unsafe Handle.take(configuration, as: ConfigurationObject.self)
    return unsafe Handle.make(EngineObject(taken.configuration))
}

@c @implementation
public func wasm_store_new(_ engine: OpaquePointer?) -> OpaquePointer? {
    let engine = unsafe Handle.borrow(engine, as: EngineObject.self).engine
    return unsafe Handle.make(StoreObject(Store(engine)))
}
