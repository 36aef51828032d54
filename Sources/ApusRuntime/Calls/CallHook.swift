internal import CApusHost

/// A crossing between the host and wasm.
public enum CallEvent: Hashable, Sendable, CaseIterable {
    /// The host calls a function of a guest, a start function included.
    case enteringWasm
    /// That call has ended, in whatever way.
    case leavingWasm
    /// A guest calls a function of the host.
    case enteringHost
    /// That call has ended, in whatever way.
    case leavingHost
}

/// What an embedder does at each crossing. What it throws ends the call.
public typealias CallHook = (CallEvent) throws -> Void

extension RuntimeStore {
    /// Does `work` between two events. What the second throws counts if `work` did not throw.
    @inline(never)
    func hooked<Result>(
        _ entering: CallEvent, _ leaving: CallEvent, _ work: () throws -> Result
    ) throws -> Result {
        // The hook may take itself away meanwhile.
        let hook = callHook
        try hook?(entering)
        let result: Result
        do {
            result = try work()
        } catch {
            try? hook?(leaving)
            throw error
        }
        try hook?(leaving)
        return result
    }
}
