internal import ApusFormat
internal import ApusRuntime

/// Keeps an object of a store's heap in use as long as the host has it.
final class HeldObject {
    let store: Store
    let type: HeapType
    let kind: CompositeKind
    /// The object's fields; the elements of an array are one.
    let fields: [FieldType]
    private let number: Int

    /// Holds the object whose bits in `store` are `bits`.
    init(_ bits: UInt64, in store: Store) throws {
        self.store = store
        let runtime = try store.runtime
        (type, kind) = runtime.objectType(bits)
        fields = runtime.fields(of: type)
        number = runtime.root(bits)
    }

    /// Makes an object of `type`, of zeros; `length` is that of an array.
    convenience init(of type: HeapType, length: Int = 0, in store: Store) throws {
        let runtime = try store.runtime
        do {
            try self.init(runtime.makeHostObject(type, length: length), in: store)
        } catch let trap as WasmTrap {
            throw Trap(trap, in: runtime)
        }
    }

    /// The type of the objects that `type` refers to.
    ///
    /// - Throws: `TypeError` if they are of another kind; `place` is for its message.
    static func heapType(
        of type: ValueType, _ kind: CompositeKind, in store: Store, place: String
    ) throws -> HeapType {
        guard type.isReference, try store.runtime.objectKind(of: type.heapType) == kind else {
            throw TypeError(expected: [], found: [type], place: place)
        }
        return type.heapType
    }

    deinit { try? store.runtime.unroot(number) }

    /// Its bits in `store`.
    func bits(in store: Store) throws -> UInt64 {
        guard store === self.store else { throw ForeignStoreError(thing: "object") }
        return try bits
    }

    var bits: UInt64 { get throws { try store.runtime.rooted(number) } }

    /// The type of references to it, never null.
    var referenceType: ValueType { .reference(type, nullable: false) }

    /// Whether it may be where a value of `type` is expected.
    func matches(_ type: ValueType) -> Bool {
        guard let types = try? store.runtime.environment.types else { return false }
        return referenceType.matches(type, in: types)
    }

    /// What field number `field` of the object's type holds; of an array, element `index`.
    func get(_ field: FieldType, _ offset: Int) throws -> Value {
        let bits = try store.runtime.read(bits, field.storage, at: offset)
        let isPacked = field.storage == .i8 || field.storage == .i16
        return try Value(bits, of: isPacked ? .i32 : field.storage, in: store)
    }

    /// Sets what `get` gives. Of an i32 a packed field keeps the low bits.
    func set(_ field: FieldType, _ offset: Int, _ value: Value) throws {
        let new = try HeldObject.bits(value, for: field, in: store)
        try store.runtime.write(bits, field.storage, at: offset, new)
    }

    /// The bits of a value that a field of this type may hold.
    static func bits(
        _ value: Value, for field: FieldType, in store: Store
    ) throws -> (UInt64, UInt64) {
        let isPacked = field.storage == .i8 || field.storage == .i16
        try Value.check([value], against: [isPacked ? .i32 : field.storage], place: "a field")
        return try value.bits(in: store)
    }
}

extension HeldObject: Equatable {
    /// Whether both hold the same object.
    static func == (left: HeldObject, right: HeldObject) -> Bool {
        left.store === right.store && (try? left.bits) == (try? right.bits)
    }
}
