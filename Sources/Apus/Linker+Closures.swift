public import ApusFormat

// Six shapes of closures: with and without a caller; with no result, one, or several.

extension Linker {
    /// Defines a host function without results.
    @inlinable @inline(__always)
    public mutating func define<each Parameter: WasmValue>(
        _ module: String, _ name: String,
        _ body: @escaping @Sendable (repeat each Parameter) throws -> Void
    ) {
        define(module, name, host: HostClosure(body))
    }

    /// Defines a host function with one result.
    @inlinable @inline(__always)
    public mutating func define<each Parameter: WasmValue, Result: WasmValue>(
        _ module: String, _ name: String,
        _ body: @escaping @Sendable (repeat each Parameter) throws -> Result
    ) {
        define(module, name, host: HostClosure(body))
    }

    /// Defines a host function with several results.
    @inlinable
    public mutating func define<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        _ module: String, _ name: String,
        _ body:
            @escaping @Sendable (repeat each Parameter) throws -> (
                First, Second, repeat each Other
            )
    ) {
        define(module, name, host: HostClosure(several: body))
    }

    /// Defines a host function without results that sees who calls.
    @inlinable @inline(__always)
    public mutating func define<each Parameter: WasmValue>(
        _ module: String, _ name: String,
        _ body: @escaping @Sendable (Caller, repeat each Parameter) throws -> Void
    ) {
        define(module, name, host: HostClosure(withCaller: body))
    }

    /// Defines a host function with one result that sees who calls.
    @inlinable @inline(__always)
    public mutating func define<each Parameter: WasmValue, Result: WasmValue>(
        _ module: String, _ name: String,
        _ body: @escaping @Sendable (Caller, repeat each Parameter) throws -> Result
    ) {
        define(module, name, host: HostClosure(withCaller: body))
    }

    /// Defines a host function with several results that sees who calls.
    @inlinable
    public mutating func define<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        _ module: String, _ name: String,
        _ body:
            @escaping @Sendable (Caller, repeat each Parameter) throws -> (
                First, Second, repeat each Other
            )
    ) {
        define(module, name, host: HostClosure(severalWithCaller: body))
    }
}

extension Linker {
    /// Defines a host function of any type, whose arguments and results are values.
    ///
    /// The guest's caller sees a `TypeError` if the results do not fit `type`.
    public mutating func define(
        _ module: String, _ name: String, type: FunctionType,
        _ body: @escaping @Sendable (Caller, [Value]) throws -> [Value]
    ) {
        define(module, name, host: HostClosure(type, body))
    }

    /// Defines a host function that works on the cells of its call: the fastest kind.
    @_spi(ApusWASI)
    public mutating func define(
        _ module: String, _ name: String, type: FunctionType,
        cells body: @escaping @Sendable (borrowing CellCall) throws -> Void
    ) {
        define(
            module, name,
            host: HostClosure(type.parameters, type.results) { frame in
                try body(CellCall(frame))
            })
    }
}
