internal import ApusRuntime

/// What the stores of a program's threads have in common: they may have together what the first one
/// may have, and its limiter is asked for all of them.
@_spi(ApusWASI)
public struct StoreGroup: Sendable {
    fileprivate let account: StoreAccount
    fileprivate let limiter: (any SharedResourceLimiter)?
    fileprivate let limits: Limits
    fileprivate let engine: Engine
}

extension Store {
    /// What other stores are to have in common with this one, which is the first; nil if it has a
    /// limiter that cannot be asked for them.
    @_spi(ApusWASI)
    public func makeGroup() throws -> StoreGroup? {
        let shared = limiter as? any SharedResourceLimiter
        guard limiter == nil || shared != nil, asynchronousLimiter == nil else { return nil }
        return StoreGroup(
            account: try runtime.shareAccount(), limiter: shared, limits: limits, engine: engine)
    }

    /// A store for another thread, with fuel of its own, and without a deadline.
    @_spi(ApusWASI)
    public convenience init(in group: StoreGroup, fuel: UInt64?) {
        var limits = group.limits
        limits.fuel = fuel
        limits.deadline = nil
        self.init(group.engine, limits: limits, data: nil, account: group.account)
        limiter = group.limiter
    }
}
