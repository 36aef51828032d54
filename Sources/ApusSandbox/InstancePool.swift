public import Apus

/// Instances of one module, each for one use, of which there are so many at once: who needs one
/// more waits for it, without a thread.
///
/// For servers that make an instance for each request and know the module's functions; a
/// `SandboxPool` is for values and texts. The engine's allocator should have room for as many
/// (`Engine.Allocator.pooling`).
public struct InstancePool: Sendable {
    /// What the instances are made of.
    public let module: PreparedModule
    /// How many there may be at once.
    public let count: Int
    /// What each may use; nil: what the engine's configuration says.
    public let limits: Limits?
    private let admission: Admission

    /// At most `count` instances of `module` at once: as many as the engine's pool has room for if
    /// it is not given, or 1000 if that has none.
    public init(_ module: PreparedModule, count: Int? = nil, limits: Limits? = nil) {
        self.module = module
        self.count = max(count ?? Self.room(in: module.module.engine), 1)
        self.limits = limits
        admission = Admission(self.count)
    }

    /// Calls `body` with an instance in a store of its own, as soon as there is room for it. Both
    /// go when `body` has ended, so it must not keep them. The instance keeps what `hostState`
    /// makes for it. Tasks that have an instance and want another one may all wait for each other.
    ///
    /// - Throws: `CancellationError` if the task is cancelled before there is room; what making an
    ///   instance throws (`PreparedModule.instantiateAsync(in:hostState:)`); what `body` throws.
    public nonisolated(nonsending) func withInstance<Result>(
        hostState: () -> AnyObject? = { nil },
        _ body: nonisolated(nonsending) (Instance) async throws -> Result
    ) async throws -> Result {
        try await admission.enter()
        defer { admission.leave() }
        return try await use(hostState(), body)
    }

    /// Apart from the above, so that the store has gone when the next one may be made.
    private nonisolated(nonsending) func use<Result>(
        _ hostState: AnyObject?, _ body: nonisolated(nonsending) (Instance) async throws -> Result
    ) async throws -> Result {
        let store = Store(module.module.engine, limits: limits)
        return try await body(module.instantiateAsync(in: store, hostState: hostState))
    }

    private static func room(in engine: Engine) -> Int {
        switch engine.configuration.allocator {
        case .onDemand: 1000
        case .pooling(let pool): pool.instances
        }
    }
}
