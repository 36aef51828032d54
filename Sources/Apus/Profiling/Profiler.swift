internal import ApusLocks
internal import ApusRuntime

/// Looks again and again where guests are while they run, and tells afterwards where they have
/// spent their time.
///
/// Guests are not changed for that, and run as fast as ever between two looks. The time is what
/// passes, whether a guest computes or waits in a function of the host. Stores may be on any number
/// of threads; their samples are added up.
public final class Profiler: Sendable {
    /// From one look to the next.
    public let period: Duration
    private let collector = ProfileCollector()
    private let samplings = SystemMutex<[Entry]>([])

    private struct Entry: Sendable {
        let interrupter: Interrupter
        let sampling: Sampling
    }

    /// Why a store's guests cannot be looked at.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// Guests are found by signals, which the store's engine is set up not to send
        /// (`Engine.Interruption.polling`).
        case noSignals

        public var description: String { "a profiler needs an engine that may send signals" }
    }

    /// A profiler that looks once each `period`, which is 10 microseconds at least.
    public init(period: Duration = .milliseconds(1)) { self.period = period }

    /// Looks at the guests of `store` from now on, until `stop()`. A store has one profiler at a
    /// time: the last that was started.
    ///
    /// - Throws: `Failure`; `ResourceError` if there is no memory for samples.
    public func start(_ store: Store) throws {
        let runtime = try store.runtime
        let collector = collector
        let sampling = try runtime.startSampling(
            period: Interrupter.nanoseconds(period),
            ended: { [weak self] sampling in self?.forget(sampling) }
        ) { counters in
            collector.add(counters)
        }
        guard let sampling else { throw Failure.noSignals }
        let entry = Entry(interrupter: runtime.interrupter, sampling: sampling)
        samplings.withLock { $0.append(entry) }
    }

    /// How many stores it looks at.
    var storeCount: Int { samplings.withLock { $0.count } }

    /// The store has gone: its samples stay, and the room for them goes.
    private func forget(_ sampling: Sampling) {
        let isKnown = samplings.withLock { entries in
            let count = entries.count
            entries.removeAll { $0.sampling === sampling }
            return entries.count < count
        }
        if isKnown { collector.finish(lost: sampling.lostSamples) }
    }

    /// Looks at the guests of all stores of `engine` that are made from now on, until `stop()`.
    /// Stores of which that is not possible are left out. An engine has one profiler at a time.
    public func start(_ engine: Engine) { engine.setProfiler(self) }

    /// Looks no more at guests of `engine`'s stores that are yet to be made.
    public func stop(_ engine: Engine) { engine.setProfiler(nil) }

    /// Looks at no store any more.
    public func stop() {
        let entries = samplings.withLock { entries in
            defer { entries.removeAll() }
            return entries
        }
        for entry in entries {
            entry.interrupter.setSampling(nil)
            entry.sampling.drain()
            collector.finish(lost: entry.sampling.lostSamples)
        }
    }

    /// What has been seen until now.
    public var profile: Profile {
        let entries = samplings.withLock { $0 }
        for entry in entries { entry.sampling.drain() }
        let lost = entries.reduce(0) { $0 + $1.sampling.lostSamples }
        return collector.profile(period: period, lost: lost)
    }
}
