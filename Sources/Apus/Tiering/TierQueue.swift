internal import ApusABI
internal import ApusFormat
internal import ApusLocks
internal import ApusRuntime

/// Hot functions of all modules of an engine, and the threads that optimize them: they come with
/// the first of them and end with the last.
final class TierQueue: Sendable {
    private struct Entry: Sendable {
        let request: TierRequest
        let tiers: ModuleTiers
        /// A module that goes meanwhile needs nothing any more.
        let module: BackReference<LoadedModule>
    }

    private struct State {
        var entries: [Entry] = []
        /// The first entry that nobody has taken.
        var next = 0
        var threadCount = 0
        /// Which process they are in (`BackgroundWork.generation`).
        var generation = 0
    }

    private let state = SystemMutex(State())
    private static let takenLimit = 64

    /// One processor is left to who runs.
    private static let threadLimit = max(WorkerThreads.processorCount - 1, 1)

    /// Has what `request` asks for made soon.
    func add(_ request: TierRequest, of module: LoadedModule, by tiers: ModuleTiers) {
        let isThreadWanted = state.withLock { state in
            state.entries.append(Entry(request: request, tiers: tiers, module: module.reference))
            if state.generation != BackgroundWork.shared.generation {
                // A child process has none of its parent's threads.
                state.generation = BackgroundWork.shared.generation
                state.threadCount = 0
            }
            guard state.threadCount < Self.threadLimit else { return false }
            state.threadCount += 1
            return true
        }
        guard isThreadWanted else { return }
        // Without a thread it stays as it is, until there is one.
        let isStarted = WorkerThreads.start { self.work() }
        if !isStarted { state.withLock { $0.threadCount -= 1 } }
    }

    private func work() {
        var owner: ModuleTiers?
        var compiler: OptimizingTier?
        func workOnce() -> Bool {
            guard let entry = take() else {
                // What the thread has goes while nobody forks: what is held may have locks.
                compiler = nil
                owner = nil
                return false
            }
            guard let module = entry.module.object else { return true }
            if owner !== entry.tiers {
                compiler = entry.tiers.makeOptimizingTier(for: module)
                owner = entry.tiers
            }
            if var present = compiler.take() {
                entry.tiers.make(entry.request, with: &present, of: module)
                compiler = consume present
            }
            return true
        }
        while BackgroundWork.shared.piece(workOnce) {}
    }

    /// The next entry; without one the thread is to end.
    private func take() -> Entry? {
        state.withLock { state in
            guard state.next < state.entries.count else {
                state.entries.removeAll()
                state.next = 0
                state.threadCount -= 1
                return nil
            }
            let entry = state.entries[state.next]
            state.next += 1
            // What has been taken goes, with the modules that it names, also of a queue that is
            // never empty.
            if state.next >= Self.takenLimit {
                state.entries.removeFirst(state.next)
                state.next = 0
            }
            return entry
        }
    }
}
