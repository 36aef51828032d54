// poll_oneoff: waiting for clocks and descriptors.

extension Preview1 {
    /// What a call waits for, and with what.
    struct Poll {
        fileprivate var subscriptions: [Subscription] = []
        fileprivate var polling = Polling()
        fileprivate var events: UInt32
        fileprivate var readyAt: UInt32

        fileprivate var isReady: Bool { subscriptions.contains { $0.event != nil } }
    }

    /// What one subscription waits for.
    fileprivate struct Subscription {
        enum Kind {
            /// Nanoseconds on a clock.
            case clock(ClockIdentifier, deadline: UInt64)
            case read(UInt32)
            case write(UInt32)
        }

        /// `eventtype`, which goes into the event as well.
        var type: UInt8 = 0
        var userData: UInt64 = 0
        var kind: Result<Kind, Errno> = .failure(.inval)
        /// Its place in the host's polling.
        var request: Int?
        var event: Event?
    }

    /// Why and how a subscription is answered.
    fileprivate struct Event {
        var error: Errno = .success
        var bytes: UInt64 = 0
        var hangUp = false
    }

    /// Subscriptions in one call at most; more than any guest has descriptors.
    static let subscriptionLimit: UInt32 = 16384

    /// `poll_oneoff`.
    func poll(
        _ memory: GuestMemory, _ snapshot: Snapshot, subscriptions address: UInt32,
        events: UInt32, count: UInt32, readyAt: UInt32
    ) throws(Errno) {
        var poll = try beginPoll(
            memory, snapshot, subscriptions: address, events: events, count: count,
            readyAt: readyAt)
        // Until the last look at them, and not only while it waits: another thread may close them
        // in between.
        lend(poll)
        defer { takeBack(poll) }
        try wait(&poll.subscriptions, &poll.polling)
        try endPoll(poll, memory)
    }

    /// Has what is waited for stay open until `takeBack`, whoever closes it meanwhile:
    /// its number would become that of something else.
    func lend(_ poll: Poll) { for host in poll.polling.hosts { descriptors.lend(host) } }

    /// Undoes `lend`.
    func takeBack(_ poll: Poll) { for host in poll.polling.hosts { descriptors.takeBack(host) } }

    /// Reads what is to be waited for, and answers what is ready.
    func beginPoll(
        _ memory: GuestMemory, _ snapshot: Snapshot, subscriptions address: UInt32,
        events: UInt32, count: UInt32, readyAt: UInt32
    ) throws(Errno) -> Poll {
        guard count > 0, count <= Self.subscriptionLimit else { throw .inval }
        let stride: UInt32 = snapshot == .one ? 48 : 56
        try memory.check(address, Int(count) * Int(stride))
        try memory.check(events, Int(count) * 32)
        try memory.check(readyAt, 4)
        // All are read before the first event is written, which may be on top of them.
        var poll = Poll(events: events, readyAt: readyAt)
        poll.subscriptions.reserveCapacity(Int(count))
        for index in 0..<count {
            poll.subscriptions.append(
                try subscription(memory, snapshot, at: address &+ index &* stride))
        }
        for index in poll.subscriptions.indices {
            try Syscalls.mayGoOn()
            prepare(&poll.subscriptions[index], &poll.polling)
        }
        return poll
    }

    /// Writes the events that there are.
    func endPoll(_ poll: Poll, _ memory: GuestMemory) throws(Errno) {
        var written: UInt32 = 0
        for subscription in poll.subscriptions {
            guard let event = subscription.event else { continue }
            let place = poll.events &+ written &* 32
            try memory.store(subscription.userData, at: place)
            let head = UInt64(event.error.rawValue) | UInt64(subscription.type) << 16
            try memory.store(head, at: place &+ 8)
            try memory.store(event.bytes, at: place &+ 16)
            try memory.store(UInt64(event.hangUp ? 1 : 0), at: place &+ 24)
            written += 1
        }
        try memory.store(written, at: poll.readyAt)
    }

    /// What a guest has to wait before it is worth looking again.
    enum PollOutlook {
        case ready
        /// The next clock's time; nil: there is none.
        case clocks(nanoseconds: UInt64?)
        /// The same, or when something comes of the host's descriptors.
        case descriptors(nanoseconds: UInt64?)
    }

    /// Looks what is ready, without waiting.
    func look(_ poll: inout Poll) throws(Errno) -> PollOutlook {
        while true {
            try poll.polling.wait(0)
            Self.collect(&poll.subscriptions, poll.polling)
            let shortest = try shortestWait(poll.subscriptions)
            try collectClocks(&poll.subscriptions)
            if poll.isReady { return .ready }
            guard clocks.isSimulated, let shortest else {
                return poll.polling.hosts.isEmpty
                    ? .clocks(nanoseconds: shortest) : .descriptors(nanoseconds: shortest)
            }
            clocks.skip(shortest)
        }
    }

    private func subscription(
        _ memory: GuestMemory, _ snapshot: Snapshot, at address: UInt32
    ) throws(Errno) -> Subscription {
        var subscription = Subscription()
        subscription.userData = try memory.load(UInt64.self, at: address)
        subscription.type = try memory.load(UInt8.self, at: address &+ 8)
        switch subscription.type {
        case 0:
            // The older layout begins with a number that nobody reads.
            let clock = address &+ (snapshot == .one ? 16 : 24)
            let identifier = try memory.load(UInt32.self, at: clock)
            let timeout = try memory.load(UInt64.self, at: clock &+ 8)
            let flags = try memory.load(UInt16.self, at: clock &+ 24)
            do throws(Errno) {
                subscription.kind = .success(try self.clock(identifier, timeout, flags))
            } catch {
                subscription.kind = .failure(error)
            }
        case 1, 2:
            let descriptor = try memory.load(UInt32.self, at: address &+ 16)
            subscription.kind = .success(
                subscription.type == 1 ? .read(descriptor) : .write(descriptor))
        default: throw .inval
        }
        return subscription
    }

    private func clock(
        _ identifier: UInt32, _ timeout: UInt64, _ flags: UInt16
    ) throws(Errno) -> Subscription.Kind {
        guard let clock = ClockIdentifier(rawValue: identifier), flags < 2 else { throw .inval }
        guard clock == .realtime || clock == .monotonic else { throw .notsup }
        if flags == 1 { return .clock(clock, deadline: timeout) }
        let (deadline, overflow) = try clocks.now(clock).addingReportingOverflow(timeout)
        return .clock(clock, deadline: overflow ? .max : deadline)
    }

    /// Answers what is ready without waiting, and hands the rest to the host.
    private func prepare(_ subscription: inout Subscription, _ polling: inout Polling) {
        do throws(Errno) {
            switch try subscription.kind.get() {
            case .clock: break
            case .read(let descriptor):
                try prepare(&subscription, &polling, descriptor, writing: false)
            case .write(let descriptor):
                try prepare(&subscription, &polling, descriptor, writing: true)
            }
        } catch {
            subscription.event = Event(error: error)
        }
    }

    private func prepare(
        _ subscription: inout Subscription, _ polling: inout Polling, _ descriptor: UInt32,
        writing: Bool
    ) throws(Errno) {
        let entry = try descriptors.entry(descriptor)
        guard entry.rights.contains(.pollFdReadwrite) else { throw .notcapable }
        switch entry.resource {
        case .host(let host):
            subscription.event = Event(bytes: writing ? 0 : try Self.left(host))
        case .hostStream(let stream) where entry.type == .regularFile:
            subscription.event = Event(bytes: writing ? 0 : try Self.left(stream.host))
        case .hostStream(let stream):
            subscription.request = polling.add(stream.host, forWriting: writing)
        case .virtual(let file):
            let isFile = file.type == .regularFile
            subscription.event = Event(bytes: writing || !isFile ? 0 : try file.left())
        case .input(let input):
            if writing { throw .badf }
            subscription.event = Event(bytes: UInt64(input.remaining))
        case .stream(let stream):
            if writing { throw .badf }
            // Whether more is there is only known by asking for it.
            subscription.event = Event(bytes: UInt64(max(stream.remaining, 1)))
        case .output:
            if !writing { throw .badf }
            subscription.event = Event()
        }
    }

    /// Whether reading or writing would have to wait now.
    func wouldWait(_ descriptor: UInt32, writing: Bool) throws(Errno) -> Bool {
        let entry = try descriptors.entry(descriptor)
        switch entry.resource {
        case .hostStream(let stream) where entry.type != .regularFile:
            var polling = Polling()
            let request = polling.add(stream.host, forWriting: writing)
            let flags = OpenFlags(rawValue: try Syscalls.flags(stream.host))
            // The guest wants to be told.
            if flags.contains(.nonblocking) { return false }
            try polling.wait(0)
            return !polling.result(request).isReady
        case .output(.stream(let output)): return output.isFull
        case .host, .hostStream, .input, .stream, .output, .virtual: return false
        }
    }

    /// Bytes from a file's position to its end.
    private static func left(_ host: Int32) throws(Errno) -> UInt64 {
        let status = try Syscalls.status(host)
        guard status.type == .regularFile else { return 0 }
        let position = try Syscalls.seek(host, 0, SeekOrigin.current.host)
        return status.size > position ? status.size - position : 0
    }

    /// Waits until at least one subscription has its event.
    private func wait(
        _ subscriptions: inout [Subscription], _ polling: inout Polling
    ) throws(Errno) {
        while true {
            try Syscalls.mayGoOn()
            let shortest = try shortestWait(subscriptions)
            let isReady = subscriptions.contains { $0.event != nil }
            if isReady {
                try polling.wait(0)
            } else if let shortest, clocks.isSimulated {
                try polling.wait(0)
                Self.collect(&subscriptions, polling)
                if !subscriptions.contains(where: { $0.event != nil }) { clocks.skip(shortest) }
            } else {
                try letOthersIn(using: []) { () throws(Errno) in
                    try polling.wait(shortest)
                }
            }
            Self.collect(&subscriptions, polling)
            try collectClocks(&subscriptions)
            if subscriptions.contains(where: { $0.event != nil }) { return }
        }
    }

    /// Nanoseconds until the first clock's event; nil if no clock is waited for.
    private func shortestWait(_ subscriptions: [Subscription]) throws(Errno) -> UInt64? {
        var shortest: UInt64?
        for subscription in subscriptions {
            guard case .success(.clock(let clock, let deadline)) = subscription.kind else {
                continue
            }
            let now = try clocks.now(clock)
            shortest = min(shortest ?? .max, deadline > now ? deadline - now : 0)
        }
        return shortest
    }

    private func collectClocks(_ subscriptions: inout [Subscription]) throws(Errno) {
        for index in subscriptions.indices {
            guard case .success(.clock(let clock, let deadline)) = subscriptions[index].kind,
                try clocks.now(clock) >= deadline
            else { continue }
            subscriptions[index].event = Event()
        }
    }

    /// Takes over what the host found.
    private static func collect(_ subscriptions: inout [Subscription], _ polling: Polling) {
        for index in subscriptions.indices {
            guard let request = subscriptions[index].request else { continue }
            let readiness = polling.result(request)
            guard readiness.isReady else { continue }
            var event = Event(error: readiness.error ?? .success, hangUp: readiness.hangUp)
            if subscriptions[index].type == 1 { event.bytes = polling.available(request) }
            subscriptions[index].event = event
        }
    }
}
