@_spi(ApusC) @_spi(ApusCLI) internal import Apus
internal import CApusC

/// A function.
@safe
final class FunctionObject: StorePart {
    override class var kind: UInt32 { apus_kind_func.rawValue }

    let function: Function
    private var prepared: Call?

    init(_ function: Function, in store: StoreObject) {
        self.function = function
        super.init(store, .item(.function(function)))
    }

    override func value(of type: ValueType) throws -> Value {
        let value = Value.function(function)
        return value.matches(type) ? value : try super.value(of: type)
    }

    /// What a call takes; looked up with the first one.
    var call: Call {
        get throws {
            if let prepared { return prepared }
            let call = try Call(function)
            prepared = call
            return call
        }
    }

    /// Calls the function. Nil if it returned.
    func callAsFunction(
        _ arguments: UnsafePointer<wasm_val_vec_t>?,
        _ results: UnsafeMutablePointer<wasm_val_vec_t>?
    ) -> TrapObject? {
        do {
            // SAFETY: vectors are NULL or as they say, as `wasm.h` asks of the caller; `perform`
            // looks at their sizes.
            try unsafe call.perform(
                arguments?.pointee ?? wasm_val_vec_t(), results?.pointee ?? wasm_val_vec_t(),
                in: store)
            return nil
        } catch {
            return TrapObject.of(error, in: store)
        }
    }
}

/// What calling a function from C takes.
final class Call {
    private let function: CellFunction
    private let type: FunctionType
    /// The kinds of parameters and results, in order.
    private let parameters: [wasm_valkind_t]
    private let results: [wasm_valkind_t]
    /// Whether all of them are numbers.
    private let isOfNumbers: Bool
    /// Whether there are no references among them.
    let takesCells: Bool

    init(_ function: Function) throws {
        self.function = try CellFunction(function)
        type = function.type
        parameters = type.parameters.map(\.valueKind)
        results = type.results.map(\.valueKind)
        takesCells = type.takesCells
        isOfNumbers = takesCells && !(type.parameters + type.results).contains(.v128)
    }

    /// How many cells the call has.
    var cellCount: Int { function.cellCount }

    /// Does the call with its arguments in cells.
    func perform(_ cells: inout MutableSpan<UInt64>) throws { try function.call(&cells) }

    // SAFETY: in vectors that callers pass there are as many values as they say.
    /// Does the call with values of the caller's.
    func perform(
        _ arguments: wasm_val_vec_t, _ outcome: wasm_val_vec_t, in store: StoreObject
    ) throws {
        guard unsafe arguments.size == parameters.count else {
            throw unsafe CountError(arguments.size, type.description(in: store.store.engine))
        }
        unsafe checkElements(arguments.data, arguments.size, "wasm_func_call")
        unsafe checkElements(outcome.data, outcome.size, "wasm_func_call")
        guard isOfNumbers else {
            return try unsafe performWithReferences(arguments, outcome, in: store)
        }
        try withCells { cells in
            for index in parameters.indices {
                let argument = unsafe arguments.data + index
                guard unsafe argument.pointee.kind == parameters[index] else {
                    throw unsafe mismatch(arguments)
                }
                cells[index] = unsafe argument.pointee.number
            }
            try function.call(&cells)
            for index in 0..<(unsafe min(results.count, outcome.size)) {
                unsafe (outcome.data + index).initialize(
                    to: wasm_val_t(number: cells[index], results[index]))
            }
        }
    }

    /// The same for functions that take or give references.
    private func performWithReferences(
        _ arguments: wasm_val_vec_t, _ outcome: wasm_val_vec_t, in store: StoreObject
    ) throws {
        if type.parameters.contains(.v128) || type.results.contains(.v128) { throw VectorError() }
        // Kept until the call has them: they are nobody else's.
        var values: [Value] = []
        // SAFETY: `perform` has found as many arguments as there are parameters, and results are
        // written to as many places as there are.
        for (index, type) in type.parameters.enumerated() {
            values.append(
                try unsafe arguments.data[index].value(of: type, in: store, "wasm_func_call"))
        }
        let bits = try values.map { try $0.bits(in: store.store).0 }
        try withCells { cells in
            for index in bits.indices { cells[index] = bits[index] }
            try function.call(&cells)
            var given: [Value] = []
            for (index, type) in type.results.enumerated() {
                given.append(try Value((cells[index], 0), of: type, in: store.store))
            }
            for (index, value) in given.prefix(unsafe outcome.size).enumerated() {
                try unsafe (outcome.data + index).initialize(to: wasm_val_t(value, in: store))
            }
        }
        withExtendedLifetime(values) {}
    }

    /// Does `body` with as many cells as the call has, on the stack if they are few.
    @inline(__always)
    private func withCells(_ body: (inout MutableSpan<UInt64>) throws -> Void) throws {
        if function.cellCount <= 16 {
            var cells = [16 of UInt64](repeating: 0)
            var span = cells.mutableSpan
            try body(&span)
        } else {
            var cells = [UInt64](repeating: 0, count: function.cellCount)
            var span = cells.mutableSpan
            try body(&span)
        }
    }

    private func mismatch(_ arguments: wasm_val_vec_t) -> TypeError {
        // SAFETY: there are `size` values at `data`, as `wasm.h` asks of the caller; only kinds are
        // read.
        let found = unsafe (0..<arguments.size).map { index in
            unsafe ValueType(kind: arguments.data[index].kind) ?? .bottom
        }
        return TypeError(expected: type.parameters, found: found, place: "a call")
    }
}

extension FunctionType {
    /// Whether there are no references among parameters and results.
    var takesCells: Bool {
        !parameters.contains { $0.isReference } && !results.contains { $0.isReference }
    }
}

/// There are not as many arguments as the function's type says.
struct CountError: Error, CustomStringConvertible {
    private let arguments: Int
    /// What the function takes and gives, in words.
    private let type: String

    init(_ arguments: Int, _ type: String) {
        self.arguments = arguments
        self.type = type
    }

    var description: String { "a function \(type) was called with \(arguments) arguments" }
}

/// No `wasm_val_t` holds a vector.
struct VectorError: Error, CustomStringConvertible {
    var description: String {
        "no wasm_val_t holds a vector of 128 bits; cells do, as apus_func_call_cells takes them"
    }
}
