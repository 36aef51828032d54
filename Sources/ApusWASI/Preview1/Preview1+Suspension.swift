@_spi(ApusWASI) internal import Apus

/// Functions that guests of asynchronous calls wait for without a thread.
extension Preview1 {
    /// How long a guest sleeps at most before it is looked whether there is something for it: these
    /// nanoseconds at first, and twice as many each time up to the second number.
    private static var naps: (first: UInt64, longest: UInt64) { (250_000, 10_000_000) }

    /// Does one call of a guest that waits.
    nonisolated(nonsending) func perform(
        _ function: Preview1Function, _ suspension: Preview1Function.Suspension,
        _ snapshot: Snapshot, _ count: Int, _ call: SuspendedCellCall
    ) async throws {
        var arguments = CallArguments(snapshot)
        for index in 0..<count { arguments[wide: index] = call[index] }
        if isMetered { try call.pay(function.price.cost(arguments)) }
        var result = Errno.success
        do {
            switch suspension {
            case .poll: try await poll(snapshot, arguments, call)
            case .yield: await Task.yield()
            case .transfer: try await transfer(function, arguments, call)
            }
        } catch let error as Errno {
            result = error
        }
        call[0] = UInt64(result.rawValue)
    }

    /// `poll_oneoff`.
    private nonisolated(nonsending) func poll(
        _ snapshot: Snapshot, _ arguments: CallArguments, _ call: SuspendedCellCall
    ) async throws {
        var poll = try inside { () throws(Errno) in
            let poll = try beginPoll(
                GuestMemory(of: call), snapshot, subscriptions: arguments[0],
                events: arguments[1], count: arguments[2], readyAt: arguments[3])
            lend(poll)
            return poll
        }
        // Who is inside then is another one of the host's, and what was lent goes with the world.
        defer { try? inside { () throws(Errno) in takeBack(poll) } }
        try await wait(for: &poll, call)
        try inside { () throws(Errno) in try endPoll(poll, GuestMemory(of: call)) }
    }

    /// A function that reads or writes, as soon as that need not wait.
    private nonisolated(nonsending) func transfer(
        _ function: Preview1Function, _ arguments: CallArguments, _ call: SuspendedCellCall
    ) async throws {
        var nap = Self.naps.first
        while try inside({ () throws(Errno) in
            try wouldWait(arguments[0], writing: function.isWriting)
        }) {
            if call.store.isInterrupted { throw Errno.intr }
            try await call.sleep(for: .nanoseconds(Int64(clamping: nap)))
            nap = min(nap * 2, Self.naps.longest)
        }
        let cost = try inside { () throws(Errno) in
            work = HostWork()
            try function.body(self, GuestMemory(of: call), arguments)
            return work.cost
        }
        if isMetered { try call.settle(cost) }
    }

    private nonisolated(nonsending) func wait(
        for poll: inout Poll, _ call: SuspendedCellCall
    ) async throws {
        var nap = Self.naps.first
        while true {
            if call.store.isInterrupted { throw Errno.intr }
            switch try inside({ () throws(Errno) in try look(&poll) }) {
            case .ready: return
            case .clocks(let left):
                try await call.sleep(for: left.map { .nanoseconds(Int64(clamping: $0)) })
            case .descriptors(let left):
                try await call.sleep(for: .nanoseconds(Int64(clamping: min(left ?? nap, nap))))
                nap = min(nap * 2, Self.naps.longest)
            }
        }
    }

    /// Does `body` as the only one inside. Others may be while the guest sleeps.
    private func inside<Result>(_ body: () throws(Errno) -> Result) throws -> Result {
        guard enter() else { throw WASI.BusyError() }
        defer { leave() }
        return try body()
    }
}
