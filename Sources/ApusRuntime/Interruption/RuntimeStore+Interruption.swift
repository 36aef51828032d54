internal import ApusABI
internal import CApusHost

// SAFETY: the context lives as long as the store, which takes it from the interrupter in deinit.
extension RuntimeStore {
    func makeInterrupter() -> Interrupter {
        setAttention(apus_attention_interrupt, true)
        let interrupter = unsafe Interrupter(context)
        // A call that runs already is to be stopped as well; calls that begin say if they cannot.
        if unsafe context.pointee.entry_sp != 0 { try? interrupter.begin() }
        return interrupter
    }

    /// The calling thread enters the store from outside.
    func beginInterruptible() throws {
        do {
            try interrupter.begin()
        } catch {
            if error is WasmTrap { statistics.traps += 1 }
            throw error
        }
    }

    /// Throws if what is going on outside of wasm, on behalf of a guest, is to stop.
    func checkInterruption() throws {
        let isRequested = has(apus_attention_interrupt) && interrupter.takeRequest()
        guard isRequested || apus_this_thread_is_interrupted() != 0 else { return }
        statistics.traps += 1
        throw WasmTrap(.interrupted)
    }

    /// Whether long work on behalf of a guest need not stop.
    var mayGoOn: Bool {
        if apus_this_thread_is_interrupted() != 0 { return false }
        return !has(apus_attention_interrupt) || !interrupter.mustStop
    }

    /// Whether the guest that runs has been asked to stop.
    public var isInterrupted: Bool { unsafe apus_interrupt_is_requested(context) != 0 }
}
