internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Waits until one of several host descriptors is ready.
struct Polling {
    /// What a descriptor turned out to be.
    struct Readiness {
        var isReady = false
        /// The other end is gone.
        var hangUp = false
        var error: Errno?
    }

    private var requests: [pollfd] = []
    /// How long to wait, in nanoseconds, until it is looked whether the guest is to stop, if that
    /// does not end the wait.
    private static let period: Int64 = 5_000_000

    /// The descriptors that are waited for.
    var hosts: [Int32] { requests.map(\.fd) }

    /// Adds a descriptor and returns its place among the results.
    mutating func add(_ descriptor: Int32, forWriting: Bool) -> Int {
        requests.append(
            pollfd(fd: descriptor, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0))
        return requests.count - 1
    }

    // SAFETY: the system reads and writes the requests, as many as there are, during the call.
    /// Waits at most `nanoseconds`, or without end if that is nil, until a descriptor is ready.
    mutating func wait(_ nanoseconds: UInt64?) throws(Errno) {
        let deadline = try nanoseconds.map { (duration) throws(Errno) in
            try Self.monotonic().addingReportingOverflow(duration)
        }
        while true {
            try Syscalls.mayGoOn()
            var left: UInt64?
            if let deadline, !deadline.overflow {
                let now = try Self.monotonic()
                left = deadline.partialValue > now ? deadline.partialValue - now : 0
            }
            var duration = left.map { Int64(clamping: $0) } ?? -1
            let isPolled = apus_this_thread_is_polled() != 0
            if isPolled, duration < 0 || duration > Self.period { duration = Self.period }
            let result = unsafe requests.withUnsafeMutableBufferPointer { requests in
                unsafe apus_poll(requests.baseAddress, UInt64(requests.count), duration)
            }
            if result > 0 { return }
            if result < 0 {
                if result == -EINTR, apus_this_thread_is_interrupted() == 0 { continue }
                throw Errno(host: -result)
            }
            if isPolled, apus_this_thread_is_interrupted() != 0 { throw .intr }
            // A wait may be cut into pieces, since one call takes only so many milliseconds.
            if left == 0 { return }
            if let deadline, !deadline.overflow, try Self.monotonic() >= deadline.partialValue {
                return
            }
        }
    }

    func result(_ index: Int) -> Readiness {
        let events = Int32(requests[index].revents)
        var readiness = Readiness()
        readiness.hangUp = events & Int32(POLLHUP) != 0
        if events & Int32(POLLNVAL) != 0 { readiness.error = .badf }
        if events & Int32(POLLERR) != 0, !readiness.hangUp { readiness.error = .io }
        readiness.isReady = events != 0
        return readiness
    }

    /// Bytes that can be read at once.
    func available(_ index: Int) -> UInt64 { Syscalls.available(requests[index].fd) }

    private static func monotonic() throws(Errno) -> UInt64 {
        var time = timespec()
        // SAFETY: the system writes one time, this function's own.
        guard unsafe clock_gettime(CLOCK_MONOTONIC, &time) == 0 else { throw Errno.last }
        return time.nanoseconds
    }
}
