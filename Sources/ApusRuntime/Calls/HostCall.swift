internal import ApusABI
internal import CApusHost

/// Where host trampolines arrive.
enum HostCall {
    private typealias Arrival =
        @convention(c) (
            UnsafeMutablePointer<apus_context>?, UnsafeMutablePointer<UInt64>?
        ) -> Void

    /// Address of `void (apus_context *host, uint64_t *values)`.
    static let address: UInt = unsafe unsafeBitCast(arrive as Arrival, to: UInt.self)

    // SAFETY: `host` is a HostFunction's own context and `values` the trampoline's cells, both
    // alive during the call; the store keeps the HostFunction.
    private static let arrive: Arrival = { host, values in
        guard let host = unsafe host, let values = unsafe values else { return }
        guard let owner = unsafe host.pointee.owner else { return }
        unsafe Unmanaged<HostFunction>.fromOpaque(owner)._withUnsafeGuaranteedRef { function in
            let store = unsafe function.context.pointee.store_context.unsafelyUnwrapped
            let reasons = apus_attention_collect.rawValue | apus_attention_hook.rawValue
            if unsafe store.pointee.attention & reasons != 0 {
                return unsafe callWithAttention(function, values)
            }
            do {
                try function.body(unsafe HostFrame(values, function))
            } catch {
                fail(function, error)
            }
        }
    }

    // The store is only reached where it is needed: keeping it alive takes time.

    /// A call besides which there is something else to do.
    @inline(never)
    private static func callWithAttention(
        _ function: HostFunction, _ values: UnsafeMutablePointer<UInt64>
    ) {
        let store = unsafe function.store
        if store.has(apus_attention_collect) { unsafe store.collectExternals(cells: nil, count: 0) }
        do {
            if store.has(apus_attention_hook) {
                try store.hooked(.enteringHost, .leavingHost) {
                    try function.body(unsafe HostFrame(values, function))
                }
            } else {
                try function.body(unsafe HostFrame(values, function))
            }
        } catch {
            store.fail(error)
        }
    }

    @inline(never)
    private static func fail(_ function: HostFunction, _ error: any Error) {
        unsafe function.store.fail(error)
    }
}

extension RuntimeStore {
    /// Makes the running activation end with `error` when the host returns to it.
    func fail(_ error: any Error) {
        pendingError = error
        unsafe context.pointee.trap = UInt32(TrapCode.hostError.rawValue)
    }
}
