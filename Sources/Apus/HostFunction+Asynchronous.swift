public import ApusFormat
public import ApusRuntime

// Guests wait for these functions. They all see who calls: where the first parameter is a pack, the
// compiler (Swift 6.3) cannot make the closure.
extension HostClosure {
    /// A function that guests must be able to wait for.
    @usableFromInline
    init(
        _ parameters: [ValueType], _ results: [ValueType],
        asynchronous body: @escaping HostFunction.AsynchronousBody
    ) {
        self.init(parameters, results) { _ in throw AsynchronousCallError.cannotSuspend }
        asynchronousBody = body
        mustSuspend = true
    }

    @inlinable
    init<each Parameter: WasmValue>(
        asynchronous body:
            nonisolated(nonsending) @escaping (Caller, repeat each Parameter) async throws -> Void
    ) {
        self.init(
            valueTypes(repeat (each Parameter).self), [],
            asynchronous: { frame in
                var index = 0
                try await body(
                    Caller(frame), repeat try frame.next((each Parameter).self, &index))
            })
    }

    @inlinable
    init<each Parameter: WasmValue, Result: WasmValue>(
        asynchronous body:
            nonisolated(nonsending) @escaping (Caller, repeat each Parameter) async throws -> Result
    ) {
        self.init(
            valueTypes(repeat (each Parameter).self), [Result.valueType],
            asynchronous: { frame in
                var index = 0
                let result = try await body(
                    Caller(frame), repeat try frame.next((each Parameter).self, &index))
                index = 0
                try frame.put(result, &index)
            })
    }

    @inlinable
    init<each Parameter: WasmValue, each Result: WasmValue>(
        severalAsynchronous body:
            nonisolated(nonsending) @escaping (Caller, repeat each Parameter) async throws -> (
                repeat each Result
            )
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        let resultTypes = valueTypes(repeat (each Result).self)
        self.init(
            parameters, resultTypes,
            asynchronous: { frame in
                var index = 0
                let results = try await body(
                    Caller(frame), repeat try frame.next((each Parameter).self, &index))
                index = 0
                for result in repeat each results { try frame.put(result, &index) }
            })
    }

    /// A function of a type that is known only at run time.
    init(
        _ type: FunctionType,
        asynchronous body:
            nonisolated(nonsending) @escaping (Caller, [Value]) async throws -> [Value]
    ) {
        self.init(
            type.parameters, type.results,
            asynchronous: { frame in
                let store = frame.embedder
                let arguments = try Value.values(of: type.parameters, in: store) { frame[$0] }
                let results = try await body(Caller(frame), arguments)
                try Value.check(results, against: type.results, place: "a host function's results")
                for (index, cell) in try Value.cells(results, in: store).enumerated() {
                    frame[index] = cell
                }
            })
    }
}

extension SuspendedFrame {
    /// The store in which the call happens.
    @usableFromInline var embedder: Store { store.embedder }

    /// The argument at `index`, which moves on.
    @inlinable
    func next<Value: WasmValue>(_: Value.Type, _ index: inout Int) throws -> Value {
        defer { index += Value.cellCount }
        return try Value.fromCells(self[index], upper: self[index + 1], embedder)
    }

    /// Leaves a result at `index`, which moves on.
    @inlinable
    func put<Value: WasmValue>(_ result: Value, _ index: inout Int) throws {
        self[index] = try result.cell(embedder)
        index += 1
        guard let upper = result.upperCell else { return }
        self[index] = upper
        index += 1
    }
}
