@_spi(ApusCLI) internal import Apus
internal import ApusFormat
internal import ArgumentParser

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Ends the process; it has failed if what was printed does not get out.
private func endProcess(_ status: Int32) -> Never {
    let isWritten = fflush(nil) == 0
    let reason = errno
    guard !isWritten, status == 0 else { exit(status) }
    Outcome.report("standard output: \(HostProcess.reason(reason))")
    exit(Outcome.failureStatus)
}

/// How the command ends.
enum Outcome {
    /// What a shell reports of a program that aborted: 128 + SIGABRT.
    static let trapStatus: Int32 = 134
    /// What timeout(1) ends with.
    static let timeoutStatus: Int32 = 124
    static let failureStatus: Int32 = 1

    /// What the process ends with for the status of a program. Who waits for it is told the low
    /// eight bits, and a failure must not become success by losing the others.
    private static func processStatus(_ status: Int32) -> Int32 {
        guard status != 0, status & 0xFF == 0 else { return status }
        report("the program ended with status \(status), whose low eight bits are 0")
        return failureStatus
    }

    /// The section of a command's help about its statuses.
    static let statuses = """
        EXIT STATUS:
          the program's own, or
          124  --timeout struck: a line names it, then a backtrace
          134  it trapped, did not catch an exception, or used up its fuel: a line
               says which, then a backtrace
          64   the command line makes no sense: one line says where
          1    anything else: one line says what; also a status of the program's
               whose low eight bits are 0
        """

    /// Does `work` and ends the process with the status it returns, or with the one its error
    /// stands for after saying what went wrong, and which of `limits` or `signals` it was if it was
    /// one. Before that it does `finally`. A status of 0 lets the process go on if `mayGoOn`.
    static func exiting(
        limits: ProgramLimits? = nil, signals: TerminationSignals? = nil, mayGoOn: Bool = true,
        _ work: () throws -> Int32, finally: () -> Void = {}
    ) throws {
        letQuitEnd()
        let status: Int32
        do {
            status = processStatus(try work())
        } catch let trap as Trap {
            status = end(trap, limits, signals)
        } catch let exception as WasmException {
            report(exception.description)
            status = trapStatus
        } catch let error as ValidationError {
            throw error
        } catch let error as ModuleError {
            report(hinted(error).description)
            status = failureStatus
        } catch is CompilationDeadlineError {
            report(limits?.compilationTimeoutReason ?? "timeout")
            status = timeoutStatus
        } catch {
            report(limits?.explained(error) ?? "\(error)")
            status = failureStatus
        }
        finally()
        // Here, where everything is still there: giving it back one by one is for nothing now.
        if !mayGoOn { endProcess(status) }
        if status != 0 { throw ExitCode(status) }
    }

    /// `error`, with the option that helps if the module uses what is off unless asked for.
    static func hinted(_ error: ModuleError) -> ModuleError {
        guard case .unsupported(let feature) = error.kind, !FeatureSet.standard.has(feature) else {
            return error
        }
        var error = error
        error.message += " (--feature \(feature.name) switches it on)"
        return error
    }

    /// Has SIGQUIT (Ctrl-\) end the process at once. Swift's runtime takes it for a crash, and
    /// spends seconds on a report of what the guest's thread was doing.
    private static func letQuitEnd() { HostProcess.restoreSignal(SIGQUIT) }

    /// Says why a program stopped, and returns the status for that.
    private static func end(
        _ trap: Trap, _ limits: ProgramLimits?, _ signals: TerminationSignals?
    ) -> Int32 {
        if let cause = signals?.cause(of: trap) {
            report("stopped by \(cause.name)")
            return cause.status
        }
        if let reason = limits?.timeoutReason(of: trap) {
            let backtrace = trap.description.drop { $0 != "\n" }
            report(reason + backtrace)
            return timeoutStatus
        }
        var trap = trap
        trap.message = limits?.limit(behind: trap) ?? trap.message
        report(trap.description)
        return trapStatus
    }

    /// Ends the process after a command that has done what it should.
    static func succeed() -> Never { endProcess(0) }

    /// Ends the process after what a command threw.
    static func exit(_ error: any Error, _ arguments: [String]) -> Never {
        if let status = error as? ExitCode { endProcess(status.rawValue) }
        let status = ApusCommand.exitCode(for: error)
        if status.isSuccess {
            // Help, or the version, which has to get out like all that is asked for.
            print(ApusCommand.fullMessage(for: error))
            endProcess(0)
        }
        guard status == .validationFailure, !arguments.isEmpty else {
            ApusCommand.exit(withError: error)
        }
        let message = ApusCommand.message(for: error)
        report(PrintableText.line(HostText.shown(usage(message, arguments))))
        ApusCommand.exit(withError: ExitCode.validationFailure)
    }

    /// What is wrong with a command line, on one line, from the parser's `message`.
    private static func usage(_ message: String, _ arguments: [String]) -> String {
        let lines = message.split(whereSeparator: \.isNewline)
        var text = lines.map { $0.drop { $0 == " " } }.joined(separator: " ")
        if text.hasSuffix(".") { text.removeLast() }
        text = text.prefix(1).lowercased() + text.dropFirst()
        // "Unknown option '--timeot'. Did you mean '--timeout'?" The parser's idea of what is
        // similar is generous.
        let quoted = text.split(separator: "'", omittingEmptySubsequences: false).map(String.init)
        if let place = text.firstRange(of: ". Did you mean '"), quoted.count == 5 {
            text = String(text[..<place.lowerBound])
            if !SimilarNames.near(quoted[1], among: [quoted[3]]).isEmpty {
                return text + "; did you mean '\(quoted[3])'?"
            }
        }
        if text.hasSuffix("?") { return text }
        text = UsageExample.naming(text, arguments)
        text += UsageExample.hint(text)
        let isHelp = arguments.first == "help"
        let first = arguments.dropFirst(isHelp ? 1 : 0).first ?? ""
        if isHelp, !ApusCommand.subcommands.contains(first) {
            return text + "; 'apus --help' lists them"
        }
        let command = ApusCommand.subcommands.contains(first) ? first : "run"
        return text + "; 'apus help \(command)' tells more"
    }

    /// Writes a line about a failure to the error output.
    static func report(_ text: String) {
        tell("apus: \(text)\n")
    }

    /// Writes `text` to the error output.
    static func tell(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // SAFETY: the buffer is the string's own, which lives during the call. A failing write
            // leaves nothing better to do.
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
