public import ApusRuntime

/// Who called a host function: its first argument, if it asks for it.
public struct Caller {
    /// The store in which the call happens.
    public let store: Store
    private let state: InstanceState?

    @usableFromInline
    init(_ frame: borrowing HostFrame) {
        store = frame.embedder
        state = frame.caller
    }

    @usableFromInline
    init(_ frame: SuspendedFrame) {
        store = frame.embedder
        state = frame.caller
    }

    /// The instance whose code made the call; nil if the host called the function itself.
    public var instance: Instance? { state.map { Instance($0, in: store) } }

    /// What the host gave the instance that made the call when that was made.
    public var hostState: AnyObject? { state?.hostState }

    /// What the host gave the instance that made the call when that was made, which is a `State`:
    /// `let visits = try caller.state(as: Visits.self)`.
    ///
    /// - Throws: `StateError` if it was given something else, or nothing.
    public func state<State: AnyObject>(
        as type: State.Type = State.self
    ) throws(StateError) -> State {
        guard let found = hostState else { throw StateError(expected: "\(type)", found: nil) }
        guard let state = found as? State else {
            throw StateError(expected: "\(type)", found: "\(Swift.type(of: found))")
        }
        return state
    }

    /// The memory that the calling instance exports as "memory".
    ///
    /// - Throws: `ExportError` if there is none.
    public var memory: Memory {
        get throws(ExportError) {
            guard let memory = state?.exportedMemory else {
                throw ExportError(name: "memory", expected: "memory", found: nil)
            }
            return Memory(memory, in: store)
        }
    }
}
