internal import Synchronization

/// What guests have of the process's descriptors, all of them together: two thirds, so that the
/// host keeps the rest. No guest gets one more than are left for others then: so a guest has a
/// third if it is alone, and who comes after any number of them finds some.
enum DescriptorShare {
    /// How many descriptors of the host's guests have at present.
    private static let count = Atomic(0)

    /// What they may have of as many as the process may have.
    private static func share(of limit: UInt64) -> Int { Int(clamping: limit / 3 * 2) }

    /// Whether a guest that has `own` may have one more where all have `count`.
    private static func hasRoom(_ count: Int, _ own: Int) -> Bool {
        own < share(of: Syscalls.descriptorLimit) - count
    }

    /// Whether a guest that has `own` may have one more.
    static func hasRoom(forWhoHas own: Int) -> Bool {
        hasRoom(count.load(ordering: .relaxed), own)
    }

    /// Counts one more for a guest that has `own`, if it may have that.
    static func take(forWhoHas own: Int) -> Bool {
        var known = count.load(ordering: .relaxed)
        while hasRoom(known, own) {
            let (isDone, found) = count.compareExchange(
                expected: known, desired: known + 1, ordering: .relaxed)
            if isDone { return true }
            known = found
        }
        return false
    }

    /// Counts one that the host has granted, which it alone decides.
    static func grant() { count.wrappingAdd(1, ordering: .relaxed) }

    /// So many have been closed.
    static func giveBack(_ number: Int) { count.wrappingSubtract(number, ordering: .relaxed) }
}
