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
/// its run can still be written. The second of them ends the process at once, and so does the first
/// while there is no program yet.
final class TerminationSignals: Sendable {
    private struct State {
        var program: InterruptHandle?
        /// The signal that came first.
        var received: Int32?
        /// Whether there is no program to be stopped any more.
        var hasEnded = false
    }

    private let state = SystemMutex(State())

    /// Takes the signals from now on, but for those that whoever started the process has it ignore.
    /// To be made while the process has one thread: others would not know of it.
    init() {
        HostProcess.takeSignals([SIGINT, SIGTERM]) { [self] in take($0) }
    }

    private func take(_ number: Int32) {
        let isForProgram = state.withLock { state in
            guard !state.hasEnded, state.received == nil, let program = state.program else {
                return false
            }
            state.received = number
            program.interrupt()
            return true
        }
        if !isForProgram { HostProcess.end(Self.status(number)) }
    }

    /// Has the signals stop what `handle` is for from now on.
    func stop(_ handle: InterruptHandle) { state.withLock { $0.program = handle } }

    /// The program has ended: what the process does now is ended by the next signal.
    func programHasEnded() { state.withLock { $0.hasEnded = true } }

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
