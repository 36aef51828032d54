internal import ApusABI
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime

/// What a debugger knows on its guests' thread.
final class DebugSession: StopHandler {
    let engine: Engine
    /// The runtime's part of it keeps this. It is there while a guest is stopped.
    private(set) weak var store: Store?
    /// Counts how often guests have gone on: what is known of frames is of no use then.
    private(set) var generation: UInt64 = 0
    /// What is asked of sources until guests go on.
    var lookup = SourceLookup(.session)
    private let onStop: (Debugger.Stop) throws -> Debugger.Resumption
    /// The stops at which guests are now, outermost first, by numbers that each has for itself.
    private var stops: [UInt64] = []
    private var lastStop: UInt64 = 0
    let pause = PauseRequest()
    var control: StopControl?
    var stopsOnTraps = true
    var stopsOnExceptions = Debugger.ExceptionStops.uncaught
    private(set) var watches: [WatchedBytes] = []
    private var nextWatch = 1
    private var step: StepPlan?
    private var maps: [ObjectIdentifier: FrameMaps] = [:]

    /// Bytes of a memory, and what they were when somebody last looked.
    struct WatchedBytes {
        let watch: Debugger.Watch
        let memory: LinearMemory
        var bytes: [UInt8]
    }

    init(_ store: Store, _ onStop: @escaping (Debugger.Stop) throws -> Debugger.Resumption) {
        engine = store.engine
        self.store = store
        self.onStop = onStop
    }

    // MARK: Stopping

    func stopped(before offset: Int, in instance: InstanceState) throws {
        guard let reason = reason(offset, instance) else { return }
        try tell(reason, at: offset, in: instance)
    }

    func trapped(_ trap: GuestTrap) {
        guard let reason = reason(for: trap) else { return }
        let place = (try? store?.runtime)?.guestFrames(limit: 1).first
        // A guest that has trapped cannot be ended in another way.
        let resumption = (try? ask(reason)) ?? .run
        if trap.isCaught, let place, let instance = place.instance {
            goOn(resumption, (place.offset, instance))
        } else {
            goOn(resumption, nil)
        }
    }

    private func reason(for trap: GuestTrap) -> Debugger.Reason? {
        switch trap.code {
        case .none, .interrupted, .hostError: return nil
        case .exception:
            let isWanted =
                stopsOnExceptions == .all || stopsOnExceptions == .uncaught && !trap.isCaught
            return isWanted ? .exception(isCaught: trap.isCaught) : nil
        default: return stopsOnTraps ? .trap(trap.code) : nil
        }
    }

    private func reason(_ offset: Int, _ instance: InstanceState) -> Debugger.Reason? {
        if !watches.isEmpty {
            let changed = changedWatches()
            if !changed.isEmpty { return .watch(changed) }
        }
        let marks = control?.marks(at: offset, in: instance.module) ?? []
        if marks.contains(.breakpoint) { return .breakpoint }
        if step != nil, isStepDone(offset, instance) { return .step }
        if pause.take() { return .pause }
        settle()
        return nil
    }

    private func tell(
        _ reason: Debugger.Reason, at offset: Int, in instance: InstanceState
    ) throws {
        // Who wants a pause has it.
        _ = pause.take()
        do {
            goOn(try ask(reason), (offset, instance))
        } catch {
            // The guest's frames are about to go, as if it went on.
            goOn(.run, nil)
            throw error
        }
    }

    /// Asks how the guest, which stops meanwhile, is to go on.
    private func ask(_ reason: Debugger.Reason) throws -> Debugger.Resumption {
        lastStop &+= 1
        stops.append(lastStop)
        defer { stops.removeLast() }
        return try onStop(Debugger.Stop(reason: reason, session: self, number: lastStop))
    }

    private func goOn(
        _ resumption: Debugger.Resumption, _ place: (offset: Int, instance: InstanceState)?
    ) {
        generation &+= 1
        lookup = SourceLookup(.session)
        switch resumption {
        case .proceed: break
        case .run: endStep()
        case .step(let kind, let unit):
            endStep()
            if let place { beginStep(kind, unit, place.offset, place.instance) }
        }
        for index in watches.indices { watches[index].refresh() }
        settle()
    }

    /// Has code look as often as it must.
    private func settle() {
        let wanted = !watches.isEmpty || step?.isEverywhere == true
        // Who wants a pause has code look everywhere by itself; that ends here.
        control?.stopEverywhere(wanted)
        if pause.isPending { control?.stopEverywhere(true) }
    }

    // MARK: Watching

    func watch(_ memory: Memory, at address: UInt64, count: Int) throws -> Debugger.Watch {
        // Another store may go before this one, with all that is known of its memories.
        guard memory.store === store else { throw ForeignStoreError(thing: "memory") }
        let bytes = try memory.read(at: address, count: count)
        let watch = Debugger.Watch(number: nextWatch, address: address, count: count)
        nextWatch += 1
        watches.append(WatchedBytes(watch: watch, memory: memory.linear, bytes: bytes))
        settle()
        return watch
    }

    func stopWatching(_ isMeant: (Debugger.Watch) -> Bool) {
        watches.removeAll { isMeant($0.watch) }
        settle()
    }

    private func changedWatches() -> [Debugger.Watch] {
        watches.filter(\.hasChanged).map(\.watch)
    }

    // MARK: Stepping

    private func beginStep(
        _ kind: Debugger.Step, _ unit: Debugger.Unit, _ offset: Int, _ instance: InstanceState
    ) {
        guard let runtime = try? store?.runtime else { return }
        var plan = StepPlan(kind, unit, runtime.guestFrames(limit: StepPlan.frameLimit))
        plan.startLine = lines(of: instance.module, around: offset)?.line(
            at: instance.module.module.sourceOffset(of: offset))
        plan.isByLine = unit == .line && (kind == .out || plan.startLine != nil)
        for part in plan.functions {
            try? control?.set(.step, true, at: part.range, in: part.module)
        }
        step = plan
    }

    private func endStep() {
        for part in step?.functions ?? [] {
            try? control?.set(.step, false, at: part.range, in: part.module)
        }
        step = nil
    }

    private func isStepDone(_ offset: Int, _ instance: InstanceState) -> Bool {
        guard let runtime = try? store?.runtime, let frame = runtime.stoppedFrame else {
            return false
        }
        let lines = lines(of: instance.module, around: offset)
        let source = instance.module.module.sourceOffset(of: offset)
        return step?.isDone(at: source, frame: frame, lines) ?? false
    }

    // MARK: What is known of code

    /// What is known of the frames of a module's functions.
    func maps(of module: LoadedModule) -> FrameMaps {
        if let known = maps[ObjectIdentifier(module)] { return known }
        let made = FrameMaps(module, engine.configuration)
        maps[ObjectIdentifier(module)] = made
        return made
    }

    /// The lines of the function that the instruction at `offset` is in; nil if they are not known.
    private func lines(of module: LoadedModule, around offset: Int) -> FunctionLines? {
        maps(of: module).lines(around: offset)
    }

    /// The frames of a guest that is at the stop with this number; none if it is there no more.
    func frames(atStop number: UInt64, limit: Int) -> [Debugger.Frame] {
        guard stops.contains(number), let runtime = try? store?.runtime else { return [] }
        return runtime.guestFrames(limit: limit).map { Debugger.Frame($0, self) }
    }
}

extension DebugSession.WatchedBytes {
    var hasChanged: Bool { memory.read(watch.count, at: watch.address) != bytes }

    mutating func refresh() {
        if let now = memory.read(watch.count, at: watch.address) { bytes = now }
    }
}
