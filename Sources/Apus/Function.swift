public import ApusFormat
public import ApusRuntime

/// A function of a guest or of the host, in a store. Specification: 4.2.6 “Function Instances”.
///
/// `Instance.function(_:as:)` and `typed(as:)` give the same function with Swift types, which is
/// safer and much faster to call.
public struct Function {
    @usableFromInline let reference: FunctionReference
    /// The store it belongs to.
    public let store: Store
    /// Its type.
    public let type: FunctionType

    /// The type of references to it: typed function references that are never null.
    ///
    /// It names the function's type by a number that means something within its engine only.
    public var referenceType: ValueType { .reference(reference.heapType, nullable: false) }

    /// Whether it may be where a value of `type` is expected.
    func matches(_ type: ValueType) -> Bool {
        guard let types = try? store.runtime.environment.types else { return false }
        return referenceType.matches(type, in: types)
    }

    init(_ reference: FunctionReference, in store: Store) throws {
        self.reference = reference
        self.store = store
        type = try store.runtime.type(of: reference)
    }

    /// Calls the function with values whose types are checked now.
    ///
    /// - Throws: `TypeError` if the arguments do not fit; `Trap` if the guest stops; whatever a
    ///   host function throws, unchanged.
    public func call(_ arguments: [Value] = []) throws -> [Value] {
        try Value.check(arguments, against: type.parameters, place: "a call")
        let runtime = try store.runtime
        let target = try runtime.target(reference)
        var cells = try Value.cells(arguments, in: store)
        while cells.count < target.cellCount { cells.append(0) }
        var span = cells.mutableSpan
        do {
            try runtime.call(target, &span)
        } catch {
            throw ofEmbedder(error, runtime)
        }
        return try Value.values(of: type.results, in: store) { cells[$0] }
    }

    /// Calls the function with values whose types are checked now. Throws as `call(_:)` with an
    /// array.
    public func call(_ arguments: Value...) throws -> [Value] { try call(arguments) }
}

extension Function: Equatable {
    /// Whether both are the same function of the same instance.
    public static func == (left: Function, right: Function) -> Bool {
        left.reference == right.reference
    }
}
