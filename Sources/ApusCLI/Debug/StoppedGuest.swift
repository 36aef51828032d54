@_spi(ApusCLI) internal import Apus

/// A thread of the guest that is stopped, as a client looks at it: frames and what has parts have
/// numbers, until it goes on.
final class StoppedGuest {
    let stop: Debugger.Stop
    let program: DebuggedProgram
    /// What the numbers begin with that this thread gives.
    let firstNumber: Int
    private(set) lazy var frames: [SourceFrame] = makeFrames()
    private var containers: [Container] = []

    /// A function of the source that has not returned.
    struct SourceFrame {
        let frame: Debugger.Frame
        /// How far outwards it is among the functions of the source that are in one.
        let depth: Int
        let name: String
        let location: Trap.SourceLocation?
    }

    /// Something that has parts with names.
    enum Container {
        case variables(SourceFrame)
        case globalVariables(SourceFrame)
        case locals(SourceFrame)
        case operands(SourceFrame)
        case globals(SourceFrame)
        case memories(SourceFrame)
        case parts(Debugger.Variable)
    }

    /// How many numbers a thread has, which begin at 1 in the first.
    private static var numberCount: Int { 1_000_000 }

    init(_ stop: Debugger.Stop, of thread: Int, _ program: DebuggedProgram) {
        self.stop = stop
        self.program = program
        firstNumber = (thread - 1) * Self.numberCount + 1
    }

    /// The thread that has given `number` to something; nil if that is none.
    static func thread(of number: JSON?) -> Int? {
        guard let number = number?.integer, number > 0 else { return nil }
        return (number - 1) / numberCount + 1
    }

    /// The place among its things of what has this number.
    private func index(_ number: Int, among count: Int) -> Int? {
        let range = firstNumber..<firstNumber + count
        return range.contains(number) ? number - firstNumber : nil
    }

    private func makeFrames() -> [SourceFrame] {
        stop.frames().flatMap { frame -> [SourceFrame] in
            let own = frame.name ?? "function \(frame.function)"
            let found = frame.sourceFrames
            if found.isEmpty {
                return [SourceFrame(frame: frame, depth: 0, name: own, location: nil)]
            }
            return found.enumerated().map { depth, source in
                let isInlined = depth < found.count - 1
                let name = isInlined ? (source.name ?? "?") + " (inlined)" : own
                return SourceFrame(
                    frame: frame, depth: depth, name: name, location: source.location)
            }
        }
    }

    /// The frame with this number; the innermost one if there is no number.
    func frame(_ number: Int?) throws -> SourceFrame {
        let number = number ?? firstNumber
        guard let place = index(number, among: frames.count) else {
            throw DebugRequestError("there is no frame \(number)")
        }
        return frames[place]
    }

    /// A number for something that has parts; 0 if there are no more.
    func reference(_ container: Container) -> Int {
        if containers.count == Self.numberCount { return 0 }
        containers.append(container)
        return firstNumber + containers.count - 1
    }

    /// A number for the parts of a variable; 0 if it has none.
    func reference(ofParts variable: Debugger.Variable) -> Int {
        variable.partCount > 0 ? reference(.parts(variable)) : 0
    }

    /// What has that number.
    func container(_ number: Int?) throws -> Container {
        guard let number, let place = index(number, among: containers.count) else {
            throw DebugRequestError("there are no variables \(number.map { "\($0)" } ?? "")")
        }
        return containers[place]
    }

    // MARK: Exceptions

    static let exceptionFilters: JSON = [
        ["filter": "trap", "label": "Traps", "default": true],
        ["filter": "uncaught", "label": "Uncaught exceptions", "default": true],
        ["filter": "caught", "label": "Caught exceptions", "default": false],
    ]

    /// What a guest has run into, if that is why it stopped.
    static func exceptionText(_ reason: Debugger.Reason) -> String? {
        switch reason {
        case .trap(let code): "\(code)"
        case .exception(let isCaught): isCaught ? "exception" : "uncaught exception"
        case .breakpoint, .step, .pause, .watch: nil
        }
    }
}

extension StoppedGuest.Container {
    /// Its parts, or those with the numbers `range`.
    func parts(_ range: Range<Int>?) -> [Debugger.Variable] {
        let all: [Debugger.Variable]
        switch self {
        case .variables(let source): all = source.frame.variables(ofSourceFrame: source.depth)
        case .globalVariables(let source): all = source.frame.globalVariables
        case .locals(let source): all = source.frame.locals
        case .operands(let source): all = source.frame.operands
        case .globals(let source): all = source.frame.globals
        case .memories: all = []
        case .parts(let variable): return variable.parts(range)
        }
        guard let range else { return all }
        return Array(all[range.clamped(to: all.indices)])
    }
}
