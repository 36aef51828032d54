public import ApusFormat
public import ApusRuntime

extension Function {
    /// Calls the function on a stack of its own, with values whose types are checked now: where
    /// the guest calls an asynchronous function it waits, and blocks no thread.
    ///
    /// The guest runs where this is called from. Of the calls into a store one runs at a time: the
    /// next may begin when it has ended, or is made by the asynchronous function that it waits
    /// for. When the task is cancelled the guest stops at once; an asynchronous function that runs
    /// for it ends by itself before that.
    ///
    /// - Throws: `TypeError` if the arguments do not fit; `Trap` if the guest stops;
    ///   `CancellationError` if that is because the task was cancelled; `AsynchronousCallError` if
    ///   the store is in another call; `ResourceError` if there is no stack left; whatever a host
    ///   function throws, unchanged.
    public nonisolated(nonsending) func callAsync(
        _ arguments: [Value] = []
    ) async throws -> [Value] {
        try Value.check(arguments, against: type.parameters, place: "a call")
        let runtime = try store.runtime
        let target = try runtime.target(reference)
        var cells = try Value.cells(arguments, in: store)
        while cells.count < target.cellCount { cells.append(0) }
        do {
            try await runtime.callAsync(target, &cells)
        } catch {
            throw ofTask(error, runtime)
        }
        return try Value.values(of: type.results, in: store) { cells[$0] }
    }

    /// Calls the function on a stack of its own, with values whose types are checked now. Throws as
    /// `callAsync(_:)` with an array.
    public nonisolated(nonsending) func callAsync(
        _ arguments: Value...
    ) async throws -> [Value] {
        try await callAsync(arguments)
    }
}

extension TypedFunction {
    /// Calls the function on a stack of its own: where the guest calls an asynchronous function it
    /// waits, and blocks no thread. See `Function.callAsync(_:)`.
    ///
    /// - Throws: `Trap` if the guest stops; `CancellationError` if that is because the task was
    ///   cancelled; `AsynchronousCallError` if the store is in another call; `ResourceError` if
    ///   there is no stack left; whatever a host function throws, unchanged.
    @inlinable
    public nonisolated(nonsending) func callAsync(
        _ arguments: repeat each Parameter
    ) async throws -> Result {
        guard let packed else { return try await callAsyncWithCells(repeat each arguments) }
        let cells: [1 of UInt64]
        do {
            cells = [try await runtime.callAsync(packed, (repeat each arguments))]
        } catch {
            throw ofTask(error, runtime)
        }
        return try result(cells.span)
    }

    /// The same for arguments that have to be converted.
    @usableFromInline
    nonisolated(nonsending) func callAsyncWithCells(
        _ arguments: repeat each Parameter
    ) async throws -> Result {
        let target = try target ?? runtime.target(function.reference)
        var cells: [UInt64] = []
        for argument in repeat each arguments {
            cells.append(try argument.cell(function.store))
            if let upper = argument.upperCell { cells.append(upper) }
        }
        while cells.count < target.cellCount { cells.append(0) }
        do {
            try await runtime.callAsync(target, &cells)
        } catch {
            throw ofTask(error, runtime)
        }
        return try read(cells.span, function.store)
    }
}

/// An error of the runtime's as embedders see it whose call was made in a task.
@usableFromInline
func ofTask(_ error: any Error, _ store: RuntimeStore) -> any Error {
    if let trap = error as? WasmTrap, trap.interruption == .cancellation {
        return CancellationError()
    }
    return ofEmbedder(error, store)
}

// The same shapes of closures that a linker takes, for functions of one store.

extension Function {
    /// Makes an asynchronous function without results.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable
    public init<each Parameter: WasmValue>(
        _ store: Store,
        _ body:
            nonisolated(nonsending) @escaping (Caller, repeat each Parameter) async throws -> Void
    ) throws {
        try self.init(store, host: HostClosure(asynchronous: body))
    }

    /// Makes an asynchronous function with one result.
    ///
    /// - Throws: `ResourceError` if there is no room for it, or it has more parameters or results
    ///   than a guest's may have.
    @inlinable
    public init<each Parameter: WasmValue, Result: WasmValue>(
        _ store: Store,
        _ body:
            nonisolated(nonsending) @escaping (Caller, repeat each Parameter) async throws -> Result
    ) throws {
        try self.init(store, host: HostClosure(asynchronous: body))
    }

    /// Makes an asynchronous function of any type, whose arguments and results are values.
    ///
    /// The guest sees a `TypeError` as the error of the call if the results do not fit `type`.
    ///
    /// - Throws: `ResourceError` if there is no room for it, it has more parameters or results than
    ///   a guest's may have, or `type` names a type of another engine.
    public init(
        _ store: Store, _ type: FunctionType,
        _ body: nonisolated(nonsending) @escaping (Caller, [Value]) async throws -> [Value]
    ) throws {
        try self.init(store, host: HostClosure(type, asynchronous: body))
    }
}
