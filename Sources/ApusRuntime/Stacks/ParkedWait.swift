internal import ApusLocks
internal import CApusHost

/// A guest's wait for a place in a shared memory to be notified, on a stack of its own: no thread
/// waits with it.
@safe
final class ParkedWait: @unchecked Sendable {
    // SAFETY: the record is this object's, and among those that wait from `init` to `end`; until
    // it is notified or has ended, this object is retained for who notifies.
    private let waiter = UnsafeMutablePointer<apus_waiter>.allocate(capacity: 1)
    /// Nanoseconds of the monotonic clock; `UInt64.max`: without end.
    private let deadline: UInt64
    private let state = SystemMutex(State())

    private struct State {
        var isNotified = false
        /// The task that waits has been cancelled, of which the store may not know.
        var isCancelled = false
        /// Ends the wait.
        var wake: (@Sendable () -> Void)?
    }

    /// Begins to wait, unless the `bytes` bytes at `place` are another value than `expected`: then
    /// nil.
    init?(
        _ place: UnsafeMutableRawPointer, bytes: UInt32, _ expected: UInt64, until deadline: UInt64
    ) {
        self.deadline = deadline
        // SAFETY: the record is this object's, which is retained until it is notified or the wait
        // has ended; the place is within a shared memory, which the guest that waits keeps.
        let own = unsafe Unmanaged.passRetained(self)
        let hasBegun = unsafe apus_park_begin(
            waiter, place, bytes, expected,
            { state in
                guard let state = unsafe state else { return }
                unsafe Unmanaged<ParkedWait>.fromOpaque(state).takeRetainedValue().notified()
            }, own.toOpaque())
        if hasBegun != 0 { return }
        unsafe own.release()
        return nil
    }

    // SAFETY: the wait has ended or was notified, for else this object would be retained.
    deinit { unsafe waiter.deallocate() }

    private func notified() {
        let wake = state.withLock { state in
            state.isNotified = true
            return state.wake
        }
        wake?()
    }

    /// Whether it has been notified, the time has come, or the task that waits is cancelled.
    var isOver: Bool {
        if deadline <= Watchdog.now() { return true }
        return state.withLock { $0.isNotified || $0.isCancelled }
    }

    /// Waits until it is notified, the time has come, or the guest of `store` is to stop.
    nonisolated(nonsending) func wait(in store: RuntimeStore) async {
        let now = Watchdog.now()
        if deadline <= now { return }
        let duration =
            deadline == .max ? nil : Duration.nanoseconds(Int64(clamping: deadline &- now))
        await store.sleep(for: duration) { wake in
            let isNotified = state.withLock { state in
                state.wake = wake
                return state.isNotified
            }
            if isNotified { wake() }
        }
        if Task.isCancelled { state.withLock { $0.isCancelled = true } }
    }

    /// Ends the wait. Returns whether it was notified. To be called once.
    func end() -> Bool {
        // SAFETY: what `init` has retained is released once: here, or by who notifies.
        if unsafe apus_park_end(waiter) != 0 { return true }
        // Nobody is going to notify it.
        unsafe Unmanaged.passUnretained(self).release()
        return false
    }
}
