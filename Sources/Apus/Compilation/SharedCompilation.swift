internal import ApusABI
internal import ApusFormat
internal import ApusLocks
internal import ApusRuntime

/// One module's compilation as several threads share it: who takes which batch, and where its
/// code goes.
final class SharedCompilation: Sendable {
    private let queue: BatchQueue
    private let state: SystemMutex<State>

    private struct State: ~Copyable {
        var image: ImageBuilder?
        /// How many batches are in the image.
        var placed = 0
        /// Batches that are compiled and wait for earlier ones, by index.
        var waiting: [Int: BatchBox] = [:]
        /// Empty batches with memory to reuse.
        var spare: [BatchBox] = []
        var phases: CompilationPhases
    }

    init(
        _ module: DecodedModule, _ batches: [Range<Int>], measuresPhases: Bool
    ) throws(ResourceError) {
        queue = BatchQueue(batches)
        let image = try ImageBuilder(module)
        let phases = CompilationPhases(isMeasuring: measuresPhases)
        state = SystemMutex(State(image: image, phases: phases))
    }

    /// Compiles batches until none is left. Called by each thread once.
    func work<Compiler: ModuleCompiler & ~Copyable>(
        _ worker: consuming CompilationWorker<Compiler>
    ) {
        while let (index, functions) = queue.take() {
            let box = state.withLock { state in state.spare.popLast() } ?? BatchBox()
            do {
                try worker.compile(functions, into: &box.batch)
            } catch {
                return queue.fail(index, error)
            }
            append(index, box)
        }
        let phases = worker.phases
        state.withLock { state in state.phases.add(phases) }
    }

    /// Puts a compiled batch into the image, and those that waited for it.
    private func append(_ index: Int, _ box: BatchBox) {
        let failure: (batch: Int, error: any Error)? = state.withLock { state in
            state.waiting[index] = box
            state.phases.begin()
            defer { state.phases.end(.link) }
            while let ready = state.waiting.removeValue(forKey: state.placed) {
                do {
                    try state.image?.append(ready.batch)
                } catch {
                    return (state.placed, error)
                }
                state.placed += 1
                ready.batch.removeAll()
                state.spare.append(ready)
            }
            return nil
        }
        if let failure { queue.fail(failure.batch, failure.error) }
    }

    /// The image, after all threads are done.
    func finish(_ tier: CodeTier) throws -> CompilationResult {
        try queue.check()
        let image = state.withLock { state in state.image.take() }
        guard let image else { throw ModuleError(.limit, at: 0, "compiled twice") }
        var phases = state.withLock { state in state.phases }
        phases.begin()
        let linked = try image.finish(tier)
        phases.end(.link)
        return CompilationResult(image: linked, phases: phases)
    }
}

// SAFETY: it is in the shared state, which a mutex guards, or with the one thread that has taken
// it out.
/// A batch that goes from thread to thread.
private final class BatchBox: @unchecked Sendable {
    var batch = CodeBatch()
}
