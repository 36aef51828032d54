internal import ApusABI
internal import ApusLocks
internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Stops the guests of one store, from any thread: at once, or when a deadline passes.
///
/// A request is noted in the store's context, where each return from the host into wasm looks, and
/// for the thread that runs the guest. Unless code looks there itself (`usesSignals`), it is
/// sent a signal: if it is in compiled code it leaves from there. Until it has left, the signal is
/// sent again every millisecond.
@safe
public final class Interrupter: @unchecked Sendable {
    // SAFETY: `state` is only touched with `lock` held. `context` is the store's and is taken away
    // before the store goes; `thread` is inside a call, which cannot end without the lock, so it
    // lives. `place` is the watchdog's, which has a lock of its own.
    @safe private struct State {
        // SAFETY: the store's, which takes it away before it goes.
        var context: UnsafeMutablePointer<apus_store_context>?
        // SAFETY: the thread is in a call, which cannot end without the lock.
        /// The thread that is in the store's outermost call; nil if none is.
        var thread: UnsafeMutablePointer<apus_thread>?
        /// Whether that thread has been told.
        var isRaised = false
        /// Whether that thread's host had blocked our signal.
        var hadBlocked = false
        /// Somebody's request, that nobody has seen yet or that the present call is to end for.
        var isAsked = false
        /// The task of the present call is cancelled.
        var isCancelled = false
        /// Whether the watchdog looks now and then at the task of the call that runs, which is to
        /// end when that is cancelled (apus_watch.h).
        var isWatching = false
        /// How often it has looked since there was such a call.
        var idleLooks = 0
        /// The number of the present call's scope: requests made for others come too late.
        var scope: UInt64 = 0
        /// The numbers of scopes that the host has begun, and whether their tasks are cancelled.
        var entered: [(number: UInt64, isCancelled: Bool)] = []
        /// The last number that a scope was given.
        var lastScope: UInt64 = 0
        /// When calls are to end: nanoseconds of the monotonic clock.
        var deadline: UInt64?
        /// How long after it was set, if that is known.
        var duration: Duration?
        /// Whether the deadline has passed.
        var isLate = false
        /// Wakes who waits for a guest that waits on a stack of its own.
        var wake: (@Sendable () -> Void)?
        /// When the watchdog looks at this at the latest; nil: perhaps never.
        var appointment: UInt64?
        /// How long, in nanoseconds, a guest on a stack of its own computes before others have the
        /// thread; nil: until it waits.
        var turn: UInt64?
        /// When the present one is over.
        var turnEnd: UInt64?
        /// Who wants to know where guests are, and when next.
        var sampling: Sampling?
        var nextSample: UInt64 = 0
        /// Calls that have left their threads to wait.
        var pausedCalls = 0

        /// Why the present or the next call is to end.
        var reason: Interruption? {
            if isCancelled || entered.contains(where: \.isCancelled) { return .cancellation }
            if isAsked { return .request }
            return isLate ? .deadline(after: duration) : nil
        }

        /// The same for who looks while nobody watches the deadline.
        mutating func reasonNow() -> Interruption? {
            if let deadline, !isLate, deadline <= Watchdog.now() { isLate = true }
            return reason
        }
    }

    /// Whether threads are sent signals. If not, compiled code looks whether it is to stop.
    let usesSignals: Bool
    private let lock = SystemLock()
    private var state: State
    /// The place of its entry in the watchdog's heap; -1: there is none.
    var place = -1

    // SAFETY: who makes it is the store whose context it is, and which takes it away before it
    // goes.
    init(_ context: UnsafeMutablePointer<apus_store_context>, usesSignals: Bool) {
        state = unsafe State(context: context)
        self.usesSignals = usesSignals
    }

    private func withState<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&state)
    }

    // MARK: Requests

    /// Stops the call that runs, or else the next one.
    public func interrupt() {
        request { state in
            state.isAsked = true
            return true
        }
    }

    /// Takes back what `interrupt` has asked for, if it has not been served yet.
    public func takeBack() {
        // Any thread may do so, while another one forks.
        Watchdog.shared.withoutForking {
            withState { state in
                state.isAsked = false
                Self.withdrawIfNeedless(&state)
            }
        }
    }

    /// Stops the calls of the scope with this number, unless it has ended.
    public func cancel(scope: UInt64) {
        request { state in
            if state.scope == scope {
                state.isCancelled = true
            } else if let place = state.entered.firstIndex(where: { $0.number == scope }) {
                state.entered[place].isCancelled = true
            } else {
                return false
            }
            return true
        }
    }

    private func request(_ note: (inout State) -> Bool) {
        Watchdog.shared.withoutForking {
            let time = withState { state in
                guard note(&state), stop(&state) else { return nil as UInt64? }
                return Self.appoint(Watchdog.now() + Watchdog.period, &state)
            }
            if let time { Watchdog.shared.schedule(self, at: time) }
        }
    }

    /// The number of the scope of the outermost call that runs or comes next.
    var scope: UInt64 { withState { $0.scope } }

    /// Begins a scope of the host's, which may be within others and within a call, and returns its
    /// number.
    public func enterScope() -> UInt64 {
        withState { state in
            state.lastScope &+= 1
            state.entered.append((state.lastScope, false))
            return state.lastScope
        }
    }

    /// Ends such a scope: its task's cancellation concerns no later call, and those around it are
    /// as they were.
    public func leaveScope(_ number: UInt64) {
        withState { state in
            state.entered.removeAll { $0.number == number }
            Self.withdrawIfNeedless(&state)
        }
    }

    /// Ends the scope of a call.
    private static func endScope(_ state: inout State) {
        state.lastScope &+= 1
        state.scope = state.lastScope
        state.isCancelled = false
    }

    /// When calls are to end: nanoseconds of the monotonic clock; nil: never.
    public var deadline: UInt64? { withState { $0.deadline } }

    /// How long after it was set the deadline is, if that is known.
    public var duration: Duration? { withState { $0.duration } }

    /// Sets when calls are to end, and for who is told of it how long that is from now.
    public func setDeadline(_ deadline: UInt64?, after duration: Duration? = nil) {
        let time = withState { state in
            state.deadline = deadline
            state.duration = duration
            state.isLate = false
            Self.withdrawIfNeedless(&state)
            return deadline.flatMap { Self.appoint($0, &state) }
        }
        if let time { Watchdog.shared.schedule(self, at: time) }
    }

    /// The present time, as deadlines have it: nanoseconds.
    public static var now: UInt64 { Watchdog.now() }

    /// The time after `duration`; the present if that is negative.
    public static func now(plus duration: Duration) -> UInt64 {
        let sum = nanoseconds(duration).addingReportingOverflow(now)
        return sum.overflow ? .max : sum.partialValue
    }

    /// As many as there are, 0 if that is negative.
    public static func nanoseconds(_ duration: Duration) -> UInt64 {
        UInt64(clamping: duration.attoseconds / 1_000_000_000)
    }

    // MARK: For the store

    /// The calling thread enters the store from outside. Throws if it is to stay out.
    func begin(isAsynchronous: Bool = false) throws {
        // SAFETY: there is no task, so none has to live.
        try unsafe begin(isAsynchronous: isAsynchronous, nil)
    }

    /// The same for a call that is to end when `task`, which is the present one, is cancelled.
    ///
    /// Until it waits or has ended, the watchdog looks whether that is so. To be told of it takes
    /// longer in Swift than all the rest of a call that ends at once.
    func begin(in task: UnsafeMutableRawPointer) throws {
        // SAFETY: it is the present task, which waits until this returns.
        try unsafe begin(isAsynchronous: true, task, apus_task_is_cancelled(task))
    }

    private func begin(
        isAsynchronous: Bool, _ task: UnsafeMutableRawPointer?, _ isCancelled: Bool = false
    ) throws {
        var hadBlocked = false
        if usesSignals, !isAsynchronous || !Self.hasTakenSignal {
            let error = apus_interrupts_begin()
            guard error <= 0 else {
                throw ResourceError(.signals, requested: 1, errorNumber: error)
            }
            hadBlocked = error < 0
        }
        do {
            // SAFETY: the lock is held while the state is touched; the thread's record is the
            // calling thread's, and there as long as that.
            // Whoever asks before sees no thread and is seen here; whoever asks later sees it.
            let time = try withState { state -> UInt64? in
                if isCancelled { state.isCancelled = true }
                if let reason = state.reasonNow() {
                    Self.serveRequest(&state)
                    if unsafe task != nil { Self.endScope(&state) }
                    throw WasmTrap(.interrupted, interruption: reason)
                }
                if unsafe state.deadline != nil || task != nil, !Watchdog.shared.start() {
                    throw ResourceError(.watchdog, requested: 1, errorNumber: EAGAIN)
                }
                unsafe state.thread = apus_thread_record()
                unsafe state.thread?.pointee.is_polled = usesSignals ? 0 : 1
                state.hadBlocked = hadBlocked
                var sample = Self.appointSample(&state)
                if isAsynchronous { sample = Self.appointTurn(&state) ?? sample }
                guard let task = unsafe task else { return sample }
                return unsafe watch(task, &state) ?? sample
            }
            if let time { Watchdog.shared.schedule(self, at: time) }
        } catch {
            if hadBlocked { apus_interrupts_give_back() }
            throw error
        }
    }

    // SAFETY: the context is there as long as there are calls.
    /// The calling thread's call is to end when `task` is cancelled. Returns when the watchdog is
    /// to look, if it does not yet know.
    private func watch(_ task: UnsafeMutableRawPointer, _ state: inout State) -> UInt64? {
        guard let context = unsafe state.context else { return nil }
        state.idleLooks = 0
        // Calls that only say whose they are cannot be told to poll.
        if usesSignals { _ = unsafe apus_watch_promise(context, true) }
        _ = unsafe apus_watch_begin(context, task)
        if state.isWatching { return nil }
        state.isWatching = true
        return Self.appoint(Watchdog.now() &+ Watchdog.period, &state)
    }

    /// The call that ran is not to be looked at any more.
    private static func stopWatching(_ state: inout State) {
        // SAFETY: the lock is held by the caller, so the store, and with it the context, is there.
        if let context = unsafe state.context { _ = unsafe apus_watch_end(context) }
    }

    // SAFETY: the record is the calling thread's.
    /// Whether the calling thread has let the signal in before. Threads that run tasks leave it at
    /// that; where one does not, another signal ends its guest.
    private static var hasTakenSignal: Bool { unsafe apus_thread_record().pointee.id != 0 }

    /// The calling thread goes on with a call that has waited on a stack of its own. If it is to
    /// stop, it does as soon as it is in compiled code.
    func resume() {
        let hadBlocked = usesSignals && !Self.hasTakenSignal && apus_interrupts_begin() < 0
        let time = withState { state in
            // SAFETY: the lock is held while the state is touched; the record is the calling
            // thread's.
            unsafe state.thread = apus_thread_record()
            unsafe state.thread?.pointee.is_polled = usesSignals ? 0 : 1
            state.hadBlocked = hadBlocked
            state.pausedCalls -= 1
            if let reason = state.reasonNow() { Self.raise(reason, &state) }
            let sample = Self.appointSample(&state)
            return Self.appointTurn(&state) ?? sample
        }
        if let time { Watchdog.shared.schedule(self, at: time) }
    }

    /// The call leaves its thread to wait. What it was asked to stop for is asked for still.
    func pause() {
        let mustBlock = withState { state in
            state.pausedCalls += 1
            Self.withdraw(&state)
            Self.leaveSampler(&state)
            // SAFETY: the lock is held while the state is touched.
            unsafe state.thread = nil
            Self.stopWatching(&state)
            state.turnEnd = nil
            defer { state.hadBlocked = false }
            return state.hadBlocked
        }
        if mustBlock { apus_interrupts_give_back() }
    }

    /// A call that has not announced itself leaves its thread to wait.
    func notePause() { withState { $0.pausedCalls += 1 } }

    /// Sets what is called when a guest that waits is to stop, which is at once if that is so now.
    func setWake(_ wake: (@Sendable () -> Void)?) {
        let isLate = withState { state in
            state.wake = wake
            return state.reasonNow() != nil
        }
        if isLate { wake?() }
    }

    /// Why what is going on is to stop; nil if it need not.
    var reason: Interruption? { withState { $0.reasonNow() } }

    /// The same; if no call runs, a request has then been served.
    func takeReason() -> Interruption? {
        withState { state in
            guard let reason = state.reasonNow() else { return nil }
            // SAFETY: the lock is held while the state is touched.
            if unsafe state.thread == nil { Self.serveRequest(&state) }
            return reason
        }
    }

    /// A call has ended, or something else has been stopped. A request is for the outermost call
    /// too, which may wait for the one that has ended.
    private static func serveRequest(_ state: inout State) {
        if state.pausedCalls == 0 { state.isAsked = false }
    }

    /// The thread that has entered is out again. What it was asked to stop for is done, and so is
    /// the present scope if `endsScope`.
    func end(endsScope: Bool = false) {
        let mustBlock = withState { state in
            Self.serveRequest(&state)
            if endsScope { Self.endScope(&state) }
            Self.withdraw(&state)
            Self.leaveSampler(&state)
            // SAFETY: the lock is held while the state is touched.
            unsafe state.thread = nil
            Self.stopWatching(&state)
            state.turnEnd = nil
            return state.hadBlocked
        }
        if mustBlock { apus_interrupts_give_back() }
    }

    // SAFETY: the context is there as long as the state has it, and its thread's record as long as
    // the call that has given it has not ended, for which it needs the lock from now on.
    /// Notes whether the task is cancelled in which the guest runs.
    private func lookAtTask(_ now: UInt64, _ state: inout State) {
        guard state.isWatching, let context = unsafe state.context else { return }
        switch unsafe apus_watch_look(context) {
        case apus_watch_cancelled:
            state.isCancelled = true
            unsafe state.thread = unsafe context.pointee.watched_thread
            state.hadBlocked = false
            state.idleLooks = 0
        case apus_watch_goes_on: state.idleLooks = 0
        default:
            // Calls come in sequence; that the watchdog is woken for each would be dear.
            state.idleLooks += 1
            if state.idleLooks >= 4, unsafe apus_watch_promise(context, false) {
                state.isWatching = false
                return
            }
        }
        _ = Self.appoint(now + Watchdog.period, &state)
    }

    /// The store goes.
    func detach() {
        // SAFETY: the lock is held while the state is touched, so nobody has the context any more.
        let sampling = withState { state in
            unsafe state.context = nil
            return state.sampling.take()
        }
        Watchdog.shared.forget(self)
        sampling?.end()
    }

    // MARK: For the watchdog

    /// What time has brought: stops the call that runs if it is late. Returns when to come again.
    func tick(_ now: UInt64) -> UInt64? {
        // What has been seen until now is taken in time for its code to be there still.
        withState { $0.sampling }?.drain()
        return withState { state in
            state.appointment = nil
            // SAFETY: the lock is held while the state is touched.
            if unsafe state.context == nil { return nil }
            if let deadline = state.deadline, !state.isLate {
                if deadline <= now {
                    state.isLate = true
                } else {
                    state.appointment = deadline
                }
            }
            lookAtTask(now, &state)
            endTurn(now, &state)
            if stop(&state) { _ = Self.appoint(now + Watchdog.period, &state) }
            sample(now, &state)
            return state.appointment
        }
    }

    // MARK: Turns

    /// Has guests on stacks of their own compute for `turn` at a time, a millisecond at least; nil:
    /// until they wait. What runs already is not concerned.
    public func setTurn(_ turn: Duration?) {
        withState { $0.turn = turn.map { max(Self.nanoseconds($0), Watchdog.period) } }
    }

    /// A guest's turn begins: when it is to end. Returns that if the watchdog does not yet know.
    private static func appointTurn(_ state: inout State) -> UInt64? {
        guard let turn = state.turn else { return nil }
        let end = Watchdog.now().addingReportingOverflow(turn)
        if end.overflow { return nil }
        state.turnEnd = end.partialValue
        return appoint(end.partialValue, &state)
    }

    /// Takes the thread from a guest whose turn is over. Until it leaves it is asked again: it may
    /// be in a function of the host's.
    private func endTurn(_ now: UInt64, _ state: inout State) {
        // SAFETY: the lock is held by the caller; the thread is in a call, which cannot end without
        // it.
        guard let end = state.turnEnd, let thread = unsafe state.thread else { return }
        if end > now {
            _ = Self.appoint(end, &state)
        } else {
            unsafe apus_interrupt_turn(thread)
            _ = Self.appoint(now + Watchdog.period, &state)
        }
    }

    // MARK: Samples

    /// Has `sampling` learn where the store's guests are, from now on; nil: nobody any more. Who
    /// has until now has come to its end.
    public func setSampling(_ sampling: Sampling?) {
        var previous: Sampling?
        // Any thread may do so, while another one forks.
        Watchdog.shared.withoutForking {
            let time = withState { state in
                previous = state.sampling
                // SAFETY: the lock is held while the state is touched.
                if unsafe state.thread != nil { Self.leaveSampler(&state) }
                state.sampling = sampling
                state.nextSample = 0
                return Self.appointSample(&state)
            }
            if let time { Watchdog.shared.schedule(self, at: time) }
        }
        previous?.end()
    }

    /// Asks the thread that is in a call where it is, if it is time.
    private func sample(_ now: UInt64, _ state: inout State) {
        // SAFETY: the lock is held by the caller; the thread is in a call, which cannot end without
        // it.
        guard let sampling = state.sampling, let thread = unsafe state.thread else { return }
        if state.nextSample <= now {
            unsafe sampling.ask(thread)
            // What is late is not made up for.
            state.nextSample = max(state.nextSample + sampling.period, now + sampling.period / 2)
        }
        _ = Self.appoint(state.nextSample, &state)
    }

    /// A call begins: when it is to be asked where it is.
    private static func appointSample(_ state: inout State) -> UInt64? {
        // SAFETY: the lock is held by the caller.
        guard let sampling = state.sampling, unsafe state.thread != nil else { return nil }
        let now = Watchdog.now()
        if state.nextSample < now { state.nextSample = now + sampling.period }
        return appoint(state.nextSample, &state)
    }

    /// The calling thread, or one that stays where it is meanwhile, is asked no more.
    private static func leaveSampler(_ state: inout State) {
        if state.sampling == nil { return }
        // SAFETY: the lock is held by the caller; the thread is in a call, which cannot end without
        // it.
        if let thread = unsafe state.thread { unsafe apus_sampler_leave(thread) }
    }

    /// In a child process: calls of other threads are not going on here. Whether the watchdog need
    /// look at this.
    func forked() -> Bool {
        // Whoever has the lock was a thread of the parent's, and the store is that one's.
        guard lock.lockIfFree() else { return false }
        defer { lock.unlock() }
        // SAFETY: the lock is held; records of threads that are not there any more are compared,
        // and not looked into.
        let own = unsafe apus_thread_record()
        if let thread = unsafe state.thread, unsafe thread != own {
            unsafe state.thread = nil
            state.isRaised = false
        }
        guard let context = unsafe state.context else { return false }
        if unsafe context.pointee.watched_thread != own { Self.stopWatching(&state) }
        return true
    }

    // MARK: Steps

    /// Asks the call that runs to stop if it must. Whether it has to be asked again.
    private func stop(_ state: inout State) -> Bool {
        // SAFETY: the lock is held by the caller; the thread is in a call, which cannot end without
        // it.
        guard let reason = state.reason, unsafe state.context != nil else { return false }
        guard let thread = unsafe state.thread else {
            state.wake?()
            return false
        }
        Self.raise(reason, &state)
        if usesSignals { unsafe apus_interrupt_thread(thread) }
        return usesSignals
    }

    /// Notes for the thread that its call is to stop.
    private static func raise(_ reason: Interruption, _ state: inout State) {
        // SAFETY: the lock is held by the caller; store and thread are in a call, which cannot end
        // without it.
        guard !state.isRaised, let context = unsafe state.context else { return }
        state.isRaised = true
        unsafe apus_interrupt_request(context, state.thread, reason.bits)
    }

    private static func withdraw(_ state: inout State) {
        guard state.isRaised else { return }
        state.isRaised = false
        // SAFETY: the lock is held by the caller; store and thread are in a call, which cannot end
        // without it.
        if let context = unsafe state.context {
            unsafe apus_interrupt_withdraw(context, state.thread)
        }
    }

    /// The call that runs goes on if nothing is left that it was to stop for.
    private static func withdrawIfNeedless(_ state: inout State) {
        if state.reason == nil { withdraw(&state) }
    }

    /// Notes that the watchdog is to look at `time`. Returns it if the watchdog does not yet know.
    private static func appoint(_ time: UInt64, _ state: inout State) -> UInt64? {
        if let known = state.appointment, known <= time { return nil }
        state.appointment = time
        return time
    }
}
