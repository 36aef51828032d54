internal import ApusLocks

/// What several stores have together, under the limits of the first: those of the threads of one
/// program, each of which is used by a thread of its own.
///
/// A store that has one asks it for all that comes into being or grows, before that happens, and
/// gives back what did not happen, and at its end what goes with it.
public final class StoreAccount: Sendable {
    private let limits: StoreLimits
    private let state: SystemMutex<State>

    private struct State {
        /// What all of them have, and what happened in those that have gone.
        var statistics: StoreStatistics
        var exceptionBytes: UInt64
        /// By those that have gone.
        var fuelUsed: UInt64 = 0
    }

    /// An account with what the first store has, which goes on counting by itself what happens.
    init(_ limits: StoreLimits, _ statistics: StoreStatistics, exceptionBytes: UInt64) {
        self.limits = limits
        state = SystemMutex(
            State(statistics: statistics.levels, exceptionBytes: exceptionBytes))
    }

    /// What all of them have, and what happened in those that have gone.
    var statistics: StoreStatistics { state.withLock { $0.statistics } }

    /// What guests of stores that have gone have used.
    public var fuelUsed: UInt64 { state.withLock { $0.fuelUsed } }

    /// Counts `growth`, or says which limit it exceeds.
    func charge(_ growth: Growth, isNew: Bool) -> ResourceError? {
        state.withLock { state in
            if let error = state.statistics.excess(growth, isNew: isNew, limits) { return error }
            state.statistics.add(growth, isNew: isNew)
            return nil
        }
    }

    /// Takes back what `charge` counted.
    func release(_ growth: Growth, isNew: Bool) {
        state.withLock { $0.statistics.remove(growth, isNew: isNew) }
    }

    /// Counts one more instance, or says why there may be none.
    func chargeInstance() -> ResourceError? {
        state.withLock { state in
            if let error = state.statistics.excessInstance(limits) { return error }
            state.statistics.instances += 1
            return nil
        }
    }

    func releaseInstance() { state.withLock { $0.statistics.instances -= 1 } }

    /// Counts an exception of `bytes`, if all may then have no more than `limit`. Returns whether
    /// it did.
    func chargeException(_ bytes: UInt64, limit: UInt64) -> Bool {
        state.withLock { state in
            guard bytes <= limit, state.exceptionBytes <= limit - bytes else { return false }
            state.exceptionBytes += bytes
            return true
        }
    }

    func releaseExceptions(_ bytes: UInt64) { state.withLock { $0.exceptionBytes -= bytes } }

    /// A store has gone that had counted `statistics`. Of its memory `left` bytes are in what
    /// others have made, and stay.
    func close(_ statistics: StoreStatistics, left: UInt64, exceptions: UInt64, fuel: UInt64) {
        state.withLock { state in
            state.statistics.takeBack(statistics, left: left)
            state.statistics.addEvents(of: statistics)
            state.exceptionBytes -= exceptions
            state.fuelUsed &+= fuel
        }
    }
}

/// Stores with one account.
extension RuntimeStore {
    /// The account that other stores can have in common with this one, which is the first.
    public func shareAccount() -> StoreAccount {
        if let account { return account }
        let made = StoreAccount(limits, statistics, exceptionBytes: exceptions.byteCount)
        found(made)
        return made
    }

    /// What the store has, and all whose account is this one's.
    public var totals: StoreStatistics {
        guard let account, isFirst else { return statistics }
        var totals = account.statistics
        totals.addEvents(of: statistics)
        return totals
    }

    /// What its guests have used, and those of the stores that had its account.
    public var totalFuelUsed: UInt64 {
        guard let account, isFirst else { return fuelUsed }
        return fuelUsed &+ account.fuelUsed
    }

    /// The account says what goes with the store.
    func closeAccount() {
        guard let account else { return }
        account.close(
            statistics, left: leftBytes, exceptions: exceptions.byteCount, fuel: fuelUsed)
    }
}
