internal import ApusRuntime

/// Stops the guests of a store from any thread.
///
/// A guest that is stopped ends in a `Trap` with the code `interrupted`, also while it waits in a
/// function of WASI; a host function of yours ends by itself, and then the guest stops. Compiled
/// code runs as fast as without: it is found by a signal, not by polling.
public struct InterruptHandle: Sendable {
    let interrupter: Interrupter?

    /// Stops the call that runs, or, if there is none, the next one.
    public func interrupt() { interrupter?.interrupt() }
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
            try? runtime.interrupter.deadline = left.map { Interrupter.now(plus: $0) }
        }
    }

    /// Calls `body`, during which guests may run for `duration` at most.
    public func withDeadline<Result, Failure: Error>(
        _ duration: Duration, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let interrupter = try? runtime.interrupter
        let outer = interrupter?.deadline
        let inner = Interrupter.now(plus: duration)
        interrupter?.deadline = outer.map { min($0, inner) } ?? inner
        defer { interrupter?.deadline = outer }
        return try body()
    }

    /// Calls `body`, whose guests stop when the task that runs it is cancelled.
    ///
    /// The guest runs on the task's thread, without suspending it.
    public func withTaskCancellation<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () throws -> Result
    ) async throws -> Result {
        guard let interrupter = try? runtime.interrupter else { return try body() }
        let scope = interrupter.scope
        defer { interrupter.endScope() }
        return try await withTaskCancellationHandler(
            operation: { try body() },
            onCancel: { interrupter.interrupt(scope: scope) },
            isolation: isolation)
    }

    /// Whether the guests of this store have been told to stop. A host function that takes long
    /// should look now and then, and return or throw if it is so.
    public var isInterrupted: Bool { (try? runtime.isInterrupted) ?? false }
}
