public import ApusFormat
internal import ApusRuntime

/// A guest's table of references. Specification: 4.2.7 “Table Instances”.
public struct Table {
    let references: ReferenceTable
    let store: Store

    init(_ references: ReferenceTable, in store: Store) {
        self.references = references
        self.store = store
    }

    /// Makes a table that belongs to no instance, for instances to import, full of `initial`, or
    /// of null if its elements may be that.
    ///
    /// - Throws: `TypeError` if `type` is no table of references that the host has, or `initial`
    ///   is of another type; `ResourceError` if there is no room.
    public init(_ store: Store, _ type: TableType, initial: Value? = nil) throws {
        guard type.element.isReference else {
            throw TypeError(
                expected: [.funcref, .externref], found: [type.element],
                place: "the elements of a table")
        }
        let bits = try Self.bits(initial, for: type, in: store)
        try self.init(store.runtime.makeTable(type, initial: bits), in: store)
    }

    /// Its type as it was declared; the minimum is the size it began with.
    public var type: TableType { references.type }

    /// The number of elements at present.
    public var count: Int { Int(truncatingIfNeeded: references.count) }

    /// The element at `index`.
    ///
    /// - Throws: `Trap` with the code `tableOutOfBounds` beyond the end.
    public func get(_ index: Int) throws -> Value {
        guard let index = UInt64(exactly: index), let bits = references.get(index) else {
            throw Trap(.tableOutOfBounds)
        }
        return try Value((bits, 0), of: type.element, in: store)
    }

    /// Sets the element at `index`.
    ///
    /// - Throws: `Trap` with the code `tableOutOfBounds` beyond the end; `TypeError` if `value` has
    ///   another type.
    public func set(_ index: Int, _ value: Value) throws {
        let bits = try Self.bits(value, for: type, in: store)
        guard let index = UInt64(exactly: index), references.set(index, bits) else {
            throw Trap(.tableOutOfBounds)
        }
    }

    /// Adds `count` elements of `value`, or of null, and returns how many there were; nil if the
    /// table may not grow so far. Throws `TypeError` if `value` has another type, and what the
    /// store's limiter throws.
    @discardableResult
    public func grow(by count: Int, _ value: Value? = nil) throws -> Int? {
        let bits = try Self.bits(value, for: type, in: store)
        guard let count = UInt64(exactly: count) else { return nil }
        let old = try store.runtime.grow(references, by: count, bits)
        return old.map { Int(truncatingIfNeeded: $0) }
    }

    /// Grows as `grow(by:_:)` does, and waits for what an asynchronous limiter of the store says.
    /// Throws `TypeError` if `value` has another type, and what the limiter throws.
    @discardableResult
    public nonisolated(nonsending) func growAsync(
        by count: Int, _ value: Value? = nil
    ) async throws -> Int? {
        let bits = try Self.bits(value, for: type, in: store)
        guard let count = UInt64(exactly: count) else { return nil }
        let old = try await store.runtime.growAsync(references, by: count, bits)
        return old.map { Int(truncatingIfNeeded: $0) }
    }

    private static func bits(_ value: Value?, for type: TableType, in store: Store) throws -> UInt64
    {
        guard let value = value ?? Value.zero(type.element) else {
            throw TypeError(expected: [type.element], found: [], place: "a table")
        }
        try Value.check([value], against: [type.element], place: "a table")
        return try value.bits(in: store).0
    }
}

extension Table: Equatable {
    /// Whether both are the same table.
    public static func == (left: Table, right: Table) -> Bool {
        left.references === right.references
    }
}
