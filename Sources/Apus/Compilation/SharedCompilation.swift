internal import ApusABI
internal import ApusFormat
internal import ApusRuntime
internal import Synchronization

/// One module's compilation as several threads share it: who takes which batch, and where its
/// code goes.
final class SharedCompilation: Sendable {
    private let batches: [Range<Int>]
    /// Index of the next batch that nobody has taken.
    private let next = Atomic(0)
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var image: ImageBuilder?
        /// How many batches are in the image.
        var placed = 0
        /// Batches that are compiled and wait for earlier ones, by index.
        var waiting: [Int: BatchBox] = [:]
        /// Empty batches with memory to reuse.
        var spare: [BatchBox] = []
        var failure: (batch: Int, error: any Error)?
        var phases: CompilationPhases
    }

    init(
        _ module: DecodedModule, _ batches: [Range<Int>], measuresPhases: Bool
    ) throws(ResourceError) {
        self.batches = batches
        let image = try ImageBuilder(module)
        let phases = CompilationPhases(isMeasuring: measuresPhases)
        state = Mutex(State(image: image, phases: phases))
    }

    /// Compiles batches until none is left. Called by each thread once.
    func work<Compiler: ModuleCompiler & ~Copyable>(
        _ worker: consuming CompilationWorker<Compiler>
    ) {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < batches.count else { break }
            let box = state.withLock { state in state.spare.popLast() } ?? BatchBox()
            do {
                try worker.compile(batches[index], into: &box.batch)
            } catch {
                return fail(index, error)
            }
            place(index, box)
        }
        let phases = worker.phases
        state.withLock { state in state.phases.add(phases) }
    }

    /// Puts a compiled batch into the image, and those that waited for it.
    private func place(_ index: Int, _ box: BatchBox) {
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
        if let failure { fail(failure.batch, failure.error) }
    }

    /// Remembers the error of the earliest batch that has one: batches are taken in order, so all
    /// before it are compiled to their end, and the error is the same each time.
    private func fail(_ index: Int, _ error: any Error) {
        next.store(batches.count, ordering: .relaxed)
        state.withLock { state in
            if let earlier = state.failure, earlier.batch < index { return }
            state.failure = (index, error)
        }
    }

    /// The image, after all threads are done.
    func finish() throws -> CompilationResult {
        let image = try state.withLock { state -> ImageBuilder? in
            if let failure = state.failure { throw failure.error }
            return state.image.take()
        }
        guard let image else { throw ModuleError(.limit, at: 0, "compiled twice") }
        var phases = state.withLock { state in state.phases }
        phases.begin()
        let linked = try image.finish()
        phases.end(.link)
        return CompilationResult(image: linked, phases: phases)
    }
}

/// A batch that goes from thread to thread.
// SAFETY: it is in the shared state, which a mutex guards, or with the one thread that has taken
// it out.
private final class BatchBox: @unchecked Sendable {
    var batch = CodeBatch()
}
