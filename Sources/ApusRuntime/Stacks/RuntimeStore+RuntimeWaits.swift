internal import CApusHost

/// What a guest waits for in a function of the runtime.
enum RuntimeWait {
    /// A place in a shared memory is to be notified.
    case notification(ParkedWait)
    /// The limiter is asked whether something may grow.
    case consent(Growth)
}

/// The limiter has to be asked, which the guest waits for.
struct UndecidedGrowth: Error {
    var growth: Growth
}

/// Waits of guests in functions of the runtime (`apus_waiting_function`): such a function notes
/// what it waits for, returns, and is called again when that has come.
extension RuntimeStore {
    /// The stack that the function of the runtime which now runs can leave; nil: it cannot, since
    /// the guest runs on a thread's, or another function runs.
    var stackToLeave: GuestStack? {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        guard unsafe context.pointee.waiting_call != apus_waiting_call_none.rawValue,
            unsafe context.pointee.guest_stack != nil
        else { return nil }
        return innermostStack
    }

    /// Whether it has been called again.
    var hasWaited: Bool {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        unsafe context.pointee.waiting_call == apus_waiting_call_again.rawValue
    }

    /// Has the function be called again when `wait` is over.
    func leave(_ stack: GuestStack, for wait: RuntimeWait) {
        stack.leave(for: wait)
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        unsafe context.pointee.must_wait = 1
    }

    /// Does what the guest on `stack` waits for.
    nonisolated(nonsending) func serveRuntimeWait(_ stack: GuestStack) async throws {
        switch stack.runtimeWait {
        case .notification(let parked): await parked.wait(in: self)
        case .consent(let growth):
            let isAllowed = try await asynchronousLimiter?.allows(growth) ?? true
            stack.consents.add(isAllowed, of: growth)
        case nil: break
        }
    }

    // MARK: Consents

    /// What the limiter says of `growth`; nil: there is none.
    ///
    /// Throws `UndecidedGrowth` if an asynchronous one has to be asked first, and what a limiter
    /// throws.
    func consent(to growth: Growth) throws -> Bool? {
        guard asynchronousLimiter != nil else { return try limiter?.allows(growth) }
        if let consent = givenConsents.next(of: growth) { return consent }
        guard let stack = stackToLeave else {
            throw AsynchronousCallError.limiterIsAsynchronous
        }
        if !hasWaited { stack.consents = GrowthConsents() }
        // What has been decided is decided: a call that begins again asks in the same order, and
        // once more where things have changed meanwhile.
        if let consent = stack.consents.next(of: growth) { return consent }
        throw UndecidedGrowth(growth: growth)
    }

    /// Asks the asynchronous limiter, if there is one, about `growths`, and does `work`, which asks
    /// for them.
    nonisolated(nonsending) func withConsent<Result>(
        to growths: [Growth], _ work: () throws -> Result
    ) async throws -> Result {
        var consents = GrowthConsents()
        if let asynchronousLimiter {
            for growth in growths {
                consents.add(try await asynchronousLimiter.allows(growth), of: growth)
            }
        }
        givenConsents = consents
        defer { givenConsents = GrowthConsents() }
        return try work()
    }

    /// Asks the asynchronous limiter, if there is one, about what new instances of `modules` begin
    /// with, and does `work`, which makes them in that order.
    public nonisolated(nonsending) func withConsent<Result>(
        toInstancesOf modules: [LoadedModule], _ work: () throws -> Result
    ) async throws -> Result {
        try await withConsent(to: modules.flatMap(\.demand), work)
    }

    /// Asks the asynchronous limiter, if there is one, about what `measure` gives, and does `work`,
    /// which asks for that. Begins again if it has become something else by then.
    private nonisolated(nonsending) func growing(
        _ measure: () -> Growth, _ work: () throws -> UInt64?
    ) async throws -> UInt64? {
        while true {
            let growth = measure()
            do {
                return try await withConsent(to: [growth], work)
            } catch AsynchronousCallError.limiterIsAsynchronous where measure() != growth {}
        }
    }

    /// Grows as `grow(_:by:)` does, and waits for what an asynchronous limiter says.
    public nonisolated(nonsending) func growAsync(
        _ memory: LinearMemory, by delta: UInt64
    ) async throws -> UInt64? {
        try await growing({ Self.growth(of: memory, delta) }, { try grow(memory, by: delta) })
    }

    /// Grows as `grow(_:by:_:)` does, and waits for what an asynchronous limiter says.
    public nonisolated(nonsending) func growAsync(
        _ table: ReferenceTable, by delta: UInt64, _ value: UInt64
    ) async throws -> UInt64? {
        // Nobody else knows of `value` while the limiter is waited for.
        let number = root(value)
        defer { unroot(number) }
        return try await growing(
            { Self.growth(of: table, delta) }, { try grow(table, by: delta, value) })
    }
}
