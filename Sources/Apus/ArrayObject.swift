internal import ApusABI
public import ApusFormat
internal import ApusRuntime

/// An array of a guest's, which the host keeps in use as long as it has it.
///
/// Specification: 4.2.12 “Array Instances”.
public struct ArrayObject {
    let held: HeldObject

    init(held: HeldObject) { self.held = held }

    /// Makes an array of the type that `type` refers to, which names it by a number that means
    /// something within the store's engine only, as types of functions and globals do.
    ///
    /// - Throws: `TypeError` if that is no array, or has other elements; `Trap` with the code
    ///   `heapExhausted` or `allocationTooLarge` if there is no room;
    ///   `AsynchronousCallError.storeIsBusy` while a guest has yielded, or waits on another thread.
    public init(_ store: Store, _ type: ValueType, _ values: [Value]) throws {
        let type = try HeldObject.heapType(
            of: type, .array, in: store, place: "the type of an array")
        held = try HeldObject(of: type, length: values.count, in: store)
        for (index, value) in values.enumerated() {
            try held.set(element, offset(index), value)
        }
    }

    /// The type of references to it, never null.
    public var type: ValueType { held.referenceType }
    /// How many elements it has.
    public var count: Int { (try? held.store.runtime.arrayLength(held.bits)) ?? 0 }

    /// Element `index`; of packed ones the number without a sign, as an i32.
    ///
    /// - Throws: `Trap` with the code `arrayOutOfBounds` beyond the end; `TypeError` if the host
    ///   has no values of its type.
    public func get(_ index: Int) throws -> Value {
        try check(index)
        return try held.get(element, offset(index))
    }

    /// Sets element `index`. A packed one keeps the low bits of an i32.
    ///
    /// - Throws: `Trap` with the code `arrayOutOfBounds` beyond the end; `TypeError` if elements
    ///   cannot be changed, or have another type.
    public func set(_ index: Int, _ value: Value) throws {
        guard element.isMutable else {
            throw TypeError(expected: [], found: [value.type], place: "an immutable element")
        }
        try check(index)
        try held.set(element, offset(index), value)
    }

    private var element: FieldType { held.fields[0] }

    private func check(_ index: Int) throws {
        guard index >= 0, index < count else { throw Trap(.arrayOutOfBounds) }
    }

    private func offset(_ index: Int) -> Int {
        ObjectLayout.headerBytes + index * ObjectLayout.bytes(of: element.storage)
    }
}

extension ArrayObject: Equatable {
    /// Whether both are the same array.
    public static func == (left: ArrayObject, right: ArrayObject) -> Bool {
        left.held == right.held
    }
}
