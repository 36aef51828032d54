internal import Synchronization

/// The stacks of an engine's guests: how many there are, and those that nobody uses.
final class GuestStackPool: Sendable {
    let configuration: GuestStackConfiguration
    private let stacks = Mutex(Stacks())

    private struct Stacks {
        /// The one that was used last is used next.
        var idle: [GuestStack] = []
        /// All that there are.
        var count = 0
    }

    init(_ configuration: GuestStackConfiguration) { self.configuration = configuration.bounded }

    func take() throws(ResourceError) -> GuestStack {
        let limit = configuration.limit
        let idle = stacks.withLock { stacks -> GuestStack?? in
            if let stack = stacks.idle.popLast() { return stack }
            guard stacks.count < limit else { return nil }
            stacks.count += 1
            return .some(nil)
        }
        guard let idle else {
            throw ResourceError(
                .guestStacks, requested: UInt64(limit) + 1, limit: UInt64(max(limit, 0)))
        }
        if let idle { return idle }
        do throws(ResourceError) {
            return try GuestStack(configuration)
        } catch {
            stacks.withLock { $0.count -= 1 }
            throw error
        }
    }

    /// How many are kept with all that guests have touched of them.
    private static var warm: Int { 16 }

    /// Takes back a stack on which nothing runs any more.
    func giveBack(_ stack: GuestStack) {
        let isWarm = stacks.withLock { stacks in
            if stacks.idle.count < min(Self.warm, configuration.idle) {
                stacks.idle.append(stack)
                return true
            }
            return false
        }
        if !isWarm { giveBackCold(stack) }
    }

    /// There are many of them: they are kept, if at all, without what they are made of.
    @inline(never)
    private func giveBackCold(_ stack: GuestStack) {
        stack.discard()
        let isKept = stacks.withLock { stacks in
            if stacks.idle.count < configuration.idle {
                stacks.idle.append(stack)
                return true
            }
            stacks.count -= 1
            return false
        }
        // One that is not kept goes outside of the lock.
        _ = isKept
    }

    /// How many there are, for tests: all, and those that nobody uses.
    var counts: (all: Int, idle: Int) { stacks.withLock { ($0.count, $0.idle.count) } }
}
