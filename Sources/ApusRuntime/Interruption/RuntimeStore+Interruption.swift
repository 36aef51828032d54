internal import CApusHost

// SAFETY: the context lives as long as the store, which takes it from the interrupter in deinit.
extension RuntimeStore {
    func makeInterrupter() -> Interrupter {
        unsafe context.pointee.is_interruptible = 1
        return unsafe Interrupter(context)
    }

    @inline(never)
    func beginInterruptible() throws { try interrupter.begin() }

    @inline(never)
    func endInterruptible() { interrupter.end() }

    /// Whether the guest that runs has been asked to stop.
    public var isInterrupted: Bool { unsafe apus_interrupt_is_requested(context) != 0 }
}
