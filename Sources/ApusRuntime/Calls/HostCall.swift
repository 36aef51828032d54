internal import ApusABI
internal import ApusCollections
internal import CApusHost

/// Where host trampolines arrive when they do not call the closure of a host function themselves.
enum HostCall {
    // SAFETY: only the types of C functions.
    private typealias Arrival =
        @convention(c) (
            UnsafeMutablePointer<apus_context>?, UnsafeMutablePointer<UInt64>?
        ) -> Void
    private typealias Failure =
        @convention(c) (UnsafeMutablePointer<apus_context>?, UnsafeRawPointer?) -> Void

    /// Address of `void (apus_context *host, uint64_t *values)`, which all trampolines know: a call
    /// besides which there is something else to do. What that is says the function's context.
    static let address = apus_host_call_address()
    // SAFETY: a C function is one word, its address, which is all that is taken of it.
    /// Address of what that is for all but asynchronous functions.
    static let attendedAddress: UInt = unsafe unsafeBitCast(called as Arrival, to: UInt.self)
    /// Address of `void (apus_context *host, error)`: the closure has thrown.
    static let failedAddress: UInt = unsafe unsafeBitCast(failed as Failure, to: UInt.self)

    // SAFETY: trampolines pass the context of a host function and their cells, both alive during
    // the call; the store keeps the HostFunction.
    private static let called: Arrival = { host, values in
        guard let host = unsafe host, let values = unsafe values,
            let owner = unsafe host.pointee.owner
        else { return }
        unsafe Unmanaged<HostFunction>.fromOpaque(owner)._withUnsafeGuaranteedRef { function in
            let store = unsafe store(of: host)
            if store.has(apus_attention_collect) {
                unsafe store.collect(cells: nil, count: 0)
            }
            do {
                if store.has(apus_attention_hook) {
                    try store.hooked(.enteringHost, .leavingHost) {
                        try function.body(unsafe HostFrame(values, function, host))
                    }
                } else {
                    try function.body(unsafe HostFrame(values, function, host))
                }
            } catch {
                store.fail(error)
            }
        }
    }

    // SAFETY: trampolines pass the context of a host function; `error` is the one word that a
    // thrown error is, which the closure has given to its caller to keep.
    private static let failed: Failure = { host, error in
        guard let host = unsafe host, let error = unsafe error else { return }
        let thrown = unsafe unsafeBitCast(error, to: ThrownError.self)
        unsafe store(of: host).fail(thrown.error)
        unsafe Unmanaged<AnyObject>.fromOpaque(error).release()
    }

    private static func store(of host: UnsafeMutablePointer<apus_context>) -> RuntimeStore {
        // SAFETY: trampolines pass the context of a host function, whose store is in the call, and
        // so is kept.
        unsafe Unmanaged.fromOpaque(host.pointee.store_context.pointee.store).takeUnretainedValue()
    }

    private struct ThrownError { var error: any Error }
}

extension RuntimeStore {
    /// Makes the running activation end with `error` when the host returns to it, or go on where
    /// it catches that.
    func fail(_ error: any Error) {
        if let undecided = error as? UndecidedGrowth, let stack = stackToLeave {
            return leave(stack, for: .consent(undecided.growth))
        }
        if let exception = environment.exception(of: error, in: self) { return raise(exception) }
        pendingError = error
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        unsafe context.pointee.trap = UInt32(TrapCode.hostError.rawValue)
    }
}
