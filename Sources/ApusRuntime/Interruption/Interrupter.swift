internal import ApusABI
internal import CApusHost
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Stops the guests of one store, from any thread: at once, or when a deadline passes.
///
/// Compiled code is not polled. A request is noted in the store's context, where each return from
/// the host into wasm looks, and a signal is sent to the thread that runs the guest: if it is in
/// compiled code it leaves from there, else what it waits for ends early. Until it has left, the
/// signal is sent again every millisecond.
public final class Interrupter: Sendable {
    // SAFETY: `context` is the store's and is taken away under the lock before the store goes;
    // `thread` is inside a call, which cannot end without the lock, so it lives.
    @safe private struct State: @unchecked Sendable {
        var context: UnsafeMutablePointer<apus_store_context>?
        /// The thread that is in the store's outermost call; 0 if none is.
        var thread: UInt = 0
        /// A request that nobody has seen yet, or that the present call is to end for.
        var isRequested = false
        /// When calls are to end: nanoseconds of the monotonic clock.
        var deadline: UInt64?
        /// Whether the deadline has passed.
        var isLate = false
        /// Scopes that have ended: requests made for them come too late.
        var endedScopes: UInt64 = 0

        var mustStop: Bool { isRequested || isLate }
        /// The same for who looks while nobody watches the deadline.
        var isOverdue: Bool { mustStop || deadline.map { $0 <= Watchdog.now() } ?? false }
    }

    private let state: Mutex<State>

    init(_ context: UnsafeMutablePointer<apus_store_context>) {
        let initial = unsafe State(context: context)
        state = Mutex(initial)
    }

    /// Stops the call that runs, or else the next one.
    public func interrupt() {
        let mustRepeat = state.withLock { state in
            state.isRequested = true
            return Self.stop(state)
        }
        if mustRepeat { Watchdog.shared.schedule(self, at: Watchdog.now() + Watchdog.period) }
    }

    /// The same, unless the scope with this number has ended.
    public func interrupt(scope: UInt64) {
        let mustRepeat = state.withLock { state in
            if state.endedScopes != scope { return false }
            state.isRequested = true
            return Self.stop(state)
        }
        if mustRepeat { Watchdog.shared.schedule(self, at: Watchdog.now() + Watchdog.period) }
    }

    /// The number of the scope that begins now; one at a time.
    public var scope: UInt64 { state.withLock { $0.endedScopes } }

    /// Ends the present scope, and takes back a request that came in it and stopped nothing.
    public func endScope() {
        state.withLock { state in
            state.endedScopes &+= 1
            state.isRequested = false
        }
    }

    /// When calls are to end: nanoseconds of the monotonic clock; nil: never.
    public var deadline: UInt64? {
        get { state.withLock { $0.deadline } }
        set {
            state.withLock { state in
                state.deadline = newValue
                state.isLate = false
            }
            if let newValue { Watchdog.shared.schedule(self, at: newValue) }
        }
    }

    /// The present time, as deadlines have it: nanoseconds.
    public static var now: UInt64 { Watchdog.now() }

    /// The time after `duration`; the present if that is negative.
    public static func now(plus duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        if seconds < 0 || attoseconds < 0 { return now }
        let whole = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if whole.overflow { return .max }
        let time = whole.partialValue.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        let sum = time.partialValue.addingReportingOverflow(now)
        return time.overflow || sum.overflow ? .max : sum.partialValue
    }

    // MARK: For the store

    /// The calling thread enters the store from outside. Throws if it is to stay out.
    func begin() throws {
        let error = apus_interrupts_prepare_thread()
        guard error == 0 else { throw ResourceError(.signals, requested: 1, errorNumber: error) }
        if takeRequest() { throw WasmTrap(.interrupted) }
        try state.withLock { state in
            if state.deadline != nil, !Watchdog.shared.isAwake {
                throw ResourceError(.thread, requested: 1, errorNumber: EAGAIN)
            }
            state.thread = apus_interrupt_target()
        }
    }

    /// Whether what is going on is to stop.
    var mustStop: Bool { state.withLock { $0.isOverdue } }

    /// The same; a request has then been served.
    func takeRequest() -> Bool {
        state.withLock { state in
            guard state.isOverdue else { return false }
            state.isRequested = false
            return true
        }
    }

    /// The thread that has entered is out again. What it was to stop for is done.
    func end() {
        state.withLock { state in
            state.thread = 0
            state.isRequested = false
            if let context = unsafe state.context { unsafe apus_interrupt_withdraw(context) }
        }
    }

    /// The store goes.
    func detach() {
        let hadDeadline = state.withLock { state in
            unsafe state.context = nil
            return state.deadline != nil
        }
        if hadDeadline { Watchdog.shared.forget(self) }
    }

    // MARK: For the watchdog

    var isDetached: Bool { state.withLock { unsafe $0.context == nil } }

    /// What time has brought: stops the call that runs if it is late. Returns when to come again.
    func tick(_ now: UInt64) -> UInt64? {
        state.withLock { state in
            if unsafe state.context == nil { return nil }
            if let deadline = state.deadline, !state.isLate {
                if deadline > now { return deadline }
                state.isLate = true
            }
            return Self.stop(state) ? now + Watchdog.period : nil
        }
    }

    /// Asks the call that runs to stop if it must. Whether there is one.
    private static func stop(_ state: borrowing State) -> Bool {
        guard state.mustStop, state.thread != 0, let context = unsafe state.context else {
            return false
        }
        unsafe apus_interrupt_request(context)
        apus_interrupt_thread(state.thread)
        return true
    }
}
