internal import ApusABI
internal import ApusFormat
internal import ApusLocks
internal import ApusRuntime

/// Hot functions of all modules of an engine, and the threads that optimize them: they come with
/// the first of them and end with the last. Modules take turns: one with very many hot functions
/// does not keep others from becoming faster.
final class TierQueue: Sendable {
    private struct Entry: Sendable {
        let request: TierRequest
        /// A module that goes meanwhile needs nothing any more.
        let module: BackReference<LoadedModule>
    }

    private struct State {
        var entries = TurnQueue<ModuleTiers, Entry>()
        var threadCount = 0
        /// Which process they are in (`BackgroundWork.generation`).
        var generation = 0
    }

    private let state = SystemMutex(State())
    /// How many functions of a module are compiled one after the other while others wait: each
    /// module has a compiler of its own made for a turn.
    private static let turnLength = 8

    /// One processor is left to who runs.
    private static let threadLimit = max(WorkerThreads.processorCount - 1, 1)

    /// Has what `request` asks for made soon.
    func add(_ request: TierRequest, of module: LoadedModule, by tiers: ModuleTiers) {
        let isThreadWanted = state.withLock { state in
            state.entries.add(Entry(request: request, module: module.reference), for: tiers)
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
        var turn = 0
        func workOnce() -> Bool {
            let mayStay = turn < Self.turnLength
            guard let (tiers, entry) = take(stayingWith: mayStay ? owner : nil) else {
                // What the thread has goes while nobody forks: what is held may have locks.
                compiler = nil
                owner = nil
                return false
            }
            guard let module = entry.module.object else { return true }
            turn = mayStay && owner === tiers ? turn + 1 : 1
            if owner !== tiers {
                compiler = tiers.makeOptimizingTier(for: module)
                owner = tiers
            }
            if var present = compiler.take() {
                tiers.make(entry.request, with: &present, of: module)
                compiler = consume present
            }
            return true
        }
        while BackgroundWork.shared.piece(workOnce) {}
    }

    /// The next entry, and whose it is; without one the thread is to end.
    private func take(stayingWith present: ModuleTiers?) -> (owner: ModuleTiers, item: Entry)? {
        state.withLock { state in
            let taken = state.entries.take(stayingWith: present)
            if taken == nil { state.threadCount -= 1 }
            return taken
        }
    }
}
