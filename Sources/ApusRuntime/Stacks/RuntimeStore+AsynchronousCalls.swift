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
        let call = try unsafe beginCall(target, cells: target.cellCount)
        // SAFETY: the stack has as many cells as the call takes, which are its own until it ends.
        let values = unsafe call.cells.assumingMemoryBound(to: UInt64.self)
        for index in 0..<target.parameterCount { unsafe values[index] = cells[index] }
        let stack = unsafe call.stack
        defer { endCall(stack) }
        if try !takeFirstTurn(stack) { try await takeLaterTurns(stack) }
        for index in 0..<target.cellCount { cells[index] = unsafe values[index] }
    }

    /// Calls a function of this store with `arguments`, and returns the result's bits.
    ///
    /// Inlined, so that where the types are known the arguments are stored and nothing else happens
    /// to them.
    @inlinable
    public nonisolated(nonsending) func callAsync<Arguments>(
        _ target: PackedTarget<Arguments>, _ arguments: Arguments
    ) async throws -> UInt64 {
        // SAFETY: the stack has as many cells as the frame takes, which are its own until the call
        // ends. Numbers need no destruction.
        let bytes = MemoryLayout<PackedFrame<Arguments>>.size
        let call = try unsafe beginCall(target.target, cells: (bytes + 7) / 8)
        unsafe call.cells.initializeMemory(
            as: PackedFrame<Arguments>.self, to: PackedFrame(arguments))
        let stack = unsafe call.stack
        defer { endCall(stack) }
        // Most calls end without a wait, and so without what waiting takes.
        if try !takeFirstTurn(stack) { try await takeLaterTurns(stack) }
        return unsafe call.cells.load(as: UInt64.self)
    }

    // MARK: The call as a whole

    /// Takes a stack on which `target` is called with what is stored in the cells; `endCall` has to
    /// follow.
    @usableFromInline
    func beginCall(
        _ target: CallTarget, cells count: Int
    ) throws -> (stack: GuestStack, cells: UnsafeMutableRawPointer) {
        let stack = try beginCall()
        do throws(ResourceError) {
            let cells = try unsafe stack.prepare(target, cells: count)
            return (stack, UnsafeMutableRawPointer(cells))
        } catch {
            endCall(stack)
            throw error
        }
    }

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
    @usableFromInline
    func endCall(_ stack: GuestStack) {
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

    /// Runs what was prepared on the stack until the guest waits, or its call has ended, which is
    /// what this returns. Who is to hear of the call is told in later turns, all of it.
    @usableFromInline
    func takeFirstTurn(_ stack: GuestStack) throws -> Bool {
        if has(apus_attention_collect) {
            unsafe collect(cells: stack.cells, count: stack.referenceCounts.arguments)
        }
        if has(apus_attention_hook) { return false }
        return try begin(stack)
    }

    /// What is made within a call ends with the task that has made the outermost one.
    // SAFETY: the guest leaves before this returns, or the call ends, and the task is forgotten.
    private func begin(_ stack: GuestStack) throws -> Bool {
        try unsafe withUnsafeCurrentTask { task in
            if stack.parent == nil, let task = unsafe task {
                try unsafe beginInterruptible(in: task)
            } else {
                try beginInterruptible(isAsynchronous: true)
            }
        }
        do {
            if try !resume(stack) { return false }
        } catch {
            endInterruptible(endsScope: stack.parent == nil)
            throw error
        }
        endInterruptible(endsScope: stack.parent == nil)
        return true
    }

    /// Goes on with a call whose guest waits, or that is to be heard of.
    @usableFromInline
    nonisolated(nonsending) func takeLaterTurns(_ stack: GuestStack) async throws {
        if stack.isLeft { try await goOn(stack) } else { try await runHooked(stack) }
    }

    /// Makes a call that somebody wants to hear of.
    private nonisolated(nonsending) func runHooked(_ stack: GuestStack) async throws {
        let hook = callHook
        let count = pinned.count
        // A call that was left behind may end after the one that it was made for.
        defer { pinned.removeLast(max(pinned.count - count, 0)) }
        unsafe pin(stack.cells, stack.referenceCounts.arguments)
        try hook?(.enteringWasm)
        do {
            if try !begin(stack) { try await goOn(stack) }
        } catch {
            try? hook?(.leavingWasm)
            throw error
        }
        unsafe pin(stack.cells, stack.referenceCounts.results)
        try hook?(.leavingWasm)
    }

    /// Does what the guest waits for, and lets it go on, until it ends or the task is cancelled.
    private nonisolated(nonsending) func goOn(_ stack: GuestStack) async throws {
        if stack.parent != nil {
            defer { endInterruptible() }
            return try await alternate(stack)
        }
        let interrupter = interrupter
        let scope = interrupter.scope
        defer { endInterruptible(endsScope: true) }
        try await withTaskCancellationHandler {
            try await alternate(stack)
        } onCancel: {
            interrupter.cancel(scope: scope)
        }
    }

    private nonisolated(nonsending) func alternate(_ stack: GuestStack) async throws {
        var isEnded = false
        while !isEnded {
            let failure = stack.hasYielded ? await letOthersRun(stack) : await serve(stack)
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
        if again {
            do throws(ResourceError) {
                // A task goes on with any thread.
                try environment.prepareThread()
            } catch {
                failure = error
            }
        }
        if unsafe stackLimit != guestLimit(stack) { setStackLimit(guestLimit(stack)) }
        unsafe outermostStackAddress = stack.highAddress
        unsafe apus_guest_stack_attach(stack.record, context)
        if again { interrupter.resume() }
        if let failure { fail(failure) }
        unsafe apus_guest_stack_switch(stack.record)
        if stack.isLeft { interrupter.pause() }
        unsafe apus_guest_stack_detach(stack.record, context)
        unsafe outermostStackAddress = 0
        if stack.isLeft { return false }
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
        if stack.function == nil { return await serveRuntime(stack) }
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

    /// The guest has had its turn, and is found in the middle of its code, which nothing may change
    /// that it works on: `checkYielded`.
    private nonisolated(nonsending) func letOthersRun(_ stack: GuestStack) async -> (any Error)? {
        setAttention(apus_attention_suspended, true)
        await Task.yield()
        return innermostStack === stack ? nil : AsynchronousCallError.storeIsBusy
    }

    /// Throws if a guest was made to leave its stack in the middle of its code: it may hold
    /// addresses of what the host is about to move, or be about to make an object itself.
    func checkYielded() throws(AsynchronousCallError) {
        if let innermostStack, innermostStack.hasYielded { throw .storeIsBusy }
    }

    private nonisolated(nonsending) func serveRuntime(_ stack: GuestStack) async -> (any Error)? {
        do {
            try await serveRuntimeWait(stack)
        } catch {
            return error
        }
        return innermostStack === stack ? nil : AsynchronousCallError.storeIsBusy
    }

    private nonisolated(nonsending) func work(_ stack: GuestStack) async throws {
        guard let function = stack.function, let body = function.asynchronousBody else { return }
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
            if stack.isLeft { body(stack) }
            next = stack.parent
        }
    }
}
