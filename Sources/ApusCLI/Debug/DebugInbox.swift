internal import Apus
internal import Synchronization

/// Requests on their way from the thread that reads them to the one that answers them, which is the
/// guest's: it does so while the guest is stopped, or does not run.
///
/// While the guest runs, a request stops it for as long as it takes to answer.
final class DebugInbox: Sendable {
    private struct State {
        var requests: [DebugRequest] = []
        var hasEnded = false
        /// What stops the guest while it runs.
        var running: (stop: Debugger.Handle, end: InterruptHandle)?
    }

    private let state = Mutex(State())
    /// A byte in it says that there may be something.
    private let pipe: (read: Int32, write: Int32)

    /// Nil if the system has no pipe.
    init?() {
        guard let pipe = HostProcess.pipe() else { return nil }
        self.pipe = pipe
    }

    private func wake() { HostProcess.write([0], to: pipe.write) }

    /// Puts a request in, and has a guest that runs look at it.
    func add(_ request: DebugRequest) {
        let isEnd = ["disconnect", "terminate"].contains(request.command)
        state.withLock { state in
            state.requests.append(request)
            state.running?.stop.stop()
            // It may be somewhere else for long.
            if isEnd { state.running?.end.interrupt() }
        }
        wake()
    }

    /// Nothing comes any more: the client has gone, and takes the guest along.
    func end() {
        state.withLock { state in
            state.hasEnded = true
            state.running?.end.interrupt()
        }
        wake()
    }

    /// What is to be answered next, which is waited for. Nil: the client has gone.
    func next() -> DebugRequest? {
        while true {
            let found = state.withLock { state -> DebugRequest?? in
                if !state.requests.isEmpty { return .some(state.requests.removeFirst()) }
                return state.hasEnded ? .some(nil) : .none
            }
            if let found { return found }
            guard HostProcess.read(pipe.read, upTo: 64) != nil else { return nil }
        }
    }

    /// What is to be answered next, if there is something.
    func nextIfAny() -> DebugRequest? {
        state.withLock { state in
            state.requests.isEmpty ? nil : state.requests.removeFirst()
        }
    }

    /// Whether the client has gone.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// The guest begins to run, or runs on.
    func run(_ stop: Debugger.Handle, _ end: InterruptHandle) {
        state.withLock { state in
            state.running = (stop, end)
            // Somebody may have asked for something meanwhile.
            if !state.requests.isEmpty { stop.stop() }
            if state.hasEnded { end.interrupt() }
        }
    }

    /// It does not run.
    func rest() { state.withLock { $0.running = nil } }
}
