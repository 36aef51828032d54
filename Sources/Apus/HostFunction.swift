public import ApusFormat
public import ApusRuntime

/// A function of the host before it has a store: its type and what it does.
@usableFromInline
struct HostClosure {
    /// Reads the arguments from the frame's cells and leaves the results there.
    @usableFromInline
    typealias Body = (borrowing HostFrame, Store) throws -> Void

    @usableFromInline let type: FunctionType
    @usableFromInline let body: Body

    @usableFromInline
    init(_ parameters: [ValueType], _ results: [ValueType], _ body: @escaping Body) {
        type = FunctionType(parameters, results)
        self.body = body
    }

    /// The function in `store`. It has the type `visibleType`, if that is another one that it can
    /// serve as.
    func make(
        in store: Store, as visibleType: FunctionType? = nil
    ) throws -> FunctionReference {
        let body = body
        // SAFETY: the store owns the runtime's side, which owns the host function, and a call
        // happens only through something that keeps the store alive.
        let owner = unsafe Unmanaged.passUnretained(store)
        return try store.runtime.makeHostFunction(visibleType ?? type) { frame in
            try unsafe owner._withUnsafeGuaranteedRef { store in try body(frame, store) }
        }
    }
}

/// A host function that any thread may put into its store.
// SAFETY: made only of closures that are `@Sendable`, which the compiler forgets when they are
// wrapped to read cells.
@safe
struct SendableHostClosure: @unchecked Sendable {
    let closure: HostClosure

    init(sendable closure: HostClosure) { self.closure = closure }
}

extension HostClosure {
    @inlinable
    init<each Parameter: WasmValue>(
        _ body: @escaping (repeat each Parameter) throws -> Void
    ) {
        self.init(valueTypes(repeat (each Parameter).self), []) { frame, store in
            var index = 0
            try body(repeat frame.next((each Parameter).self, &index, store))
        }
    }

    @inlinable
    init<each Parameter: WasmValue, Result: WasmValue>(
        _ body: @escaping (repeat each Parameter) throws -> Result
    ) {
        self.init(valueTypes(repeat (each Parameter).self), [Result.valueType]) { frame, store in
            var index = 0
            let result = try body(repeat frame.next((each Parameter).self, &index, store))
            frame[0] = try result.cell(store)
        }
    }

    @inlinable
    init<each Parameter: WasmValue, each Result: WasmValue>(
        several body: @escaping (repeat each Parameter) throws -> (repeat each Result)
    ) {
        self.init(
            valueTypes(repeat (each Parameter).self), valueTypes(repeat (each Result).self)
        ) { frame, store in
            var index = 0
            let results = try body(repeat frame.next((each Parameter).self, &index, store))
            index = 0
            for result in repeat each results {
                frame[index] = try result.cell(store)
                index += 1
            }
        }
    }

    @inlinable
    init<each Parameter: WasmValue>(
        withCaller body: @escaping (Caller, repeat each Parameter) throws -> Void
    ) {
        self.init(valueTypes(repeat (each Parameter).self), []) { frame, store in
            var index = 0
            try body(
                Caller(frame, in: store), repeat frame.next((each Parameter).self, &index, store))
        }
    }

    @inlinable
    init<each Parameter: WasmValue, Result: WasmValue>(
        withCaller body: @escaping (Caller, repeat each Parameter) throws -> Result
    ) {
        self.init(valueTypes(repeat (each Parameter).self), [Result.valueType]) { frame, store in
            var index = 0
            let result = try body(
                Caller(frame, in: store), repeat frame.next((each Parameter).self, &index, store))
            frame[0] = try result.cell(store)
        }
    }

    @inlinable
    init<each Parameter: WasmValue, each Result: WasmValue>(
        severalWithCaller body:
            @escaping (Caller, repeat each Parameter) throws -> (
                repeat each Result
            )
    ) {
        self.init(
            valueTypes(repeat (each Parameter).self), valueTypes(repeat (each Result).self)
        ) { frame, store in
            var index = 0
            let results = try body(
                Caller(frame, in: store), repeat frame.next((each Parameter).self, &index, store))
            index = 0
            for result in repeat each results {
                frame[index] = try result.cell(store)
                index += 1
            }
        }
    }
}

/// The value types that Swift types stand for.
@inlinable
func valueTypes<each Value: WasmValue>(_ types: repeat (each Value).Type) -> [ValueType] {
    var list: [ValueType] = []
    for type in repeat each types { list.append(type.valueType) }
    return list
}

extension HostFrame {
    /// The argument at `index`, which moves on.
    @inlinable @inline(__always)
    func next<Value: WasmValue>(
        _: Value.Type, _ index: inout Int, _ store: Store
    ) throws -> Value {
        defer { index += 1 }
        return try Value.fromCell(self[index], store)
    }
}
