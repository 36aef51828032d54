/// A call of an asynchronous function that a guest waits for, as the task knows it that does its
/// work: calls that it makes into the same store meanwhile are made for that guest.
final class SuspendedCall: Sendable {
    @TaskLocal static var innermost: SuspendedCall?

    private let store: UInt64
    private let wait: UInt64
    private let outer: SuspendedCall?

    init(_ store: RuntimeStore, wait: UInt64) {
        self.store = store.number
        self.wait = wait
        outer = Self.innermost
    }

    /// Whether the present task works for the guest of `store` whose wait has this number.
    static func isServing(_ store: RuntimeStore, wait: UInt64) -> Bool {
        let name = store.number
        var call = innermost
        while let present = call {
            if present.store == name { return present.wait == wait }
            call = present.outer
        }
        return false
    }
}
