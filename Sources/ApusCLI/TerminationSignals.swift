internal import Apus
internal import ApusLocks

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Stops a program where SIGINT (Ctrl-C) or SIGTERM would end the process, so that what is known of
/// its run can still be written. The second of them ends the process at once.
final class TerminationSignals: Sendable {
    private struct State {
        var program: InterruptHandle?
        /// The signal that came first.
        var received: Int32?
    }

    private let state = SystemMutex(State())

    /// Takes the signals from now on, but for those that whoever started the process has it ignore.
    /// To be made while the process has one thread: others would not know of it.
    init() {
        HostProcess.takeSignals([SIGINT, SIGTERM]) { [self] in take($0) }
    }

    private func take(_ number: Int32) {
        let isFirst = state.withLock { state in
            defer { state.received = state.received ?? number }
            if state.received == nil { state.program?.interrupt() }
            return state.received == nil
        }
        if !isFirst { HostProcess.end(Self.status(number)) }
    }

    /// Has the signals stop what `handle` is for from now on, and now if one has come already.
    func stop(_ handle: InterruptHandle) {
        state.withLock { state in
            state.program = handle
            if state.received != nil { handle.interrupt() }
        }
    }

    /// The signal that has made a guest trap; nil if none has.
    func cause(of trap: Trap) -> (name: String, status: Int32)? {
        guard trap.interruption == .request, let number = state.withLock({ $0.received }) else {
            return nil
        }
        return (number == SIGINT ? "SIGINT" : "SIGTERM", Self.status(number))
    }

    /// What a shell reports of a process that a signal has ended.
    private static func status(_ number: Int32) -> Int32 { 128 + number }
}
