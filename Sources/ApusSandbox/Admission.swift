internal import ApusLocks

/// Lets so many tasks in at once; others wait for their turn, in order, without a thread.
///
/// However many wait, each that comes, goes or gives up is a matter of a few steps.
final class Admission: Sendable {
    private struct State {
        var free: Int
        var lastNumber: UInt64 = 0
        /// Those who wait, by their numbers.
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        /// The numbers in the order in which they came, from `first` on; some have given up.
        var order: [UInt64] = []
        var first = 0

        /// The one that is next, who waits no more; nil: nobody waits.
        mutating func next() -> CheckedContinuation<Void, any Error>? {
            while first < order.count {
                let waiter = waiters.removeValue(forKey: order[first])
                first += 1
                if let waiter {
                    tidy()
                    return waiter
                }
            }
            tidy()
            return nil
        }

        /// Forgets those who are gone, once they are more than those who wait.
        mutating func tidy() {
            guard order.count > 2 * waiters.count + 16 else { return }
            order = order[first...].filter { waiters[$0] != nil }
            first = 0
        }
    }

    private let state: SystemMutex<State>

    init(_ count: Int) { state = SystemMutex(State(free: count)) }

    /// How many numbers are kept for those who wait.
    var keptCount: Int { state.withLock { $0.order.count } }

    /// Returns when the task is in; then it must `leave`. Throws `CancellationError` if it is
    /// cancelled before.
    nonisolated(nonsending) func enter() async throws {
        let number: UInt64? = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            state.lastNumber += 1
            return state.lastNumber
        }
        guard let number else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                wait(number, continuation)
            }
        } onCancel: {
            giveUp(number)
        }
    }

    private func wait(_ number: UInt64, _ continuation: CheckedContinuation<Void, any Error>) {
        // The task may have been cancelled, or somebody have left, since it was looked.
        let outcome: Result<Void, any Error>? = state.withLock { state in
            if Task.isCancelled { return .failure(CancellationError()) }
            if state.free > 0 {
                state.free -= 1
                return .success(())
            }
            state.waiters[number] = continuation
            state.order.append(number)
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { state in
            defer { state.tidy() }
            return state.waiters.removeValue(forKey: number)
        }
        waiter?.resume(throwing: CancellationError())
    }

    /// Lets the next one in.
    func leave() {
        let waiter = state.withLock { state in
            let next = state.next()
            if next == nil { state.free += 1 }
            return next
        }
        waiter?.resume()
    }
}
