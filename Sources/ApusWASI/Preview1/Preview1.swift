internal import Synchronization

// SAFETY: whatever a guest's call reads or writes here lies between `enter` and `leave`, which let
// one thread in; `lock` is set before there is a second one.
/// A guest's world as preview 1 shows it: descriptors, arguments, environment, clocks. The
/// functions are in extensions, one file for each family; `Functions.swift` lists them.
///
/// Used by one thread at a time. Where a guest has several they wait for each other, except for
/// one that waits for something of the host's (`letOthersIn`).
@safe
final class Preview1: @unchecked Sendable {
    var descriptors: DescriptorTable
    var clocks: Clocks
    var random: RandomBytes
    let arguments: StringList
    let environment: StringList
    let sandbox: Sandbox
    /// Whether terminals that a guest opens by their paths get its output filtered.
    let filtersTerminals: Bool
    /// Whether calls are paid for in fuel.
    var isMetered = false
    /// What the present call has had the host do so far.
    var work = HostWork()
    private let isBusy = Atomic(false)
    /// What the guest's threads wait for; nil: it has one.
    private var lock: WorldLock?

    init(
        arguments: [[UInt8]] = [], environment: [[UInt8]] = [],
        descriptors: consuming DescriptorTable, clocks: Clocks, random: RandomBytes,
        sandbox: Sandbox = Sandbox(), filtersTerminals: Bool = true
    ) throws(Errno) {
        self.descriptors = descriptors
        self.arguments = try StringList(arguments)
        self.environment = try StringList(environment)
        self.clocks = clocks
        self.random = random
        self.sandbox = sandbox
        self.filtersTerminals = filtersTerminals
    }

    /// Whether the caller is the only one inside; then it must leave.
    func enter() -> Bool {
        if let lock { return lock.lock() }
        return !isBusy.exchange(true, ordering: .acquiring)
    }

    func leave() {
        if let lock { return lock.unlock() }
        isBusy.store(false, ordering: .releasing)
    }

    /// From now on the guest may have several threads.
    func admitThreads() { lock = WorldLock() }

    /// Does `body`, which may wait for what is behind some of the host's descriptors, and lets
    /// other threads of the guest in meanwhile. What they close of these is closed afterwards, so
    /// that their numbers are nobody else's before.
    func letOthersIn<Result>(
        using hosts: [Int32], _ body: () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        guard let lock else { return try body() }
        for host in hosts { descriptors.lend(host) }
        let work = work
        lock.unlock()
        defer {
            _ = lock.lock()
            self.work = work
            for host in hosts { descriptors.takeBack(host) }
        }
        return try body()
    }
}

// MARK: Process

extension Preview1 {
    /// `clock_time_get`. The precision asked for is always kept.
    func time(_ memory: GuestMemory, _ clock: UInt32, to address: UInt32) throws(Errno) {
        guard let clock = ClockIdentifier(rawValue: clock) else { throw .inval }
        try memory.check(address, 8)
        try memory.store(clocks.now(clock), at: address)
    }

    /// `clock_res_get`.
    func resolution(_ memory: GuestMemory, _ clock: UInt32, to address: UInt32) throws(Errno) {
        guard let clock = ClockIdentifier(rawValue: clock) else { throw .inval }
        try memory.store(clocks.resolution(clock), at: address)
    }

    /// `random_get`.
    func randomBytes(_ memory: GuestMemory, at address: UInt32, _ count: UInt32) throws(Errno) {
        // Paid for by the argument, before it begins.
        try random.fill(memory, at: address, Int(count))
    }
}
