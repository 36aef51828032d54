internal import ApusCollections

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How long somebody waits for what has not been written yet: a pipe may have nobody who writes.
struct InputWait {
    private let deadline: ContinuousClock.Instant?
    /// Whether there is a task, which may be cancelled.
    private let isInTask: Bool

    /// Waits on behalf of the task that runs this, if there is one, and until `deadline`.
    init(until deadline: ContinuousClock.Instant?) {
        self.deadline = deadline
        // SAFETY: it is only looked whether there is one.
        isInTask = unsafe withUnsafeCurrentTask { unsafe $0 != nil }
    }

    /// Whether it ends by anything but input.
    var isBounded: Bool { isInTask || deadline != nil }

    /// How often it is looked whether the task is cancelled: nothing here could be told of it.
    private static var lookMilliseconds: Int64 { 10 }

    /// Waits until there is something to be read, or nobody who could write any more.
    ///
    /// - Throws: `CompilationDeadlineError` if that is not so by the deadline, `CancellationError`
    ///   if the task is cancelled before.
    func awaitInput(_ descriptor: Int32) throws {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            try Task.checkCancellation()
            var milliseconds = isInTask ? Self.lookMilliseconds : .max
            if let deadline {
                let left = ContinuousClock.now.duration(to: deadline)
                if left <= .zero { throw CompilationDeadlineError() }
                // What is left of a millisecond is waited for, too.
                milliseconds = min(
                    milliseconds,
                    min(left.components.seconds, 1_000_000) * 1000
                        + left.components.attoseconds / 1_000_000_000_000_000 + 1)
            }
            // SAFETY: the one request is this function's own.
            let ready = unsafe poll(&request, 1, Int32(clamping: milliseconds))
            // What cannot be waited for says itself what is wrong.
            if ready > 0 || ready < 0 && errno != EINTR { return }
        }
    }
}
