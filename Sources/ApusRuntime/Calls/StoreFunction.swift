internal import ApusABI
internal import ApusFormat

/// A function of the host that was made for one store, which keeps it for its whole life.
final class StoreFunction {
    private let function: HostFunction
    private let contexts: HostContexts
    private let environment: RuntimeEnvironment

    init(
        _ type: FunctionType, _ layout: ArgumentLayout, in store: RuntimeStore,
        asynchronous: HostFunction.AsynchronousBody? = nil, _ body: @escaping HostFunction.Body
    ) throws(ResourceError) {
        environment = store.environment
        let trampolines = try environment.trampolines.trampolines(type)
        contexts = try HostContexts(count: 1)
        function = HostFunction(
            type, layout, signature: try environment.types.acquire(type),
            trampoline: trampolines.host(layout), entries: trampolines,
            asynchronous: asynchronous, body)
        contexts.write(0, function, trapExit: environment.trampolines.trapExit)
        contexts.bind(0, store)
    }

    deinit { environment.types.release([function.signature]) }

    // SAFETY: the store keeps this object, and with it the context, for its whole life.
    var reference: FunctionReference { unsafe FunctionReference(contexts.record(0)) }
}
