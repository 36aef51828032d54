internal import Apus
internal import ArgumentParser

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How the command ends.
enum Outcome {
    /// What a shell reports of a program that aborted: 128 + SIGABRT.
    static let trapStatus: Int32 = 134
    static let failureStatus: Int32 = 1

    /// What the process ends with for the status of a program. Who waits for it is told the low
    /// eight bits, and a failure must not become success by losing the others.
    private static func processStatus(_ status: Int32) -> Int32 {
        guard status != 0, status & 0xFF == 0 else { return status }
        report("the program ended with status \(status), whose low eight bits are 0")
        return failureStatus
    }

    /// Does `work` and ends the process with the status it returns, or with the one its error
    /// stands for after saying what went wrong. Then does `finally`.
    static func exiting(_ work: () throws -> Int32, finally: () -> Void = {}) throws {
        letQuitEnd()
        let status: Int32
        do {
            status = processStatus(try work())
        } catch let trap as Trap {
            report(trap.description)
            status = trapStatus
        } catch let error as ValidationError {
            throw error
        } catch {
            report("\(error)")
            status = failureStatus
        }
        finally()
        if status != 0 { throw ExitCode(status) }
    }

    /// Has SIGQUIT (Ctrl-\) end the process at once. Swift's runtime takes it for a crash, and
    /// spends seconds on a report of what the guest's thread was doing.
    private static func letQuitEnd() {
        var present = sigaction()
        // SAFETY: the record lives during the call.
        guard unsafe sigaction(SIGQUIT, nil, &present) == 0 else { return }
        // Whoever started us may want it to be ignored.
        if present.sa_flags & Int32(SA_SIGINFO) != 0 { signal(SIGQUIT, SIG_DFL) }
    }

    /// Writes a line about a failure to the error output.
    static func report(_ text: String) {
        var line = "apus: \(text)\n"
        line.withUTF8 { bytes in
            // SAFETY: the buffer is the string's own, which lives during the call. A failing write
            // leaves nothing better to do.
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
