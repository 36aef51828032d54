@_spi(ApusCLI) internal import Apus

/// Looking at the guest, and changing it.
extension DebugAdapter {
    /// Answers a request of that kind; false if it is none.
    func answerInspection(_ request: DebugRequest) throws -> Bool {
        switch request.command {
        case "stackTrace": channel.answer(request, try stackTrace(request.arguments))
        case "scopes": channel.answer(request, try scopes(request.arguments))
        case "variables": channel.answer(request, try variables(request.arguments))
        case "setVariable": channel.answer(request, try setVariable(request.arguments))
        case "setExpression": channel.answer(request, try setExpression(request.arguments))
        case "evaluate": channel.answer(request, try evaluate(request.arguments))
        case "exceptionInfo": channel.answer(request, try exceptionInfo())
        case "source": channel.answer(request, try source())
        case "loadedSources": channel.answer(request, try loadedSources())
        default: return false
        }
        return true
    }

    // MARK: Frames

    private func stackTrace(_ arguments: JSON) throws -> JSON {
        let frames = try stoppedGuest().frames
        let start = min(max(arguments["startFrame"]?.integer ?? 0, 0), frames.count)
        var count = arguments["levels"]?.integer ?? 0
        if count <= 0 { count = frames.count }
        let shown = frames[start...].prefix(count)
        return [
            "totalFrames": .integer(frames.count),
            "stackFrames": .array(
                try shown.enumerated().map { try describe($1, number: start + $0 + 1) }),
        ]
    }

    private func describe(_ frame: StoppedGuest.SourceFrame, number: Int) throws -> JSON {
        let program = try program()
        var members: [(name: String, value: JSON)] = [
            ("id", .integer(number)), ("name", .string(frame.name)),
            ("instructionPointerReference", .string(Self.hex(UInt64(frame.frame.offset)))),
        ]
        if let location = frame.location {
            members.append(("source", Self.source(program.launch.pathHere(location.file))))
            members.append(("line", .integer(shown(line: location.line))))
            let column = max(location.column, 1)
            members.append(("column", .integer(column - 1 + firstLine)))
        } else {
            let line = program.text.line(at: frame.frame.offset)
            members.append(("source", program.text.source))
            members.append(("line", .integer(line.map { shown(line: $0) } ?? 0)))
            members.append(("column", .integer(firstLine)))
        }
        return .object(members)
    }

    /// A line, as the client counts it.
    func shown(line: Int) -> Int { line - 1 + firstLine }

    /// A line that the client has named.
    func line(_ shown: JSON?) -> Int? {
        shown?.integer.map { min(max($0, 0), 1 << 30) + 1 - firstLine }
    }

    static func source(_ path: String) -> JSON {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return ["name": .string(name), "path": .string(path)]
    }

    static func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

    // MARK: Variables

    private func scopes(_ arguments: JSON) throws -> JSON {
        let guest = try stoppedGuest()
        let frame = try guest.frame(arguments["frameId"]?.integer)
        var scopes: [JSON] = []
        func add(_ name: String, _ container: StoppedGuest.Container, hint: String? = nil) {
            var members: [(name: String, value: JSON)] = [
                ("name", .string(name)),
                ("variablesReference", .integer(guest.reference(container))),
                ("expensive", .boolean(hint == nil)),
            ]
            if let hint { members.append(("presentationHint", .string(hint))) }
            scopes.append(.object(members))
        }
        if frame.location != nil {
            add("Locals", .variables(frame), hint: "locals")
            add("Globals", .globalVariables(frame))
        }
        if frame.frame.instance != nil {
            add("Wasm locals", .locals(frame), hint: frame.location == nil ? "locals" : nil)
            add("Wasm operands", .operands(frame))
            add("Wasm globals", .globals(frame))
        }
        return ["scopes": .array(scopes)]
    }

    /// More variables are not shown at once.
    private static var partLimit: Int { 10_000 }

    private func variables(_ arguments: JSON) throws -> JSON {
        let guest = try stoppedGuest()
        let container = try guest.container(arguments["variablesReference"]?.integer)
        var range: Range<Int>?
        if let count = arguments["count"]?.integer, count > 0 {
            let start = min(max(arguments["start"]?.integer ?? 0, 0), 1 << 30)
            range = start..<start + min(count, Self.partLimit)
        }
        let shown = container.parts(range).map { variable -> JSON in
            .object(
                [("name", .string(variable.name)), ("value", .string(variable.text))]
                    + Self.facts(of: variable, guest))
        }
        return ["variables": .array(shown)]
    }

    /// What is said of a variable besides its name and value.
    private static func facts(
        of variable: Debugger.Variable, _ guest: StoppedGuest
    ) -> [(name: String, value: JSON)] {
        var members: [(name: String, value: JSON)] = [
            ("type", .string(variable.typeName)),
            ("variablesReference", .integer(guest.reference(ofParts: variable))),
        ]
        if variable.partCount > 100 {
            members.append(("indexedVariables", .integer(variable.partCount)))
        }
        if let address = variable.pointedAddress ?? variable.address {
            members.append(("memoryReference", .string(hex(address))))
        }
        return members
    }

    private func setVariable(_ arguments: JSON) throws -> JSON {
        let guest = try stoppedGuest()
        guard let name = arguments["name"]?.string, let value = arguments["value"]?.string else {
            throw DebugRequestError("setVariable needs a name and a value")
        }
        let container = try guest.container(arguments["variablesReference"]?.integer)
        guard let variable = container.parts(nil).last(where: { $0.name == name }) else {
            throw DebugRequestError("there is no variable \(name)")
        }
        try variable.set(value)
        return .object([("value", .string(variable.text))] + Self.facts(of: variable, guest))
    }

    private func setExpression(_ arguments: JSON) throws -> JSON {
        let guest = try stoppedGuest()
        let frame = try guest.frame(arguments["frameId"]?.integer)
        guard let expression = arguments["expression"]?.string,
            let value = arguments["value"]?.string
        else { throw DebugRequestError("setExpression needs an expression and a value") }
        let found = try frame.frame.evaluate(expression, sourceFrame: frame.depth)
        guard let variable = found.variable else {
            throw DebugRequestError("\(expression) is nothing that can be set")
        }
        try variable.set(value)
        return .object([("value", .string(variable.text))] + Self.facts(of: variable, guest))
    }

    private func evaluate(_ arguments: JSON) throws -> JSON {
        let guest = try stoppedGuest()
        let frame = try guest.frame(arguments["frameId"]?.integer)
        guard let expression = arguments["expression"]?.string else {
            throw DebugRequestError("evaluate needs an expression")
        }
        let found = try frame.frame.evaluate(expression, sourceFrame: frame.depth)
        guard let variable = found.variable else {
            return ["result": .string(found.text), "variablesReference": 0]
        }
        return .object([("result", .string(found.text))] + Self.facts(of: variable, guest))
    }

    private func exceptionInfo() throws -> JSON {
        let guest = try stoppedGuest()
        guard let text = StoppedGuest.exceptionText(guest.stop.reason) else {
            throw DebugRequestError("the program has not stopped for an exception")
        }
        var isCaught = false
        if case .exception(true) = guest.stop.reason { isCaught = true }
        return [
            "exceptionId": .string(text), "description": .string(text),
            "breakMode": isCaught ? "always" : "unhandled",
        ]
    }

    // MARK: Sources

    private func source() throws -> JSON {
        guard let text = try program().text.text else {
            throw DebugRequestError("the module's text would be too long")
        }
        return ["content": .string(text), "mimeType": "text/x-wat"]
    }

    private func loadedSources() throws -> JSON {
        let program = try program()
        let files = program.module.sourceFiles.map { Self.source(program.launch.pathHere($0)) }
        return ["sources": .array(files + [program.text.source])]
    }
}
