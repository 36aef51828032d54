@_spi(ApusCLI) internal import Apus

/// Lets a debugger's client run a program, stop it and look at it. Specification: Debug Adapter
/// Protocol.
///
/// Requests are read on one thread (`DebugInbox`), and answered on another one unless they are
/// about a thread of the guest: those are answered by that thread, which has to be stopped
/// (`GuestThread`).
final class DebugAdapter {
    let channel: DebugChannel
    private let inbox: DebugInbox
    /// What the command line says; requests may say more.
    private let launch: DebugLaunch
    private var session: DebuggedProgram?
    /// How the client counts lines.
    private(set) var firstLine = 1
    private var isOver = false

    init(_ channel: DebugChannel, _ launch: DebugLaunch) throws {
        guard let inbox = DebugInbox(channel) else {
            throw DebugRequestError("the system has no thread for the client's requests")
        }
        self.channel = channel
        self.inbox = inbox
        self.launch = launch
    }

    /// Answers requests until the client has gone or wants no more. Then the guest ends, too.
    func run() {
        while !isOver, let request = inbox.next() {
            do {
                try answer(request)
            } catch {
                channel.refuse(request, "\(error)")
            }
        }
        session?.end()
        session?.waitUntilOver()
    }

    private func answer(_ request: DebugRequest) throws {
        switch request.command {
        case "initialize": initialize(request)
        case "launch": try launch(request)
        case "attach":
            throw DebugRequestError("only programs that are launched here can be debugged")
        case "configurationDone":
            guard let session else { throw DebugRequestError("nothing has been launched") }
            channel.answer(request)
            try session.begin()
        case "disconnect":
            isOver = true
            channel.answer(request)
        case "terminate":
            let hasBegun = session?.end() ?? false
            channel.answer(request)
            // What has not begun has ended.
            if !hasBegun { channel.send(event: "terminated") }
        case "threads": channel.answer(request, ["threads": try program().threadList])
        case "pause":
            try program().pause()
            channel.answer(request)
        case "source": channel.answer(request, try source(request.arguments))
        case "loadedSources": channel.answer(request, try loadedSources())
        case "disassemble": channel.answer(request, try program().disassemble(request.arguments))
        default:
            if try answerBreakpointRequest(request) { return }
            if try answerResumption(request) { return }
            try answerInspection(request)
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
            "supportsSingleThreadExecutionRequests",
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
        session = try DebuggedProgram(launch, channel, firstLine: firstLine)
        if inbox.isAbandoned { throw DebugRequestError("the program has been ended") }
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
        let isAlone = request.arguments["singleThread"]?.boolean == true
        let thread = request.arguments["threadId"]?.integer ?? 1
        try program().goOn(thread, wanted, isAlone: isAlone) {
            channel.answer(
                request,
                request.command == "continue"
                    ? ["allThreadsContinued": .boolean(!isAlone)] : nil)
        }
        return true
    }

    /// Has the thread that a request is about answer it.
    private func answerInspection(_ request: DebugRequest) throws {
        guard StoppedGuest.requests.contains(request.command) else {
            throw DebugRequestError("there is no request '\(request.command)' here")
        }
        let arguments = request.arguments
        let number =
            arguments["threadId"]?.integer ?? StoppedGuest.thread(of: arguments["frameId"])
            ?? StoppedGuest.thread(of: arguments["variablesReference"])
        if try program().answer(request, by: number) { return }
        guard request.command == "stackTrace" else {
            throw DebugRequestError("the thread is in a function of the host")
        }
        channel.answer(request, ["stackFrames": [], "totalFrames": 0])
    }

    private func source(_ arguments: JSON) throws -> JSON {
        let reference =
            arguments["source"]?["sourceReference"]?.integer
            ?? arguments["sourceReference"]?.integer
        let program = try program()
        guard let source = reference.flatMap({ program.text(withReference: $0) }) else {
            throw DebugRequestError("there is no source \(reference.map { "\($0)" } ?? "")")
        }
        guard let text = source.text else {
            throw DebugRequestError("the module's text would be too long")
        }
        return ["content": .string(text), "mimeType": "text/x-wat"]
    }

    private func loadedSources() throws -> JSON {
        let program = try program()
        let files = program.modules.flatMap(\.sourceFiles).map {
            StoppedGuest.source(program.launch.pathHere($0))
        }
        return ["sources": .array(files + program.texts.map(\.source))]
    }

    /// The program, once there is one.
    func program() throws -> DebuggedProgram {
        guard let session else { throw DebugRequestError("no program has been launched") }
        return session
    }
}
