internal import ApusCollections
internal import ApusLocks
internal import CApusHost

/// Learns where the guests of one store are, again and again while they run.
@safe
public final class Sampling: @unchecked Sendable {
    // SAFETY: `sampler` is owned. Its store has it until the interrupter is told that nobody is
    // sampling any more, which the interrupter's lock orders before this goes; samples are taken
    // out with the lock held.
    private let sampler: OpaquePointer
    private let consume: @Sendable (Span<UInt>) -> Void
    private let ended: @Sendable (Sampling) -> Void
    private let isDraining = SystemLock()
    /// Nanoseconds from one sample to the next.
    let period: UInt64

    /// Calls `ended` when the store goes, or another one takes its place.
    ///
    /// Calls `consume`, from any thread but one at a time, with each sample: program counters,
    /// innermost first. All but that of a guest that was running itself are return addresses, and
    /// 0 stands for the host.
    init(
        _ context: UnsafeMutablePointer<apus_store_context>, period: UInt64,
        ended: @escaping @Sendable (Sampling) -> Void,
        _ consume: @escaping @Sendable (Span<UInt>) -> Void
    ) throws(ResourceError) {
        // SAFETY: who makes it is the store whose context it is, and the handler writes samples
        // only while that is in a call.
        guard let sampler = unsafe apus_sampler_make(context) else {
            throw ResourceError(.context, requested: 1)
        }
        unsafe self.sampler = sampler
        // So that a time can be added to it.
        self.period = min(max(period, 10_000), 1 << 61)
        self.consume = consume
        self.ended = ended
    }

    // SAFETY: the interrupter has it no more, so no handler writes to it: see `sampler`.
    deinit { unsafe apus_sampler_free(sampler) }

    // SAFETY: the sampler is this object's own.
    /// How many samples were lost because nobody took them in time.
    public var lostSamples: UInt64 { unsafe apus_sampler_lost(sampler) }

    /// Has `thread`, which is in a call of the store, say where it is.
    func ask(_ thread: UnsafeMutablePointer<apus_thread>) {
        // SAFETY: the caller, the interrupter, has its lock, so the thread stays in its call.
        unsafe apus_sampler_ask(sampler, thread)
    }

    /// Nothing more comes of the store: the last samples are handed over while the code is there.
    func end() {
        drain()
        ended(self)
    }

    /// Hands over the samples that there are.
    public func drain() {
        isDraining.withLock {
            // SAFETY: the room is for the longest sample, and a span of it is lent for the call
            // only; the lock is held, so nobody else takes samples out.
            unsafe withUnsafeTemporaryAllocation(
                of: UInt.self, capacity: Int(apus_sample_limit)
            ) { counters in
                guard let start = counters.baseAddress else { return }
                while true {
                    let count = unsafe Int(apus_sampler_take(sampler, start))
                    if count == 0 { return }
                    consume(unsafe Span(_unsafeStart: start, count: count))
                }
            }
        }
    }
}

extension RuntimeStore {
    /// Has `consume` called with where the store's guests are, each `period` nanoseconds while they
    /// run, and `ended` when the store goes: see `Sampling`. Nil if the engine sends no signals.
    public func startSampling(
        period: UInt64, ended: @escaping @Sendable (Sampling) -> Void,
        _ consume: @escaping @Sendable (Span<UInt>) -> Void
    ) throws(ResourceError) -> Sampling? {
        if environment.configuration.pollsInterruption { return nil }
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        let sampling = unsafe try Sampling(context, period: period, ended: ended, consume)
        readsSources = true
        for instance in instances { _ = instance.module.sourceIndex }
        interrupter.setSampling(sampling)
        return sampling
    }
}
