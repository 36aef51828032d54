internal import ApusABI
internal import ApusCollections
internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension RuntimeStore {
    /// What the trap that has just ended an activation throws.
    @inline(never)
    func takeTrap() -> any Error {
        // Until its frames have been looked up, their code is kept.
        defer { leaveImages() }
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        let raw = unsafe context.pointee.trap
        unsafe context.pointee.trap = 0
        // Whoever leaves wasm without a trap was interrupted.
        let code = TrapCode(stored: UInt8(truncatingIfNeeded: raw), or: .none)
        if code == .hostError, let error = pendingError {
            pendingError = nil
            noteHostError()
            return environment.onHostError(error, self)
        }
        if code == .exception, let exception = takeException() { return exception }
        // One that has left a guest which was to stop is gone.
        pendingException = nil
        statistics.traps += 1
        checkFault(code)
        refundFuel(code)
        let backtrace = takeBacktrace(code)
        let wasInterrupted = code == .none || code == .interrupted
        return WasmTrap(
            wasInterrupted ? .interrupted : code, backtrace: backtrace,
            interruption: wasInterrupted ? takeInterruption() : nil, limit: limit(of: code))
    }

    /// The exception that guests have not caught.
    private func takeException() -> ThrownException? {
        guard let exception = pendingException else { return nil }
        pendingException = nil
        let backtrace = takeBacktrace(.exception)
        // Who throws it again says nothing of where it comes from.
        if exception.origin == nil { exception.origin = backtrace }
        return exception
    }

    /// The frames that the error with this code has left, and those around them.
    private func takeBacktrace(_ code: TrapCode) -> Backtrace {
        var trace = takeTrace()
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        let wasSignal = unsafe context.pointee.trap_signal != 0
        unsafe context.pointee.trap_signal = 0
        var backtrace = Backtrace(isTruncated: trace.isTruncated)
        backtrace.append(
            trace, startingAt: !wasSignal ? .returnAddress : code == .none ? .anywhere : .fault,
            in: self)
        // Until here who looks for code that is in use finds it there.
        unsafe apus_trace_note(context, 0)
        trace = Trace(framesBefore: backtrace.frames.count)
        addOuterFrames(to: &trace)
        backtrace.append(trace, startingAt: .returnAddress, in: self)
        if trace.isTruncated { backtrace.isTruncated = true }
        lastFailure = .trap(backtrace)
        return backtrace
    }

    /// The limit that a trap with this code says has been reached.
    private func limit(of code: TrapCode) -> UInt64? {
        switch code {
        case .stackExhausted: UInt64(wasmStackBytes)
        case .outOfFuel: fuelAccount.limit
        default: nil
        }
    }

    /// Keeps where the guests were that an error of the host's has left.
    private func noteHostError() {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        var trace = takeTrace()
        addOuterFrames(to: &trace)
        lastFailure = .hostError(trace)
        // The code there may be gone, and its place another's, when somebody asks.
        if isCodeGuest { lastFailure = .trap(lastBacktrace) }
        // Until then who looks for code that is in use finds it here.
        unsafe apus_trace_note(context, 0)
    }

    /// The functions of guests that had not returned when a call last ended in an error.
    public var lastBacktrace: Backtrace {
        switch lastFailure {
        case nil: return Backtrace()
        case .trap(let backtrace): return backtrace
        case .hostError(let trace):
            var backtrace = Backtrace(isTruncated: trace.isTruncated)
            backtrace.append(trace, startingAt: .returnAddress, in: self)
            return backtrace
        }
    }

    /// Ends the process if a fault that was taken for a trap cannot have been one.
    ///
    /// An access at a listed place always falls into a memory's reservation, or next to null when
    /// it is an element's. If it did not, compiled code is wrong, and going on would hide an
    /// escape from the sandbox.
    private func checkFault(_ code: TrapCode) {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        guard unsafe context.pointee.trap_signal == SIGSEGV else { return }
        let address = unsafe context.pointee.trap_address
        let isExpected =
            switch code {
            case .memoryOutOfBounds: isInMemory(address)
            default: address < 4096
            }
        precondition(isExpected, "compiled code has touched what is not the guest's")
    }

    private func isInMemory(_ address: UInt) -> Bool {
        if memories.contains(where: { $0.reserves(address) }) { return true }
        return instances.contains { instance in
            instance.memories.contains { $0.reserves(address) }
        }
    }

    /// The frames of all activations, for a trap that happens while a host function runs.
    func outerBacktrace() -> Backtrace {
        var trace = Trace()
        addOuterFrames(to: &trace)
        var backtrace = Backtrace(isTruncated: trace.isTruncated)
        backtrace.append(trace, startingAt: .returnAddress, in: self)
        return backtrace
    }

    /// Calls `body` with where the activation that the store is in now has left wasm, and those
    /// around it, until it returns false: the program counter, the frame there, the frame at which
    /// it has begun, and an address below all of them on the same stack.
    func forEachOuterActivation(_ body: (UInt, UInt, UInt, UInt) -> Bool) {
        guard forEachActivationHere(body) else { return }
        forEachWaitingStack { stack in
            let exit = stack.exit
            return body(exit.counter, exit.frame, exit.end, stack.suspendedAddress)
        }
    }

    /// The same for those that lie on this thread's stack. Returns whether `body` goes on.
    private func forEachActivationHere(_ body: (UInt, UInt, UInt, UInt) -> Bool) -> Bool {
        // SAFETY: the context is the store's own allocation, which lives as long as the store. Each
        // record of an outer activation lies in the frame of a call that waits further up the
        // stack.
        if unsafe context.pointee.entry_sp == 0 { return true }
        let low = apus_stack_address()
        var goesOn = unsafe body(
            context.pointee.exit_pc, context.pointee.exit_fp, context.pointee.entry_fp, low)
        var next = unsafe context.pointee.outer
        while goesOn, let activation = unsafe next {
            goesOn = unsafe body(
                activation.pointee.exit_pc, activation.pointee.exit_fp,
                activation.pointee.entry_fp, low)
            unsafe next = unsafe activation.pointee.next
        }
        return goesOn
    }
}

/// How a call into a store last ended in an error.
enum Failure {
    case trap(Backtrace)
    /// Where its guests were is looked up when somebody asks: for many hosts an error is just a
    /// way to leave.
    case hostError(Trace)
}
