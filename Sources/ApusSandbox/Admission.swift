internal import ApusLocks

/// Lets so many tasks in at once; others wait for their turn, in order, without a thread.
final class Admission: Sendable {
    private typealias Waiter = CheckedContinuation<Void, any Error>

    private struct State {
        var free: Int
        var nextNumber: UInt64 = 0
        var line = WaitingLine<Waiter>()
    }

    private let state: SystemMutex<State>

    init(_ count: Int) { state = SystemMutex(State(free: count)) }

    /// Returns when the task is in; then it must `leave`. Throws `CancellationError` if it is
    /// cancelled before.
    nonisolated(nonsending) func enter() async throws {
        let number: UInt64? = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            state.nextNumber += 1
            return state.nextNumber
        }
        guard let number else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                wait(continuation, number)
            }
        } onCancel: {
            giveUp(number)
        }
    }

    private func wait(_ waiter: Waiter, _ number: UInt64) {
        // The task may have been cancelled, or somebody have left, since it was looked.
        let outcome: Result<Void, any Error>? = state.withLock { state in
            if Task.isCancelled { return .failure(CancellationError()) }
            if state.free > 0 {
                state.free -= 1
                return .success(())
            }
            state.line.append(waiter, number: number)
            return nil
        }
        if let outcome { waiter.resume(with: outcome) }
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { state in state.line.remove(number) }
        waiter?.resume(throwing: CancellationError())
    }

    /// Lets the next one in.
    func leave() {
        let waiter = state.withLock { state -> Waiter? in
            if let waiter = state.line.removeFirst() { return waiter }
            state.free += 1
            return nil
        }
        waiter?.resume()
    }
}
