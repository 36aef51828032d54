internal import ApusCollections
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
    var consents = GrowthConsents()
    /// The number of the present wait among those of the store.
    var wait: UInt64 = 0

    /// `configuration` is within bounds.
    init(_ configuration: GuestStackConfiguration) throws(ResourceError) {
        // SAFETY: the record is of a stack that was just made, and becomes this object's.
        guard let record = unsafe apus_guest_stack_make(configuration.bytes) else {
            throw ResourceError(.guestStacks, requested: configuration.bytes)
        }
        unsafe self.record = unsafe record
        unsafe record.pointee.limit = unsafe record.pointee.low + UInt(configuration.hostBytes)
        unsafe record.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
    }

    // SAFETY: nobody uses the stack: the pool has it for itself.
    deinit { unsafe apus_guest_stack_free(record) }

    // MARK: The call

    /// Makes room for a call that takes more cells than the record has.
    func makeCells(_ count: Int) throws(ResourceError) -> UnsafeMutablePointer<UInt64> {
        // SAFETY: the allocation has room for `count` cells, and `clear` frees it; the record is
        // this object's.
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
        // SAFETY: the record is this object's.
        unsafe record.pointee.has_more = 1
    }

    // SAFETY: the record is this object's; `GuestCall` has set its cells.
    /// The cells of the call.
    var cells: UnsafeMutablePointer<UInt64> { unsafe record.pointee.values }

    /// Gives back to the system what deep recursion has left behind.
    func discard() {
        let kept: UInt = 64 << 10
        let end = (highAddress &- kept) & ~UInt(apus_page_bytes() - 1)
        // SAFETY: nobody runs on the stack; the range lies within it, below what is kept.
        let low = unsafe record.pointee.low
        if end > low {
            // What is not given back stays as it is.
            _ = unsafe apus_discard(
                UnsafeMutableRawPointer(bitPattern: low), UInt64(end &- low))
        }
    }

    /// The call has ended, and nobody needs its cells any more.
    func clear() {
        // SAFETY: the record is this object's, and nobody needs the cells of the call any more,
        // which are, too.
        unsafe record.pointee.has_more = 0
        // A guest that was told of a failure instead is not called again, which would end the wait.
        if case .notification(let parked)? = runtimeWait { _ = parked.end() }
        runtimeWait = nil
        if unsafe moreCells != nil {
            unsafe apus_free(moreCells)
            unsafe moreCells = nil
        }
    }

    // MARK: While a guest waits

    // SAFETY: the record is this object's.
    /// Whether a guest waits here for an asynchronous function.
    var isWaiting: Bool { unsafe record.pointee.state == apus_guest_waiting.rawValue }

    // SAFETY: the record is this object's.
    /// Whether a guest has left it that has had its turn.
    var hasYielded: Bool { unsafe record.pointee.state == apus_guest_yielded.rawValue }
    /// Whether a guest has left it and is to come back.
    var isLeft: Bool { isWaiting || hasYielded }

    /// The function of the host that it waits for; nil: it waits in one of the runtime's.
    var function: HostFunction? {
        // SAFETY: the store of the guest that waits keeps the function.
        guard let function = unsafe record.pointee.function else { return nil }
        return unsafe Unmanaged.fromOpaque(function).takeUnretainedValue()
    }

    // SAFETY: the record is this object's; the arguments lie in the frame of the trampoline, which
    // waits.
    /// Its arguments, which become its results.
    var arguments: UnsafeMutablePointer<UInt64> { unsafe record.pointee.arguments }

    /// Where it has left wasm, and the frame at which it has begun.
    var exit: (counter: UInt, frame: UInt, end: UInt) {
        // SAFETY: the record is this object's.
        unsafe (record.pointee.exit_pc, record.pointee.exit_fp, record.pointee.entry_fp)
    }

    // SAFETY: the record is this object's.
    /// From here up to `highAddress` the stack is in use.
    var suspendedAddress: UInt { unsafe record.pointee.sp }
    var highAddress: UInt { unsafe apus_guest_stack_high(record) }
}
