internal import ApusCollections
internal import ApusLocks
internal import CApusHost

// SAFETY: stacks have a lock, and the place of the recent one is exchanged as one.
/// The stacks of an engine's guests: how many there are, and those that nobody uses.
@safe
final class GuestStackPool: @unchecked Sendable {
    let configuration: GuestStackConfiguration
    /// How many one store may have at once.
    let storeLimit: UInt32
    private let stacks = SystemMutex(Stacks())
    // SAFETY: allocated in init, freed in deinit; what is in it is exchanged as one. It is 0 or the
    // record of a stack, and then the reference to that.
    /// Where the stack lies that was used last, for who wants it without a lock. Stores know the
    /// place, and do not outlive the pool.
    let recent = UnsafeMutablePointer<UInt>.allocate(capacity: 1)

    private struct Stacks {
        /// All others that nobody uses: the one that was used last is used next.
        var idle: [GuestStack] = []
        /// All that there are.
        var count = 0
    }

    init(_ configuration: GuestStackConfiguration) {
        self.configuration = configuration.bounded
        storeLimit = configuration.storeLimit
        // SAFETY: the place has been allocated, for one word.
        unsafe recent.initialize(to: 0)
    }

    deinit {
        // SAFETY: stores know the place, and have gone before the pool; the reference to the stack
        // is given back here.
        if let record = unsafe apus_idle_stack_take(recent) { _ = unsafe Self.owned(record) }
        unsafe recent.deallocate()
    }

    // SAFETY: who has taken a stack has one reference to it, which it gives back here.
    private static func owned(_ record: UnsafeMutablePointer<apus_guest_stack>) -> GuestStack {
        let owner = unsafe record.pointee.owner.unsafelyUnwrapped
        return unsafe Unmanaged<GuestStack>.fromOpaque(owner).takeRetainedValue()
    }

    /// A stack that nobody uses; `giveBack` has to follow.
    func take() throws(ResourceError) -> UnsafeMutablePointer<apus_guest_stack> {
        // SAFETY: what is taken from the place is the reference to a stack, which the caller has
        // from here on, by its record.
        if let record = unsafe apus_idle_stack_take(recent) { return unsafe record }
        let stack = try takeKept()
        return unsafe Unmanaged.passRetained(stack).takeUnretainedValue().record
    }

    private func takeKept() throws(ResourceError) -> GuestStack {
        let limit = max(configuration.limit, 0)
        let idle = stacks.withLock { stacks -> GuestStack?? in
            if let stack = stacks.idle.popLast() { return stack }
            guard stacks.count < limit else { return nil }
            stacks.count += 1
            return .some(nil)
        }
        guard let idle else {
            throw ResourceError(
                .guestStacks, requested: UInt64(limit) + 1, limit: UInt64(limit))
        }
        if let idle { return idle }
        do throws(ResourceError) {
            return try GuestStack(configuration)
        } catch {
            stacks.withLock { $0.count -= 1 }
            throw error
        }
    }

    /// How many are kept with all that guests have touched of them, besides the one that was used
    /// last.
    private static var warm: Int { 16 }

    /// Takes back a stack on which nothing runs any more.
    func giveBack(_ record: UnsafeMutablePointer<apus_guest_stack>) {
        // SAFETY: the caller has the reference to the stack, which is the place's or the pool's
        // from here on.
        if configuration.idle > 0, unsafe apus_idle_stack_put(recent, record) != 0 { return }
        let stack = unsafe Self.owned(record)
        let isWarm = stacks.withLock { stacks in
            if stacks.idle.count < min(Self.warm, configuration.idle - 1) {
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
            if stacks.idle.count < configuration.idle - 1 {
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
    var counts: (all: Int, idle: Int) {
        // SAFETY: the place is this object's, and is read as one.
        let isRecent = unsafe recent.pointee != 0
        return stacks.withLock { ($0.count, $0.idle.count + (isRecent ? 1 : 0)) }
    }
}
