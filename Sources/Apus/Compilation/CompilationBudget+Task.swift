internal import ApusABI
internal import ApusCollections

/// The thread that compiled was to stop: there is no code, and nothing is wrong with the module.
struct CompilationStoppedError: Error {}

extension CompilationBudget {
    /// Calls `body` with what a module of so many bytes may take, on behalf of the task that runs
    /// this, if there is one.
    static func with<Result>(
        moduleBytes: Int, _ limits: Limits, until deadline: ContinuousClock.Instant?,
        _ body: (CompilationBudget) throws -> Result
    ) rethrows -> Result {
        // SAFETY: a task may be asked on any thread whether it is cancelled, and it waits here
        // until all threads that may ask are done.
        try unsafe withUnsafeCurrentTask { task in
            nonisolated(unsafe) let task = unsafe task
            let isCancelled: @Sendable () -> Bool = { unsafe task?.isCancelled ?? false }
            return try body(
                CompilationBudget(
                    codeBytes: limits.codeBytes(moduleBytes: moduleBytes), deadline: deadline,
                    isCancelled: unsafe task == nil ? nil : isCancelled))
        }
    }

    /// Throws what has ended the compilation, if something has.
    func check(unfinishedBytes: Int) throws {
        guard isExhausted(unfinishedBytes: unfinishedBytes) else { return }
        switch exhaustion {
        case .deadline: throw CompilationDeadlineError()
        case .cancelled: throw CancellationError()
        case .code, nil:
            throw ResourceError(
                .moduleCode, requested: UInt64(codeBytes) + 1, limit: UInt64(codeBytes))
        }
    }
}
