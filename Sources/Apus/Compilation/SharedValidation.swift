internal import ApusABI
internal import ApusFormat
internal import Synchronization

/// One module's validation as several threads share it.
final class SharedValidation: Sendable {
    private let queue: BatchQueue
    private let writesTables = Atomic(false)

    init(_ batches: [Range<Int>]) { queue = BatchQueue(batches) }

    /// Validates batches until none is left. Called by each thread once.
    func work(_ validator: consuming FunctionValidator, _ budget: CompilationBudget) {
        while let (batch, functions) = queue.take() {
            do {
                for index in functions {
                    try budget.check(unfinishedBytes: 0)
                    try validator.validate(index)
                    if validator.analysis.flags.contains(.writesTables) {
                        writesTables.store(true, ordering: .relaxed)
                    }
                }
            } catch {
                return queue.fail(batch, error)
            }
        }
    }

    /// Whether a function stores to elements of tables without calling the runtime.
    func finish() throws -> Bool {
        try queue.check()
        return writesTables.load(ordering: .relaxed)
    }
}
