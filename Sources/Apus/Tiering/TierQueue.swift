internal import ApusABI
internal import ApusFormat
internal import ApusLocks
internal import ApusRuntime

/// Hot functions of all modules of an engine, and the threads that optimize them: they come with
/// the first of them and end with the last. Modules take turns: one with very many hot functions
/// does not keep others from becoming faster. Nor does one with large functions, each of which may
/// take seconds: these have a line and a thread of their own.
final class TierQueue: Sendable {
    private struct Entry: Sendable {
        let request: TierRequest
        /// A module that goes meanwhile needs nothing any more.
        let module: BackReference<LoadedModule>
    }

    /// Where a function waits.
    private enum Line: Int, CaseIterable {
        case usual, large

        /// For a function whose body has so many bytes.
        init(bodyBytes: Int) { self = bodyBytes > Self.usualBytes ? .large : .usual }

        /// A turn of these takes some tenths of a second.
        private static var usualBytes: Int { 16 << 10 }

        /// How many threads there may be. One processor is left to who runs; large functions share
        /// one with all others, and the memory that they take is there once.
        var threadLimit: Int {
            self == .large ? 1 : max(WorkerThreads.processorCount - 1, 1)
        }

        /// How many functions of a module are compiled one after the other while others wait: each
        /// module has a compiler of its own made for a turn.
        var turnLength: Int { self == .large ? 1 : 8 }
    }

    private struct LineState {
        var entries = TurnQueue<ModuleTiers, Entry>()
        var threadCount = 0
    }

    private struct State {
        /// By `Line.rawValue`.
        var lines = Line.allCases.map { _ in LineState() }
        /// Which process the threads are in (`BackgroundWork.generation`).
        var generation = 0
    }

    private let state = SystemMutex(State())

    /// Has what `request` asks for made soon, of a function whose body has `bodyBytes` bytes.
    func add(
        _ request: TierRequest, bodyBytes: Int, of module: LoadedModule, by tiers: ModuleTiers
    ) {
        let line = Line(bodyBytes: bodyBytes)
        let isThreadWanted = state.withLock { state in
            let entry = Entry(request: request, module: module.reference)
            state.lines[line.rawValue].entries.add(entry, for: tiers)
            if state.generation != BackgroundWork.shared.generation {
                // A child process has none of its parent's threads.
                state.generation = BackgroundWork.shared.generation
                for line in Line.allCases { state.lines[line.rawValue].threadCount = 0 }
            }
            guard state.lines[line.rawValue].threadCount < line.threadLimit else { return false }
            state.lines[line.rawValue].threadCount += 1
            return true
        }
        guard isThreadWanted else { return }
        // Without a thread it stays as it is, until there is one.
        let isStarted = WorkerThreads.start { self.work(line) }
        if !isStarted { state.withLock { $0.lines[line.rawValue].threadCount -= 1 } }
    }

    private func work(_ line: Line) {
        var owner: ModuleTiers?
        var compiler: OptimizingTier?
        var turn = 0
        func workOnce() -> Bool {
            let mayStay = turn < line.turnLength
            guard let (tiers, entry) = take(from: line, stayingWith: mayStay ? owner : nil) else {
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
    private func take(
        from line: Line, stayingWith present: ModuleTiers?
    ) -> (owner: ModuleTiers, item: Entry)? {
        state.withLock { state in
            let taken = state.lines[line.rawValue].entries.take(stayingWith: present)
            if taken == nil { state.lines[line.rawValue].threadCount -= 1 }
            return taken
        }
    }
}
