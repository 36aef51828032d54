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
        case "setExceptionBreakpoints":
            try setExceptionBreakpoints(arguments)
            channel.answer(request)
        case "dataBreakpointInfo": channel.answer(request, try dataBreakpointInfo(arguments))
        case "setDataBreakpoints": channel.answer(request, try setDataBreakpoints(arguments))
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
        _ wanted: JSON, at offsets: [Int]
    ) -> DebugBreakpoints.Breakpoint {
        DebugBreakpoints.Breakpoint(
            number: breakpoints.number(), offsets: offsets,
            condition: wanted["condition"]?.string, hitCondition: wanted["hitCondition"]?.string,
            message: wanted["logMessage"]?.string)
    }

    /// What has become of a breakpoint.
    private func describe(
        _ breakpoint: DebugBreakpoints.Breakpoint, line: Int? = nil
    ) -> JSON {
        var members: [(name: String, value: JSON)] = [
            ("id", .integer(breakpoint.number)),
            ("verified", .boolean(!breakpoint.offsets.isEmpty)),
        ]
        if let line { members.append(("line", .integer(shown(line: line)))) }
        if let offset = breakpoint.offsets.first {
            members.append(("instructionReference", .string(Self.hex(UInt64(offset)))))
        } else {
            members.append(("message", "there is no code"))
        }
        return .object(members)
    }

    private func setBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let path = arguments["source"]?["path"]?.string
        let isText = arguments["source"]?["sourceReference"]?.integer == ModuleText.reference
        guard path != nil || isText else {
            throw DebugRequestError("setBreakpoints needs a source")
        }
        var set: [DebugBreakpoints.Breakpoint] = []
        var answers: [JSON] = []
        for wanted in wanted(arguments) {
            let line = line(wanted["line"]) ?? 0
            let places: [Module.LinePlace]
            if let path, !isText {
                places = program.module.places(
                    ofLine: line, in: program.launch.pathThere(path))
            } else {
                places = program.text.place(ofLine: line).map { [$0] } ?? []
            }
            let offsets = places.compactMap {
                program.module.instructionOffset(from: $0.offset)
            }
            let made = breakpoint(wanted, at: offsets)
            set.append(made)
            answers.append(describe(made, line: places.first?.line ?? line))
        }
        let owner = isText ? DebugBreakpoints.Owner.text : .file(path ?? "")
        breakpoints.replace(owner, set, in: program)
        return ["breakpoints": .array(answers)]
    }

    private func setFunctionBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let set = wanted(arguments).map { wanted in
            breakpoint(
                wanted,
                at: wanted["name"]?.string.map { program.module.places(ofFunction: $0) } ?? [])
        }
        breakpoints.replace(.functions, set, in: program)
        return ["breakpoints": .array(set.map { describe($0) })]
    }

    private func setInstructionBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let set = wanted(arguments).map { wanted in
            let offset = Self.address(wanted["instructionReference"], wanted["offset"])
            let place = offset.flatMap { program.module.instructionOffset(from: $0) }
            return breakpoint(wanted, at: place.map { [$0] } ?? [])
        }
        breakpoints.replace(.instructions, set, in: program)
        return ["breakpoints": .array(set.map { describe($0) })]
    }

    private func setExceptionBreakpoints(_ arguments: JSON) throws {
        let filters = (arguments["filters"]?.array ?? []).compactMap(\.string)
        let debugger = try program().debugger
        debugger.stopsOnTraps = filters.contains("trap")
        debugger.stopsOnExceptions =
            filters.contains("caught") ? .all : filters.contains("uncaught") ? .uncaught : .none
    }

    // MARK: Data

    private func dataBreakpointInfo(_ arguments: JSON) throws -> JSON {
        let guest = try stoppedGuest()
        let name = arguments["name"]?.string ?? ""
        var place: (address: UInt64, count: Int)?
        if arguments["asAddress"]?.boolean == true {
            place = Self.address(arguments["name"], nil).map {
                (UInt64($0), arguments["bytes"]?.integer ?? 4)
            }
        } else if let number = arguments["variablesReference"]?.integer, number > 0 {
            let variable = try guest.container(number).parts(nil).last { $0.name == name }
            place = variable?.bytes
        } else {
            let frame = try guest.frame(arguments["frameId"]?.integer)
            place = try? frame.frame.evaluate(name, sourceFrame: frame.depth).variable?.bytes
        }
        guard let place, place.count > 0 else {
            return ["dataId": .null, "description": .string("\(name) is not in memory")]
        }
        return [
            "dataId": .string("\(place.address):\(place.count)"),
            "description": .string("\(name), \(place.count) bytes"),
            "accessTypes": ["write"], "canPersist": false,
        ]
    }

    private func setDataBreakpoints(_ arguments: JSON) throws -> JSON {
        let program = try program()
        let memory = try memory()
        program.debugger.stopWatching()
        var watched: [(number: Int, address: UInt64, count: Int)] = []
        var answers: [JSON] = []
        for wanted in wanted(arguments) {
            let number = breakpoints.number()
            let parts = (wanted["dataId"]?.string ?? "").split(separator: ":")
            let address = parts.first.flatMap { UInt64($0) }
            let count = parts.last.flatMap { Int($0) }
            let isSet: Bool
            if let address, let count, parts.count == 2,
                (try? program.debugger.watch(memory, at: address, count: count)) != nil
            {
                watched.append((number, address, count))
                isSet = true
            } else {
                isSet = false
            }
            answers.append(["id": .integer(number), "verified": .boolean(isSet)])
        }
        breakpoints.setWatched(watched)
        return ["breakpoints": .array(answers)]
    }
}

extension Debugger.Variable {
    /// Where its bytes are in memory.
    fileprivate var bytes: (address: UInt64, count: Int)? {
        address.map { ($0, Int(clamping: byteCount)) }
    }
}
