internal import ApusRuntime

/// The world in which instances live: their memories, tables, globals, functions, and the host's
/// objects they refer to. All of it goes together with the store.
///
/// A store is used by one thread at a time; each thread that runs guests makes its own. Whatever
/// is made in a store keeps it alive.
public final class Store {
    /// The engine whose modules it takes.
    public let engine: Engine
    /// Whatever the host wants to find again in its functions, at `caller.store.data`.
    public var data: Any?
    /// What its guests may use.
    public let limits: Limits
    private let shared: Result<RuntimeStore, ResourceError>

    /// An empty store, whose guests may use what `limits` say: the engine's if there are none.
    /// What the system refuses is thrown when the store is first used.
    public convenience init(_ engine: Engine, limits: Limits? = nil, data: Any? = nil) {
        let limits = limits ?? engine.configuration.limits
        self.init(engine, limits: limits, data: data, account: nil)
    }

    /// A store that shares what it may have with those that have the same `account`, if there is
    /// one.
    init(_ engine: Engine, limits: Limits, data: Any?, account: StoreAccount?) {
        self.engine = engine
        self.data = data
        self.limits = limits
        do throws(ResourceError) {
            shared = .success(
                try RuntimeStore(engine.environment, limits: limits.ofStore, account: account))
        } catch {
            shared = .failure(error)
        }
        if case .success(let runtime) = shared { runtime.belong(to: self) }
        if let amount = limits.fuel { fuel = amount }
        if let duration = limits.deadline { setDeadline(after: duration) }
        engine.profile(self)
    }

    /// The runtime's side of the store. What kept it from being set up is thrown here, by the
    /// first to need it.
    var runtime: RuntimeStore {
        get throws(ResourceError) { try shared.get() }
    }

    /// How many objects of the host guests of this store hold references to.
    public var externalReferenceCount: Int { (try? runtime.externalCount) ?? 0 }

    /// How many exceptions the store keeps because guests may refer to them. They are let go when
    /// there are many more than were left the last time.
    public var exceptionCount: Int { (try? runtime.exceptionCount) ?? 0 }

    /// Frees now the objects of the guests, and lets go of those of the host, that guests cannot
    /// reach any more. It happens by itself when many have come.
    ///
    /// While a guest has yielded (`yieldGuests(every:)`), or waits on another thread for a function
    /// of the host, nothing goes: that happens when the guest next calls the host, or at the next
    /// call into the store.
    public func collectObjects() {
        try? runtime.collectExternals()
    }

    /// Lets go now of all objects of the host that guests cannot reach any more. It happens by
    /// itself when many have come. Some guests put it off, see `collectObjects()`.
    public func releaseUnreachableReferences() {
        try? runtime.collectExternals()
    }
}
