public import ApusFormat

// Functions that guests wait for. What is in the caller's isolation stays there: a closure runs
// where the call of the guest was made.

extension Linker {
    /// Defines an asynchronous function without results. Guests that may call it have to be called
    /// asynchronously (`Function.callAsync`).
    @inlinable
    public mutating func define<each Parameter: WasmValue>(
        _ module: String, _ name: String,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (
                Caller, repeat each Parameter
            ) async throws -> Void
    ) {
        define(module, name, host: HostClosure(asynchronous: body))
    }

    /// Defines an asynchronous function with one result. Guests that may call it have to be called
    /// asynchronously (`Function.callAsync`).
    @inlinable
    public mutating func define<each Parameter: WasmValue, Result: WasmValue>(
        _ module: String, _ name: String,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (
                Caller, repeat each Parameter
            ) async throws -> Result
    ) {
        define(module, name, host: HostClosure(asynchronous: body))
    }

    /// Defines an asynchronous function with several results. Guests that may call it have to be
    /// called asynchronously (`Function.callAsync`).
    @inlinable
    public mutating func define<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        _ module: String, _ name: String,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (
                Caller, repeat each Parameter
            ) async throws -> (First, Second, repeat each Other)
    ) {
        define(module, name, host: HostClosure(severalAsynchronous: body))
    }

    /// Defines an asynchronous function of any type, whose arguments and results are values.
    /// Guests that may call it have to be called asynchronously (`Function.callAsync`).
    ///
    /// The guest's caller sees a `TypeError` if the results do not fit `type`.
    public mutating func define(
        _ module: String, _ name: String, type: FunctionType,
        _ body:
            nonisolated(nonsending) @escaping @Sendable (Caller, [Value]) async throws -> [Value]
    ) {
        define(module, name, host: HostClosure(type, asynchronous: body))
    }
}

extension Linker {
    /// Defines a function of the host that guests wait for if they can; for others it does what
    /// `body` says. Both work on the cells of its call.
    @_spi(ApusWASI)
    public mutating func define(
        _ module: String, _ name: String, type: FunctionType,
        cells body: @escaping @Sendable (borrowing CellCall) throws -> Void,
        suspended:
            nonisolated(nonsending) @escaping @Sendable (SuspendedCellCall) async throws -> Void
    ) {
        var host = HostClosure(type.parameters, type.results) { frame in
            try body(CellCall(frame))
        }
        host.asynchronousBody = { frame in try await suspended(SuspendedCellCall(frame)) }
        define(module, name, host: host)
    }
}
