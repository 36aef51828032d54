internal import ApusLocks

/// Numbers for the modules that are there: small ones, so that lists can be indexed by them.
final class ModuleNumbers: Sendable {
    private let state = SystemMutex((next: UInt32(0), free: [UInt32]()))

    func take() -> UInt32 {
        state.withLock { state in
            if let number = state.free.popLast() { return number }
            state.next += 1
            return state.next - 1
        }
    }

    func giveBack(_ number: UInt32) {
        state.withLock { state in state.free.append(number) }
    }
}
