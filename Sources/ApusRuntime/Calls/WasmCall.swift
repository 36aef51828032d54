internal import ApusABI
internal import ApusCollections
internal import CApusHost

extension RuntimeStore {
    /// Calls a function. `cells` holds the arguments, then the results; there must be at least
    /// `target.cellCount`. Arguments of 32 bits are zero-extended.
    ///
    /// Throws `WasmTrap`, `ResourceError`, or whatever a host function threw.
    @inline(__always)
    public func call(_ target: CallTarget, _ cells: inout MutableSpan<UInt64>) throws {
        precondition(cells.count >= target.cellCount)
        // SAFETY: there are as many cells as the target wants, and they stay where they are
        // meanwhile.
        try unsafe cells.withUnsafeMutableBufferPointer { buffer in
            try unsafe call(target, cells: buffer.baseAddress)
        }
    }

    // SAFETY: the target comes from this store; its instance and code live as long as it.
    /// The same with cells anywhere in memory; nil if `target.cellCount` is 0.
    ///
    /// Unsafe: there must be `target.cellCount` cells at `cells`.
    @unsafe
    public func call(_ target: CallTarget, cells: UnsafeMutablePointer<UInt64>?) throws {
        let thread = unsafe apus_thread_record().unsafelyUnwrapped
        if unsafe thread.pointee.prepared == 0 { try environment.prepareThread() }
        if unsafe apus_attention_of(context) != 0 {
            return try unsafe callWithAttention(target, cells, thread)
        }
        let status = try unsafe enter(target, cells, thread)
        if unsafe apus_attention_of(context) != 0 { return try endLate(status) }
        if status != 0 { throw takeTrap() }
    }

    /// Ends a call, and what has begun during it.
    @inline(never)
    private func endLate(_ status: UInt32) throws {
        // SAFETY: the store's context is the store's own, as long as it lives.
        let isOutermost = unsafe context.pointee.entry_sp == 0
        if isOutermost, has(apus_attention_interrupt) { endInterruptible() }
        defer { if isOutermost { leaveImages() } }
        if status != 0 { throw takeTrap() }
    }

    /// Lets go of images that have been replaced meanwhile. A trap has looked up its places by now.
    func leaveImages() {
        // SAFETY: the store's context is the store's own, as long as it lives.
        guard has(apus_attention_images), unsafe apus_store_is_entered(context) == 0 else { return }
        environment.codeGuests.left(self)
    }

    /// A call besides which there is something else to do.
    @inline(never)
    private func callWithAttention(
        _ target: CallTarget, _ cells: UnsafeMutablePointer<UInt64>?,
        _ thread: UnsafeMutablePointer<apus_thread>
    ) throws {
        // SAFETY: `call` hands over its cells, of which there are as many as the target wants, and
        // the calling thread's record.
        if let refusal { throw refusal }
        try checkLent()
        try checkSynchronousCall()
        if has(apus_attention_collect) {
            unsafe collect(cells: cells, count: target.parameterCount)
        }
        func call() throws {
            let isOutermost = unsafe context.pointee.entry_sp == 0
            if isOutermost, has(apus_attention_interrupt) { try beginInterruptible() }
            defer {
                if isOutermost {
                    if has(apus_attention_interrupt) { endInterruptible() }
                    leaveImages()
                }
            }
            let status = try unsafe enter(target, cells, thread)
            if status != 0 { throw takeTrap() }
        }
        if has(apus_attention_hook) {
            let count = pinned.count
            defer { pinned.removeLast(pinned.count - count) }
            unsafe pin(cells, target.parameterCount)
            try hooked(.enteringWasm, .leavingWasm) {
                try call()
                unsafe pin(cells, target.cellCount)
            }
        } else {
            try call()
        }
    }

    /// Keeps what cells refer to, whose owner is the only one to know of it.
    func pin(_ cells: UnsafeMutablePointer<UInt64>?, _ count: Int) {
        // SAFETY: callers have as many cells as they say.
        guard let cells = unsafe cells else { return }
        for index in 0..<count { pinned.append(unsafe cells[index]) }
    }

    /// Runs the function: 0 if it returned, 1 after a trap.
    @inline(__always)
    private func enter(
        _ target: CallTarget, _ cells: UnsafeMutablePointer<UInt64>?,
        _ thread: UnsafeMutablePointer<apus_thread>
    ) throws -> UInt32 {
        // SAFETY: the target's code takes its context and cells of its type; `entry` is the
        // trampoline of that type. The thread's record is this thread's, and what it says of the
        // store that runs is put back before anybody else reads it.
        let stack = apus_stack_address()
        let status: UInt32
        let previous = unsafe thread.pointee.current
        if unsafe context.pointee.entry_sp == 0 {
            try adjustStackLimit(stack, unsafe thread.pointee.stack_low)
            if unsafe stack < stackLimit &+ target.stackBytes { throw exhaustion() }
            unsafe outermostStackAddress = stack
            unsafe context.pointee.requests = unsafe apus_thread_requests(thread)
            unsafe thread.pointee.current = unsafe context
            status = unsafe apus_enter(target.entry, target.context, target.code, cells)
            unsafe apus_activation_end(context)
            unsafe thread.pointee.current = previous
            unsafe outermostStackAddress = 0
        } else {
            // Another thread has a stack of its own, which nobody has measured.
            if isEnteredElsewhere { throw AsynchronousCallError.storeIsBusy }
            if unsafe stack < stackLimit &+ target.stackBytes { throw exhaustion() }
            unsafe thread.pointee.current = unsafe context
            status = unsafe reenter(target, cells)
            unsafe thread.pointee.current = previous
        }
        return status
    }

    /// There is no stack left to enter wasm on.
    @inline(never)
    private func exhaustion() -> WasmTrap {
        statistics.traps += 1
        let backtrace = outerBacktrace()
        lastFailure = .trap(backtrace)
        return WasmTrap(.stackExhausted, backtrace: backtrace, limit: UInt64(wasmStackBytes))
    }

    /// Enters wasm while a host function is running, noting where the outer frames are.
    @inline(never)
    private func reenter(_ target: CallTarget, _ cells: UnsafeMutablePointer<UInt64>?) -> UInt32 {
        // SAFETY: the context names the record only while this function runs, and calls end in the
        // reverse order of their beginning. The rest is as in `enter`.
        var activation = unsafe apus_outer_activation()
        return unsafe withUnsafeMutablePointer(to: &activation) { activation in
            unsafe apus_activation_keep(context, activation)
            defer { unsafe apus_activation_restore(context, activation) }
            return unsafe apus_enter(target.entry, target.context, target.code, cells)
        }
    }

    // MARK: The stack limit

    /// Sets how deep wasm may go on this thread when entered at `stack`.
    ///
    /// The limit is in every context, above it by what calls of its module take, so that frames and
    /// calls end where the host's part begins. It is only rewritten when it is off by much: another
    /// thread, or another depth.
    @inline(__always)
    private func adjustStackLimit(_ stack: UInt, _ stackLow: UInt) throws {
        // SAFETY: the store runs on this thread alone.
        //
        // Calls in sequence.
        if unsafe limitedStack == (stack, stackLow) { return }
        let room = stack &- stackLow
        let kept = max(hostStackBytes ?? min(room / 2, 1 << 20), StoreLimits.leastHostStackBytes)
        if room < kept &+ StoreLimits.leastStackBytes { throw tooSmallStack(room, kept) }
        let floor = stackLow &+ kept
        let wanted = stack &- wasmStackBytes
        let ideal = wanted > stack || wanted < floor ? floor : wanted
        let slack: UInt = 16 << 10
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        let present = unsafe stackLimit
        if present < floor || present &+ slack < ideal || present > ideal &+ slack {
            setStackLimit(ideal)
        }
        unsafe limitedStack = (stack, stackLow)
    }

    /// The thread has too little stack for guests and what they call, or its host has used it up.
    @inline(never)
    private func tooSmallStack(_ room: UInt, _ kept: UInt) -> any Error {
        // SAFETY: each thread has a record, which is there before it gets here.
        //
        // Within a guest's call it is that one which has used it.
        if unsafe apus_thread_record().pointee.current != nil { return exhaustion() }
        return ResourceError(
            .stack, requested: UInt64(kept &+ StoreLimits.leastStackBytes), limit: UInt64(room))
    }

    @inline(never)
    func setStackLimit(_ limit: UInt) {
        // SAFETY: contexts of the store's instances live as long as the store; nothing of it runs
        // now but on this thread.
        unsafe stackLimit = limit
        unsafe limitedStack = (0, 0)
        instances.forEach { $0.setStackLimit(limit) }
    }

    // MARK: Who called

    // SAFETY: `caller` is an instance of the store's, which keeps it.
    /// The instance whose code called the host function that is running; nil if the host did.
    var callingInstance: InstanceState? { unsafe caller?.takeUnretainedValue() }

    // SAFETY: the instance and its memory live as long as the store, which is in a call.
    /// The bytes of the memory that the calling instance exports as "memory", without counting
    /// references on the way; nil if there is none.
    var callerMemory: UnsafeMutableRawBufferPointer? {
        unsafe caller?._withUnsafeGuaranteedRef { instance in
            guard let memory = instance.exportedMemory else { return nil }
            return unsafe UnsafeMutableRawBufferPointer(
                start: memory.baseAddress, count: memory.byteCount)
        }
    }

    private var caller: Unmanaged<InstanceState>? {
        // SAFETY: what the trampoline has noted when wasm was left is the frame of a function that
        // calls out, and waits.
        unsafe Self.caller(frame: context.pointee.exit_fp, end: context.pointee.entry_fp)
    }

    /// The instance whose code has left wasm at `exit`; nil if the host called the function itself.
    func instance(leavingAt exit: (counter: UInt, frame: UInt, end: UInt)) -> InstanceState? {
        // SAFETY: callers have read `exit` from the context while that call waits.
        unsafe Self.caller(frame: exit.frame, end: exit.end)?.takeUnretainedValue()
    }

    // SAFETY: functions that call out keep their context in their frames (`FrameLayout`); contexts
    // and their owners live as long as the store.
    private static func caller(frame: UInt, end: UInt) -> Unmanaged<InstanceState>? {
        guard frame != 0, frame != end else { return nil }
        let slot = unsafe UnsafePointer<UnsafeMutablePointer<apus_context>?>(
            bitPattern: frame &+ UInt(bitPattern: Int(FrameLayout.context)))
        guard let caller = unsafe slot?.pointee, let owner = unsafe caller.pointee.owner else {
            return nil
        }
        return unsafe Unmanaged<InstanceState>.fromOpaque(owner)
    }
}
