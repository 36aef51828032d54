internal import ApusABI
internal import CApusHost

/// Where an interruptible call has come to, for tests that ask for its end just there.
enum InterruptionStep: CaseIterable {
    /// It is to be decided whether the call may begin.
    case beginning
    /// That is decided, and wasm is about to be entered.
    case begun
    /// Wasm has been left.
    case ending
}

extension RuntimeStore {
    /// Who stops the store's guests from outside, for whoever asks. From then on each call
    /// announces itself.
    public var interrupter: Interrupter {
        let stopper = stopper
        if !isInterrupterShared {
            isInterrupterShared = true
            setAttention(apus_attention_interrupt, true)
            // A call that runs already is to be stopped as well; calls that begin say if they
            // cannot.
            // SAFETY: the context is the store's own allocation, which lives as long as the store.
            if unsafe context.pointee.entry_sp != 0 { try? stopper.begin() }
        }
        return stopper
    }

    func makeStopper() -> Interrupter {
        hasStopper = true
        // SAFETY: the context is the store's own allocation, which lives as long as the store. It
        // takes it from the interrupter in `deinit`.
        return unsafe Interrupter(
            context, usesSignals: !environment.configuration.pollsInterruption)
    }

    /// The calling thread enters the store from outside.
    func beginInterruptible(isAsynchronous: Bool = false) throws {
        try beginInterruptible { try stopper.begin(isAsynchronous: isAsynchronous) }
    }

    /// The same for a call that is to end when `task`, which is the present one, is cancelled.
    func beginInterruptible(in task: UnsafeMutableRawPointer) throws {
        // SAFETY: the task is the present one, so it lives while it calls this.
        try beginInterruptible { try unsafe stopper.begin(in: task) }
    }

    private func beginInterruptible(_ begin: () throws -> Void) throws {
        atInterruptionStep?(.beginning)
        do {
            try begin()
        } catch {
            if error is WasmTrap { statistics.traps += 1 }
            throw error
        }
        atInterruptionStep?(.begun)
    }

    /// The calling thread has left the store, and the present scope has ended if `endsScope`.
    func endInterruptible(endsScope: Bool = false) {
        atInterruptionStep?(.ending)
        stopper.end(endsScope: endsScope)
    }

    /// Throws if what is going on outside of wasm, on behalf of a guest, is to stop.
    func checkInterruption() throws {
        let own = has(apus_attention_interrupt) ? stopper.takeReason() : nil
        guard let reason = own ?? threadReason else { return }
        statistics.traps += 1
        throw WasmTrap(.interrupted, interruption: reason)
    }

    /// Why a call of this thread, of this store or of one around it, is to end.
    private var threadReason: Interruption? {
        if apus_this_thread_is_interrupted() == 0 { return nil }
        // SAFETY: the record is the calling thread's.
        return Interruption(bits: unsafe apus_thread_record().pointee.reason)
    }

    /// Whether guests of this thread are to stop.
    public static var isThreadInterrupted: Bool { apus_this_thread_is_interrupted() != 0 }

    /// Why the call that has just been left was to end.
    func takeInterruption() -> Interruption? {
        (has(apus_attention_interrupt) ? stopper.reason : nil) ?? threadReason
    }

    /// Whether long work on behalf of a guest need not stop.
    var mayGoOn: Bool {
        if apus_this_thread_is_interrupted() != 0 { return false }
        return !has(apus_attention_interrupt) || stopper.reason == nil
    }

    /// Does `body`, in which waits in the system end when the guest of this thread is to stop.
    public static func endingWaits<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let previous = apus_interrupts_end_waits(1)
        defer { _ = apus_interrupts_end_waits(previous) }
        return try body()
    }

    /// Whether threads that run guests are sent signals; if not, guests look themselves.
    public var interruptsBySignals: Bool { !environment.configuration.pollsInterruption }

    /// Whether guests have been told to stop: the one that runs, or else the next one.
    public var isInterrupted: Bool { !mayGoOn }
}
