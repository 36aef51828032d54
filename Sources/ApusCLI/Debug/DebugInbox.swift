@_spi(ApusCLI) internal import Apus
internal import ApusLocks

/// The client's requests, which a thread of its own reads, so that one that wants to leave can do
/// so while another one is being answered: a launch may read a pipe that nobody writes to, or
/// compile for long.
final class DebugInbox: Sendable {
    private struct State {
        /// Those that nobody has taken yet; nil: nothing follows.
        var requests: [DebugRequest?] = []
        /// Whether the answers come from here by now.
        var isAbandoned = false
    }

    private let channel: DebugChannel
    private let state = SystemMutex(State())
    /// There is a byte in it for each request.
    private let pipe: (read: Int32, write: Int32)

    /// How long nothing may be taken once the client wants to leave.
    private static var patience: Duration { .milliseconds(250) }

    /// Nil if the system has no thread or no pipe for this.
    init?(_ channel: DebugChannel) {
        guard let pipe = HostProcess.pipe() else { return nil }
        self.pipe = pipe
        self.channel = channel
        guard WorkerThreads.start({ [self] in receive() }) else { return nil }
    }

    /// What comes next, which is waited for; nil if nothing does.
    func next() -> DebugRequest? {
        while HostProcess.read(pipe.read, upTo: 1)?.isEmpty == false {
            let next = state.withLock { state -> DebugRequest?? in
                state.requests.isEmpty ? nil : state.requests.removeFirst()
            }
            // What has been abandoned waits here for the process to end.
            if let next { return next }
        }
        return nil
    }

    /// Whether the client has been told that it is over.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    private func add(_ request: DebugRequest?) {
        state.withLock { $0.requests.append(request) }
        HostProcess.write([0], to: pipe.write)
    }

    private func nextRead() -> DebugRequest? {
        while let message = channel.read(), let value = JSON(message) {
            // Answers to requests are nothing that is waited for here.
            if let request = DebugRequest(value) { return request }
        }
        return nil
    }

    private func receive() {
        while let request = nextRead() {
            add(request)
            if request.isLeaving, !isTaken() { return leave(request) }
        }
        add(nil)
        if !isTaken() { HostProcess.end(0) }
    }

    /// Whether all requests are taken while there is patience. If not, none will be.
    private func isTaken() -> Bool {
        var waitingCount = Int.max
        var end = ContinuousClock.now
        while true {
            let count = state.withLock { $0.requests.count }
            if count == 0 { return true }
            if count != waitingCount {
                waitingCount = count
                end = .now + Self.patience
            } else if ContinuousClock.now > end {
                break
            }
            HostProcess.sleep(milliseconds: 1)
        }
        return state.withLock { state in
            if state.requests.isEmpty { return true }
            state.requests = []
            state.isAbandoned = true
            return false
        }
    }

    /// Answers what the client says until it has gone, and ends the process.
    private func leave(_ request: DebugRequest) {
        var next: DebugRequest? = request
        while let request = next {
            if request.isLeaving {
                channel.answer(request)
            } else {
                channel.refuse(request, "the program has been ended")
            }
            if request.command == "terminate" { channel.send(event: "terminated") }
            if request.command == "disconnect" { break }
            next = nextRead()
        }
        HostProcess.end(0)
    }
}

extension DebugRequest {
    /// Whether the client wants the program to end.
    fileprivate var isLeaving: Bool { command == "disconnect" || command == "terminate" }
}
