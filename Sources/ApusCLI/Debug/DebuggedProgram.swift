@_spi(ApusCLI) internal import Apus
internal import ApusLocks
@_spi(ApusCLI) internal import ApusWASI

/// A program that is debugged: its module, and what its threads are at.
///
/// Each thread of the guest has a debugger of its own, which calls `GuestThread` on that thread
/// where it stops. The first that stops has all others do so at their next instructions, and tells
/// the client; all of them wait there, answer what the client asks about them, and go on when it
/// says so.
final class DebuggedProgram: Sendable {
    let launch: DebugLaunch
    /// The program itself, and then those that it imports from.
    let modules: [Module]
    let texts: [ModuleText]
    let channel: DebugChannel
    /// How the client counts lines.
    let firstLine: Int
    private let state = SystemMutex(State())

    private struct State {
        /// Threads by their numbers, and whether they wait to be told to go on.
        var threads: [Int: (thread: DebuggedThread, isWaiting: Bool)] = [:]
        var isStopped = false
        /// The thread that has stopped last.
        var leader = 1
        var breakpoints = DebugBreakpoints()
        var exceptions = ExceptionFilters()
        var watched: [WatchedBytes] = []
        var watchedVersion = 0
        /// The client wants the guest to stop: to see where, or before its first instruction.
        var isPauseWanted = false
        var stopsOnEntry = false
        var hasBegun = false
        var isEnding = false
        var isOver = false
    }

    /// Bytes of a memory that the guest stops for when they have changed.
    struct WatchedBytes: Sendable {
        let number: Int
        let memory: Int
        let address: UInt64
        let count: Int

        /// What clients call them.
        var name: String { Self.name(memory, Int(clamping: address), count) }

        static func name(_ memory: Int, _ address: Int, _ count: Int) -> String {
            "\(memory):\(address):\(count)"
        }
    }

    /// Which traps and exceptions the guest stops for.
    struct ExceptionFilters: Sendable {
        var traps = true
        var uncaught = true
        var caught = false

        func admit(_ reason: Debugger.Reason) -> Bool {
            switch reason {
            case .trap: traps
            case .exception(isCaught: true): caught
            case .exception: uncaught || caught
            case .breakpoint, .step, .pause, .watch: true
            }
        }
    }

    init(
        _ launch: DebugLaunch, _ channel: DebugChannel, firstLine: Int
    ) throws {
        guard let path = launch.module else {
            throw DebugRequestError("which program? 'program' names none")
        }
        self.launch = launch
        self.channel = channel
        self.firstLine = firstLine
        var configuration = Engine.Configuration()
        configuration.isDebuggable = true
        configuration.features = launch.features
        let engine = Engine(configuration)
        let preloads = launch.linking.preloads
        let files = [ModuleFile(path)] + preloads.map(\.module)
        // Editors know files by their whole paths.
        modules = try files.map { try ModuleFile(HostProcess.wholePath($0.path)).compile(engine) }
        let names = ["module"] + preloads.map(\.name)
        texts = modules.enumerated().map { ModuleText($1, $0, named: names[$0]) }
        state.withLock { $0.stopsOnEntry = launch.stopsOnEntry && launch.isDebugged }
    }
}

// MARK: Running

extension DebuggedProgram {
    /// Starts it on a thread of its own, unless that has happened.
    func begin() throws {
        let begins = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun && !state.isEnding
        }
        if begins, !WorkerThreads.start({ [self] in run() }) {
            throw DebugRequestError("the system has no thread for this")
        }
    }

    private func run() {
        let status = runGuest()
        channel.send(event: "exited", ["exitCode": .integer(Int(status))])
        channel.send(event: "terminated")
        state.withLock { $0.isOver = true }
    }

    /// Runs the guest, and tells what it writes and how it fails; its status.
    private func runGuest() -> Int32 {
        do {
            let store = Store(modules[0].engine)
            let thread = try GuestThread(self, store, name: "main")
            defer { thread.end() }
            let wasi = try wasi()
            if launch.invoke == nil, launch.linking.isEmpty {
                return try wasi.run(modules[0], in: store)
            }
            let libraries = zip(launch.linking.preloads, modules.dropFirst()).map {
                Preloaded(name: $0.name, file: $0.module.name, module: $1)
            }
            return try launch.linking.run(modules[0], importing: libraries, wasi, in: store) {
                instance in
                guard let name = launch.invoke else { return try wasi.start(instance) }
                try call(name, of: instance, wasi)
                return 0
            }
        } catch let error as ExportError {
            report("\(MissingExport(error, of: modules[0], file: launch.module ?? ""))")
            return Outcome.failureStatus
        } catch let error as LinkError {
            report(
                "\(MissingImport(error, file: launch.module ?? "", launch.linking.unknownImports))")
            return Outcome.failureStatus
        } catch let trap as Trap {
            // Who has it stopped knows that.
            if trap.interruption == nil { report(trap.description) }
            return Outcome.trapStatus
        } catch is DebugEnd {
            return Outcome.trapStatus
        } catch {
            report("\(error)")
            return error is WasmException ? Outcome.trapStatus : Outcome.failureStatus
        }
    }

    /// Calls what is exported as `name`, after `_initialize`, and tells its results.
    private func call(_ name: String, of instance: Instance, _ wasi: WASI) throws {
        try wasi.initialize(instance)
        if name == "_initialize" { return }
        let function = try instance.function(name)
        let values = try FunctionArguments.values(launch.arguments, for: function.type, of: name)
        for result in try function.call(values) {
            let text = FunctionArguments.text(result) + "\n"
            channel.send(event: "output", ["category": "stdout", "output": .string(text)])
        }
    }

    private func report(_ text: String) {
        channel.send(event: "output", ["category": "stderr", "output": .string(text + "\n")])
    }

    /// What the guest is given.
    private func wasi() throws -> WASI {
        var wasi = WASI()
        try wasi.grant(launch.grants)
        let name = launch.module.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        let arguments = launch.invoke == nil ? launch.arguments : []
        wasi.argumentBytes = ([name ?? ""] + arguments).map(HostText.bytes)
        wasi.standardInput = try launch.input.opened()
        wasi.standardOutput = .handler(event("stdout"))
        wasi.standardError = .handler(event("stderr"))
        wasi.threadObserver = { [self] number, store in
            let thread = try GuestThread(self, store, name: "thread \(number)")
            return { thread.end() }
        }
        return wasi
    }

    /// Makes events of pieces of a guest's output. What is cut within a letter waits for the rest.
    private func event(_ category: String) -> @Sendable ([UInt8]) -> Void {
        let decoder = OutputDecoder()
        return { [channel] bytes in
            let text = decoder.text(bytes)
            guard !text.isEmpty else { return }
            channel.send(
                event: "output", ["category": .string(category), "output": .string(text)])
        }
    }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// Ends it. False if it has not begun, and so never will.
    @discardableResult
    func end() -> Bool {
        state.withLock { state in
            state.isEnding = true
            for (number, member) in state.threads {
                if member.isWaiting {
                    // What is asked from now on it would not answer any more.
                    state.threads[number]?.isWaiting = false
                    member.thread.mailbox.add(.go(.run, isChosen: true))
                } else {
                    member.thread.end.interrupt()
                }
            }
            return state.hasBegun
        }
    }

    /// Waits until it has ended, if it has begun, but not for long: it may be in a system call
    /// that does not end, such as reading where nobody writes.
    func waitUntilOver() {
        let end = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < end, state.withLock({ $0.hasBegun && !$0.isOver }) {
            HostProcess.sleep(milliseconds: 1)
        }
    }
}

// MARK: Threads

extension DebuggedProgram {
    /// What a thread does that may stop.
    enum Arrival: Sendable {
        /// It goes on: nobody wants it to stop.
        case goOn
        /// It waits for orders. With a reason, it is the first that stops, and tells the client.
        case wait(StopReason?)
        case end
    }

    /// Why a thread stops, as a client is told.
    struct StopReason: Sendable {
        let text: String
        /// Numbers of the breakpoints that it stops for.
        var hits: [Int] = []
        var description: String?
    }

    /// Adds the thread that `make` makes, whose number is given to it.
    func add(_ make: (Int) -> DebuggedThread) throws -> DebuggedThread {
        try state.withLock { state in
            if state.isEnding { throw DebugEnd() }
            var number = 1
            while state.threads[number] != nil { number += 1 }
            let thread = make(number)
            for place in state.breakpoints.places {
                try thread.stops.setBreakpoint(at: place.offset, in: modules[place.module])
            }
            state.threads[number] = (thread, false)
            // Bytes can be watched when there is an instance.
            let isWanted = state.isPauseWanted || state.isStopped || !state.watched.isEmpty
            if isWanted || state.stopsOnEntry { thread.stops.stop() }
            tell("started", number)
            return thread
        }
    }

    func remove(_ thread: DebuggedThread) {
        state.withLock { state in
            state.threads[thread.number] = nil
            tell("exited", thread.number)
        }
    }

    /// Tells the client of a thread that comes or goes; the first one does so with the program.
    private func tell(_ change: String, _ number: Int) {
        if number == 1 { return }
        channel.send(
            event: "thread", ["reason": .string(change), "threadId": .integer(number)])
    }

    /// Why the client may want to see a stop; nil if it does not, unless it wants a pause.
    func reason(of stop: Debugger.Stop, _ watches: [Debugger.Watch: Int]) -> StopReason? {
        state.withLock { state in
            guard launch.isDebugged, state.exceptions.admit(stop.reason) else { return nil }
            switch stop.reason {
            case .pause: return nil
            case .breakpoint: return state.breakpoints.reason(at: stop, of: modules, channel)
            case .step: return StopReason(text: "step")
            case .watch(let changed):
                return StopReason(
                    text: "data breakpoint", hits: changed.compactMap { watches[$0] }.sorted())
            case .trap, .exception:
                return StopReason(
                    text: "exception", description: StoppedGuest.exceptionText(stop.reason))
            }
        }
    }

    /// A thread is at a place where it may stop, for `reason` or for nothing of its own.
    func arrive(_ thread: DebuggedThread, _ reason: StopReason?) -> Arrival {
        state.withLock { state in
            if state.isEnding { return .end }
            if state.isStopped {
                state.threads[thread.number]?.isWaiting = true
                return .wait(nil)
            }
            var reason = reason
            if reason == nil {
                let text = state.stopsOnEntry ? "entry" : state.isPauseWanted ? "pause" : nil
                reason = text.map { StopReason(text: $0) }
            }
            guard let reason else { return .goOn }
            state.isStopped = true
            state.isPauseWanted = false
            state.stopsOnEntry = false
            state.leader = thread.number
            state.threads[thread.number]?.isWaiting = true
            for member in state.threads.values where !member.isWaiting {
                member.thread.stops.stop()
            }
            return .wait(reason)
        }
    }

    /// Tells the client that thread `number` has stopped, and with it all others: once they have,
    /// or soon, as some may be in functions of the host.
    func tell(_ reason: StopReason, _ number: Int) {
        for _ in 0..<20 where !state.withLock({ $0.threads.values.allSatisfy { $0.isWaiting } }) {
            HostProcess.sleep(milliseconds: 1)
        }
        var body: [(name: String, value: JSON)] = [
            ("reason", .string(reason.text)), ("threadId", .integer(number)),
            ("allThreadsStopped", true),
        ]
        if let description = reason.description {
            body.append(("description", .string(description)))
            body.append(("text", .string(description)))
        }
        if !reason.hits.isEmpty {
            body.append(("hitBreakpointIds", .array(reason.hits.map { .integer($0) })))
        }
        channel.send(event: "stopped", .object(body))
    }

    /// The threads, as a client is told of them.
    var threadList: JSON {
        let threads = state.withLock { state in
            state.threads.sorted { $0.key < $1.key }.map { ($0.key, $0.value.thread.name) }
        }
        let shown = threads.isEmpty ? [(1, "main")] : threads
        return .array(shown.map { ["id": .integer($0.0), "name": .string($0.1)] })
    }

    /// Stops all threads, at the next instructions that they come to.
    func pause() {
        state.withLock { state in
            if state.isStopped { return }
            state.isPauseWanted = true
            for member in state.threads.values { member.thread.stops.stop() }
        }
    }

    /// Has thread `number` go on as `resumption` says, and all others run, unless `isAlone`. Calls
    /// `answer` before it does.
    func goOn(
        _ number: Int, _ resumption: Debugger.Resumption, isAlone: Bool, _ answer: () -> Void
    ) throws {
        try state.withLock { state in
            guard state.threads[number]?.isWaiting == true else {
                throw DebugRequestError("the program is not stopped")
            }
            answer()
            state.isStopped = false
            for (other, member) in state.threads where member.isWaiting {
                let isChosen = other == number
                if isAlone, !isChosen { continue }
                state.threads[other]?.isWaiting = false
                member.thread.mailbox.add(.go(isChosen ? resumption : .run, isChosen: isChosen))
            }
        }
    }

    /// Has a thread that waits answer `request`: `number`, or if it is nil the one that has stopped
    /// last. False if the thread is in a function of the host.
    func answer(_ request: DebugRequest, by number: Int?) throws -> Bool {
        try state.withLock { state in
            let isAnyWaiting = state.threads.values.contains { $0.isWaiting }
            guard isAnyWaiting else { throw DebugRequestError("the program is not stopped") }
            let number = number ?? state.leader
            guard let member = state.threads[number] else {
                throw DebugRequestError("there is no thread \(number)")
            }
            if member.isWaiting { member.thread.mailbox.add(.answer(request)) }
            return member.isWaiting
        }
    }
}

// MARK: What the guest stops for

extension DebuggedProgram {
    /// A number for a breakpoint that has none yet.
    func breakpointNumber() -> Int { state.withLock { $0.breakpoints.number() } }

    /// Sets `breakpoints` in place of all others of `owner`.
    func setBreakpoints(
        _ breakpoints: [DebugBreakpoints.Breakpoint], of owner: DebugBreakpoints.Owner
    ) {
        state.withLock { state in
            let old = state.breakpoints.places
            state.breakpoints.replace(owner, breakpoints)
            let new = state.breakpoints.places
            for (thread, _) in state.threads.values {
                for place in old.subtracting(new) {
                    thread.stops.removeBreakpoint(at: place.offset, in: modules[place.module])
                }
                for place in new.subtracting(old) {
                    _ = try? thread.stops.setBreakpoint(
                        at: place.offset, in: modules[place.module])
                }
            }
        }
    }

    func setExceptions(_ filters: ExceptionFilters) {
        state.withLock { $0.exceptions = filters }
    }

    /// Has all threads watch these bytes, and no others, from when they go on.
    func watch(_ bytes: [WatchedBytes]) {
        state.withLock { state in
            state.watched = bytes
            state.watchedVersion += 1
            for member in state.threads.values where !member.isWaiting {
                member.thread.stops.stop()
            }
        }
    }

    /// Watches no more than those of the watched bytes that `named` names, by what the client calls
    /// them; which of these there are. False if a thread is stopped, which knows more.
    func keepWatching(_ named: [String]) -> [WatchedBytes?]? {
        let (kept, isStopped) = state.withLock { state in
            (
                named.map { name in state.watched.first { $0.name == name } },
                state.threads.values.contains { $0.isWaiting }
            )
        }
        if isStopped { return nil }
        watch(kept.compactMap { $0 })
        return kept
    }

    /// What is to be watched. Another version, another list.
    var watched: (version: Int, bytes: [WatchedBytes]) {
        state.withLock { ($0.watchedVersion, $0.watched) }
    }
}

/// Ends a guest whose client wants that.
struct DebugEnd: Error {}
