@_spi(ApusCLI) internal import Apus

/// Where the guest is to stop.
extension DebugAdapter {
    /// Answers a request of that kind; false if it is none.
    func answerBreakpointRequest(_ request: DebugRequest) throws -> Bool {
        let arguments = request.arguments
        switch request.command {
        case "setBreakpoints": channel.answer(request, try setBreakpoints(arguments))
        case "setFunctionBreakpoints":
            channel.answer(request, try setFunctionBreakpoints(arguments))
        case "setInstructionBreakpoints":
            channel.answer(request, try setInstructionBreakpoints(arguments))
        case "setDataBreakpoints":
            guard let body = try keepDataBreakpoints(arguments) else { return false }
            channel.answer(request, body)
        case "setExceptionBreakpoints":
            try setExceptionBreakpoints(arguments)
            channel.answer(request)
        default: return false
        }
        return true
    }

    /// More breakpoints are not set at once.
    private static var countLimit: Int { 10_000 }

    private func wanted(_ arguments: JSON) -> ArraySlice<JSON> {
        (arguments["breakpoints"]?.array ?? []).prefix(Self.countLimit)
    }

    /// A breakpoint, as the client describes it, at these instructions.
    private func breakpoint(
        _ wanted: JSON, at places: [CodePlace], of program: DebuggedProgram
    ) -> DebugBreakpoints.Breakpoint {
        DebugBreakpoints.Breakpoint(
            number: program.breakpointNumber(), places: places,
            condition: wanted["condition"]?.string, hitCondition: wanted["hitCondition"]?.string,
            message: wanted["logMessage"]?.string)
    }

    /// What has become of a breakpoint.
    private func describe(
        _ breakpoint: DebugBreakpoints.Breakpoint, line: Int? = nil
    ) -> JSON {
        var members: [(name: String, value: JSON)] = [
            ("id", .integer(breakpoint.number)),
            ("verified", .boolean(!breakpoint.places.isEmpty)),
        ]
        if let line { members.append(("line", .integer(line - 1 + firstLine))) }
        if let place = breakpoint.places.first {
            members.append(("instructionReference", .string(place.text)))
        } else {
            members.append(("message", "there is no code"))
        }
        return .object(members)
    }

    private func setBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let path = arguments["source"]?["path"]?.string
        let number = arguments["source"]?["sourceReference"]?.integer
        let text = number.flatMap { program.text(withReference: $0) }
        guard path != nil || text != nil else {
            throw DebugRequestError("setBreakpoints needs a source")
        }
        var set: [DebugBreakpoints.Breakpoint] = []
        var answers: [JSON] = []
        for wanted in wanted(arguments) {
            let line = program.line(wanted["line"]) ?? 0
            let places: [(place: CodePlace, line: Int)]
            if let text {
                places = text.place(ofLine: line).map { [$0] } ?? []
            } else {
                places = program.places(ofLine: line, in: program.launch.pathThere(path ?? ""))
            }
            let made = breakpoint(
                wanted, at: places.compactMap { program.instruction(from: $0.place) }, of: program)
            set.append(made)
            answers.append(describe(made, line: places.first?.line ?? line))
        }
        let owner = text.map { DebugBreakpoints.Owner.text($0.module) }
        program.setBreakpoints(set, of: owner ?? .file(path ?? ""))
        return ["breakpoints": .array(answers)]
    }

    private func setFunctionBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let set = wanted(arguments).map { wanted in
            breakpoint(
                wanted,
                at: wanted["name"]?.string.map { program.places(ofFunction: $0) } ?? [],
                of: program)
        }
        program.setBreakpoints(set, of: .functions)
        return ["breakpoints": .array(set.map { describe($0) })]
    }

    private func setInstructionBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let set = wanted(arguments).map { wanted in
            let place = CodePlace(wanted["instructionReference"], wanted["offset"])
                .flatMap { program.instruction(from: $0) }
            return breakpoint(wanted, at: place.map { [$0] } ?? [], of: program)
        }
        program.setBreakpoints(set, of: .instructions)
        return ["breakpoints": .array(set.map { describe($0) })]
    }

    /// While the guest runs, bytes can be watched no more, but none that were not watched before:
    /// whether they are there is known when it stops. Nil if it is stopped.
    private func keepDataBreakpoints(_ arguments: JSON) throws -> JSON? {
        let names = wanted(arguments).map { $0["dataId"]?.string ?? "" }
        guard let kept = try program().keepWatching(names) else { return nil }
        let answers = kept.map { bytes -> JSON in
            guard let bytes else {
                return ["verified": false, "message": "the program is not stopped"]
            }
            return ["id": .integer(bytes.number), "verified": true]
        }
        return ["breakpoints": .array(answers)]
    }

    private func setExceptionBreakpoints(_ arguments: JSON) throws {
        let filters = (arguments["filters"]?.array ?? []).compactMap(\.string)
        try program().setExceptions(
            DebuggedProgram.ExceptionFilters(
                traps: filters.contains("trap"), uncaught: filters.contains("uncaught"),
                caught: filters.contains("caught")))
    }
}
