internal import CApusHost

/// A stack that a guest of an asynchronous call runs on, so that it can wait without a thread.
@safe
final class GuestStack: @unchecked Sendable {
    // SAFETY: `record` is a stack that this object owns, with `bytes` at most. Whoever has taken
    // it from the pool is the only one to use it, on one thread at a time. `moreCells` are null or
    // an allocation of as many cells as the call takes.
    let record: UnsafeMutablePointer<apus_guest_stack>
    private var moreCells: UnsafeMutablePointer<UInt64>?
    /// What the guest waits for, if that is in a function of the runtime.
    var runtimeWait: RuntimeWait?
    /// What the limiter has said of the growths that the function asks for which now runs.
    private var consents: [Bool] = []
    private var consentsSeen = 0
    /// The number of the present wait among those of the store.
    var wait: UInt64 = 0

    /// `configuration` is within bounds.
    init(_ configuration: GuestStackConfiguration) throws(ResourceError) {
        guard let record = unsafe apus_guest_stack_make(configuration.bytes) else {
            throw ResourceError(.guestStacks, requested: configuration.bytes)
        }
        unsafe self.record = unsafe record
        unsafe record.pointee.limit = unsafe record.pointee.low + UInt(configuration.hostBytes)
        unsafe record.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { unsafe apus_guest_stack_free(record) }

    // MARK: The call

    /// Makes room for a call that takes more cells than the record has.
    func makeCells(_ count: Int) throws(ResourceError) -> UnsafeMutablePointer<UInt64> {
        let bytes = UInt64(count * MemoryLayout<UInt64>.stride)
        guard let memory = unsafe apus_allocate(bytes) else {
            throw ResourceError(.guestStacks, requested: bytes)
        }
        let cells = unsafe memory.assumingMemoryBound(to: UInt64.self)
        unsafe moreCells = unsafe cells
        unsafe record.pointee.has_more = 1
        return unsafe cells
    }

    /// The guest waits for `wait`.
    func leave(for wait: RuntimeWait) {
        runtimeWait = wait
        unsafe record.pointee.has_more = 1
    }

    /// The cells of the call.
    var cells: UnsafeMutablePointer<UInt64> { unsafe record.pointee.values }

    /// Gives back to the system what deep recursion has left behind.
    func discard() {
        let kept: UInt = 64 << 10
        let end = (highAddress &- kept) & ~UInt(apus_page_bytes() - 1)
        let low = unsafe record.pointee.low
        if end > low {
            // What is not given back stays as it is.
            _ = unsafe apus_discard(
                UnsafeMutableRawPointer(bitPattern: low), UInt64(end &- low))
        }
    }

    /// The call has ended, and nobody needs its cells any more.
    func clear() {
        unsafe record.pointee.has_more = 0
        runtimeWait = nil
        if unsafe moreCells != nil {
            unsafe apus_free(moreCells)
            unsafe moreCells = nil
        }
    }

    // MARK: What the limiter has said

    /// The next of `consents`; nil: there is none yet.
    func nextConsent() -> Bool? {
        guard consentsSeen < consents.count else { return nil }
        defer { consentsSeen += 1 }
        return consents[consentsSeen]
    }

    /// The limiter has said one thing more; the function is going to ask for all of it again.
    func give(consent: Bool) {
        consents.append(consent)
        consentsSeen = 0
    }

    /// Another function of the runtime asks now.
    func forgetConsents() {
        consents = []
        consentsSeen = 0
    }

    // MARK: While a guest waits

    /// Whether a guest waits here for an asynchronous function.
    var isWaiting: Bool { unsafe record.pointee.state == apus_guest_waiting.rawValue }

    /// Whether a guest has left it that has had its turn.
    var hasYielded: Bool { unsafe record.pointee.state == apus_guest_yielded.rawValue }
    /// Whether a guest has left it and is to come back.
    var isLeft: Bool { isWaiting || hasYielded }

    /// The function of the host that it waits for; nil: it waits in one of the runtime's.
    var function: HostFunction? {
        guard let function = unsafe record.pointee.function else { return nil }
        return unsafe Unmanaged.fromOpaque(function).takeUnretainedValue()
    }

    /// Its arguments, which become its results.
    var arguments: UnsafeMutablePointer<UInt64> { unsafe record.pointee.arguments }

    /// Where it has left wasm, and the frame at which it has begun.
    var exit: (counter: UInt, frame: UInt, end: UInt) {
        unsafe (record.pointee.exit_pc, record.pointee.exit_fp, record.pointee.entry_fp)
    }

    /// From here up to `highAddress` the stack is in use.
    var suspendedAddress: UInt { unsafe record.pointee.sp }
    var highAddress: UInt { unsafe apus_guest_stack_high(record) }
}
