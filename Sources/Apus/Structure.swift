internal import ApusABI
public import ApusFormat
internal import ApusRuntime

/// A structure of a guest's, which the host keeps in use as long as it has it.
///
/// Specification: 4.2.11 “Structure Instances”.
public struct Structure {
    let held: HeldObject

    init(held: HeldObject) { self.held = held }

    /// Makes a structure of the type that `type` refers to, which names it by a number that means
    /// something within the store's engine only, as types of functions and globals do.
    ///
    /// - Throws: `TypeError` if that is no structure, or has other fields; `Trap` with the code
    ///   `heapExhausted` if there is no room; `AsynchronousCallError.storeIsBusy` while a guest
    ///   has yielded, or waits on another thread.
    public init(_ store: Store, _ type: ValueType, _ values: [Value]) throws {
        let type = try HeldObject.heapType(
            of: type, .structure, in: store, place: "the type of a structure")
        let fields = try store.runtime.fields(of: type)
        guard fields.count == values.count else {
            throw TypeError(
                expected: fields.map(\.storage), found: values.map(\.type), place: "a structure")
        }
        held = try HeldObject(of: type, in: store)
        for (index, value) in values.enumerated() {
            try held.set(fields[index], offset(index), value)
        }
    }

    /// The type of references to it, never null.
    public var type: ValueType { held.referenceType }
    /// How many fields it has.
    public var count: Int { held.fields.count }

    /// What field `index` holds; of a packed one the number without a sign, as an i32.
    ///
    /// - Throws: `TypeError` if there is no such field, or the host has no values of its type.
    public func get(_ index: Int) throws -> Value {
        try check(index)
        return try held.get(held.fields[index], offset(index))
    }

    /// Sets field `index`. A packed one keeps the low bits of an i32.
    ///
    /// - Throws: `TypeError` if there is no such field, or it cannot be changed, or has another
    ///   type.
    public func set(_ index: Int, _ value: Value) throws {
        try check(index)
        guard held.fields[index].isMutable else {
            throw TypeError(expected: [], found: [value.type], place: "an immutable field")
        }
        try held.set(held.fields[index], offset(index), value)
    }

    private func check(_ index: Int) throws {
        guard held.fields.indices.contains(index) else {
            throw TypeError(expected: [], found: [], place: "field \(index) of \(count)")
        }
    }

    private func offset(_ index: Int) -> Int {
        var end = ObjectLayout.headerBytes
        for field in held.fields[..<index] {
            end =
                ObjectLayout.offset(of: field.storage, after: end)
                + ObjectLayout.bytes(of: field.storage)
        }
        return ObjectLayout.offset(of: held.fields[index].storage, after: end)
    }
}

extension Structure: Equatable {
    /// Whether both are the same structure.
    public static func == (left: Structure, right: Structure) -> Bool {
        left.held == right.held
    }
}
