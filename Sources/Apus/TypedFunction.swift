public import ApusFormat
public import ApusRuntime

/// A function whose parameter and result types are Swift's: `try add(2, 3)`.
///
/// Types are checked once, when it is made; a call then takes some nanoseconds.
public struct TypedFunction<Result, each Parameter: WasmValue> {
    /// The same function without Swift types.
    public let function: Function
    @usableFromInline let runtime: RuntimeStore
    /// How it is called if its arguments are numbers, which need no conversion.
    @usableFromInline let packed: PackedTarget<(repeat each Parameter)>?
    /// How it is called if they are not.
    @usableFromInline let target: CallTarget?
    /// Makes the result of the cells.
    @usableFromInline let read: (Span<UInt64>, Store) throws -> Result

    @inlinable
    init(
        _ function: Function, _ results: [ValueType],
        _ read: @escaping (Span<UInt64>, Store) throws -> Result
    ) throws {
        var parameters: [ValueType] = []
        for type in repeat (each Parameter).self { parameters.append(type.valueType) }
        let type = FunctionType(parameters, results)
        let runtime = try function.checked(type)
        // Numbers are of the very types that the function has, which is not asked for them again.
        let packed = try runtime.packedTarget(
            function.reference, type, repeat (each Parameter).self)
        let target = try packed == nil ? runtime.target(function.reference) : nil
        // All of it at once, when nothing can fail any more: so it is made where it is wanted.
        self.function = function
        self.runtime = runtime
        self.packed = packed
        self.target = target
        self.read = read
    }

    /// Calls the function.
    ///
    /// - Throws: `Trap` if the guest stops; whatever a host function throws, unchanged.
    @inlinable
    public func callAsFunction(_ arguments: repeat each Parameter) throws -> Result {
        guard let packed else { return try callWithCells(repeat each arguments) }
        var frame = PackedFrame((repeat each arguments))
        do {
            try runtime.call(packed, &frame)
        } catch {
            throw ofEmbedder(error, runtime)
        }
        let cells: [1 of UInt64] = [frame.result]
        return try result(cells.span)
    }

    /// The same for arguments that have to be converted.
    @inlinable
    func callWithCells(_ arguments: repeat each Parameter) throws -> Result {
        guard let target, target.cellCount <= 16 else {
            return try callWithMany(repeat each arguments)
        }
        var cells: [16 of UInt64] = [16 of UInt64](repeating: 0)
        var span = cells.mutableSpan
        var index = 0
        for argument in repeat each arguments {
            span[index] = try argument.cell(function.store)
            index += 1
            if let upper = argument.upperCell {
                span[index] = upper
                index += 1
            }
        }
        do {
            try runtime.call(target, &span)
        } catch {
            throw ofEmbedder(error, runtime)
        }
        return try result(span.span)
    }

    /// The result in `cells`. Where the type is known to the compiler, one line of it is left.
    @inlinable @inline(__always)
    func result(_ cells: Span<UInt64>) throws -> Result {
        if Result.self == Void.self, let result = () as? Result { return result }
        if Result.self == Int32.self, let result = try Int32.fromCell(cells[0], store) as? Result {
            return result
        }
        if Result.self == Int64.self, let result = try Int64.fromCell(cells[0], store) as? Result {
            return result
        }
        if Result.self == Double.self, let result = try Double.fromCell(cells[0], store) as? Result
        {
            return result
        }
        return try read(cells, store)
    }

    @usableFromInline var store: Store { function.store }

    /// The same for functions with many parameters or results.
    @usableFromInline
    func callWithMany(_ arguments: repeat each Parameter) throws -> Result {
        let target = try target ?? runtime.target(function.reference)
        var cells: [UInt64] = []
        for argument in repeat each arguments {
            cells.append(try argument.cell(function.store))
            if let upper = argument.upperCell { cells.append(upper) }
        }
        while cells.count < target.cellCount { cells.append(0) }
        var span = cells.mutableSpan
        do {
            try runtime.call(target, &span)
        } catch {
            throw ofEmbedder(error, runtime)
        }
        return try read(span.span, function.store)
    }
}

extension Function {
    /// Where it is called, if it can be called as one of that type. Throws `ExportError` if not.
    @usableFromInline
    func checked(_ type: FunctionType) throws -> RuntimeStore {
        let runtime = try store.runtime
        guard self.type.matches(type, in: runtime.environment.types) else {
            throw ExportError(
                name: "", expected: "function \(type)", found: .function(self.type))
        }
        return runtime
    }
}

/// An error of the runtime's as embedders see it.
@usableFromInline
func ofEmbedder(_ error: any Error, _ store: RuntimeStore) -> any Error {
    switch error {
    case let trap as WasmTrap: Trap(trap, in: store)
    case let exception as ThrownException: WasmException(exception)
    default: error
    }
}

extension Function {
    /// This function with Swift types, e.g. `typed(as: ((Int32, Int32) -> Int32).self)`.
    ///
    /// - Throws: `ExportError` if it has other types.
    @inlinable
    public func typed<each Parameter: WasmValue>(
        as type: ((repeat each Parameter) -> Void).Type
    ) throws -> TypedFunction<Void, repeat each Parameter> {
        try TypedFunction(self, []) { _, _ in }
    }

    /// This function with Swift types. Throws `ExportError` if it has other types.
    @inlinable
    public func typed<each Parameter: WasmValue, Result: WasmValue>(
        as type: ((repeat each Parameter) -> Result).Type
    ) throws -> TypedFunction<Result, repeat each Parameter> {
        try TypedFunction(self, [Result.valueType]) { cells, store in
            try Result.fromCells(cells[0], upper: cells[1], store)
        }
    }

    /// This function, which has several results, with Swift types. Throws `ExportError` if it has
    /// other types.
    @inlinable
    public func typed<
        each Parameter: WasmValue, First: WasmValue, Second: WasmValue, each Other: WasmValue
    >(
        as type: ((repeat each Parameter) -> (First, Second, repeat each Other)).Type
    ) throws -> TypedFunction<(First, Second, repeat each Other), repeat each Parameter> {
        var results = [First.valueType, Second.valueType]
        for type in repeat (each Other).self { results.append(type.valueType) }
        return try TypedFunction(self, results) { cells, store in
            var index = 0
            func next<Value: WasmValue>(_: Value.Type) throws -> Value {
                defer { index += Value.cellCount }
                return try Value.fromCells(cells[index], upper: cells[index + 1], store)
            }
            return (try next(First.self), try next(Second.self), repeat try next((each Other).self))
        }
    }
}
