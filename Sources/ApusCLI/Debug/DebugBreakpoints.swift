@_spi(ApusCLI) internal import Apus

/// What the client has set, and what is to be done about it where the guest stops.
struct DebugBreakpoints: Sendable {
    /// A place where the guest stops.
    struct Breakpoint: Sendable {
        let number: Int
        /// The instructions that it is at.
        var places: [CodePlace]
        var condition: String?
        var hitCondition: String?
        var message: String?
        var hits = 0
    }

    /// Whose it is: a file, the text of a module, functions, instructions.
    enum Owner: Hashable, Sendable {
        case file(String)
        case text(Int)
        case functions, instructions
    }

    private var sets: [Owner: [Breakpoint]] = [:]
    private var nextNumber = 1
    mutating func number() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Puts these in place of all others of `owner`.
    mutating func replace(_ owner: Owner, _ breakpoints: [Breakpoint]) {
        sets[owner] = breakpoints
    }

    /// The instructions of all of them.
    var places: Set<CodePlace> { Set(sets.values.flatMap { $0.flatMap(\.places) }) }

    // MARK: Stopping

    /// Why a guest of `modules` stops at a breakpoint; nil if none of those that are there is for
    /// it now.
    mutating func reason(
        at stop: Debugger.Stop, of modules: [Module], _ channel: DebugChannel
    ) -> DebuggedProgram.StopReason? {
        guard let frame = stop.frames(limit: 1).first,
            let module = modules.firstIndex(where: frame.module.isSame(as:))
        else { return nil }
        let place = CodePlace(frame.offset, in: module)
        var reason: DebuggedProgram.StopReason?
        for (owner, breakpoints) in sets {
            for index in breakpoints.indices
            where breakpoints[index].places.contains(place) {
                guard Self.holds(breakpoints[index].condition, frame, channel) else { continue }
                let hits = breakpoints[index].hits + 1
                sets[owner]?[index].hits = hits
                guard Self.holds(breakpoints[index].hitCondition, hits) else { continue }
                if let message = breakpoints[index].message {
                    channel.send(
                        event: "output",
                        ["category": "console", "output": .string(Self.text(message, frame))])
                    continue
                }
                reason = reason ?? DebuggedProgram.StopReason(text: Self.reason(owner))
                reason?.hits.append(breakpoints[index].number)
            }
        }
        return reason
    }

    private static func reason(_ owner: Owner) -> String {
        switch owner {
        case .file, .text: "breakpoint"
        case .functions: "function breakpoint"
        case .instructions: "instruction breakpoint"
        }
    }

    /// Whether a condition holds. One that cannot be understood does, and says so.
    private static func holds(
        _ condition: String?, _ frame: Debugger.Frame, _ channel: DebugChannel
    ) -> Bool {
        guard let condition, !condition.allSatisfy(\.isWhitespace) else { return true }
        do {
            return try frame.holds(condition)
        } catch {
            channel.send(
                event: "output",
                ["category": "console", "output": .string("\(condition): \(error)\n")])
            return true
        }
    }

    /// Whether a breakpoint that is reached for the `hits`th time stops: `5` from then on, and with
    /// an operator when that holds; `% 3` each third time.
    private static func holds(_ hitCondition: String?, _ hits: Int) -> Bool {
        guard let text = hitCondition?.filter({ !$0.isWhitespace }), !text.isEmpty else {
            return true
        }
        let sign = text.prefix { !$0.isNumber }
        guard let number = Int(text.dropFirst(sign.count)) else { return true }
        switch sign {
        case "==", "=": return hits == number
        case ">": return hits > number
        case "<": return hits < number
        case "<=": return hits <= number
        case "%": return number != 0 && hits % number == 0
        default: return hits >= number
        }
    }

    /// A message, with the values of what stands in braces.
    private static func text(_ message: String, _ frame: Debugger.Frame) -> String {
        var text = ""
        var rest = message[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let expression = String(rest[rest.index(after: open)..<close])
            text += rest[..<open]
            text += (try? frame.evaluate(expression).text) ?? "{\(expression)}"
            rest = rest[rest.index(after: close)...]
        }
        return text + rest + "\n"
    }
}
