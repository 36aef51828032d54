public import ApusABI
public import ApusFormat
public import ApusRuntime

/// A function of the host before it has a store: its type and what it does.
@usableFromInline
struct HostClosure {
    /// Reads the arguments from the frame and leaves the results there.
    @usableFromInline
    typealias Body = (borrowing HostFrame) throws -> Void

    @usableFromInline let type: FunctionType
    @usableFromInline let layout: ArgumentLayout
    @usableFromInline let body: Body
    /// What an asynchronous one does while the guest waits; nil: it is none.
    @usableFromInline var asynchronousBody: HostFunction.AsynchronousBody?
    /// Whether guests that call it must be able to wait.
    var mustSuspend = false

    @usableFromInline
    init(
        _ parameters: [ValueType], _ results: [ValueType], _ layout: ArgumentLayout = .cells,
        _ body: @escaping Body
    ) {
        type = FunctionType(parameters, results)
        self.layout = layout
        self.body = body
    }

    /// The function in `store`.
    func make(in store: Store) throws -> FunctionReference {
        if let asynchronousBody {
            return try store.runtime.makeAsynchronousFunction(type, asynchronousBody)
        }
        return try store.runtime.makeHostFunction(type, layout: layout, body)
    }

    /// What it is to a module that imports it.
    var definition: HostImports.Definition {
        guard let asynchronousBody else { return HostImports.Definition(layout, body) }
        return HostImports.Definition(
            asynchronous: asynchronousBody, otherwise: mustSuspend ? nil : body)
    }
}

// SAFETY: made only of closures that are `@Sendable`, which the compiler forgets when they are
// wrapped to read cells.
/// A host function that any thread may put into its store.
@safe
struct SendableHostClosure: @unchecked Sendable {
    let closure: HostClosure

    init(sendable closure: HostClosure) { self.closure = closure }
}

// Arguments are read in one piece where that is possible, for the compiler knows the types in a
// tuple, not those in a pack: what it makes of a loop over a pack calls generic code for each. And
// so that it sees the closure, and need not go through memory to call it, all of this is inlined.
extension HostClosure {
    @inlinable @inline(__always)
    init<each Parameter: WasmValue>(
        _ body: @escaping (repeat each Parameter) throws -> Void
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        if areNumbers(repeat (each Parameter).self) {
            self.init(parameters, [], .packed) { frame in
                let arguments = frame.numbers((repeat each Parameter).self)
                try body(repeat each arguments)
            }
            return
        }
        self.init(parameters, []) { frame in
            var index = 0
            try body(repeat frame.next((each Parameter).self, &index))
        }
    }

    @inlinable @inline(__always)
    init<each Parameter: WasmValue, Result: WasmValue>(
        _ body: @escaping (repeat each Parameter) throws -> Result
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        if !Result.isVector, areNumbers(repeat (each Parameter).self) {
            self.init(parameters, [Result.valueType], .packed) { frame in
                let arguments = frame.numbers((repeat each Parameter).self)
                let result = try body(repeat each arguments)
                frame.finish(try result.cell(frame.embedder))
            }
            return
        }
        self.init(parameters, [Result.valueType]) { frame in
            var index = 0
            let result = try body(repeat frame.next((each Parameter).self, &index))
            index = 0
            try frame.put(result, &index)
        }
    }

    @inlinable
    init<each Parameter: WasmValue, each Result: WasmValue>(
        several body: @escaping (repeat each Parameter) throws -> (repeat each Result)
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        self.init(parameters, valueTypes(repeat (each Result).self)) { frame in
            var index = 0
            let results = try body(repeat frame.next((each Parameter).self, &index))
            index = 0
            for result in repeat each results { try frame.put(result, &index) }
        }
    }

    @inlinable @inline(__always)
    init<each Parameter: WasmValue>(
        withCaller body: @escaping (Caller, repeat each Parameter) throws -> Void
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        if areNumbers(repeat (each Parameter).self) {
            self.init(parameters, [], .packed) { frame in
                let arguments = frame.numbers((repeat each Parameter).self)
                try body(Caller(frame), repeat each arguments)
            }
            return
        }
        self.init(parameters, []) { frame in
            var index = 0
            try body(Caller(frame), repeat frame.next((each Parameter).self, &index))
        }
    }

    @inlinable @inline(__always)
    init<each Parameter: WasmValue, Result: WasmValue>(
        withCaller body: @escaping (Caller, repeat each Parameter) throws -> Result
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        if !Result.isVector, areNumbers(repeat (each Parameter).self) {
            self.init(parameters, [Result.valueType], .packed) { frame in
                let arguments = frame.numbers((repeat each Parameter).self)
                let result = try body(Caller(frame), repeat each arguments)
                frame.finish(try result.cell(frame.embedder))
            }
            return
        }
        self.init(parameters, [Result.valueType]) { frame in
            var index = 0
            let result = try body(Caller(frame), repeat frame.next((each Parameter).self, &index))
            index = 0
            try frame.put(result, &index)
        }
    }

    @inlinable
    init<each Parameter: WasmValue, each Result: WasmValue>(
        severalWithCaller body:
            @escaping (Caller, repeat each Parameter) throws -> (repeat each Result)
    ) {
        let parameters = valueTypes(repeat (each Parameter).self)
        self.init(parameters, valueTypes(repeat (each Result).self)) { frame in
            var index = 0
            let results = try body(Caller(frame), repeat frame.next((each Parameter).self, &index))
            index = 0
            for result in repeat each results { try frame.put(result, &index) }
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

/// Whether the arguments of a host function are numbers, which need no conversion.
@inlinable
func areNumbers<each Value: WasmValue>(_ types: repeat (each Value).Type) -> Bool {
    PackedArguments.areNumbers(
        repeat each types, like: FunctionType(valueTypes(repeat each types), []))
}

extension RuntimeStore {
    /// Notes whose side of the runtime this is.
    func belong(to store: Store) {
        // SAFETY: the store keeps this object, and nobody calls anything of it when it has gone.
        unsafe owner = store
    }

    /// The store whose side of the runtime this is.
    @usableFromInline var embedder: Store {
        // SAFETY: every runtime's side belongs to a store (`belong(to:)`), and a call happens only
        // through something that keeps the store.
        unsafe unsafeDowncast(owner.unsafelyUnwrapped, to: Store.self)
    }
}

extension HostFrame {
    /// The store in which the call happens.
    @usableFromInline var embedder: Store { store.embedder }

    /// The argument at `index`, which moves on.
    @inlinable @inline(__always)
    func next<Value: WasmValue>(_: Value.Type, _ index: inout Int) throws -> Value {
        if Value.isVector { return try nextOfTwo(&index) }
        defer { index += 1 }
        return try Value.fromCell(self[index], embedder)
    }

    // What is about two cells is in functions of its own, so that the code of others does not grow.
    @usableFromInline
    func nextOfTwo<Value: WasmValue>(_ index: inout Int) throws -> Value {
        defer { index += 2 }
        return try Value.fromTwoCells(self[index], self[index + 1], embedder)
    }

    /// Leaves a result at `index`, which moves on.
    @inlinable @inline(__always)
    func put<Value: WasmValue>(_ result: Value, _ index: inout Int) throws {
        self[index] = try result.cell(embedder)
        index += 1
        if Value.isVector { putUpper(of: result, &index) }
    }

    @usableFromInline
    func putUpper<Value: WasmValue>(of result: Value, _ index: inout Int) {
        guard let upper = result.upperCell else { return }
        self[index] = upper
        index += 1
    }

    /// The arguments, all of which are numbers, of a function that was made for them.
    @inlinable @inline(__always)
    func numbers<Arguments>(_ type: Arguments.Type) -> Arguments {
        // SAFETY: only called where `areNumbers` has looked at the types in `Arguments`, which are
        // those of the function.
        unsafe arguments(as: type)
    }

    /// Leaves the result of such a function, which has one of one cell.
    @inlinable @inline(__always)
    func finish(_ bits: UInt64) {
        // SAFETY: only called for functions whose closure gives a result, no vector.
        unsafe setResult(bits)
    }
}
