extension RuntimeStore {
    /// Waits for `duration`, or without end if that is nil, without a thread, on behalf of a guest
    /// that waits: ends when that is to stop, or the task is cancelled.
    public nonisolated(nonsending) func sleep(for duration: Duration?) async {
        await sleep(for: duration) { _ in }
    }

    /// The same, for who is given what ends it early.
    nonisolated(nonsending) func sleep(
        for duration: Duration?, wakingWith give: (@escaping @Sendable () -> Void) -> Void
    ) async {
        let sleeper = Self.sleeper(duration ?? .seconds(3_155_760_000))
        let stopper = stopper
        give { sleeper.cancel() }
        stopper.setWake { sleeper.cancel() }
        defer { stopper.setWake(nil) }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
    }

    private static func sleeper(_ duration: Duration) -> Task<Void, Never> {
        Task { do { try await Task.sleep(for: duration) } catch {} }
    }
}
