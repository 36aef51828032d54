internal import ApusABI
internal import ApusFormat
internal import Synchronization

/// One module's validation as several threads share it.
final class SharedValidation: Sendable {
    private let batches: [Range<Int>]
    /// Index of the next batch that nobody has taken.
    private let next = Atomic(0)
    private let state = Mutex(State())

    private struct State {
        var writesTables = false
        var failure: (batch: Int, error: any Error)?
    }

    init(_ batches: [Range<Int>]) { self.batches = batches }

    /// Validates batches until none is left. Called by each thread once.
    func work(_ validator: consuming FunctionValidator, _ budget: CompilationBudget) {
        var writesTables = false
        while true {
            let batch = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard batch < batches.count else { break }
            do {
                for index in batches[batch] {
                    try budget.check(unfinishedBytes: 0)
                    try validator.validate(index)
                    if validator.analysis.flags.contains(.writesTables) { writesTables = true }
                }
            } catch {
                fail(batch, error)
                break
            }
        }
        if writesTables { state.withLock { $0.writesTables = true } }
    }

    /// Remembers the error of the earliest batch that has one: batches are taken in order, so it is
    /// the same each time.
    private func fail(_ batch: Int, _ error: any Error) {
        next.store(batches.count, ordering: .relaxed)
        state.withLock { state in
            if let earlier = state.failure, earlier.batch < batch { return }
            state.failure = (batch, error)
        }
    }

    /// Whether a function stores to elements of tables without calling the runtime.
    func finish() throws -> Bool {
        try state.withLock { state in
            if let failure = state.failure { throw failure.error }
            return state.writesTables
        }
    }
}
