internal import ApusCollections
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
        let call = try beginCall(target, cells: target.cellCount)
        // SAFETY: the call has as many cells as it takes, which are its own until it ends.
        let values = unsafe call.cells.assumingMemoryBound(to: UInt64.self)
        for index in 0..<target.parameterCount { unsafe values[index] = cells[index] }
        defer { endCall(call) }
        if try !takeFirstTurn(call) { try await takeLaterTurns(call) }
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
        // SAFETY: the call has as many cells as the frame takes, which are its own until it ends.
        // Numbers need no destruction.
        let bytes = MemoryLayout<PackedFrame<Arguments>>.size
        let call = try beginCall(target.target, cells: (bytes + 7) / 8)
        unsafe call.cells.initializeMemory(
            as: PackedFrame<Arguments>.self, to: PackedFrame(arguments))
        defer { endCall(call) }
        // Most calls end without a wait, and so without what waiting takes.
        if try !takeFirstTurn(call) { try await takeLaterTurns(call) }
        return unsafe call.cells.load(as: UInt64.self)
    }

    // MARK: The call as a whole

    /// Takes a stack on which `target` is called with what is stored in the cells; `endCall` has to
    /// follow.
    @usableFromInline
    func beginCall(_ target: CallTarget, cells count: Int) throws -> GuestCall {
        // SAFETY: the record is the call's from here to `endCall`.
        if unsafe apus_thread_record().pointee.prepared == 0 { try environment.prepareThread() }
        if let refusal { throw refusal }
        try checkLent()
        guard unsafe context.pointee.entry_sp == 0,
            unsafe innermostRecord == nil || isServingInnermost
        else { throw AsynchronousCallError.storeIsBusy }
        // Only calls within others can be too many.
        if unsafe innermostRecord != nil { try checkStackCount() }
        let record: UnsafeMutablePointer<apus_guest_stack>
        if let recent = unsafe apus_idle_stack_take(context.pointee.idle_stack) {
            unsafe record = unsafe recent
        } else {
            unsafe record = try unsafe environment.stacks.take()
        }
        let call: GuestCall
        do throws(ResourceError) {
            call = try unsafe GuestCall(target, cells: count, on: record)
        } catch {
            unsafe environment.stacks.giveBack(record)
            throw error
        }
        unsafe record.pointee.parent = unsafe innermostRecord
        unsafe innermostRecord = unsafe record
        unsafe apus_stack_calls_add(context, 1)
        return call
    }

    /// Throws if the store has as many stacks as it may: what is left is for others.
    private func checkStackCount() throws(ResourceError) {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        let count = unsafe context.pointee.stack_calls
        let limit = environment.stacks.storeLimit
        if count < limit { return }
        throw ResourceError(.storeStacks, requested: UInt64(count) + 1, limit: UInt64(limit))
    }

    /// The call has ended, or has not begun.
    @usableFromInline
    func endCall(_ call: GuestCall) {
        // SAFETY: the call's record is given back here, and not used behind that.
        let record = unsafe call.record
        if unsafe innermostRecord == record {
            unsafe innermostRecord = unsafe record.pointee.parent
        } else {
            unsafe unlink(record)
        }
        unsafe record.pointee.parent = nil
        unsafe apus_stack_calls_add(context, -1)
        if has(apus_attention_suspended), unsafe innermostRecord == nil {
            setAttention(apus_attention_suspended, false)
        }
        if unsafe record.pointee.has_more != 0 { call.stack.clear() }
        if unsafe apus_idle_stack_put(context.pointee.idle_stack, record) == 0 {
            unsafe environment.stacks.giveBack(record)
        }
        leaveImages()
    }

    /// Takes a stack out of the middle of the chain: a function of the host has left behind a call
    /// that it should have waited for.
    private func unlink(_ record: UnsafeMutablePointer<apus_guest_stack>) {
        // SAFETY: all of the chain are records of calls that have not ended.
        var inner = unsafe innermostRecord
        while let present = unsafe inner, unsafe present.pointee.parent != record {
            unsafe inner = unsafe present.pointee.parent
        }
        unsafe inner?.pointee.parent = unsafe record.pointee.parent
    }

    /// Runs what was prepared on the stack until the guest waits, or its call has ended, which is
    /// what this returns. Who is to hear of the call is told in later turns, all of it.
    @usableFromInline
    func takeFirstTurn(_ call: GuestCall) throws -> Bool {
        // SAFETY: the task is the present one. The call's cells are as many as it says.
        let task = unsafe apus_current_task()
        let calm = ~(apus_attention_asynchronous.rawValue | apus_attention_images.rawValue)
        if unsafe apus_attention_of(context) & calm == 0, call.isOutermost,
            atInterruptionStep == nil, let task = unsafe task, unsafe beginWatched(in: task)
        {
            return try takeWatchedTurn(call)
        }
        if has(apus_attention_collect) {
            unsafe collect(cells: call.values, count: call.argumentCount)
        }
        if has(apus_attention_hook) { return false }
        return try begin(call)
    }

    // MARK: Calls that nobody asks for anything

    /// Says that the call which begins is one of `task`, for the watchdog to look at now and then,
    /// which is all that most calls need. Whether that is enough.
    private func beginWatched(in task: UnsafeMutableRawPointer) -> Bool {
        // SAFETY: as in `takeFirstTurn`.
        if unsafe apus_thread_record().pointee.id == 0 || apus_task_is_cancelled(task) {
            return false
        }
        if unsafe apus_watch_begin(context, task) { return true }
        // Nobody looks at present, or who was about to stop looking has seen the call: then it has
        // said whose that is, and may have stopped it. It begins again, and is announced.
        if unsafe !apus_watch_end(context) { stopper.end(endsScope: true) }
        return false
    }

    private func takeWatchedTurn(_ call: GuestCall) throws -> Bool {
        // SAFETY: the thread's record is this thread's.
        unsafe apus_thread_record().pointee.is_polled = 0
        let status = unsafe run(call.record)
        let isLeft = call.isLeft
        var error: (any Error)?
        if !isLeft, status != 0 { error = takeTrap() }
        let isUnknown = unsafe apus_watch_end(context)
        if !isUnknown || has(apus_attention_interrupt) {
            if isLeft { stopper.pause() } else { stopper.end(endsScope: true) }
        } else if isLeft {
            stopper.notePause()
        }
        if let error { throw error }
        return !isLeft
    }

    // MARK: Calls that are announced

    /// What is made within a call ends with the task that has made the outermost one.
    private func begin(_ call: GuestCall) throws -> Bool {
        // SAFETY: the task is asked only while the guest has its turn, which ends within this.
        if call.isOutermost, let task = unsafe apus_current_task() {
            try unsafe beginInterruptible(in: task)
        } else {
            try beginInterruptible(isAsynchronous: true)
        }
        do {
            if try !resume(call) { return false }
        } catch {
            endInterruptible(endsScope: call.isOutermost)
            throw error
        }
        endInterruptible(endsScope: call.isOutermost)
        return true
    }

    /// Goes on with a call whose guest waits, or that is to be heard of.
    @usableFromInline
    nonisolated(nonsending) func takeLaterTurns(_ call: GuestCall) async throws {
        if call.isLeft {
            try await goOn(call, #isolation)
        } else {
            try await runHooked(call, #isolation)
        }
    }

    // What follows takes the actor of who called as a parameter. Closures in functions that are
    // `nonisolated(nonsending)` do not stay with it, and the guest would go on beside that actor's
    // other jobs.

    /// Makes a call that somebody wants to hear of.
    private func runHooked(
        _ call: GuestCall, _ isolation: isolated (any Actor)?
    ) async throws {
        let hook = callHook
        let count = pinned.count
        // A call that was left behind may end after the one that it was made for.
        defer { pinned.removeLast(max(pinned.count - count, 0)) }
        // SAFETY: the call's cells are as many as it says.
        unsafe pin(call.values, call.argumentCount)
        try hook?(.enteringWasm)
        do {
            if try !begin(call) { try await goOn(call, isolation) }
        } catch {
            try? hook?(.leavingWasm)
            throw error
        }
        unsafe pin(call.values, call.resultCount)
        try hook?(.leavingWasm)
    }

    /// Does what the guest waits for, and lets it go on, until it ends or the task is cancelled.
    private func goOn(_ call: GuestCall, _ isolation: isolated (any Actor)?) async throws {
        if !call.isOutermost {
            defer { endInterruptible() }
            return try await alternate(call, isolation)
        }
        // Calls that are made meanwhile are to end with this one.
        setAttention(apus_attention_interrupt, true)
        let stopper = stopper
        let scope = stopper.scope
        defer {
            endInterruptible(endsScope: true)
            if !isInterrupterShared { setAttention(apus_attention_interrupt, false) }
        }
        try await withTaskCancellationHandler {
            try await alternate(call, isolation)
        } onCancel: {
            stopper.cancel(scope: scope)
        }
    }

    private func alternate(
        _ call: GuestCall, _ isolation: isolated (any Actor)?
    ) async throws {
        let stack = call.stack
        var isEnded = false
        while !isEnded {
            var failure =
                stack.hasYielded
                ? await letOthersRun(isolation) : await serve(stack, isolation)
            // What was done for the guest may have left behind a call that it should have waited
            // for.
            if failure == nil, innermostStack !== stack {
                failure = AsynchronousCallError.storeIsBusy
            }
            isEnded = try resume(call, again: true, failure)
        }
    }

    // MARK: The guest's turn

    /// Runs the guest until it waits, or its call has ended, which is what this returns. `failure`
    /// is what it is told instead of results.
    private func resume(
        _ call: GuestCall, again: Bool = false, _ failure: (any Error)? = nil
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
        // SAFETY: the call's record is its own.
        let status = unsafe run(call.record) {
            if again { stopper.resume() }
            if let failure { fail(failure) }
        } left: {
            if call.isLeft { stopper.pause() }
        }
        if call.isLeft { return false }
        if status != 0 { throw takeTrap() }
        return true
    }

    // SAFETY: the stack is switched to between its being attached and detached, all of which
    // happens on one thread.
    /// Switches to a stack, and returns when that is left, or its call has ended, with what the
    /// entry trampoline has returned.
    @inline(__always)
    private func run(
        _ record: UnsafeMutablePointer<apus_guest_stack>, attached: () -> Void = {},
        left: () -> Void = {}
    ) -> UInt32 {
        let high = unsafe apus_guest_stack_high(record)
        // How deep guests may go on it.
        let limit = unsafe max(record.pointee.limit, high &- wasmStackBytes)
        if unsafe stackLimit != limit { setStackLimit(limit) }
        unsafe outermostStackAddress = high
        unsafe apus_guest_stack_attach(record, context)
        attached()
        unsafe apus_guest_stack_switch(record)
        left()
        unsafe apus_guest_stack_detach(record, context)
        unsafe outermostStackAddress = 0
        return unsafe record.pointee.status
    }

    // MARK: The host's turn

    /// Does what the guest waits for. Returns the error that it ended in.
    private func serve(
        _ stack: GuestStack, _ isolation: isolated (any Actor)?
    ) async -> (any Error)? {
        waitCount &+= 1
        stack.wait = waitCount
        setAttention(apus_attention_suspended, true)
        // SAFETY: there are no cells, so none have to be there.
        if has(apus_attention_collect) { unsafe collect(cells: nil, count: 0) }
        if stack.function == nil { return await serveRuntime(stack, isolation) }
        let hook = has(apus_attention_hook) ? callHook : nil
        do {
            try hook?(.enteringHost)
            do {
                try await work(stack, isolation)
            } catch {
                try? hook?(.leavingHost)
                throw error
            }
            try hook?(.leavingHost)
        } catch {
            return error
        }
        return nil
    }

    /// The guest has had its turn, and is found in the middle of its code, which nothing may change
    /// that it works on: `checkYielded`.
    private func letOthersRun(_ isolation: isolated (any Actor)?) async -> (any Error)? {
        setAttention(apus_attention_suspended, true)
        await Task.yield()
        return nil
    }

    /// Whether a guest was made to leave its stack in the middle of its code: it may hold addresses
    /// of what the host is about to move, or within objects, or be making an object itself.
    var hasYieldedGuest: Bool { innermostStack?.hasYielded ?? false }

    /// Whether another thread is in the store, in a function of the host. Which of its stack is in
    /// use, and what is in its registers, only that one knows.
    var isEnteredElsewhere: Bool {
        // SAFETY: the context is the store's own allocation, which lives as long as the store; each
        // thread has a record, of which only an address is compared.
        unsafe context.pointee.entry_sp != 0
            && context.pointee.requests != apus_thread_requests(apus_thread_record())
    }

    /// Throws if there is such a guest.
    func checkYielded() throws(AsynchronousCallError) {
        if hasYieldedGuest { throw .storeIsBusy }
    }

    private func serveRuntime(
        _ stack: GuestStack, _ isolation: isolated (any Actor)?
    ) async -> (any Error)? {
        do {
            try await serveRuntimeWait(stack)
        } catch {
            return error
        }
        return nil
    }

    private func work(_ stack: GuestStack, _ isolation: isolated (any Actor)?) async throws {
        guard let function = stack.function, let body = function.asynchronousBody else { return }
        let frame = SuspendedFrame(stack, function, self)
        let call = SuspendedCall(self, wait: stack.wait)
        try await SuspendedCall.$innermost.withValue(call) {
            // Named, so that the closure is the actor's.
            _ = isolation
            try await body(frame)
        }
    }

    // MARK: Who may call

    /// The stack of the innermost call that has one of its own and has not ended.
    var innermostStack: GuestStack? {
        // SAFETY: the record is that of a call which has not ended.
        unsafe innermostRecord.map { unsafe GuestStack.of($0) }
    }

    /// Whether nobody waits, or the present task works for the one who does.
    private var isServingInnermost: Bool {
        guard let innermostStack else { return true }
        return innermostStack.isWaiting && SuspendedCall.isServing(self, wait: innermostStack.wait)
    }

    /// Throws if a synchronous call may not be made now. Functions of the host may always call the
    /// guest that has called them.
    func checkSynchronousCall() throws {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        guard has(apus_attention_suspended) || has(apus_attention_asynchronous),
            unsafe context.pointee.entry_sp == 0
        else { return }
        guard isServingInnermost else { throw AsynchronousCallError.storeIsBusy }
        if innermostStack == nil, has(apus_attention_asynchronous) {
            throw AsynchronousCallError.isSynchronous
        }
    }

    /// Calls `body` with the stacks that guests wait on, innermost first, until it returns false.
    func forEachWaitingStack(_ body: (GuestStack) -> Bool) {
        // SAFETY: all of the chain are records of calls that have not ended.
        var next = unsafe innermostRecord
        while let record = unsafe next {
            let stack = unsafe GuestStack.of(record)
            if stack.isLeft, !body(stack) { return }
            unsafe next = unsafe record.pointee.parent
        }
    }
}
