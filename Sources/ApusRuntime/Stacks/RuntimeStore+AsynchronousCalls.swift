internal import CApusHost

/// Calls whose guests run on stacks of their own, so that they can wait.
///
/// All of this runs where the caller does: the guest is never on another thread than the one that
/// does the caller's work. When it waits for an asynchronous function, its stack is left, and the
/// caller's task awaits that.
extension RuntimeStore {
    /// Calls a function. `cells` holds the arguments, then the results; there must be at least
    /// `target.cellCount`. Arguments of 32 bits are zero-extended.
    ///
    /// Throws `WasmTrap`, `ResourceError`, `AsynchronousCallError`, or whatever a host function
    /// threw.
    public nonisolated(nonsending) func callAsync(
        _ target: CallTarget, _ cells: inout [UInt64]
    ) async throws {
        precondition(cells.count >= target.cellCount)
        let stack = try beginCall()
        defer { endCall(stack) }
        try fill(stack, target, cells)
        try await run(stack)
        read(stack, target.cellCount, &cells)
    }

    /// Calls a function of this store with `arguments`, and returns the result's bits.
    public nonisolated(nonsending) func callAsync<Arguments>(
        _ target: PackedTarget<Arguments>, _ arguments: Arguments
    ) async throws -> UInt64 {
        let stack = try beginCall()
        defer { endCall(stack) }
        try fill(stack, target, arguments)
        try await run(stack)
        return result(stack)
    }

    // MARK: Arguments

    // SAFETY: a stack's cells are as many as it was asked for, and its own until the call ends.
    private func fill(
        _ stack: GuestStack, _ target: CallTarget, _ arguments: [UInt64]
    ) throws(ResourceError) {
        let cells = try unsafe stack.prepare(target, cells: target.cellCount)
        for index in 0..<target.parameterCount { unsafe cells[index] = arguments[index] }
    }

    private func fill<Arguments>(
        _ stack: GuestStack, _ target: PackedTarget<Arguments>, _ arguments: Arguments
    ) throws(ResourceError) {
        let bytes = MemoryLayout<PackedFrame<Arguments>>.size
        let cells = try unsafe stack.prepare(target.target, cells: (bytes + 7) / 8)
        // Numbers need no destruction.
        unsafe UnsafeMutableRawPointer(cells).initializeMemory(
            as: PackedFrame<Arguments>.self, to: PackedFrame(arguments))
    }

    private func read(_ stack: GuestStack, _ count: Int, _ cells: inout [UInt64]) {
        let values = unsafe Span(_unsafeStart: stack.record.pointee.values, count: count)
        for index in values.indices { cells[index] = values[index] }
    }

    private func result(_ stack: GuestStack) -> UInt64 {
        unsafe stack.record.pointee.values[0]
    }

    // MARK: The call as a whole

    /// The stack for a call that is about to begin; `endCall` has to follow.
    private func beginCall() throws -> GuestStack {
        if let refusal { throw refusal }
        guard unsafe context.pointee.entry_sp == 0, isServingInnermost else {
            throw AsynchronousCallError.storeIsBusy
        }
        try environment.prepareThread()
        let stack = try environment.stacks.take()
        stack.parent = innermostStack
        innermostStack = stack
        unsafe context.pointee.stack_calls += 1
        return stack
    }

    /// The call has ended, or has not begun.
    private func endCall(_ stack: GuestStack) {
        unlink(stack)
        unsafe context.pointee.stack_calls -= 1
        setAttention(apus_attention_suspended, innermostStack != nil)
        stack.clear()
        environment.stacks.giveBack(stack)
        leaveImages()
    }

    /// Takes `stack` out of the chain. It is the innermost one, unless a function of the host has
    /// left behind a call that it should have waited for.
    private func unlink(_ stack: GuestStack) {
        if innermostStack === stack {
            innermostStack = stack.parent
            return
        }
        var inner = innermostStack
        while let present = inner, present.parent !== stack { inner = present.parent }
        inner?.parent = stack.parent
    }

    /// Runs what was prepared on the stack until it ends.
    private nonisolated(nonsending) func run(_ stack: GuestStack) async throws {
        // What is made within it ends with the task that has made the outermost one.
        if stack.parent != nil { return try await drive(stack) }
        let interrupter = interrupter
        let scope = interrupter.scope
        defer { interrupter.endScope() }
        try await withTaskCancellationHandler {
            try await drive(stack)
        } onCancel: {
            interrupter.cancel(scope: scope)
        }
    }

    private nonisolated(nonsending) func drive(_ stack: GuestStack) async throws {
        if has(apus_attention_collect) {
            unsafe collect(cells: stack.cells, count: stack.referenceCounts.arguments)
        }
        guard has(apus_attention_hook) else { return try await go(stack) }
        let hook = callHook
        let count = pinned.count
        // A call that was left behind may end after the one that it was made for.
        defer { pinned.removeLast(max(pinned.count - count, 0)) }
        unsafe pin(stack.cells, stack.referenceCounts.arguments)
        try hook?(.enteringWasm)
        do {
            try await go(stack)
        } catch {
            try? hook?(.leavingWasm)
            throw error
        }
        unsafe pin(stack.cells, stack.referenceCounts.results)
        try hook?(.leavingWasm)
    }

    private nonisolated(nonsending) func go(_ stack: GuestStack) async throws {
        try beginInterruptible(isAsynchronous: true)
        defer { endInterruptible() }
        var isEnded = try resume(stack)
        while !isEnded {
            let failure = await serve(stack)
            isEnded = try resume(stack, again: true, failure)
        }
    }

    // MARK: The guest's turn

    /// Runs the guest until it waits, or its call has ended, which is what this returns. `failure`
    /// is what it is told instead of results.
    // SAFETY: the stack is switched to between its being attached and detached, all of which
    // happens on one thread.
    private func resume(
        _ stack: GuestStack, again: Bool = false, _ failure: (any Error)? = nil
    ) throws -> Bool {
        var failure = failure
        do throws(ResourceError) {
            // A task goes on with any thread.
            try environment.prepareThread()
        } catch {
            if !again { throw error }
            failure = error
        }
        if unsafe stackLimit != guestLimit(stack) { setStackLimit(guestLimit(stack)) }
        unsafe outermostStackAddress = stack.highAddress
        unsafe apus_guest_stack_attach(stack.record, context)
        if again { interrupter.resume() }
        if let failure { fail(failure) }
        unsafe apus_guest_stack_switch(stack.record)
        if stack.isWaiting { interrupter.pause() }
        unsafe apus_guest_stack_detach(stack.record, context)
        unsafe outermostStackAddress = 0
        if stack.isWaiting { return false }
        if unsafe stack.record.pointee.status != 0 { throw takeTrap() }
        return true
    }

    /// How deep guests may go on the stack.
    private func guestLimit(_ stack: GuestStack) -> UInt {
        max(stack.limit, stack.highAddress &- wasmStackBytes)
    }

    // MARK: The host's turn

    /// Does what the guest waits for. Returns the error that it ended in.
    private nonisolated(nonsending) func serve(_ stack: GuestStack) async -> (any Error)? {
        waitCount &+= 1
        stack.wait = waitCount
        setAttention(apus_attention_suspended, true)
        if has(apus_attention_collect) { unsafe collect(cells: nil, count: 0) }
        let hook = has(apus_attention_hook) ? callHook : nil
        do {
            try hook?(.enteringHost)
            do {
                try await work(stack)
            } catch {
                try? hook?(.leavingHost)
                throw error
            }
            try hook?(.leavingHost)
        } catch {
            return error
        }
        return innermostStack === stack ? nil : AsynchronousCallError.storeIsBusy
    }

    private nonisolated(nonsending) func work(_ stack: GuestStack) async throws {
        let function = stack.function
        guard let body = function.asynchronousBody else { return }
        let frame = SuspendedFrame(stack, function, self)
        let call = SuspendedCall(self, wait: stack.wait)
        try await SuspendedCall.$innermost.withValue(call) { try await body(frame) }
    }

    // MARK: Who may call

    /// Whether nobody waits, or the present task works for the one who does.
    private var isServingInnermost: Bool {
        guard let innermostStack else { return true }
        return innermostStack.isWaiting && SuspendedCall.isServing(self, wait: innermostStack.wait)
    }

    /// Throws if a synchronous call may not be made now. Functions of the host may always call the
    /// guest that has called them.
    func checkSynchronousCall() throws {
        guard has(apus_attention_suspended) || has(apus_attention_asynchronous),
            unsafe context.pointee.entry_sp == 0
        else { return }
        guard isServingInnermost else { throw AsynchronousCallError.storeIsBusy }
        if innermostStack == nil, has(apus_attention_asynchronous) {
            throw AsynchronousCallError.isSynchronous
        }
    }

    /// Calls `body` with the stacks that guests wait on, innermost first.
    func forEachWaitingStack(_ body: (GuestStack) -> Void) {
        var next = innermostStack
        while let stack = next {
            if stack.isWaiting { body(stack) }
            next = stack.parent
        }
    }
}
