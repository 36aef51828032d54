public import ApusFormat
internal import ApusRuntime

/// A guest's global variable. Specification: 4.2.9 “Global Instances”.
public struct Global {
    let cell: GlobalCell
    let store: Store

    init(_ cell: GlobalCell, in store: Store) {
        self.cell = cell
        self.store = store
    }

    /// Makes a global that belongs to no instance, for instances to import.
    ///
    /// - Throws: `ForeignStoreError` if `value` belongs to another store; `ResourceError` if the
    ///   store has no room for it.
    public init(_ store: Store, _ value: Value, isMutable: Bool = false) throws {
        try self.init(store, GlobalType(value.type, isMutable: isMutable), value)
    }

    /// Makes a global of `type` that belongs to no instance, for instances to import.
    ///
    /// - Throws: `TypeError` if `value` is not of its type; `ForeignStoreError` if it belongs to
    ///   another store; `ResourceError` if the store has no room for it.
    public init(_ store: Store, _ type: GlobalType, _ value: Value) throws {
        try Value.check([value], against: [type.value], place: "a global")
        let bits = try value.bits(in: store)
        let cell = try store.runtime.makeGlobal(type, bits: bits.0)
        if case .v128 = value { cell.highBits = bits.1 }
        self.init(cell, in: store)
    }

    /// Its type.
    public var type: GlobalType { cell.type }

    /// The value at present.
    ///
    /// - Throws: `TypeError` if the host has no values of its type.
    public var value: Value {
        get throws { try Value((cell.bits, cell.highBits), of: type.value, in: store) }
    }

    /// Sets the value.
    ///
    /// - Throws: `TypeError` if the global cannot be changed or has another type.
    public func set(_ value: Value) throws {
        guard type.isMutable else {
            throw TypeError(expected: [], found: [value.type], place: "an immutable global")
        }
        try Value.check([value], against: [type.value], place: "a global")
        let bits = try value.bits(in: store)
        cell.bits = bits.0
        if case .v128 = value { cell.highBits = bits.1 }
    }
}

extension Global: Equatable {
    /// Whether both are the same global.
    public static func == (left: Global, right: Global) -> Bool { left.cell === right.cell }
}
