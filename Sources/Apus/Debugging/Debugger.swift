public import ApusABI
internal import ApusFormat
internal import ApusRuntime
internal import Synchronization

/// Stops the guests of a store where its user wants, and lets them be looked at and changed there.
///
/// Guests stop before instructions, in traps, and where exceptions are thrown. Then the closure
/// that the debugger was made with is called on the guest's own thread, with all of the guest's
/// functions as they are, and what it returns says how the guest goes on:
/// ```swift
/// var configuration = Engine.Configuration()
/// configuration.isDebuggable = true
/// …
/// let debugger = try Debugger(store) { stop in
///     for frame in stop.frames() { print(frame.name ?? "?", frame.location ?? "") }
///     return .run
/// }
/// try debugger.handle.setBreakpoint(at: 0x4F, in: module)
/// ```
/// A store has one debugger at a time. Deadlines of the store (`Store.deadline`) go on while its
/// guests are stopped.
public final class Debugger {
    /// What sets breakpoints and stops guests, from any thread.
    public let handle: Handle
    private let session: DebugSession

    /// Why guests of a store cannot be debugged.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// Code of its engine does not look where to stop (`Engine.Configuration.isDebuggable`).
        case notDebuggable

        public var description: String {
            "a debugger needs an engine whose configuration says isDebuggable"
        }
    }

    /// A debugger for the guests of `store`, which keeps `onStop` and calls it wherever one stops.
    /// If `onStop` throws, the guest ends with that error.
    ///
    /// - Throws: `Failure`, or what kept the store from being set up.
    public init(_ store: Store, onStop: @escaping (Stop) throws -> Resumption) throws {
        guard store.engine.configuration.isDebuggable else { throw Failure.notDebuggable }
        let runtime = try store.runtime
        session = DebugSession(store, onStop)
        handle = Handle(control: runtime.startDebugging(session), pause: session.pause)
        session.control = handle.control
    }

    /// Whether guests stop where they trap.
    public var stopsOnTraps: Bool {
        get { session.stopsOnTraps }
        set { session.stopsOnTraps = newValue }
    }

    /// At which exceptions guests stop where they throw them.
    public var stopsOnExceptions: ExceptionStops {
        get { session.stopsOnExceptions }
        set { session.stopsOnExceptions = newValue }
    }

    /// Which exceptions are worth a stop.
    public enum ExceptionStops: Hashable, Sendable {
        /// None is.
        case none
        /// Those that leave all functions of the guests.
        case uncaught
        /// All are.
        case all
    }

    /// The bytes of memories that guests stop for when they have changed.
    public var watches: [Watch] { session.watches.map(\.watch) }

    /// Has guests stop when one of `count` bytes of `memory` from `address` on has changed, whoever
    /// has done that. Everything takes longer until no byte is watched any more.
    ///
    /// - Throws: `MemoryError` if they are not in the memory; `ForeignStoreError` if that is
    ///   another store's.
    @discardableResult
    public func watch(_ memory: Memory, at address: UInt64, count: Int) throws -> Watch {
        try session.watch(memory, at: address, count: count)
    }

    /// Watches these bytes no more.
    public func stopWatching(_ watch: Watch) { session.stopWatching { $0 == watch } }

    /// Watches nothing any more.
    public func stopWatching() { session.stopWatching { _ in true } }

    /// Some bytes of a memory that are watched.
    public struct Watch: Hashable, Sendable {
        /// Tells it from others of its debugger.
        public let number: Int
        /// Where they begin.
        public let address: UInt64
        /// How many they are.
        public let count: Int
    }

    /// Sets breakpoints and stops guests, from any thread.
    public struct Handle: Sendable {
        let control: StopControl
        let pause: PauseRequest

        /// Stops the guest that runs, or the next one, before its next instruction. One that is in
        /// a function of the host stops when that returns.
        public func stop() {
            pause.request()
            control.stopEverywhere(true)
        }

        /// Has guests stop before the instruction of `module` that begins at `offset` of its bytes
        /// or next behind, and returns where that is. Nil if there is no code.
        ///
        /// - Throws: `ResourceError` if there is no memory for it.
        @discardableResult
        public func setBreakpoint(at offset: Int, in module: Module) throws -> Int? {
            guard let place = module.codeOffset(from: offset) else { return nil }
            try control.set(.breakpoint, true, at: place..<place + 1, in: module.loaded)
            return module.loaded.module.sourceOffset(of: place)
        }

        /// Has guests stop no more before the instruction at `offset`, which `setBreakpoint` has
        /// returned.
        public func removeBreakpoint(at offset: Int, in module: Module) {
            guard let place = module.codeOffset(from: offset) else { return }
            // What is set has a place already.
            try? control.set(.breakpoint, false, at: place..<place + 1, in: module.loaded)
        }
    }

    /// Why a guest has stopped.
    public enum Reason: Hashable, Sendable {
        /// It is at a breakpoint.
        case breakpoint
        /// It has gone as far as it was told to.
        case step
        /// Somebody has called `Handle.stop()`.
        case pause
        /// Bytes that are watched have changed.
        case watch([Watch])
        /// It has trapped, and cannot go on.
        case trap(TrapCode)
        /// It has thrown an exception.
        case exception(isCaught: Bool)
    }

    /// How a guest goes on.
    public enum Resumption: Hashable, Sendable {
        /// Until something else stops it.
        case run
        /// As it was going before it stopped: the step that was under way, if one was, goes on.
        case proceed
        /// For one step.
        case step(Step, by: Unit = .line)
    }

    /// Where a step goes.
    public enum Step: Hashable, Sendable {
        /// Into functions that are called.
        case into
        /// Over them.
        case over
        /// Until the function has returned.
        case out
    }

    /// How long a step is.
    public enum Unit: Hashable, Sendable {
        /// To where another line of the source begins; where that is not known, an instruction.
        case line
        /// An instruction.
        case instruction
    }

    /// A guest that has stopped. Of use only until it goes on.
    public struct Stop {
        /// Why.
        public let reason: Reason
        let session: DebugSession
        let number: UInt64

        /// The guests' functions that have not returned, innermost first, `limit` of them at most;
        /// none when the guest has gone on.
        public func frames(limit: Int = 1000) -> [Frame] {
            session.frames(atStop: number, limit: limit)
        }
    }
}

/// Whether somebody wants the guests to stop.
final class PauseRequest: Sendable {
    private let isRequested = Atomic(false)

    func request() { isRequested.store(true, ordering: .sequentiallyConsistent) }
    var isPending: Bool { isRequested.load(ordering: .sequentiallyConsistent) }
    func take() -> Bool {
        isPending && isRequested.exchange(false, ordering: .sequentiallyConsistent)
    }
}
