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
            if unsafe function.context.pointee.store_context.pointee.must_collect != 0 {
                collect(function)
            }
            do {
                try function.body(unsafe HostFrame(values, function))
            } catch {
                fail(function, error)
            }
        }
    }

    // The store is only reached where it is needed: keeping it alive takes time.

    @inline(never)
    private static func collect(_ function: HostFunction) {
        unsafe function.store.collectExternals(cells: nil, count: 0)
    }

    @inline(never)
    private static func fail(_ function: HostFunction, _ error: any Error) {
        let store = unsafe function.store
        store.pendingError = error
        unsafe store.context.pointee.trap = UInt32(TrapCode.hostError.rawValue)
    }
}
