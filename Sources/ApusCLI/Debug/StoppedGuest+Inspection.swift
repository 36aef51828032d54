@_spi(ApusCLI) internal import Apus

/// Looking at the guest, and changing it.
extension StoppedGuest {
    /// The requests that threads of the guest answer.
    static let requests: Set = [
        "stackTrace", "scopes", "variables", "setVariable", "setExpression", "evaluate",
        "exceptionInfo", "readMemory", "writeMemory", "dataBreakpointInfo", "setDataBreakpoints",
    ]

    /// Answers one of `requests`.
    func answer(_ request: DebugRequest) {
        do {
            program.channel.answer(request, try body(request.command, request.arguments))
        } catch {
            program.channel.refuse(request, "\(error)")
        }
    }

    private func body(_ command: String, _ arguments: JSON) throws -> JSON {
        switch command {
        case "stackTrace": stackTrace(arguments)
        case "scopes": try scopes(arguments)
        case "variables": try variables(arguments)
        case "setVariable": try setVariable(arguments)
        case "setExpression": try setExpression(arguments)
        case "evaluate": try evaluate(arguments)
        case "exceptionInfo": try exceptionInfo()
        case "readMemory": try readMemory(arguments)
        case "writeMemory": try writeMemory(arguments)
        case "dataBreakpointInfo": try dataBreakpointInfo(arguments)
        default: try setDataBreakpoints(arguments)
        }
    }

    // MARK: Frames

    private func stackTrace(_ arguments: JSON) -> JSON {
        let start = min(max(arguments["startFrame"]?.integer ?? 0, 0), frames.count)
        var count = arguments["levels"]?.integer ?? 0
        if count <= 0 { count = frames.count }
        let shown = frames[start...].prefix(count)
        return [
            "totalFrames": .integer(frames.count),
            "stackFrames": .array(
                shown.enumerated().map { describe($1, number: firstNumber + start + $0) }),
        ]
    }

    private func describe(_ frame: SourceFrame, number: Int) -> JSON {
        let offset = frame.frame.offset
        let module = frame.frame.module
        let text = program.texts.first { program.modules[$0.module].isSame(as: module) }
        var members: [(name: String, value: JSON)] = [
            ("id", .integer(number)), ("name", .string(frame.name)),
        ]
        if let text {
            members.append(
                (
                    "instructionPointerReference",
                    .string(CodePlace(offset, in: text.module).text)
                ))
        }
        if let location = frame.location {
            members.append(("source", Self.source(program.launch.pathHere(location.file))))
            members.append(("line", .integer(program.shown(line: location.line))))
            let column = max(location.column, 1)
            members.append(("column", .integer(column - 1 + program.firstLine)))
        } else {
            let line = text?.line(at: offset)
            if let text { members.append(("source", text.source)) }
            members.append(("line", .integer(line.map { program.shown(line: $0) } ?? 0)))
            members.append(("column", .integer(program.firstLine)))
        }
        return .object(members)
    }

    static func source(_ path: String) -> JSON {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return ["name": .string(name), "path": .string(path)]
    }

    // MARK: Variables

    private func scopes(_ arguments: JSON) throws -> JSON {
        let frame = try frame(arguments["frameId"]?.integer)
        var scopes: [JSON] = []
        func add(_ name: String, _ container: Container, hint: String? = nil) {
            var members: [(name: String, value: JSON)] = [
                ("name", .string(name)),
                ("variablesReference", .integer(reference(container))),
                ("expensive", .boolean(hint == nil)),
            ]
            if let hint { members.append(("presentationHint", .string(hint))) }
            scopes.append(.object(members))
        }
        let hasVariables = frame.location != nil && frame.frame.hasDebugInformation
        if hasVariables {
            add("Locals", .variables(frame), hint: "locals")
            add("Globals", .globalVariables(frame))
        }
        if frame.frame.instance != nil {
            add("Wasm locals", .locals(frame), hint: hasVariables ? nil : "locals")
            add("Wasm operands", .operands(frame))
            add("Wasm globals", .globals(frame))
            if !frame.frame.memories.isEmpty { add("Wasm memories", .memories(frame)) }
        }
        return ["scopes": .array(scopes)]
    }

    /// More variables are not shown at once.
    private static var partLimit: Int { 10_000 }

    private func variables(_ arguments: JSON) throws -> JSON {
        let container = try container(arguments["variablesReference"]?.integer)
        var range: Range<Int>?
        if let count = arguments["count"]?.integer, count > 0 {
            let start = min(max(arguments["start"]?.integer ?? 0, 0), 1 << 30)
            range = start..<start + min(count, Self.partLimit)
        }
        if case .memories(let frame) = container { return memories(of: frame) }
        let shown = container.parts(range).map { variable -> JSON in
            .object(
                [("name", .string(variable.name)), ("value", .string(variable.text))]
                    + facts(of: variable))
        }
        return ["variables": .array(shown)]
    }

    /// The memories of a frame's instance, which have places to be read from.
    private func memories(of frame: SourceFrame) -> JSON {
        let shown = frame.frame.memories.enumerated().map { index, memory -> JSON in
            [
                "name": .string("memory\(index)"), "value": .string("\(memory.byteCount) bytes"),
                "variablesReference": 0,
                "memoryReference": .string(MemoryReference(0, in: index).text),
            ]
        }
        return ["variables": .array(shown)]
    }

    /// What is said of a variable besides its name and value.
    private func facts(of variable: Debugger.Variable) -> [(name: String, value: JSON)] {
        var members: [(name: String, value: JSON)] = [
            ("type", .string(variable.typeName)),
            ("variablesReference", .integer(reference(ofParts: variable))),
        ]
        if variable.partCount > 100 {
            members.append(("indexedVariables", .integer(variable.partCount)))
        }
        if let address = variable.pointedAddress ?? variable.address {
            members.append(
                ("memoryReference", .string(MemoryReference(Int(clamping: address)).text)))
        }
        return members
    }

    private func setVariable(_ arguments: JSON) throws -> JSON {
        guard let name = arguments["name"]?.string, let value = arguments["value"]?.string else {
            throw DebugRequestError("setVariable needs a name and a value")
        }
        let container = try container(arguments["variablesReference"]?.integer)
        guard let variable = container.parts(nil).last(where: { $0.name == name }) else {
            throw DebugRequestError("there is no variable \(name)")
        }
        try variable.set(value)
        return .object([("value", .string(variable.text))] + facts(of: variable))
    }

    private func setExpression(_ arguments: JSON) throws -> JSON {
        let frame = try frame(arguments["frameId"]?.integer)
        guard let expression = arguments["expression"]?.string,
            let value = arguments["value"]?.string
        else { throw DebugRequestError("setExpression needs an expression and a value") }
        let found = try frame.frame.evaluate(expression, sourceFrame: frame.depth)
        guard let variable = found.variable else {
            throw DebugRequestError("\(expression) is nothing that can be set")
        }
        try variable.set(value)
        return .object([("value", .string(variable.text))] + facts(of: variable))
    }

    private func evaluate(_ arguments: JSON) throws -> JSON {
        let frame = try frame(arguments["frameId"]?.integer)
        guard let expression = arguments["expression"]?.string else {
            throw DebugRequestError("evaluate needs an expression")
        }
        let found = try frame.frame.evaluate(expression, sourceFrame: frame.depth)
        guard let variable = found.variable else {
            return ["result": .string(found.text), "variablesReference": 0]
        }
        return .object([("result", .string(found.text))] + facts(of: variable))
    }

    private func exceptionInfo() throws -> JSON {
        guard let text = Self.exceptionText(stop.reason) else {
            throw DebugRequestError("the program has not stopped for an exception")
        }
        var isCaught = false
        if case .exception(true) = stop.reason { isCaught = true }
        return [
            "exceptionId": .string(text), "description": .string(text),
            "breakMode": isCaught ? "always" : "unhandled",
        ]
    }
}
