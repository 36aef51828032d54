public import ApusFormat
internal import ApusRuntime

/// A value of the host that guests may hold and pass on but not look into: an `externref`.
///
/// The store keeps the value as long as the guest can reach the reference.
public struct ExternReference {
    /// What the guest cannot see.
    public let value: Any

    /// A reference to `value`, for any number of guests.
    public init(_ value: Any) { self.value = value }
}

extension ExternReference: WasmReference {
    public static var nullableType: ValueType { .externref }

    public static func fromReferenceCell(_ bits: UInt64, _ store: Store) throws -> ExternReference?
    {
        try store.runtime.external(bits).map(ExternReference.init)
    }

    public func referenceCell(_ store: Store) throws -> UInt64 {
        try store.runtime.makeExternal(value)
    }
}

extension Function: WasmReference {
    public static var nullableType: ValueType { .funcref }

    public static func fromReferenceCell(_ bits: UInt64, _ store: Store) throws -> Function? {
        try FunctionReference(bits: bits).map { try Function($0, in: store) }
    }

    public func referenceCell(_ store: Store) throws -> UInt64 {
        guard store === self.store else { throw ForeignStoreError(thing: "function") }
        return reference.bits
    }
}
