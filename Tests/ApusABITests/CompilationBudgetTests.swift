import ApusABI
import Synchronization
import Testing

/// What ends a compilation, and for whom.
@Suite struct CompilationBudgetTests {
    /// Whoever is told to stop leaves the others, and what comes later, their budget.
    @Test func aThreadThatIsToStopExhaustsNothing() {
        final class Stop: Sendable { let isAsked = Atomic(false) }
        let stop = Stop()
        let budget = CompilationBudget(
            codeBytes: 100, isThreadStopped: { stop.isAsked.load(ordering: .relaxed) })
        // SAFETY: the budget is kept to the end.
        let watch = unsafe CompilationWatch(budget)
        #expect(!watch.isExhausted(unfinishedBytes: 0) && !budget.isStopped)
        stop.isAsked.store(true, ordering: .relaxed)
        #expect(watch.isExhausted(unfinishedBytes: 0) && budget.isStopped)
        #expect(!budget.isExhausted(unfinishedBytes: 0) && budget.exhaustion == nil)
        stop.isAsked.store(false, ordering: .relaxed)
        #expect(!watch.isExhausted(unfinishedBytes: 0))
        #expect(watch.isExhausted(unfinishedBytes: 101) && budget.exhaustion == .code)
        withExtendedLifetime(budget) {}
    }
}
