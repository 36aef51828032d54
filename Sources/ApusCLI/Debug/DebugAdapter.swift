@_spi(ApusCLI) internal import Apus
internal import ApusWASI

/// Lets a debugger's client run a program, stop it and look at it. Specification: Debug Adapter
/// Protocol.
///
/// All requests are answered on one thread, which is the guest's: before it runs, while it is
/// stopped, when it has ended, and between two of its instructions.
final class DebugAdapter {
    let channel: DebugChannel
    let inbox: DebugInbox
    /// What the command line says; requests may say more.
    private let launch: DebugLaunch
    private(set) var session: DebuggedProgram?
    /// How the client counts lines.
    private(set) var firstLine = 1
    var breakpoints = DebugBreakpoints()
    /// The guest where it is stopped; nil: it is not.
    var stopped: StoppedGuest?
    /// Where the guest goes when the request at hand has been answered.
    var resumption: Debugger.Resumption?
    private var isConfigured = false
    private var stopsOnEntry = false
    /// The client wants the guest to stop.
    private var isPauseWanted = false
    /// The client wants the guest to end, and then no more.
    private var isEnding = false
    private var isOver = false

    init(_ channel: DebugChannel, _ inbox: DebugInbox, _ launch: DebugLaunch) {
        self.channel = channel
        self.inbox = inbox
        self.launch = launch
    }

    /// Answers requests, and runs the program when it is time to, until the client has gone or
    /// wants no more.
    func run() {
        while !isOver, let request = inbox.next() {
            handle(request)
            if isConfigured, let session {
                isConfigured = false
                runProgram(session)
            }
        }
    }

    private func runProgram(_ session: DebuggedProgram) {
        if isEnding { return }
        breakpoints.apply(to: session)
        if stopsOnEntry { session.debugger.handle.stop() }
        inbox.run(session.debugger.handle, session.store.interruptHandle)
        let status = session.run { [channel] in channel.send(event: "output", $0) }
        inbox.rest()
        if !inbox.hasEnded {
            channel.send(event: "exited", ["exitCode": .integer(Int(status))])
            channel.send(event: "terminated")
        }
        self.session = nil
    }

    // MARK: Stops

    /// The guest is at a place where it may stop: how it goes on.
    func stop(_ stop: Debugger.Stop) throws -> Debugger.Resumption {
        guard let session else { return .run }
        inbox.rest()
        defer { inbox.run(session.debugger.handle, session.store.interruptHandle) }
        resumption = nil
        let guest = StoppedGuest(stop, session.text)
        stopped = guest
        defer { stopped = nil }
        guard let reason = reasonToStop(stop) else {
            try answerPending()
            guard isPauseWanted else { return resumption ?? .proceed }
            tell("pause", stop)
            return try wait()
        }
        tell(reason, stop)
        return try wait()
    }

    /// What the client is told of a stop; nil if it is none for it.
    private func reasonToStop(_ stop: Debugger.Stop) -> String? {
        switch stop.reason {
        case .pause:
            return stopsOnEntry ? "entry" : isPauseWanted ? "pause" : nil
        case .breakpoint: return breakpoints.reason(at: stop, channel)
        case .step: return "step"
        case .watch: return "data breakpoint"
        case .trap, .exception: return "exception"
        }
    }

    private func tell(_ reason: String, _ stop: Debugger.Stop) {
        isPauseWanted = false
        stopsOnEntry = false
        stopped?.isTold = true
        var body: [(name: String, value: JSON)] = [
            ("reason", .string(reason)), ("threadId", 1), ("allThreadsStopped", true),
        ]
        if let text = StoppedGuest.exceptionText(stop.reason) {
            body.append(("description", .string(text)))
            body.append(("text", .string(text)))
        }
        let hits = breakpoints.hits(of: stop)
        if !hits.isEmpty { body.append(("hitBreakpointIds", .array(hits.map { .integer($0) }))) }
        channel.send(event: "stopped", .object(body))
    }

    /// Answers what has been asked while the guest was running.
    private func answerPending() throws {
        while resumption == nil, let request = inbox.nextIfAny() {
            handle(request)
            if isOver || isEnding { throw DebugEnd() }
        }
        if inbox.hasEnded { throw DebugEnd() }
    }

    /// Answers requests until one lets the guest go on.
    private func wait() throws -> Debugger.Resumption {
        while true {
            guard let request = inbox.next() else { throw DebugEnd() }
            handle(request)
            if isOver || isEnding { throw DebugEnd() }
            if let resumption { return resumption }
        }
    }

    // MARK: Requests

    private func handle(_ request: DebugRequest) {
        do {
            try answer(request)
        } catch {
            channel.refuse(request, "\(error)")
        }
    }

    private func answer(_ request: DebugRequest) throws {
        switch request.command {
        case "initialize": initialize(request)
        case "launch": try launch(request)
        case "attach": throw DebugRequestError("only programs that are launched can be debugged")
        case "configurationDone":
            guard session != nil else { throw DebugRequestError("nothing has been launched") }
            isConfigured = stopped == nil
            channel.answer(request)
        case "disconnect":
            isOver = true
            channel.answer(request)
        case "terminate":
            isEnding = true
            channel.answer(request)
            // What has not begun has ended.
            if stopped == nil { channel.send(event: "terminated") }
        case "threads":
            channel.answer(request, ["threads": [["id": 1, "name": "main"]]])
        case "pause":
            isPauseWanted = true
            channel.answer(request)
        default:
            if try answerBreakpointRequest(request) { return }
            if try answerResumption(request) { return }
            if try answerInspection(request) { return }
            if try answerMemoryRequest(request) { return }
            throw DebugRequestError("there is no request '\(request.command)' here")
        }
    }

    private func initialize(_ request: DebugRequest) {
        if request.arguments["linesStartAt1"]?.boolean == false { firstLine = 0 }
        let supported = [
            "supportsConfigurationDoneRequest", "supportsFunctionBreakpoints",
            "supportsConditionalBreakpoints", "supportsHitConditionalBreakpoints",
            "supportsEvaluateForHovers", "supportsSetVariable", "supportsSetExpression",
            "supportsLogPoints", "supportsDataBreakpoints", "supportsDataBreakpointBytes",
            "supportsReadMemoryRequest", "supportsWriteMemoryRequest",
            "supportsDisassembleRequest", "supportsInstructionBreakpoints",
            "supportsSteppingGranularity", "supportsExceptionInfoRequest",
            "supportsTerminateRequest", "supportsLoadedSourcesRequest",
        ]
        channel.answer(
            request,
            .object(
                supported.map { ($0, true) } + [
                    ("exceptionBreakpointFilters", StoppedGuest.exceptionFilters)
                ]))
    }

    private func launch(_ request: DebugRequest) throws {
        guard session == nil else { throw DebugRequestError("a program has been launched") }
        var launch = launch
        try launch.take(request.arguments)
        stopsOnEntry = launch.stopsOnEntry
        session = try DebuggedProgram(launch) { [unowned self] stop in try self.stop(stop) }
        channel.answer(request)
        channel.send(event: "initialized")
    }

    private func answerResumption(_ request: DebugRequest) throws -> Bool {
        let unit: Debugger.Unit =
            request.arguments["granularity"]?.string == "instruction" ? .instruction : .line
        let wanted: Debugger.Resumption
        switch request.command {
        case "continue": wanted = .run
        case "next": wanted = .step(.over, by: unit)
        case "stepIn": wanted = .step(.into, by: unit)
        case "stepOut": wanted = .step(.out, by: unit)
        default: return false
        }
        guard stopped?.isTold == true else {
            throw DebugRequestError("the program is not stopped")
        }
        channel.answer(
            request, request.command == "continue" ? ["allThreadsContinued": true] : nil)
        resumption = wanted
        return true
    }

    /// The guest, if it is stopped.
    func stoppedGuest() throws -> StoppedGuest {
        guard let stopped else { throw DebugRequestError("the program is not stopped") }
        return stopped
    }

    /// The program, once there is one.
    func program() throws -> DebuggedProgram {
        guard let session else { throw DebugRequestError("no program has been launched") }
        return session
    }
}
