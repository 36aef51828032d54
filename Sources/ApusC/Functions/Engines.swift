internal import Apus
internal import ApusLocks
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
        // `wasm_frame_instance`.
        configuration.tracesInstances = true
    }
}

/// An engine.
final class EngineObject: HandleObject {
    static var kind: UInt32 { apus_kind_engine.rawValue }

    let engine: Engine
    private let trampolines: SystemMutex<CallbackTypes>

    init(_ configuration: Engine.Configuration) {
        engine = Engine(configuration)
        trampolines = SystemMutex(CallbackTypes())
    }

    /// Keeps what calls functions of `type`.
    func keep(_ type: FunctionType) { trampolines.withLock { $0.keep(type, engine) } }
}

/// The types that an engine's callbacks have had. What calls functions of a type goes with the last
/// function that has it; programs that make their functions for each store would have it made anew
/// each time, which takes longer than all else that they do.
private struct CallbackTypes {
    /// More than a program of any sense has.
    private static var limit: Int { 256 }

    private var types: Set<FunctionType> = []
    /// Has a function of each type.
    private var store: Store?

    mutating func keep(_ type: FunctionType, _ engine: Engine) {
        guard types.count < Self.limit, types.insert(type).inserted else { return }
        let store = store ?? Store(engine, limits: Limits())
        self.store = store
        // What keeps it from being made is told to whoever makes the function that is meant.
        _ = try? Function(store, type) { _, _ in [] }
    }
}

// SAFETY: `Handle.make` makes what the caller owns from here on.
@c @implementation
public func wasm_config_new() -> OpaquePointer? { unsafe Handle.make(ConfigurationObject()) }

@c @implementation
public func wasm_engine_new() -> OpaquePointer? {
    // SAFETY: `Handle.make` makes what the caller owns from here on.
    unsafe Handle.make(EngineObject(ConfigurationObject().configuration))
}

@c @implementation
public func wasm_engine_new_with_config(_ configuration: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it. The caller
    // has given it up, as `wasm.h` says.
    let taken = unsafe Handle.take(configuration, as: ConfigurationObject.self)
    return unsafe Handle.make(EngineObject(taken.configuration))
}

@c @implementation
public func wasm_store_new(_ engine: OpaquePointer?) -> OpaquePointer? {
    // SAFETY: `Handle` looks at the pointer's mark before it believes anything of it.
    let engine = unsafe Handle.borrow(engine, as: EngineObject.self)
    return unsafe Handle.make(StoreObject(Store(engine.engine), of: engine))
}
