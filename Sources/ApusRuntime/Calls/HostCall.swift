internal import ApusABI
internal import CApusHost

/// Where host trampolines arrive.
enum HostCall {
    private typealias Arrival =
        @convention(c) (
            UnsafeMutablePointer<apus_context>?, UnsafeMutablePointer<UInt64>?
        ) -> Void

    /// Address of `void (apus_context *host, uint64_t *values)`.
    static let address: UInt = unsafe unsafeBitCast(hostFunctionCalled as Arrival, to: UInt.self)

    // SAFETY: `host` is a HostFunction's own context and `values` the trampoline's cells, both
    // alive during the call; the store keeps the HostFunction.
    @inline(__always)
    fileprivate static func arrive(
        _ host: UnsafeMutablePointer<apus_context>, _ values: UnsafeMutablePointer<UInt64>
    ) {
        let owner = unsafe host.pointee.owner.unsafelyUnwrapped
        unsafe Unmanaged<HostFunction>.fromOpaque(owner)._withUnsafeGuaranteedRef { function in
            let store = unsafe host.pointee.store_context.unsafelyUnwrapped
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

/// What host trampolines call: a function and no closure, so that one call is enough.
// SAFETY: trampolines pass the context of a host function and their cells.
@c(apus_host_function_called) @inline(__always)
func hostFunctionCalled(
    _ host: UnsafeMutablePointer<apus_context>?, _ values: UnsafeMutablePointer<UInt64>?
) {
    unsafe HostCall.arrive(host.unsafelyUnwrapped, values.unsafelyUnwrapped)
}

extension RuntimeStore {
    /// Makes the running activation end with `error` when the host returns to it.
    func fail(_ error: any Error) {
        pendingError = error
        unsafe context.pointee.trap = UInt32(TrapCode.hostError.rawValue)
    }
}
