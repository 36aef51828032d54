public import ApusFormat
internal import ApusRuntime

// The same six shapes of closures that a linker takes, for functions of one store. These closures
// need not be sendable: they never leave the store.
// The store keeps them for its whole life, so one that captures an instance, or anything else of
// the store, keeps the store alive for ever: what it needs of the store it should get from its
// `Caller`.

extension Function {
    @usableFromInline
    init(_ store: Store, host: HostClosure) throws {
        try self.init(host.make(in: store), in: store)
    }

    /// Makes a host function without results.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable @inline(__always)
    public init<each Parameter: WasmValue>(
        _ store: Store, _ body: @escaping (repeat each Parameter) throws -> Void
    ) throws {
        try self.init(store, host: HostClosure(body))
    }

    /// Makes a host function with one result.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable @inline(__always)
    public init<each Parameter: WasmValue, Result: WasmValue>(
        _ store: Store, _ body: @escaping (repeat each Parameter) throws -> Result
    ) throws {
        try self.init(store, host: HostClosure(body))
    }

    /// Makes a host function with several results.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable
    public init<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        _ store: Store,
        _ body: @escaping (repeat each Parameter) throws -> (First, Second, repeat each Other)
    ) throws {
        try self.init(store, host: HostClosure(several: body))
    }

    /// Makes a host function without results that sees who calls.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable @inline(__always)
    public init<each Parameter: WasmValue>(
        _ store: Store, _ body: @escaping (Caller, repeat each Parameter) throws -> Void
    ) throws {
        try self.init(store, host: HostClosure(withCaller: body))
    }

    /// Makes a host function with one result that sees who calls.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable @inline(__always)
    public init<each Parameter: WasmValue, Result: WasmValue>(
        _ store: Store, _ body: @escaping (Caller, repeat each Parameter) throws -> Result
    ) throws {
        try self.init(store, host: HostClosure(withCaller: body))
    }

    /// Makes a host function with several results that sees who calls.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable
    public init<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        _ store: Store,
        _ body:
            @escaping (Caller, repeat each Parameter) throws -> (
                First, Second, repeat each Other
            )
    ) throws {
        try self.init(store, host: HostClosure(severalWithCaller: body))
    }

    /// Makes a host function of any type, whose arguments and results are values.
    ///
    /// The guest sees a `TypeError` as the error of the call if the results do not fit `type`.
    ///
    /// - Throws: `ResourceError` if there is no room for it, it has more parameters or results than
    ///   a guest's may have, or `type` names a type of another engine.
    public init(
        _ store: Store, _ type: FunctionType,
        _ body: @escaping (Caller, [Value]) throws -> [Value]
    ) throws {
        try self.init(store, host: HostClosure(type, body))
    }
}

extension HostClosure {
    /// A function of a type that is known only at run time.
    init(_ type: FunctionType, _ body: @escaping (Caller, [Value]) throws -> [Value]) {
        self.init(type.parameters, type.results) { frame in
            let store = frame.embedder
            var arguments: [Value] = []
            var next = 0
            for type in type.parameters {
                let isVector = type == .v128
                let bits = (frame[next], isVector ? frame[next + 1] : 0)
                arguments.append(try Value(bits, of: type, in: store))
                next += isVector ? 2 : 1
            }
            let results = try body(Caller(frame), arguments)
            try Value.check(results, against: type.results, place: "a host function's results")
            for (index, cell) in try Value.cells(results, in: store).enumerated() {
                frame[index] = cell
            }
        }
    }
}
