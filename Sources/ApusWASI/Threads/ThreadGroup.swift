@_spi(ApusWASI) internal import Apus
internal import ApusLocks
internal import CApusHost

/// The threads of one run of a program, as wasi-threads has them: they have the module, its shared
/// memories and its world in common, and each has an instance in a store of its own. All stores
/// together have the limits of the first.
///
/// The group ends when the first of its threads ends it: the main one by returning, any of them by
/// `proc_exit` or a trap. Then the others are stopped, and `run` returns when none is left.
final class ThreadGroup: Sendable {
    private struct Member {
        var thread: HostThread
        /// What stops its guest; nil: it has not begun.
        var handle: InterruptHandle?
    }

    private struct State {
        /// What instances are made of; nil: the group has not begun, or has ended.
        var program: PreparedModule?
        /// How the group has ended.
        var outcome: Result<Int32, any Error>?
        var main: InterruptHandle?
        /// Threads that have not ended, by their numbers, and those that have.
        var members: [Int32: Member] = [:]
        var ended: [HostThread] = []
        var lastNumber: Int32 = 0
        /// What threads that have ended have left.
        var spareFuel: UInt64 = 0
    }

    private let state = SystemMutex(State())
    /// What the threads' stores are made with; nil: there are no threads but the first.
    private let stores: StoreGroup?
    private let isMetered: Bool
    /// How many threads there may be besides the main one.
    private let limit: Int
    private let limits: Limits
    private let deadline: ContinuousClock.Instant?
    private let observer: (@Sendable (Int32, Store) throws -> () -> Void)?

    /// A group whose first thread uses `store`, which has the limits and the deadline of them all.
    /// `observer` is told of all other threads (`WASI.threadObserver`).
    init(
        _ store: Store, _ stores: StoreGroup?, limit: Int,
        observer: (@Sendable (Int32, Store) throws -> () -> Void)? = nil
    ) {
        self.observer = observer
        self.stores = stores
        isMetered = store.engine.configuration.isFuelMetered
        self.limit = limit - 1
        limits = store.limits
        deadline = store.deadline
    }

    /// Runs `body` with the main thread's instance of `program`. Returns the status that the group
    /// ends with, or throws what a thread of its has ended with.
    func run(
        _ program: PreparedModule, in store: Store, _ body: (Instance) throws -> Int32
    ) throws -> Int32 {
        let handle = store.interruptHandle
        state.withLock { state in
            state.program = program
            state.main = handle
        }
        do {
            let instance = try program.instantiate(in: store)
            if !hasEnded { end(.success(try body(instance))) }
        } catch {
            end(Self.outcome(of: error))
        }
        joinAll()
        takeSpareFuel(store)
        // Whoever has stopped this thread when it was not in the guest any more meant this run.
        handle.takeBack()
        let outcome = state.withLock { state in
            state.program = nil
            return state.outcome
        }
        return try outcome?.get() ?? 0
    }

    // MARK: Threads

    /// What `thread-spawn` gives if there can be no thread: the negative of EAGAIN as its
    /// specification has it.
    private static var refusal: Int32 { -6 }
    private static var greatestNumber: Int32 { 1 << 29 - 1 }
    /// Besides what guests and host functions may use.
    private static var spareStackBytes: Int { 256 << 10 }

    /// `thread-spawn`: starts a thread that calls `wasi_thread_start`. Returns its number, or a
    /// negative one.
    func spawn(_ argument: Int32, from store: Store) -> Int32 {
        guard let stores else { return Self.refusal }
        takeSpareFuel(store)
        let fuel = isMetered ? store.fuel / 2 : nil
        let number = state.withLock { state -> Int32 in
            // These are on their last instructions.
            for thread in state.ended { thread.join() }
            state.ended.removeAll()
            guard state.outcome == nil, state.members.count < limit, let program = state.program
            else { return Self.refusal }
            let number = Self.number(&state)
            // It waits for the lock before it does anything.
            let thread = HostThread(stackBytes: stackBytes) { [self] in
                perform(number, argument, program, Store(in: stores, fuel: fuel))
            }
            guard let thread else { return Self.refusal }
            state.members[number] = Member(thread: thread)
            return number
        }
        // What the new thread has is not the old one's any more: together they use what was given.
        if let fuel, number > 0 { store.fuel -= fuel }
        return number
    }

    /// What threads have not used is theirs who make the next ones, and in the end the first's.
    private func takeSpareFuel(_ store: Store) {
        guard isMetered else { return }
        let spare = state.withLock { state in
            defer { state.spareFuel = 0 }
            return state.spareFuel
        }
        let (sum, overflow) = store.fuel.addingReportingOverflow(spare)
        if spare > 0 { store.fuel = overflow ? .max : sum }
    }

    private var stackBytes: Int {
        let host = limits.hostStackBytes ?? 1 << 20
        let sum = min(max(limits.stackBytes, 0), 1 << 32) + min(max(host, 0), 1 << 32)
        return (sum + Self.spareStackBytes) & ~0xFFFF
    }

    /// A number that no thread has.
    private static func number(_ state: inout State) -> Int32 {
        repeat {
            state.lastNumber = state.lastNumber < greatestNumber ? state.lastNumber + 1 : 1
        } while state.members[state.lastNumber] != nil
        return state.lastNumber
    }

    /// What a thread does from its beginning to its end.
    private func perform(
        _ number: Int32, _ argument: Int32, _ program: PreparedModule, _ store: Store
    ) {
        store.deadline = deadline
        let handle = store.interruptHandle
        let begins = state.withLock { state in
            state.members[number]?.handle = handle
            return state.outcome == nil
        }
        if begins {
            do {
                let ends = try observer?(number, store)
                defer { ends?() }
                // The observer may have called a guest, which a request has stopped.
                if !hasEnded {
                    let instance = try program.instantiate(in: store)
                    let start = try instance.function(
                        "wasi_thread_start", as: ((Int32, Int32) -> Void).self)
                    // However many compute, those that begin, and who stops them all, run at once.
                    apus_thread_take_long_turns()
                    if !hasEnded { try start(number, argument) }
                }
            } catch {
                end(Self.outcome(of: error))
            }
        }
        let spare = isMetered ? store.fuel : 0
        state.withLock { state in
            let (sum, overflow) = state.spareFuel.addingReportingOverflow(spare)
            state.spareFuel = overflow ? .max : sum
            if let member = state.members.removeValue(forKey: number) {
                state.ended.append(member.thread)
            }
        }
    }

    // MARK: The end

    private static func outcome(of error: any Error) -> Result<Int32, any Error> {
        if let exit = error as? WASI.Exit { return .success(exit.status) }
        return .failure(error)
    }

    /// Whether the group has ended. To be asked between two calls of a thread: a request to stop
    /// that came when the first one, of the module's start function, was about to end has stopped
    /// nothing and is forgotten. The outcome is there before the requests are made.
    private var hasEnded: Bool { state.withLock { $0.outcome != nil } }

    /// Ends the group with `outcome`, unless it has ended before.
    private func end(_ outcome: Result<Int32, any Error>) {
        let handles = state.withLock { state -> [InterruptHandle] in
            if state.outcome != nil { return [] }
            state.outcome = outcome
            return (state.members.values.map(\.handle) + [state.main]).compactMap(\.self)
        }
        for handle in handles { handle.interrupt() }
    }

    /// Waits until no thread is left. None begins any more.
    private func joinAll() {
        let threads = state.withLock { state in
            defer {
                state.members.removeAll()
                state.ended.removeAll()
            }
            return state.members.values.map(\.thread) + state.ended
        }
        for thread in threads { thread.join() }
    }
}
