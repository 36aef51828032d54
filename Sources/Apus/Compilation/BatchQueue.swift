internal import ApusLocks
internal import ApusRuntime
internal import Synchronization

/// Batches of a module's functions that several threads work off, in order, and what went wrong
/// first among them.
final class BatchQueue: Sendable {
    private let batches: [Range<Int>]
    /// Index of the next batch that nobody has taken.
    private let next = Atomic(0)
    private let failure = SystemMutex<(batch: Int, error: any Error)?>(nil)

    init(_ batches: [Range<Int>]) { self.batches = batches }

    /// The next batch and its index; nil if none is left, or something has gone wrong.
    func take() -> (index: Int, functions: Range<Int>)? {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return index < batches.count ? (index, batches[index]) : nil
    }

    /// Remembers the error of the earliest batch that has one: batches are taken in order, so all
    /// before it are worked off to their end, and the error is the same each time.
    func fail(_ index: Int, _ error: any Error) {
        next.store(batches.count, ordering: .relaxed)
        failure.withLock { failure in
            if let earlier = failure, earlier.batch < index { return }
            failure = (index, error)
        }
    }

    /// Throws what has gone wrong, once all threads are done.
    func check() throws {
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }
}
