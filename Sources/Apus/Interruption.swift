internal import ApusRuntime

/// Stops the guests of a store from any thread.
///
/// A guest that is stopped ends in a `Trap` with the code `interrupted`, also while it waits in a
/// function of WASI; a host function of yours ends by itself, and then the guest stops. Compiled
/// code runs as fast as without: it is found by a signal, not by polling, unless the engine's
/// configuration wants that (`Engine.Configuration.interruption`).
public struct InterruptHandle: Sendable {
    let interrupter: Interrupter?

    /// Stops the call that runs, or, if there is none, the next one.
    public func interrupt() { interrupter?.interrupt() }

    /// Takes back what was asked for, if nothing has been stopped for it yet.
    @_spi(ApusWASI) public func takeBack() { interrupter?.takeBack() }
}

extension Interruption: CustomStringConvertible {
    /// What happened, with the time that was allowed if it is known.
    public var description: String {
        switch self {
        case .deadline(let duration?): "the time limit of \(duration) has passed"
        case .deadline(nil): "the deadline has passed"
        case .request: "the host has asked for it"
        case .cancellation: "the task has been cancelled"
        }
    }
}

extension Store {
    /// What stops this store's guests from other threads.
    public var interruptHandle: InterruptHandle {
        InterruptHandle(interrupter: try? runtime.interrupter)
    }

    /// When guests are to stop; nil: never, as at first.
    ///
    /// It holds for every call until it is changed: one that is made later than this does not
    /// begin. A guest is stopped within a few milliseconds.
    public var deadline: ContinuousClock.Instant? {
        get {
            guard let nanoseconds = try? runtime.interrupter.deadline else { return nil }
            let now = Interrupter.now
            let distance = Int64(clamping: nanoseconds) - Int64(clamping: now)
            return .now + .nanoseconds(distance)
        }
        set {
            let left = newValue.map { ContinuousClock.now.duration(to: $0) }
            try? runtime.interrupter.setDeadline(left.map { Interrupter.now(plus: $0) })
        }
    }

    /// Guests may run until `duration` after `start`, which is now unless it is given: as setting
    /// `deadline`, but what stops names the duration.
    public func setDeadline(after duration: Duration, since start: ContinuousClock.Instant = .now) {
        let left = ContinuousClock.now.duration(to: start + duration)
        try? runtime.interrupter.setDeadline(Interrupter.now(plus: left), after: duration)
    }

    /// Has guests that are called asynchronously let other tasks run each time they have computed
    /// for `interval`, a millisecond at least; nil, as at first: only when they wait.
    ///
    /// So a guest that computes for long does not keep a thread from the tasks that share it. It is
    /// made to leave its code in the middle, and goes on there, perhaps on another thread.
    /// Meanwhile the store is in a call: objects cannot be made in it by the host, nor its tables
    /// grow (`AsynchronousCallError.storeIsBusy`). A guest that a function of the host has called
    /// synchronously is not interrupted. It holds for the calls that begin after this.
    ///
    /// - Throws: `AsynchronousCallError.cannotYield` if the engine's guests look themselves whether
    ///   they are to stop (`Engine.Configuration.interruption`).
    public func yieldGuests(every interval: Duration?) throws {
        let runtime = try runtime
        if interval != nil, !runtime.interruptsBySignals {
            throw AsynchronousCallError.cannotYield
        }
        runtime.interrupter.setTurn(interval)
    }

    /// Calls `body`, during which guests may run for `duration` at most.
    public func withDeadline<Result, Failure: Error>(
        _ duration: Duration, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let interrupter = try? runtime.interrupter else { return try body() }
        let outer = interrupter.deadline
        let outerDuration = interrupter.duration
        let inner = Interrupter.now(plus: duration)
        if outer.map({ inner < $0 }) ?? true {
            interrupter.setDeadline(inner, after: duration)
        }
        defer { interrupter.setDeadline(outer, after: outerDuration) }
        return try body()
    }

    /// Calls `body`, whose guests stop when the task that runs it is cancelled: all that it calls
    /// from then on.
    ///
    /// The guest runs on the task's thread, without suspending it.
    ///
    /// - Throws: `CancellationError` if a guest was stopped for that and `body` threw its trap;
    ///   else whatever `body` throws.
    public func withTaskCancellation<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () throws -> Result
    ) async throws -> Result {
        guard let interrupter = try? runtime.interrupter else { return try body() }
        let scope = interrupter.enterScope()
        defer { interrupter.leaveScope(scope) }
        do {
            return try await withTaskCancellationHandler(
                operation: { try body() },
                onCancel: { interrupter.cancel(scope: scope) },
                isolation: isolation)
        } catch let trap as Trap where trap.interruption == .cancellation {
            throw CancellationError()
        }
    }

    /// Calls `body`, in which system calls that wait end with `EINTR` when the guest is to
    /// stop, and again until it has: for host functions that wait for something that may never
    /// come. Without it the system begins such calls again (`SA_RESTART`), and the guest stops when
    /// the host function returns.
    ///
    /// These are calls that read, write, receive, send, accept, open, lock files and wait for
    /// children. With `Engine.Interruption.polling` nothing ends them.
    public func withInterruptibleWaits<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try RuntimeStore.endingWaits(body)
    }

    /// Whether the guests of this store have been told to stop: the one that runs, or else the next
    /// one. A host function that takes long should look now and then, and return or throw if so.
    public var isInterrupted: Bool { (try? runtime.isInterrupted) ?? false }
}
